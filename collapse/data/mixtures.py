"""Gaussian mixtures that simulations use as data distributions."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class GaussianMixture(NamedTuple):
    """Parameters of a Gaussian mixture, as NumPy arrays.

    Attributes:
      weights: [K], summing to 1.
      means: [K, d].
      covariances: [K, d, d].
    """

    weights: Float[np.ndarray, " K"]
    means: Float[np.ndarray, "K d"]
    covariances: Float[np.ndarray, "K d d"]


def rare() -> GaussianMixture:
    """Two broad components and a separate rare one of weight 0.02.

    Of 300 rows about six come from the rare component: enough for a first fit to find
    it, few enough that it is lost by chance within some generations.
    """
    return GaussianMixture(
        weights=np.array([0.58, 0.40, 0.02]),
        means=np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 5.0]]),
        covariances=np.array(
            [
                [[1.0, 0.4], [0.4, 1.0]],
                [[0.7, -0.3], [-0.3, 1.2]],
                [[0.25, 0.0], [0.0, 0.25]],
            ]
        ),
    )


def blob() -> GaussianMixture:
    """One standard Gaussian in two dimensions, as in Shumailov et al.'s notebook.

    They fit two components to it, so that generation 0 has more than it needs
    (Shumailov et al. 2024, public code, `Normals_GMM_experiments.ipynb`).
    """
    return GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])


TRUTHS = {"rare": rare, "blob": blob}
