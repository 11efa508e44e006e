"""A drift that walks, and settings of policies that hold it."""

import jax.numpy as jnp

from collapse.core.control import ledger
from collapse.core.control.policy import Setting
from collapse.core.types import Model, Problem
from collapse.numerics import draws

N = 100


def setting(rate, *, step=0.01, floor=0.0, freedom=1.0, num_rows=N, **own):
    """What a policy knows; without tolerance, price and number of its own."""
    nan = float("nan")
    rest = [own.get(name, nan) for name in ("tolerance", "price", "own")]
    numbers = (rate, float(num_rows), step, floor, freedom, *rest)
    return Setting(*(jnp.asarray(x, jnp.result_type(float)) for x in numbers))


def walk_problem(scales=(0.1,), noise=0.0):
    """A point that walks: all rows of a generation are moved by the same step.

    Real rows are the origin itself, so that a generation of these alone re-anchors
    perfectly and a share a leaves (1 - a) of the way. The drift is the squared way.

    Args:
      scales: standard deviation of a step in each direction.
      noise: standard deviation of the monitor in each direction.
    """
    size = len(scales)
    widths = jnp.asarray(scales, jnp.result_type(float))

    def sample(key, params, num):
        step = params + widths * draws.normal(key, (size,), widths.dtype)
        return jnp.broadcast_to(step[None], (num, size))

    def fit(key, params, batch, weights):
        return weights @ batch / jnp.sum(weights), {}

    def drift(key, params):
        return jnp.sum(params**2)

    def monitor(key, params):
        return jnp.sum((params + noise * draws.normal(key, (size,), widths.dtype)) ** 2)

    def unrelated(key, params):
        return jnp.sum(draws.normal(key, (1,), widths.dtype) ** 2)

    model = Model(lambda key, batch, weights: jnp.zeros(size), fit, sample)
    seen = {ledger.DRIFT: drift, ledger.MONITOR: monitor, ledger.NOISE: unrelated}
    return Problem(lambda key, num: jnp.zeros((num, size)), model, seen)
