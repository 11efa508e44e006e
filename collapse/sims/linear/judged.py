"""What is known of rows (x, y) of a linear law, for judges of them."""

import functools
import math
from typing import Any

import jax.numpy as jnp
import scipy  # its parts are loaded when first used
from jaxtyping import Array, Bool, Float

from collapse.core import streams
from collapse.core.types import Key
from collapse.experiment.row_truth import Bias, Knowledge, RowTruth
from collapse.models.linear.model import LinearParams
from collapse.models.linear.rows import FreshSamples
from collapse.numerics import draws


def judged(dimension: int) -> RowTruth:
    """What is known of rows whose labels have noise about x'w.

    A score is minus |y - x'w| in standard deviations of the noise, and a row is right
    if its label has the sign of x'w: two classes. A judge with a bias has the first
    coefficient wrong, by so many standard deviations.
    """
    return RowTruth(functools.partial(_knowledge, dimension), _reach)


def _reach(share: float) -> float:
    """Distance |y - x'w| within which a share of the labels lies."""
    return float(scipy.special.ndtri((1 + share) / 2))


def _knowledge(dimension: int, root: Key, noise: Any, *values: Any) -> Knowledge:
    """What is known of one seed's law, with the variance of its noise."""
    del values
    key = streams.key(root, 0, streams.Purpose.TRUTH)
    truth, deviation = draws.normal(key, (2, dimension))[0], jnp.sqrt(noise)

    def labels(batch: FreshSamples, bias: Bias) -> Float[Array, " rows"]:
        return batch.x @ truth.at[0].add(bias * deviation)

    def score(batch: FreshSamples, bias: Bias) -> Float[Array, " rows"]:
        return -jnp.abs(batch.y[:, 0] - labels(batch, bias)) / deviation

    def right(batch: FreshSamples, bias: Bias) -> Bool[Array, " rows"]:
        return batch.y[:, 0] * labels(batch, bias) > 0

    def displaced(batch: FreshSamples, bias: Bias) -> FreshSamples:
        moved = bias * deviation * batch.x[:, 0]
        return batch._replace(y=batch.y + moved[:, None])

    def project(
        batch: FreshSamples, reference: FreshSamples, bias: Bias
    ) -> FreshSamples:
        del reference
        there = jnp.broadcast_to(labels(batch, bias)[:, None], batch.y.shape)
        return batch._replace(y=there)

    def log_density(
        coefficients: Float[Array, " d"], batch: FreshSamples
    ) -> Float[Array, " rows"]:
        gap = (batch.y[:, 0] - batch.x @ coefficients) / deviation
        return -0.5 * gap**2 - jnp.log(deviation) - math.log(2 * math.pi) / 2

    def log_model(params: LinearParams, batch: FreshSamples) -> Float[Array, " rows"]:
        return log_density(params.coefficients[0], batch)

    return Knowledge(
        score=score,
        right=right,
        displaced=displaced,
        project=project,
        log_truth=functools.partial(log_density, truth),
        log_model=log_model,
        features=_features,
    )


def _features(batch: FreshSamples) -> Float[Array, "rows f"]:
    """All products of two of x and y, in which log-densities of labels differ."""
    both = jnp.concatenate([batch.x, batch.y[:, :1]], axis=1)
    upper, right = jnp.triu_indices(both.shape[1])
    return both[:, upper] * both[:, right]
