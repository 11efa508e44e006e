"""What is known of rows of a standard normal, for judges of them. Imports jax."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import scipy  # its parts are loaded when first used
from jaxtyping import Array, Bool, Float

from collapse.core.curation.discriminator import values_and_squares
from collapse.core.types import Batch, Key, Params
from collapse.experiment.row_truth import (
    RIGHT_SHARE,
    Bias,
    Knowledge,
    RowTruth,
    moved_points,
)

LogModel = Callable[[Params, Batch], Float[Array, " rows"]]


def normal_rows(dimension: int, log_model: LogModel) -> RowTruth:
    """What is known of points of a standard normal in so many dimensions.

    A score is minus the distance from the mean, and a row is right if it is nearer than
    nine tenths of the truth's rows are.

    Args:
      dimension: d.
      log_model: (params, batch) -> [rows], log-density of the model.
    """
    edge = reach(dimension, RIGHT_SHARE)

    def right(batch: Float[Array, "rows d"], bias: Bias) -> Bool[Array, " rows"]:
        return score(batch, bias) >= -edge

    known = Knowledge(
        score=score,
        right=right,
        displaced=moved_points,
        project=nearest_row,
        log_truth=_log_density,
        log_model=log_model,
        points=_same,
        features=values_and_squares,
    )

    def knowledge(root: Key, *values: Any) -> Knowledge:
        del root, values
        return known

    return RowTruth(knowledge, functools.partial(reach, dimension))


def reach(dimension: int, share: float) -> float:
    """Distance from its mean within which a share of a standard normal lies."""
    return math.sqrt(float(scipy.special.chdtri(dimension, 1 - share)))


def score(batch: Float[Array, "rows d"], bias: Bias) -> Float[Array, " rows"]:
    """Minus the distance of each point from a mean that is off by the bias."""
    return -jnp.sqrt(jnp.sum(moved_points(batch, -bias) ** 2, axis=1))


def nearest_row(
    batch: Float[Array, "rows d"], reference: Float[Array, "others d"], bias: Bias
) -> Float[Array, "rows d"]:
    """Of each point the nearest of the reference's, which hold the bias already."""
    del bias
    gaps = jnp.sum(reference**2, axis=1)[None] - 2 * batch @ reference.T
    return reference[jnp.argmin(gaps, axis=1)]


def _log_density(batch: Float[Array, "rows d"]) -> Float[Array, " rows"]:
    d = batch.shape[1]
    return -0.5 * jnp.sum(batch**2, axis=1) - d / 2 * math.log(2 * math.pi)


def _same(batch: Batch) -> Batch:
    return batch
