"""Monitors: what a policy sees of a model, on real rows that nothing else uses.

A monitor compares rows that the model generates with reference rows. Its value is never
0, not even for a perfect model, since both are samples: that is its floor. The
reference rows are disjoint from those that generations are trained on and from those of
the final evaluation; a policy that looked at the latter would be judged by what it was
tuned on.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key, Metric, Params
from collapse.data.errors import InputError
from collapse.experiment.task import Task

Points = Float[Array, "m d"]
# (points of the model, reference) -> a number that grows with their difference
Statistic = Callable[[Points, Points], Float[Array, ""]]


class Monitor(NamedTuple):
    """What a policy sees, bound to reference rows.

    Attributes:
      metric: (key, params) -> value; a squared distance, or like one.
      floor: its mean for a perfect model.
      spread: its mean for one real row in place of the model's many, so that a fit to n
        rows is off by about spread / n.
      freedom: directions in which its noise is spread.
    """

    metric: Metric
    floor: float | Array
    spread: float | Array
    freedom: float | Array


class Sizes(NamedTuple):
    """Rows that a monitor looks at: of the reference, and of the model."""

    reference: int
    samples: int


def squared_mean(points: Points, reference: Points) -> Float[Array, ""]:
    """Squared distance of the means, over the total variance of the reference.

    That of a perfect model is 1 / m + 1 / n_ref for m and n_ref rows.
    """
    gap = jnp.mean(points, 0) - jnp.mean(reference, 0)
    return jnp.sum(gap**2) / jnp.sum(jnp.var(reference, 0))


STATISTICS: Mapping[str, Statistic] = {"mean": squared_mean}


def monitor_of(
    task: Task, name: str, root: Key, sizes: Sizes, values: tuple[Any, ...]
) -> Monitor:
    """The monitor of this name for one seed: the family's own, or one of points.

    Args:
      task: of the family.
      name: one of `known`.
      root: key of the seed, which may be used again.
      sizes: of its samples.
      values: of the task.
    """
    if name in task.monitors:
        return task.monitors[name](root, sizes, *values)
    if name not in STATISTICS or task.points is None or task.reference is None:
        raise InputError(
            f"monitor: this model has no {name}; known are {', '.join(known(task))}"
        )
    statistic, generate = STATISTICS[name], task.points
    reference = task.reference(root, sizes.reference)

    def metric(key: Key, params: Params) -> Float[Array, ""]:
        own = streams.key(key, 0, streams.Purpose.MONITOR)
        return statistic(generate(own, params, sizes.samples), reference)

    floor = 1 / sizes.reference + 1 / sizes.samples
    return Monitor(metric, floor, 1.0, float(reference.shape[1]))


def known(task: Task) -> tuple[str, ...]:
    """Names of the monitors that a task has."""
    general = STATISTICS if task.points and task.reference else {}
    return tuple(dict.fromkeys((*task.monitors, *general)))
