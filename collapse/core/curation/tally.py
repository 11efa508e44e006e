"""What a curator did in a generation, in numbers that a run's trace can hold."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Info, Weights

KEPT, EFFECTIVE = "kept_share", "effective_share"  # names in `Trace.info`


class Tally(NamedTuple):
    """Counts and sums over one slot; sums of tallies are tallies of several slots.

    Attributes:
      candidates: that were looked at.
      accepted: of these, with positive weight and within the keep rate.
      positions: that were to be filled.
      total: sum of the weights of the rows that fill them.
      squares: sum of the squares of these weights.
    """

    candidates: Float[Array, "*slots"]
    accepted: Float[Array, "*slots"]
    positions: Float[Array, "*slots"]
    total: Float[Array, "*slots"]
    squares: Float[Array, "*slots"]


def nothing() -> Tally:
    """The tally of a generation without candidates, such as the one of real rows."""
    zero = jnp.zeros(())
    return Tally(zero, zero, zero, zero, zero)


def count(
    admitted: Weights,
    stored: Float[Array, " num"],
    span: tuple[int | Int[Array, ""], int | Int[Array, ""]],
) -> Tally:
    """The tally of one slot.

    Args:
      admitted: [c * num] weights of all candidates, 0 for those that are rejected.
      stored: [num] weights of the rows that are kept.
      span: first and last position that was to be filled, counted as in `range`.
    """
    first, last = (jnp.asarray(end, jnp.int32) for end in span)
    dtype = admitted.dtype
    positions = (last - first).astype(dtype)
    each = jnp.asarray(admitted.shape[0] // stored.shape[0], dtype)
    return Tally(
        candidates=each * positions,
        accepted=jnp.sum((admitted > 0).astype(dtype)),
        positions=positions,
        total=jnp.sum(stored),
        squares=jnp.sum(stored**2),
    )


def shares(tally: Tally) -> Info:
    """The entries of a trace: two scalars in [0, 1], both 1 without candidates.

    `kept_share` is the share of candidates that the curator accepts, whether or not
    there is room for them. `effective_share` is the effective sample size of the rows
    stored, (sum w)^2 / sum w^2 (Kish 1965), over the number of positions: 1 if all
    positions are filled with equal weights, lower if some are empty or weights differ.
    """
    effective = _ratio(tally.total**2, tally.squares, 0.0)
    return {
        KEPT: _ratio(tally.accepted, tally.candidates, 1.0),
        EFFECTIVE: _ratio(effective, tally.positions, 1.0),
    }


def thinned(info: Info, before: Weights, after: Weights) -> Info:
    """The entries of a trace once stored rows have been curated a second time.

    The share of accepted candidates falls by the share of stored rows that are left.

    Args:
      info: of `shares`.
      before: [rows] weights of the rows stored, 0 for real and empty ones.
      after: [rows] the same after the second time.
    """
    rows = [jnp.sum((w > 0).astype(w.dtype)) for w in (before, after)]
    sizes = [_ratio(jnp.sum(w) ** 2, jnp.sum(w**2), 0.0) for w in (before, after)]
    return {
        KEPT: info[KEPT] * _ratio(rows[1], rows[0], 1.0),
        EFFECTIVE: info[EFFECTIVE] * _ratio(sizes[1], sizes[0], 1.0),
    }


def _ratio(above: Array, below: Array, otherwise: float) -> Float[Array, ""]:
    """A quotient, or another number where it is one by 0."""
    there = below > 0
    return jnp.where(there, above / jnp.where(there, below, 1), otherwise)
