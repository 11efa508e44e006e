"""Metrics: estimators bound to a truth or to held-out rows; names: `catalogue`.

A metric is `(key, params) -> scalar`. All metrics of one generation receive the same
key: those that look at a sample of the model look at the same one, which the compiler
draws once. Truths come as plain densities and moments, models as functions.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import chdtri

from collapse.core.types import Key, Metric, Params
from collapse.numerics import draws, estimators

Points = Float[Array, "m d"]
Moments = tuple[Float[Array, " d"], Float[Array, "d d"]]  # mean, covariance factor

# Below this quantile of the truth's log-density a point counts as hallucinated; the
# tail regions begin there.
FLOOR = 0.001
TAILS = {"tail_mass_5pct": 0.05, "tail_mass_1pct": 0.01}


class TailRegion(NamedTuple):
    """Where a truth p is rare: {x : low <= log p(x) < high}.

    Attributes:
      low: log-density at the lower quantile; -inf for none.
      high: log-density at the upper quantile.
      mass: the truth's own mass between them.
    """

    low: float
    high: float
    mass: float


def tail_regions(
    log_density: Float[np.ndarray, " m"], weights: Float[np.ndarray, " m"]
) -> dict[str, TailRegion]:
    """The regions of `tail_mass_5pct`, `tail_mass_1pct` and `hallucinated_mass`.

    Args:
      log_density: [m] log p at points that represent the truth p.
      weights: [m] of those points, summing to 1. The relative error of a region's mass
        is that of this representation: 1 / sqrt(m * mass) for random points, less for
        quasi-random ones.
    """
    order = np.argsort(log_density)
    below = np.cumsum(weights[order])

    def edge(share: float) -> float:
        return float(log_density[order[np.searchsorted(below, share)]])

    def mass(low: float, high: float) -> float:
        return float(weights[(log_density >= low) & (log_density < high)].sum())

    floor = edge(FLOOR)
    edges = {name: (floor, edge(share)) for name, share in TAILS.items()}
    edges["hallucinated_mass"] = (-np.inf, floor)
    return {name: TailRegion(a, b, mass(a, b)) for name, (a, b) in edges.items()}


def tail_mass(
    sample: Callable[[Key, Params, int], Points],
    truth_log_density: Callable[[Points], Float[Array, " m"]],
    region: TailRegion,
    num_points: int,
) -> Metric:
    """Mass of the model in a tail region of the truth, over the truth's own mass there.

    1 if the tail is kept, 0 if it is lost. Estimator: the share of `num_points` samples
    of the model that fall into the region; unbiased, with standard error
    sqrt(p (1 - p) / num_points) / mass where p is the model's mass.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        log_p = truth_log_density(sample(key, params, num_points))
        inside = (log_p >= region.low) & (log_p < region.high)
        return jnp.mean(inside.astype(log_p.dtype)) / region.mass

    return measure


def gaussian_tail_mass(
    moments: Callable[[Params], Moments],
    truth: Moments,
    shares: tuple[float, float],
    num_directions: int,
) -> Metric:
    """`tail_mass` of a Gaussian model for a Gaussian truth, by directions not points.

    The region is the shell between two ellipsoids of the truth. Estimator: the model's
    mass in a ball, exact along each of `num_directions` random directions and their
    opposites (`estimators.ball_mass`); unbiased, without error in one dimension. Its
    standard error is the spread of that mass over directions by sqrt(num_directions):
    a few per cent of a mass near the truth's, more for a model gone far astray.

    Args:
      truth: mean and covariance factor.
      shares: the truth's mass outside the outer and outside the inner ellipsoid; an
        outer share of 0 leaves the region open, as `hallucinated_mass` needs.
    """
    d = truth[0].shape[0]
    outer, inner = (float(np.sqrt(chdtri(d, share))) for share in shares)

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        mean, factor = moments(params)
        mean, factor = _whiten(truth, mean - truth[0]), _whiten(truth, factor)
        z = draws.normal(key, (d, 1 if d == 1 else num_directions), mean.dtype)
        u = (z / jnp.sqrt(jnp.sum(z**2, axis=0))[None]).T
        within = estimators.ball_mass(mean, factor, jnp.asarray(inner, mean.dtype), u)
        if shares[0] == 0:
            return (1 - within) / shares[1]
        reach = estimators.ball_mass(mean, factor, jnp.asarray(outer, mean.dtype), u)
        return (reach - within) / (shares[1] - shares[0])

    return measure


def survival(
    sample: Callable[[Key, Params, int], Points],
    truth_membership: Callable[[Points], Float[Array, " m"]],
    weight: float,
    num_points: int,
) -> Metric:
    """Mass that the model puts on one component of the truth, over its weight.

    1 if the component is kept, 0 if it is lost. A point counts by the truth's posterior
    probability that it belongs to the component. Estimator: the mean over `num_points`
    samples of the model; unbiased, with standard error at most
    sqrt(p (1 - p) / num_points) / weight where p is the model's mass.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        return jnp.mean(truth_membership(sample(key, params, num_points))) / weight

    return measure


def test_error(
    log_density: Callable[[Params, Points], Float[Array, " m"]],
    held_out: Points,
    truth_log_density: Float[Array, " m"] | None = None,
) -> Metric:
    """Excess negative log-likelihood on held-out real rows, in nats a row.

    Mean of log p(x) - log q(x) over the rows, p the truth and q the model: an unbiased
    estimate of the Kullback-Leibler divergence from p to q, so near 0 it may fall below
    it. Its standard error is the spread of that difference over sqrt(rows).

    Args:
      held_out: [m, d].
      truth_log_density: [m], log p at the held-out rows. Where p is not known, None
        leaves it out: the log-loss itself, which differs by the entropy of p.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        found = log_density(params, held_out)
        return jnp.mean(
            -found if truth_log_density is None else truth_log_density - found
        )

    return measure


def moment_metrics(
    moments: Callable[[Params], Moments], truth: Moments
) -> dict[str, Metric]:
    """Metrics of mean and covariance; exact functions of the parameters.

    * variance_ratio: mean over dimensions of the model's variance over the truth's.
    * log_det_ratio: log-determinant of the model's covariance minus the truth's.
    * mean_error: squared distance of the means over the trace of the truth's
      covariance. For a maximum-likelihood fit the expectations of variance_ratio and
      mean_error add up to 1 (law of total variance).

    Args:
      moments: params -> mean [d], triangular covariance factor [d, d].
      truth: the same for the truth.
    """
    mean, factor = truth
    variances = jnp.sum(factor**2, axis=1)

    def variance_ratio(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return jnp.mean(jnp.sum(moments(params)[1] ** 2, axis=1) / variances)

    def log_det_ratio(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return estimators.log_det(moments(params)[1]) - estimators.log_det(factor)

    def mean_error(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return jnp.sum((moments(params)[0] - mean) ** 2) / jnp.sum(variances)

    return {
        "variance_ratio": variance_ratio,
        "log_det_ratio": log_det_ratio,
        "mean_error": mean_error,
    }


def absolute_errors(
    moments: Callable[[Params], Moments], truth: Moments
) -> dict[str, Metric]:
    """Errors of mean and spread, not squared; exact functions of the parameters.

    * absolute_mean_error: distance of the means over the root of the trace of the
      truth's covariance, the root of `mean_error`.
    * absolute_deviation_error: |r - 1| with r the root of `variance_ratio`; in one
      dimension |s - sigma| / sigma for a standard deviation s.
    """
    squares = moment_metrics(moments, truth)

    def absolute_mean_error(key: Key, params: Params) -> Float[Array, ""]:
        return jnp.sqrt(squares["mean_error"](key, params))

    def absolute_deviation_error(key: Key, params: Params) -> Float[Array, ""]:
        return jnp.abs(jnp.sqrt(squares["variance_ratio"](key, params)) - 1)

    return {
        "absolute_mean_error": absolute_mean_error,
        "absolute_deviation_error": absolute_deviation_error,
    }


def w2_squared(moments: Callable[[Params], Moments], truth: Moments) -> Metric:
    """Squared 2-Wasserstein distance between Gaussians; exact."""

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return estimators.w2_squared(*moments(params), *truth)

    return measure


def gaussian_entropy(moments: Callable[[Params], Moments]) -> Metric:
    """Differential entropy of a Gaussian in nats; exact."""

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        mean, factor = moments(params)
        constant = mean.shape[0] * math.log(2 * math.pi * math.e)
        return (constant + estimators.log_det(factor)) / 2

    return measure


def sampled_entropy(
    sample: Callable[[Key, Params, int], Points],
    log_density: Callable[[Params, Points], Float[Array, " m"]],
    num_points: int,
) -> Metric:
    """Differential entropy in nats, as minus the mean log-density of own samples.

    Unbiased, with the spread of the log-density over sqrt(num_points) for standard
    error (about sqrt(d / 2 / num_points) for a Gaussian).
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        return -jnp.mean(log_density(params, sample(key, params, num_points)))

    return measure


def _whiten(truth: Moments, x: Array) -> Array:
    """Coordinates in which the truth is a standard normal."""
    if x.shape[0] == 1:
        return x / truth[1][0, 0]
    return jax.scipy.linalg.solve_triangular(truth[1], x, lower=True)
