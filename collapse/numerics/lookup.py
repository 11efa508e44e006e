"""Draws from many categorical laws at once, each draw from one of them.

A random word is compared with the cumulative shares of its law, by bisection: O(log M)
a draw, however many laws there are.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from collapse.numerics import threefry
from collapse.numerics.threefry import Key

_WHOLE = 2.0**31  # words of a law


def words(key: Key, num: int) -> UInt32[Array, " num"]:
    """Random words below 2^31; consumes the key."""
    if not threefry.applies(key):
        return jax.random.bits(key, (num,), jnp.uint32) >> np.uint32(1)
    both = jnp.concatenate(threefry.words(key, (num + 1) // 2))
    return both[:num] >> np.uint32(1)


def bounds(weights: Float[Array, "laws M"]) -> UInt32[Array, "laws width"]:
    """Where the words of each symbol end, ascending in each law, for `symbols`.

    Probabilities are off by 2^-31 at most, in float32 by the rounding of sums, too. A
    symbol of weight 0 has no word; in a law without any weight symbol 0 has all.

    Args:
      weights: [laws, M], non-negative, of any sum.
    """
    width = 1 << (weights.shape[1] - 1).bit_length()
    # sums rise where a weight is positive alone, in whatever order they are added
    total = jnp.where(weights > 0, jnp.cumsum(weights, axis=1), 0)
    total = lax.cummax(total, axis=1)
    last = total[:, -1:]
    share = jnp.where(last > 0, total / jnp.where(last > 0, last, 1), 1)
    upper = jnp.rint(share * _WHOLE).astype(jnp.uint32)
    spare = ((0, 0), (0, width - weights.shape[1]))
    return jnp.pad(upper, spare, constant_values=np.uint32(2**31))


def symbols(
    upper: UInt32[Array, "laws width"],
    law: Int[Array, " num"],
    word: UInt32[Array, " num"],
) -> Int[Array, " num"]:
    """The symbol [num] that each word stands for in its law, int32.

    Args:
      upper: of `bounds`.
      law: of each draw.
      word: of `words`.
    """
    width, flat = upper.shape[1], upper.reshape(-1)
    first = law.astype(jnp.int32) * np.int32(width)
    found, step = first, width // 2
    while step:
        bound = flat.at[found + np.int32(step - 1)].get(mode="promise_in_bounds")
        found = found + jnp.where(bound <= word, np.int32(step), np.int32(0))
        step //= 2
    return found - first
