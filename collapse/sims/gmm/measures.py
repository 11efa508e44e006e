"""What is measured of a mixture model, whichever experiment it is in."""

import functools
from typing import Any

import numpy as np

from collapse.data.mixtures import Mixture
from collapse.lab import stored

RARE = 0.05  # components of the truth up to this weight are watched
_POINTS = 4000  # samples of a model that its metrics look at
_LOG2_QUANTILE_POINTS = 18  # for each component of the truth
_FOUND: dict[tuple[Any, ...], dict[str, Any]] = {}  # of the mixture met last


def params_of(mixture: Mixture) -> Any:
    """A mixture in the precision that jax is set to."""
    import jax.numpy as jnp

    from collapse.models.gmm.model import GmmParams

    return GmmParams(*(jnp.asarray(x, jnp.result_type(float)) for x in mixture))


def metrics(truth: Any) -> dict[str, Any]:
    """Every metric of the family but the test error, bound to a mixture."""
    import jax.numpy as jnp

    from collapse.measures import metrics as m
    from collapse.models.gmm import model as gmm
    from collapse.numerics import estimators

    def moments_of(params: gmm.GmmParams) -> m.Moments:
        mean, covariance = gmm.moments(params)
        return mean, jnp.linalg.cholesky(covariance)

    def log_p(points: Any) -> Any:
        return gmm.log_density(truth, points)

    def membership(k: int, points: Any) -> Any:
        return gmm.responsibilities(truth, points)[k]

    def l2_squared(key: Any, params: gmm.GmmParams) -> Any:
        del key
        return estimators.mixture_l2_squared(*params, *truth)

    found = {
        name: m.tail_mass(gmm.sample_points, log_p, region, _POINTS)
        for name, region in _regions(truth).items()
    }
    for k in np.flatnonzero(np.asarray(truth.weights) <= RARE):
        found[f"survival_{k + 1}"] = m.survival(
            gmm.sample_points,
            functools.partial(membership, int(k)),
            float(truth.weights[k]),
            _POINTS,
        )
    return {
        **found,
        **m.moment_metrics(moments_of, moments_of(truth)),
        "l2_squared": l2_squared,
        "entropy": m.sampled_entropy(gmm.sample_points, gmm.log_density, _POINTS),
    }


def _regions(truth: Any) -> dict[str, Any]:
    """The tail regions of a mixture, found once: all workflows have the same truth."""
    from collapse.measures import metrics as m

    def found() -> dict[str, Any]:
        return m.tail_regions(*_quantile_points(truth))

    arrays = tuple(np.asarray(x) for x in truth)
    what = tuple((x.dtype.name, x.shape, x.tobytes()) for x in arrays)
    if what not in _FOUND:
        _FOUND.clear()
        _FOUND[what] = stored.remembered(found, "tail regions", what)
    return _FOUND[what]


def _quantile_points(truth: Any) -> tuple[np.ndarray, np.ndarray]:
    """Log-density and weight of points that represent the truth.

    The same scrambled Sobol points for every component, weighted by the component.
    """
    import jax
    import jax.numpy as jnp
    from scipy.special import ndtri
    from scipy.stats import qmc

    from collapse.models.gmm.model import log_density

    d = truth.means.shape[1]
    sobol = qmc.Sobol(d, seed=0).random_base2(_LOG2_QUANTILE_POINTS)
    z = ndtri(np.clip(sobol, 1e-12, 1 - 1e-12))
    roots = np.linalg.cholesky(np.asarray(truth.covariances, float))
    points = np.asarray(truth.means, float)[:, None] + z @ np.swapaxes(roots, 1, 2)
    flat = jnp.asarray(points.reshape(-1, d), truth.means.dtype)
    weights = np.repeat(np.asarray(truth.weights, float) / len(z), len(z))
    return np.asarray(jax.jit(log_density)(truth, flat), float), weights
