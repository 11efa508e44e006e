"""The monitor of a linear regressor: its distance from a fit to rows of the monitor."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key, Model
from collapse.experiment.monitors import UNKNOWN, Monitor, Sizes
from collapse.models.linear.model import LinearParams
from collapse.models.linear.rows import Noise


def fit_monitor(
    labelled: Callable[..., tuple[Model, LinearParams, Noise]],
    factor: Float[Array, "d d"] | None,
) -> Callable[..., Monitor]:
    """A function that makes the monitor `mean` of a seed.

    Its value is the squared distance of the predictions from those of a least-squares
    fit to the reference rows, in the mean over inputs; no row is generated for it.

    Args:
      labelled: (root key, rows, *values) -> the model that labels real rows, one batch
        of so many, the true coefficients, and the variance of a label's noise.
      factor: Cholesky factor of the inputs' covariance; None for the identity.
    """

    def monitor(root: Key, sizes: Sizes, *values: Any) -> Monitor:
        model, truth, noise = labelled(root, sizes.reference, *values)
        key = streams.key(root, 0, streams.Purpose.MONITOR)
        rows = model.sample(key, truth, 1)
        seen = model.fit(key, truth, rows, jnp.ones(1))[0].coefficients[0]

        def metric(key: Key, params: LinearParams) -> Float[Array, ""]:
            del key
            gap = params.coefficients[0] - seen
            gap = gap if factor is None else gap @ factor
            return jnp.sum(gap**2)

        d, free = seen.size, sizes.reference - seen.size - 1
        floor = noise * d / free if free > 0 else UNKNOWN
        return Monitor(metric, floor, noise * d, float(d))

    return monitor
