"""A known law of images: a few smooth patterns, and noise of one variance."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

MEAN, SIGNAL = 0.5, 0.5  # grey level, and variance of the first pattern


class Factors(NamedTuple):
    """A factor model x = mean + loadings z + noise, z ~ N(0, I).

    Attributes:
      mean: [d].
      loadings: [d, k], orthogonal patterns.
      noise: variance of each pixel's noise.
    """

    mean: Float[np.ndarray, " d"]
    loadings: Float[np.ndarray, "d k"]
    noise: float

    @property
    def eigenvalues(self) -> Float[np.ndarray, " d"]:
        """Of the covariance [d], the largest first."""
        signal = (self.loadings**2).sum(0)
        d, k = self.loadings.shape
        return np.append(np.sort(signal)[::-1], np.zeros(d - k)) + self.noise


def factors(side: int, num: int, noise: float) -> Factors:
    """The factor model of images of side x side pixels.

    Its patterns are waves, the smoothest first (the cosines of a discrete transform,
    without the constant one); the i-th has the variance SIGNAL / i.

    Args:
      side: at least 2.
      num: patterns, fewer than side^2.
      noise: variance of each pixel's noise.
    """
    grid = np.arange(side)
    waves = np.cos(np.pi * (grid[:, None] + 0.5) * grid[None] / side)  # [pixel, wave]
    waves /= np.linalg.norm(waves, axis=0)
    pairs = [(i, j) for i in range(side) for j in range(side)][1:]
    pairs.sort(key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))
    patterns = [np.outer(waves[:, i], waves[:, j]).ravel() for i, j in pairs[:num]]
    lengths = np.sqrt(SIGNAL / np.arange(1, num + 1))
    return Factors(np.full(side**2, MEAN), np.stack(patterns, 1) * lengths, noise)
