"""The order in which weighted rows are used by minibatches."""

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
