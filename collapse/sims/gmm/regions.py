"""Where a mixture is rare: its tail regions, from points that represent it."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from collapse.measures.metrics import TailRegion, tail_regions
from collapse.models.gmm.model import GmmParams, log_density

_LOG2_QUANTILE_POINTS = 18  # for each component of the truth


def regions(truth: GmmParams) -> dict[str, TailRegion]:
    """Metric -> the region of the truth whose mass it measures."""
    return tail_regions(*_quantile_points(truth))


def _quantile_points(truth: GmmParams) -> tuple[np.ndarray, np.ndarray]:
    """Log-density and weight of points that represent the truth.

    The same scrambled Sobol points for every component, weighted by the component.
    """
    d = truth.means.shape[1]
    sobol = qmc.Sobol(d, seed=0).random_base2(_LOG2_QUANTILE_POINTS)
    z = ndtri(np.clip(sobol, 1e-12, 1 - 1e-12))
    roots = np.linalg.cholesky(np.asarray(truth.covariances, float))
    points = np.asarray(truth.means, float)[:, None] + z @ np.swapaxes(roots, 1, 2)
    flat = jnp.asarray(points.reshape(-1, d), truth.means.dtype)
    weights = np.repeat(np.asarray(truth.weights, float) / len(z), len(z))
    return np.asarray(jax.jit(log_density)(truth, flat), float), weights
