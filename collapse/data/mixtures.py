"""Mixtures of Gaussians that simulations take for nature."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Mixture(NamedTuple):
    """A mixture of Gaussians as plain arrays.

    Attributes:
      weights: [K], summing to 1.
      means: [K, d].
      covariances: [K, d, d].
    """

    weights: Float[np.ndarray, " K"]
    means: Float[np.ndarray, "K d"]
    covariances: Float[np.ndarray, "K d d"]


def rare() -> Mixture:
    """Two broad components and a rare one (weight 0.02) that stands apart.

    Of 300 rows about six come from the rare component: enough to be found at first,
    few enough to be lost by chance within some generations.
    """
    return Mixture(
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


def blob() -> Mixture:
    """One standard Gaussian in the plane, the truth of Shumailov et al.'s notebook.

    They fit two components to it, so generation 0 is already over-parameterised
    (Shumailov et al. 2024, public code, `Normals_GMM_experiments.ipynb`).
    """
    return Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])


TRUTHS = {"rare": rare, "blob": blob}
