"""Monitors: what a policy sees of a model, on real rows that nothing else uses.

A monitor compares the model, or rows that it generates, with reference rows. Its value
is not 0 even for a perfect model, since both are samples: that is its floor. Where the
floor is not known, it is the value of generation 0, which was fitted to real rows.

The reference rows are disjoint from those that generations are trained on and from
those of the final evaluation: a policy that looked at the latter would be judged by
what it was tuned on, and one that looked at the former would see what the model has
learned by heart.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key, Metric, Params
from collapse.data.errors import InputError
from collapse.experiment.task import Task
from collapse.measures.two_samples import STATISTICS

UNKNOWN = float("nan")
_HALVINGS = 8  # of the reference rows, for a floor
_LEAST = 4  # rows of a half


class Monitor(NamedTuple):
    """What a policy sees, bound to reference rows.

    Attributes:
      metric: (key, params) -> value, about a squared distance.
      floor: its mean for a perfect model; NaN to take that of generation 0.
      spread: its mean for a fit to n rows is about spread / n: a first guess of what a
        generation adds.
      freedom: directions in which its noise is spread.
      signed: whether it may change either way; its squared change since generation 0 is
        then what a policy sees.
    """

    metric: Metric
    floor: float | Array
    spread: float | Array
    freedom: float | Array
    signed: bool = False


class Sizes(NamedTuple):
    """Rows that a monitor looks at.

    Attributes:
      reference: real rows.
      samples: rows that the model generates.
      counted: real rows that count, the first ones, if this is a number that changes
        within a program; the Gaussian's monitor `mean` alone can do so.
    """

    reference: int
    samples: int
    counted: Float[Array, ""] | None = None


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

    Raises:
      InputError: for a name that is not known.
    """
    if name in task.monitors:
        own: Monitor = task.monitors[name](root, sizes, *values)
        return own
    if name not in known(task):
        if not known(task):
            raise InputError(
                "model: it has no monitor, so that no policy can see it; give its Task "
                "`reference` and `points`, or `monitors`, or name another model"
            )
        names = ", ".join(known(task))
        raise InputError(f"monitor: this model has no {name!r}; known are {names}")
    assert task.points is not None and task.reference is not None
    generate, reference = task.points, task.reference(root, sizes.reference)
    statistic = STATISTICS[name](reference)

    def metric(key: Key, params: Params) -> Float[Array, ""]:
        own = streams.key(key, 0, streams.Purpose.MONITOR)
        return statistic(generate(own, params, sizes.samples))

    floors = {"mean": 1 / sizes.reference + 1 / sizes.samples}
    floors |= {"energy": 0.0, "mmd": 0.0}
    floor: float | Array = floors.get(name, UNKNOWN)
    if name not in floors:
        floor = floor_by_halves(reference, STATISTICS[name], sizes)
    return Monitor(metric, floor, 1.0, _freedom(name, max(reference.shape[1], 1)))


def _freedom(name: str, d: int) -> float:
    """Independent directions of a monitor's noise in d dimensions.

    Those of a symmetric matrix for covariance; one for auc and tail, each of which is
    the square of one number.
    """
    if name in ("auc", "tail"):
        return 1.0
    return d * (d + 1) / 2 if name == "covariance" else float(d)


def floor_by_halves(
    reference: Array, statistic: Callable[[Array], Any], sizes: Sizes
) -> Float[Array, ""]:
    """What a statistic shows of a perfect model, from halves of the reference rows.

    A mean over halves, which are two samples of one law, times what the sizes of the
    two samples make of it: a squared distance of samples of r and m rows has
    1 / r + 1 / m times a constant, to leading order. Which rows are in a half is the
    same for all seeds, and has nothing to do with their values.

    Args:
      reference: rows of the monitor.
      statistic: one of `two_samples.STATISTICS`.
      sizes: of the samples that are compared.

    Raises:
      InputError: for fewer than 8 reference rows.
    """
    rows = len(reference)
    if rows < 2 * _LEAST:
        raise InputError(
            f"monitor_rows: {rows} are too few to know the noise of this monitor; "
            f"give {2 * _LEAST} or more"
        )
    rng, half = np.random.default_rng(0), rows // 2
    orders = jnp.asarray([rng.permutation(rows) for _ in range(_HALVINGS)], jnp.int32)

    def halved(order: Array) -> Array:
        first, second = reference[order[:half]], reference[order[half:]]
        return jnp.asarray(statistic(second)(first))

    there = 1 / half + 1 / (rows - half)
    here = 1 / sizes.reference + 1 / sizes.samples
    return jnp.mean(lax.map(halved, orders)) * (here / there)


def known(task: Task) -> tuple[str, ...]:
    """Names of the monitors that a task has, the usual one first."""
    general = STATISTICS if task.points and task.reference else {}
    return tuple(dict.fromkeys((*task.monitors, *general)))


def loss_monitor(
    log_density: Callable[[Params, Array], Float[Array, " m"]],
    reference: Callable[[Key, int], Array],
    num_params: float,
) -> Callable[..., Monitor]:
    """A function that makes the monitor `loss`: log-loss on the reference rows.

    That of a fit to n rows is num_params / (2 n) above that of the truth, for regular
    models and many rows.
    """

    def monitor(root: Key, sizes: Sizes, *values: Any) -> Monitor:
        del values
        rows = reference(root, sizes.reference)

        def metric(key: Key, params: Params) -> Float[Array, ""]:
            del key
            return -jnp.mean(log_density(params, rows))

        return Monitor(metric, UNKNOWN, num_params / 2, num_params)

    return monitor
