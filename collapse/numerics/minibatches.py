"""How many minibatches a training has, and in which order they use weighted rows."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.numerics import draws, threefry
from collapse.numerics.threefry import Key


def order(
    key: Key, weights: Float[Array, " rows"], num: Int[Array, ""], most: int
) -> Int[Array, " most"]:
    """Row numbers in the order of their use; entries after the first `num` are unused.

    Systematic sampling: points evenly spaced over the cumulative weights select each
    row in proportion to its weight, rounded down or up. If a row is used c times, the
    training is divided into c equal parts and each use is at a random time in its part.
    With equal weights and whole passes these are shuffled passes. Consumes the key.

    Args:
      weights: [rows], non-negative; a row of weight 0 is never used.
      num: uses, at most `most`.
      most: length of the result.
    """
    uses = jnp.arange(most, dtype=jnp.int32)
    shift_key, shuffle_key = threefry.split(key)
    cumulative = jnp.cumsum(weights)
    shift = draws.uniform(shift_key, (), cumulative.dtype)
    step = cumulative[-1] / jnp.asarray(num, cumulative.dtype)
    point = (uses.astype(cumulative.dtype) + shift) * step
    row = jnp.searchsorted(cumulative, point, side="right").astype(jnp.int32)
    # rounding may put the last point beyond the last row that has a weight
    last_used = jnp.searchsorted(cumulative, cumulative[-1], side="left")
    row = jnp.minimum(row, last_used.astype(jnp.int32))
    first, last = (jnp.searchsorted(row, row, side=s) for s in ("left", "right"))
    uses_of_row = jnp.minimum(last, num) - first
    within = draws.uniform(shuffle_key, uses.shape, cumulative.dtype)
    within = within + (uses - first).astype(within.dtype)
    time = within / uses_of_row.astype(within.dtype)
    return row[jnp.argsort(jnp.where(uses < num, time, 2))]


def num_steps(
    steps: int,
    epochs: float,
    batch_size: int,
    weights: Float[Array, " rows"],
    most_rows: int,
) -> tuple[Int[Array, ""], int]:
    """Number of steps, and the largest number there can be.

    Args:
      steps: their number, if there are no `epochs`.
      epochs: passes over rows of weight 1, so that training grows with the data; 0 for
        a fixed number of steps.
      batch_size: rows of a step.
      weights: [rows], non-negative.
      most_rows: largest sum of the weights; for a larger one no more steps are taken.
    """
    if not epochs:
        return jnp.int32(steps), steps
    most = max(math.ceil(epochs * most_rows / batch_size), 1)
    found = jnp.ceil(epochs / batch_size * jnp.sum(weights))
    return jnp.clip(found.astype(jnp.int32), 1, most), most
