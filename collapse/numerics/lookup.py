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

    def add(total: Array, weight: Array) -> tuple[Array, Array]:
        return total + weight, total + weight

    # One by one, so that sums rise where a weight is positive alone: those of a
    # parallel sum, whose roundings differ, may fall.
    total = lax.scan(add, jnp.zeros_like(weights[:, 0]), weights.T)[1].T
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
    levels = width.bit_length() - 1

    # A loop: written out XLA fuses all levels, which takes eight times as long.
    def halve(level: Array, found: Array) -> Array:
        step = jnp.int32(1) << (levels - 1 - level).astype(jnp.int32)
        bound = flat.at[found + (step - 1)].get(mode="promise_in_bounds")
        return jnp.where(bound <= word, found + step, found)

    return lax.fori_loop(0, levels, halve, first) - first
