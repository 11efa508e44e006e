"""Curved data distributions of scikit-learn's generators, drawn row by row.

Kazdan et al. (arXiv:2410.16713) train kernel density estimates on them. Rows are
independent here, where scikit-learn spaces two of the shapes evenly; and the centres of
the blobs are fixed, where the authors' code draws them anew for training and for test
rows.
"""

import math
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.numerics import draws, threefry
from collapse.numerics.threefry import Key

NOISE = 0.05  # standard deviation about a curve
FACTOR = 0.8  # radius of the inner circle
CENTRES = np.array([[-5.0, -3.0], [0.0, 6.0], [6.0, -4.0]])  # of blobs of variance 1
DIMENSION: Mapping[str, int] = {"blobs": 2, "moons": 2, "circles": 2, "swiss_roll": 3}


def sample(
    shape: str, key: Key, num: int, noise: float = NOISE
) -> Float[Array, "num d"]:
    """Rows [num, d] of a shape, each half or third with equal probability.

    Args:
      shape: `blobs`, `moons`, `circles` or `swiss_roll`, as scikit-learn's `make_...`.
      key: consumed.
      num: rows.
      noise: standard deviation about the curve; blobs have none of their own.

    Raises:
      KeyError: for any other shape.
    """
    along, across = threefry.split(key)
    d = DIMENSION[shape]
    u, v = draws.uniform(along, (2, num), jnp.result_type(float))
    z = draws.normal(across, (num, d), u.dtype)
    if shape == "blobs":
        centres = jnp.asarray(CENTRES, u.dtype)
        return centres[jnp.floor(u * len(CENTRES)).astype(int)] + z
    first = v < 0.5
    if shape == "moons":
        t = math.pi * u
        x = jnp.where(first, jnp.cos(t), 1 - jnp.cos(t))
        curve = [x, jnp.where(first, jnp.sin(t), 0.5 - jnp.sin(t))]
    elif shape == "circles":
        radius, t = jnp.where(first, 1.0, FACTOR).astype(u.dtype), 2 * math.pi * u
        curve = [radius * jnp.cos(t), radius * jnp.sin(t)]
    else:
        t = 1.5 * math.pi * (1 + 2 * u)
        curve = [t * jnp.cos(t), 21 * v, t * jnp.sin(t)]
    return jnp.stack(curve, axis=1) + noise * z
