"""What is measured of a mixture model, whichever experiment it is in."""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from collapse.core.types import Metric
from collapse.data.mixtures import GaussianMixture
from collapse.experiment.lazy import load
from collapse.lab.stored import remembered
from collapse.measures import metrics as m
from collapse.measures.density import NUM_POINTS, Density, Truth, density_metrics
from collapse.models.gmm import model as gmm
from collapse.models.gmm.model import GmmParams
from collapse.numerics import estimators
from collapse.numerics.threefry import Key
from collapse.sims.gmm.experiment import RARE


def _moments(params: GmmParams) -> m.Moments:
    mean, covariance = gmm.moments(params)
    return mean, jnp.linalg.cholesky(covariance)


MODEL = Density(gmm.sample_points, gmm.log_density, _moments)


class Bound(NamedTuple):
    """A truth, and every metric but the test error bound to it."""

    params: GmmParams
    truth: Truth
    metrics: dict[str, Metric]


def params_of(mixture: GaussianMixture) -> GmmParams:
    """The parameters of a mixture as arrays in the current precision of jax."""
    return GmmParams(*(jnp.asarray(x, jnp.result_type(float)) for x in mixture))


def bind(params: GmmParams) -> Bound:
    """The metrics of the family for a mixture as the truth."""

    def log_density(points: Array) -> Array:
        return gmm.log_density(params, points)

    name = tuple((x.dtype.name, x.shape, x.tobytes()) for x in map(np.asarray, params))
    # found without SciPy's statistics, which take a second to load, the next time
    regions = remembered(
        lambda: load("collapse.sims.gmm.regions").regions(params), "tail regions", name
    )
    # one by one its operations are compiled, which takes longer than all else here
    moments = remembered(lambda: _moments(params), "moments", name)
    truth = Truth(log_density, moments, regions)

    def membership(k: int, points: Array) -> Array:
        return gmm.responsibilities(params, points)[k]

    def l2_squared(key: Key, other: GmmParams) -> Any:
        del key
        return estimators.mixture_l2_squared(*other, *params)

    found = density_metrics(MODEL, truth) | {"l2_squared": l2_squared}
    for k in np.flatnonzero(np.asarray(params.weights) <= RARE):
        found[f"survival_{k + 1}"] = m.survival(
            gmm.sample_points,
            functools.partial(membership, int(k)),
            float(params.weights[k]),
            NUM_POINTS,
        )
    return Bound(params, truth, found)
