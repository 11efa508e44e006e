"""Random selection: the control of every curator that keeps some rows."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.keeping import num_rows
from collapse.core.curation.ranking import largest
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.numerics import draws


def at_random(keep_rate: Number, candidates: int = 1, exact: bool = False) -> Curator:
    """The curator that keeps rows at random, whatever they are.

    What a selection does beyond random selection at the same rate is what its choice
    of rows does; the rest is only fewer rows (Qiao et al. 2026, arXiv:2606.13732, show
    that selection can collapse a loop that accumulates, which random selection does
    not). `shuffled` is the same control for curators whose rate is not known, or whose
    weights differ.

    Args:
      keep_rate: probability that a candidate is kept.
      candidates: rows generated for each row kept.
      exact: keep this share of the candidates of a slot, rounded, and not each one
        with this probability: the control of curators that keep a fixed number.

    Raises:
      ValueError: if the rate is no probability.
    """
    within("keep_rate", keep_rate, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del reference
        unit = draws.uniform(key, (num_rows(batch),))
        if exact:
            return largest(unit, keep_rate)
        return chosen(unit, jnp.asarray(keep_rate, unit.dtype))

    return Curator(candidates, weigh)


def chosen(unit: Float[Array, " rows"], probability: Float[Array, "..."]) -> Weights:
    """Weights of 1 where a uniform number lies below a probability, else 0."""
    return (unit < jnp.broadcast_to(probability, unit.shape)).astype(unit.dtype)
