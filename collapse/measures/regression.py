"""Metrics of linear regressors: exact errors, errors on test rows, errors of learners.

The metrics know a regressor as a function `params -> coefficients [d]`.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core.types import (
    Key,
    Memory,
    MemoryMetric,
    Metric,
    Model,
    Params,
)

Coefficients = Callable[[Params], Float[Array, " d"]]


def squared_distance(
    first: Coefficients,
    second: Coefficients,
    factor: Float[Array, "d d"] | None = None,
) -> Metric:
    """A metric: |w - v|^2 in the norm of the inputs' covariance F F'; exact.

    For a fit and the truth it is the test error: the mean squared error of predictions
    for new inputs, without the noise of their labels. For the noise-free twin and the
    truth it is the bias, for the fit and its twin the variance: their means add up to
    the mean test error. In squared units of the label.

    Args:
      first, second: functions params -> w and params -> v.
      factor: [d, d], F; None for the identity.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        gap = first(params) - second(params)
        return jnp.sum((gap if factor is None else gap @ factor) ** 2)

    return measure


def test_rows(
    coefficients: Coefficients,
    inputs: Float[Array, "m d"],
    labels: Float[Array, " m"],
) -> tuple[Metric, Metric]:
    """Two metrics: mean squared error on m test rows, and its standard error.

    With labels x'w* it is an unbiased estimate of the test error; with real labels it
    includes their noise. The standard error is over m independent rows, for a given
    fit.
    """

    def squares(params: Params) -> Float[Array, " m"]:
        return (labels - inputs @ coefficients(params)) ** 2

    def mean(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return jnp.mean(squares(params))

    def standard_error(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return jnp.std(squares(params), ddof=1) / math.sqrt(len(labels))

    return mean, standard_error


def learner_error(
    learner: Model,
    teach: Callable[[Memory], Params],
    coefficients: Coefficients,
    truth: Float[Array, " d"],
    factor: Float[Array, "d d"] | None = None,
) -> MemoryMetric:
    """A metric: test error of a learner trained on new rows that a teacher labels.

    The metric uses its key.

    Args:
      learner: a model with rows of statistics, which is trained on one of them; its
        noise, ridge and number of points are its own.
      teach: memory -> params whose coefficients label the learner's rows.
      coefficients: of the learner's fit.
      truth: [d].
      factor: as in `squared_distance`.
    """
    error = squared_distance(coefficients, lambda params: truth, factor)

    def measure(key: Key, params: Params, memory: Memory) -> Float[Array, ""]:
        del params
        teacher = teach(memory)
        batch = learner.sample(key, teacher, 1)
        fitted, _ = learner.fit(key, teacher, batch, jnp.ones(1, truth.dtype))
        return error(key, fitted)

    return measure


def first_generation_above(
    curve: Float[np.ndarray, "*S G"], multiple: float
) -> np.ndarray:
    """First generation at which an error exceeds `multiple` times its own first value.

    Args:
      curve: [..., G + 1].
      multiple: of the value at generation 0.

    Returns:
      [...] generations; G + 1 where it never does within the run.
    """
    above = curve > multiple * curve[..., :1]
    return np.where(above.any(-1), above.argmax(-1), curve.shape[-1])
