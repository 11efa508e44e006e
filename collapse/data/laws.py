"""Known laws of points in space and of angles that simulations learn.

Mixtures of round normals, which are wrapped on a torus: their samples, Hermite moments
and Fourier coefficients are known exactly. In space they are moved and scaled, all axes
alike, to mean 0 and unit mean variance.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.numerics import draws, threefry
from collapse.numerics.multinomial import categorical
from collapse.numerics.threefry import Key

Space = Literal["euclidean", "torus"]


class Law(NamedTuple):
    """A mixture of round normals, in space or wrapped on a torus.

    Attributes:
      space: of the points; angles on a torus are in radians.
      weights: [K], summing to 1.
      means: [K, d].
      deviations: [K], standard deviation of each, before it is wrapped.
    """

    space: Space
    weights: Float[np.ndarray, " K"]
    means: Float[np.ndarray, "K d"]
    deviations: Float[np.ndarray, " K"]

    @property
    def dimension(self) -> int:
        """Coordinates of a point."""
        return self.means.shape[1]


def sample(
    law: Law, key: Key, num: int
) -> tuple[Float[Array, "num d"], Int[Array, " num"]]:
    """Independent points of a law, and the component of each; consumes the key."""
    kind = jnp.result_type(float)
    pick_key, noise_key = threefry.split(key)
    weights, means, spread = (jnp.asarray(x, kind) for x in law[1:])
    label = categorical(pick_key, weights, num)
    z = draws.normal(noise_key, (law.dimension, num), kind).T
    points = means[label] + spread[label][:, None] * z
    if law.space == "torus":
        points = points - 2 * math.pi * jnp.round(points / (2 * math.pi))
    return points, label


def log_density(law: Law, points: Float[Array, "m d"]) -> Float[Array, "m K"]:
    """Log of each component's weight times its density at points, in nats.

    On a torus the nearest image of a mean counts alone: deviations are far below pi.
    """
    weights, means, spread = (jnp.asarray(x, points.dtype) for x in law[1:])
    gaps = points[:, None] - means[None]
    if law.space == "torus":
        gaps = gaps - 2 * math.pi * jnp.round(gaps / (2 * math.pi))
    squares = jnp.sum((gaps / spread[None, :, None]) ** 2, axis=2) / 2
    scale = jnp.log(spread) + math.log(2 * math.pi) / 2
    return jnp.log(weights)[None] - squares - law.dimension * scale[None]


def standardised(law: Law) -> Law:
    """The law in space moved and scaled to mean 0 and unit variance, mean over axes."""
    mean = law.weights @ law.means
    centred = law.means - mean
    square = law.weights @ ((centred**2).mean(1) + law.deviations**2)
    scale = math.sqrt(square)
    return law._replace(means=centred / scale, deviations=law.deviations / scale)


def line() -> Law:
    """Two normals on the line, 6.7 standard deviations apart."""
    means = np.array([[-1.5], [1.5]])
    return standardised(
        Law("euclidean", np.array([0.5, 0.5]), means, np.array([0.45, 0.45]))
    )


def mixture() -> Law:
    """Four normals in the plane, one of them rare."""
    means = np.array([[-2.0, 0.0], [2.0, 0.5], [0.5, -2.5], [0.0, 2.5]])
    weights = np.array([0.40, 0.35, 0.20, 0.05])
    return standardised(Law("euclidean", weights, means, np.array([0.4] * 4)))


def circle() -> Law:
    """Three wrapped normals on the circle, one of them rare."""
    means = np.array([[0.0], [2.0], [-2.0]])
    weights = np.array([0.65, 0.30, 0.05])
    return Law("torus", weights, means, np.array([0.3, 0.3, 0.3]))


def torus() -> Law:
    """Three wrapped normals of two angles, one of them rare."""
    means = np.array([[-1.5, 2.5], [-1.2, -0.6], [1.0, 0.8]])
    weights = np.array([0.50, 0.45, 0.05])
    return Law("torus", weights, means, np.array([0.35, 0.25, 0.2]))


LAWS: Mapping[str, Callable[[], Law]] = {
    "line": line,
    "mixture": mixture,
    "circle": circle,
    "torus": torus,
}

RING_NOISE = 0.05  # standard deviation about the ring, whose radius is 1


def ring(key: Key, num: int) -> Float[Array, "num d"]:
    """Points near a circle in the plane, of unit mean variance; consumes the key."""
    kind = jnp.result_type(float)
    along, across = threefry.split(key)
    angle = 2 * math.pi * draws.uniform(along, (num,), kind)
    z = draws.normal(across, (2, num), kind)
    points = jnp.stack([jnp.cos(angle), jnp.sin(angle)]) + RING_NOISE * z
    return points.T / RING_SCALE


RING_SCALE = math.sqrt(0.5 + RING_NOISE**2)  # one unit of points in radii
