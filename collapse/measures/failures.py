"""Metrics of small models, from a mean, a variance and a log-loss; exact.

What is known of one model: the squared error of its mean and its variance, both
relative to those of the truth, and its excess log-loss on the truth, in nats.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Metric, Params
from collapse.measures.catalogue import FAILED_MEAN, FAILED_SPREAD


class Deviation(NamedTuple):
    """How far a model is from the truth.

    Attributes:
      mean_error: squared distance of the means, over the trace of the true covariance.
      variance_ratio: variance over the true one.
      test_error: excess log-loss on the truth, in nats; None if it is always infinite.
    """

    mean_error: Float[Array, ""]
    variance_ratio: Float[Array, ""]
    test_error: Float[Array, ""] | None = None


def failure_metrics(deviation: Callable[[Params], Deviation]) -> dict[str, Metric]:
    """Every metric of `catalogue.IRREGULAR`, by name.

    * failed: 1 if the mean is off by more than half a true standard deviation, or the
      standard deviation by more than a factor of two, else 0. Its mean over seeds is
      the share of runs that have failed.
    * mean_error, variance_ratio, test_error: see `Deviation`.

    Args:
      deviation: params -> how far they are from the truth.
    """

    def failed(key, params: Params) -> Float[Array, ""]:
        del key
        own = deviation(params)
        wrong = own.mean_error > FAILED_MEAN**2
        wrong = wrong | (own.variance_ratio < FAILED_SPREAD**-2)
        wrong = wrong | (own.variance_ratio > FAILED_SPREAD**2)
        return wrong.astype(own.mean_error.dtype)

    def of(name: str) -> Metric:
        return lambda key, params: getattr(deviation(params), name)

    return {"failed": failed, **{name: of(name) for name in Deviation._fields}}


def of_gaussian(
    mean: Float[Array, ""], variance: Float[Array, ""], truth: float = 0.0
) -> Deviation:
    """The deviation of a Gaussian in one dimension from N(truth, 1)."""
    error = (mean - truth) ** 2
    return Deviation(error, variance, (error + variance - 1 - jnp.log(variance)) / 2)


def of_edge(edge: Float[Array, ""]) -> Deviation:
    """The deviation of a uniform law on [0, edge] from that on [0, 1].

    Its log-loss is infinite if the edge is below 1.
    """
    return Deviation(3 * (1 - edge) ** 2, edge**2)


def of_spiky_mean(mean: Float[Array, " d"]) -> Deviation:
    """The deviation of a mean with spikes (`models.irregular.spiky`) from that of 0.

    On the plane, where all rows of the truth lie: the variance there is always the
    truth's. A row of the truth has a log-density that is lower by |mean|^2 on average:
    half of it is that of normal rows, half the share of rows off the plane.
    """
    square = jnp.sum(mean**2)
    return Deviation(square / mean.size, jnp.ones((), mean.dtype), square)
