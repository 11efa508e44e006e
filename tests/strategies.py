"""Hypothesis strategies: values vary, shapes hardly, since a shape is a compilation.

All arrays are NumPy's, in the precision that jax is set to.
"""

from typing import NamedTuple

import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
from hypothesis.extra import numpy as st_numpy
from jaxtyping import Float, Int

from collapse import workflows as lab
from collapse.types import Workflow

ROW_SHAPES = ((1, 1), (7, 1), (12, 3))
STORE_SHAPES = ((1, 4), (4, 1), (6, 5))


class WeightedBatch(NamedTuple):
    """Rows with weights of which one at least is positive."""

    rows: Float[np.ndarray, "rows d"]
    weights: Float[np.ndarray, " rows"]


class Provenance(NamedTuple):
    """A store's origins in a generation that has been written."""

    origin: Int[np.ndarray, "slots n"]
    generation: int


class NamedWorkflow(NamedTuple):
    """A workflow, what made it, and the number of generations it is made for."""

    name: str
    workflow: Workflow
    num_generations: int


@st.composite
def weighted_batches(draw, shapes=ROW_SHAPES) -> WeightedBatch:
    """Rows and weights, with zero weights, equal rows and single rows among them."""
    shape = draw(st.sampled_from(shapes))
    dtype = jnp.result_type(float)
    halves = st.integers(-6, 6).map(lambda half: half / 2)  # few values, so ties
    anything = st.floats(-100, 100, width=16)
    elements = draw(st.sampled_from([halves, anything]))
    rows = draw(st_numpy.arrays(dtype, shape, elements=elements, fill=st.nothing()))
    if draw(st.booleans()):
        rows[shape[0] // 2 :] = rows[0]
    share = st.one_of(st.just(0), st.integers(1, 3), st.floats(0.125, 4, width=16))
    weights = draw(st_numpy.arrays(dtype, shape[0], elements=share, fill=st.nothing()))
    if not weights.any():
        weights[draw(st.integers(0, shape[0] - 1))] = 1
    return WeightedBatch(rows, weights)


@st.composite
def origins(draw, shapes=STORE_SHAPES) -> Provenance:
    """Who wrote each row: slots are empty (-1) or full, rows real (0) or by any author.

    Any order of slots and any share of real rows, whether a workflow of ours would
    leave such a store behind or not. At least one slot is full.
    """
    num_slots, num_rows = draw(st.sampled_from(shapes))
    generation = draw(st.integers(0, num_slots - 1))
    authors = st.integers(0, generation)
    origin = draw(
        st_numpy.arrays(
            np.int32, (num_slots, num_rows), elements=authors, fill=st.nothing()
        )
    )
    full = draw(st_numpy.arrays(bool, num_slots, fill=st.nothing()))
    full[draw(st.integers(0, num_slots - 1))] = True
    return Provenance(np.where(full[:, None], origin, np.int32(-1)), generation)


@st.composite
def workflows(draw) -> NamedWorkflow:
    """Every workflow of the lab, with its arguments."""
    num_generations = draw(st.sampled_from([1, 3, 5]))
    size, fraction = draw(st.integers(1, 4)), draw(st.floats(0, 1, width=16))
    makers = {
        "replace": lab.replace,
        "accumulate": lambda: lab.accumulate(num_generations),
        "fixed_budget": lambda: lab.fixed_budget(num_generations),
        "window": lambda: lab.window(size),
        "replace_multiple": lambda: lab.replace_multiple(num_generations),
        "mix fresh": lambda: lab.mix(fraction, "fresh"),
        "mix fixed": lambda: lab.mix(fraction, "fixed"),
    }
    name = draw(st.sampled_from(sorted(makers)))
    return NamedWorkflow(name, makers[name](), num_generations)
