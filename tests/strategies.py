"""Hypothesis strategies: values vary, shapes hardly, since a shape is a compilation.

All arrays are NumPy's, in the precision that jax is set to.
"""

from typing import NamedTuple

import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
from hypothesis.extra import numpy as st_numpy
from jaxtyping import Float

ROW_SHAPES = ((1, 1), (7, 1), (12, 3))


class WeightedBatch(NamedTuple):
    """Rows with weights of which one at least is positive."""

    rows: Float[np.ndarray, "rows d"]
    weights: Float[np.ndarray, " rows"]


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


def texts(longest=12, most=8) -> st.SearchStrategy[list[str]]:
    """Texts of any characters, also surrogates, and of few, so that some agree."""
    few = st.text("ab", max_size=longest)
    return st.lists(st.text(st.characters(), max_size=longest) | few, max_size=most)
