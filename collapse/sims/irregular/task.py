"""A small model in one condition, ready to run."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core.types import Batch, Model, Params, Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.measures import failures
from collapse.measures.failures import Deviation
from collapse.models import gaussian
from collapse.models.irregular import flawed, spiky, uniform
from collapse.numerics.threefry import Key
from collapse.sims.irregular.experiment import Irregular

_FIT = gaussian.gaussian(1)  # by maximum likelihood, without a flaw


class _Parts(NamedTuple):
    """What a case is made of.

    Attributes:
      model: that learns and generates.
      draw: (key, num) -> real rows.
      deviation: params -> how far they are from the truth.
    """

    model: Model
    draw: Callable[[Key, int], Batch]
    deviation: Callable[[Params], Deviation]


def task(condition: Condition[Irregular], data: Any) -> Task:
    """The task of a condition; no data are read."""
    del data
    experiment, case = condition.experiment, condition["case"]
    parts = _PARTS[case](experiment)
    every = failures.failure_metrics(parts.deviation)
    metrics = {name: every[name] for name in experiment.known_metrics()}

    def biased(root: Key, bias: Array, sizes: None) -> Problem:
        def sample(key: Key, params: Params, num: int) -> Batch:
            mean = params.mean[None]
            return mean + jnp.sqrt(bias) * (parts.model.sample(key, params, num) - mean)

        model = parts.model._replace(sample=sample)
        return Problem(parts.draw, model, metrics)

    return Task(
        lambda root: Problem(parts.draw, parts.model, metrics),
        points=parts.model.sample,
        biased=biased if case in ("regular", "flawed") else None,
    )


def _gaussian(model: Model, truth: float = 0.0) -> _Parts:
    """The parts of a Gaussian in one dimension; the truth is N(truth, 1)."""

    def draw(key: Key, num: int) -> Batch:
        return gaussian.sample_points(key, gaussian.standard(1), num) + truth

    def deviation(params: Params) -> Deviation:
        return failures.of_gaussian(params.mean[0], params.scale[0, 0] ** 2, truth)

    return _Parts(model, draw, deviation)


def _uniform(experiment: Irregular) -> _Parts:
    def draw(key: Key, num: int) -> Batch:
        return uniform.sample(key, jnp.ones(()), num)

    return _Parts(uniform.uniform_edge(), draw, failures.of_edge)


def _spiky(experiment: Irregular) -> _Parts:
    d = experiment.dimension

    def draw(key: Key, num: int) -> Batch:
        return spiky.sample(key, spiky.truth(d), num)

    return _Parts(spiky.spiky(d), draw, lambda p: failures.of_spiky_mean(p.mean))


_PARTS: dict[str, Callable[[Irregular], _Parts]] = {
    "regular": lambda e: _gaussian(_FIT),
    "uniform": _uniform,
    "spiky": _spiky,
    "flawed": lambda e: _gaussian(flawed.flawed(_FIT, e.shift, e.kept_variance)),
    # rows are distances from the target
    "selected": lambda e: _gaussian(flawed.selected(_FIT, e.keep), -e.target),
    "at_random": lambda e: _gaussian(flawed.selected_at_random(_FIT, e.keep)),
}
