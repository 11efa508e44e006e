"""Modes of a law: means of Hermite polynomials in space, Fourier series on a torus.

What diffusion does to a law is simplest in its modes: see `theory.diffusion`.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core.types import Key, Metric, Params


def hermite_mode(
    points: Callable[[Params], Float[Array, "m d"]],
    order: int,
    truth: Float[np.ndarray, " d"],
) -> Metric:
    """The model's mean of He_j over the truth's: 1 if the shape is kept, 0 if lost.

    He_j is the Hermite polynomial with leading coefficient 1. Of several coordinates it
    is the projection on the truth's: sum of products over the sum of squares.
    Estimator: the mean over the points; unbiased.

    Args:
      points: of the model, in units in which noise is a standard normal.
      order: j.
      truth: [d] means of He_j of the truth's coordinates.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        x = points(params)
        before, found = jnp.ones_like(x), x
        for j in range(1, order):
            before, found = found, x * found - j * before
        known = jnp.asarray(truth, x.dtype)
        return jnp.mean(found, axis=0) @ known / jnp.sum(known**2)

    return measure


def fourier_mode(
    points: Callable[[Params], Float[Array, "m d"]],
    mode: int,
    truth: np.ndarray,
) -> Metric:
    """The model's mean of e^(i k x) over the truth's, in the truth's direction.

    1 if the shape is kept, 0 if it is lost. Of several angles the projection, as of
    `hermite_mode`. Estimator: the mean over the points; unbiased.

    Args:
      points: of the model, angles in radians.
      mode: k.
      truth: [d] complex means of the truth's angles.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        x = mode * points(params)
        across, along = (
            jnp.asarray(part, x.dtype) for part in (np.real(truth), np.imag(truth))
        )
        shared = jnp.mean(jnp.cos(x), axis=0) @ across
        shared = shared + jnp.mean(jnp.sin(x), axis=0) @ along
        return shared / jnp.sum(across**2 + along**2)

    return measure
