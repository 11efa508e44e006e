"""Other ways to draw standard normals in float64 than the lab's, for comparison.

The lab inverts the normal distribution function. Box and Muller's transform makes a
pair of normals from two uniforms with one logarithm, one root, and the sine and cosine
of an angle, which is less work than two inversions. The variates are others, so that
the lab's results would change in all their digits: these ways are measured, not used.

References:
  Box & Muller 1958 (Annals of Mathematical Statistics 29:610).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from collapse.numerics import threefry
from collapse.numerics.inverse_error import _log, _polynomial

# Taylor series of sin(y) / y in y^2 for |y| <= pi / 2, to the last digit
_SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(10, -1, -1)]


def pair(radius_unit: jax.Array, turn: jax.Array) -> jax.Array:
    """Independent standard normals [2 n] from uniforms on (0, 1] and [0, 1), n each."""
    # the barriers keep XLA from computing the root again for each of the two, and both
    # of them for each entry of the result
    radius = lax.optimization_barrier(jnp.sqrt(-2 * _log(radius_unit)))
    centred = turn - 0.5
    size = jnp.abs(centred)
    sine = jnp.sign(centred) * jnp.minimum(
        size, 0.5 - size
    )  # of a turn, in [-1, 1] / 4
    both = (radius * _sine(0.25 - size), radius * _sine(sine))
    return jnp.concatenate(lax.optimization_barrier(both))


def _sine(turn: jax.Array) -> jax.Array:
    """Sine of a part of a turn in [-1/4, 1/4]."""
    y = turn * (2 * math.pi)
    return y * _polynomial(_SINE, y * y)


def _unit(high: jax.Array, low: jax.Array) -> jax.Array:
    """Uniforms on [0, 1) from 64 random bits each, of which 52 are used."""
    word = (high.astype(jnp.uint64) << np.uint64(32)) | low.astype(jnp.uint64)
    bits = (word >> np.uint64(12)) | np.uint64(0x3FF0000000000000)
    return lax.bitcast_convert_type(bits, jnp.float64) - 1


def _unit_short(word: jax.Array) -> jax.Array:
    """Uniforms on [0, 1) from 32 random bits each, in the middle of 2^32 cells."""
    bits = (word.astype(jnp.uint64) << np.uint64(20)) | np.uint64(0x3FF0000000080000)
    return lax.bitcast_convert_type(bits, jnp.float64) - 1


def box_muller(key: jax.Array, num: int) -> jax.Array:
    """Normals [num] from uniforms of 52 bits; none is beyond 8.5."""
    half = (num + 1) // 2
    high, low = threefry.words(key, 2 * half)
    unit = _unit(high, low)
    return pair(1 - unit[:half], unit[half:])[:num]


def box_muller_short(key: jax.Array, num: int) -> jax.Array:
    """Normals [num] from one call of the generator a pair, 32 bits a uniform.

    None is beyond 6.8, and their radius has 2^32 values.
    """
    high, low = threefry.words(key, (num + 1) // 2)
    return pair(1 - _unit_short(high), _unit_short(low))[:num]


WAYS = {"Box-Muller": box_muller, "Box-Muller of 32 bits": box_muller_short}
