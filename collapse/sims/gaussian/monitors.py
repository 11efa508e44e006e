"""The monitor of a Gaussian's mean, at a cost that does not grow with its rows."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key
from collapse.experiment.monitors import Monitor, Sizes
from collapse.models.gaussian import GaussianParams
from collapse.numerics import draws


def mean_monitor(
    reference: Callable[[Key, int], Array],
) -> Callable[[Key, Sizes], Monitor]:
    """A function that makes the monitor `mean` of a seed, for these real rows.

    The mean of the m rows that a Gaussian would generate is drawn from its law.
    """

    def monitor(root: Key, sizes: Sizes) -> Monitor:
        rows = reference(root, sizes.reference)
        centre, total, count = _moments(rows, sizes.counted)

        def metric(key: Key, params: GaussianParams) -> Float[Array, ""]:
            own = streams.key(key, 0, streams.Purpose.MONITOR)
            z = draws.normal(own, centre.shape, centre.dtype)
            seen = params.mean + params.scale @ z / jnp.sqrt(float(sizes.samples))
            return jnp.sum((seen - centre) ** 2) / total

        floor = 1 / count + 1 / sizes.samples
        return Monitor(metric, floor, 1.0, float(centre.size))

    return monitor


def _moments(
    rows: Float[Array, "r d"], counted: Float[Array, ""] | None
) -> tuple[Float[Array, " d"], Float[Array, ""], int | Float[Array, ""]]:
    """Mean, sum of variances and number of the rows, or of those that count."""
    if counted is None:
        return jnp.mean(rows, axis=0), jnp.sum(jnp.var(rows, axis=0)), len(rows)
    inside = (jnp.arange(len(rows), dtype=counted.dtype) < counted)[:, None]
    centre = jnp.sum(jnp.where(inside, rows, 0), axis=0) / counted
    squares = jnp.where(inside, (rows - centre[None]) ** 2, 0)
    return centre, jnp.sum(squares) / counted, counted
