"""A user's own family, tried before its run begins.

What a family of the package does is tested there. A mistake in a file of a user's own
is told in one line that names the function, before a folder is made.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import numpy as np

from collapse.core.types import Problem
from collapse.data.errors import InputError, ModelError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.study import Study
from collapse.experiment.task import Task
from collapse.lab import arrays, given, weighing
from collapse.lab.conformance import structure
from collapse.lab.conformance.quick import check_metric, quick
from collapse.lab.conformance.words import kind, place, tried
from collapse.lab.programs import roots_of

T = TypeVar("T")


def check(experiment: Experiment, data: Any) -> list[str]:
    """What is suspicious in a user's own family, a line each; [] for those of the lab.

    Workflows of a user's own are tried first, whatever the family is. Of a family one
    generation is tried on shapes alone; then weights and keys, on rows of one seed.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.

    Raises:
      InputError: for a function that fails, or gives what a run cannot take.
    """
    _check_workflows(experiment, data)
    own = experiment.learner if isinstance(experiment, Study) else experiment
    if not registry.is_own(type(own)):
        return []
    condition = next(experiment.conditions())
    task = _tried("task", own, lambda: experiment.task(condition, data))
    if not isinstance(task, Task):
        raise InputError(f"task: gives {kind(task)}; return a collapse.Task")
    num = task.num_rows or condition.n // task.batch_size
    roots = roots_of(condition)

    def traced(key: Any) -> None:
        problem = _tried("task", own, lambda: task.make_problem(key, *task.values))
        _check_problem(own, condition, task, problem, num)

    jax.eval_shape(traced, roots[0])
    if own is experiment:
        for one in experiment.workflow_specs():
            _check_theory(own, Condition(experiment, one, condition.cell))

    def parts(key: Any) -> tuple[Any, Any]:
        problem = task.make_problem(key, *task.values)
        return problem.model, problem.draw

    return list(quick(parts, num))


def _check_workflows(experiment: Experiment, data: Any) -> None:
    """Raise InputError for a workflow of a user's own that no run can take."""
    tried_ones: set[tuple[str, int]] = set()
    for condition in experiment.conditions():
        spec, last = condition.workflow, condition.num_generations
        if not weighing.is_own(spec.kind):
            continue
        makers = {spec.label: lambda num, spec=spec: spec.make(num)}
        workflow = given.workflows(makers, last)[spec.label]
        task = experiment.task(condition, data)
        num = getattr(task, "num_rows", None) or condition.n // task.batch_size
        if (spec.label, num) not in tried_ones:
            tried_ones.add((spec.label, num))
            weighing.check(spec.label, workflow, num, last)


def _check_problem(
    own: Experiment, condition: Condition[Any], task: Task, problem: Any, num: int
) -> None:
    """Raise InputError for a step of a generation that fails, or gives wrong shapes."""
    if not isinstance(problem, Problem):
        raise InputError(
            f"task: make_problem gives {kind(problem)}; return a collapse.Problem"
        )
    arrays.check(problem.model, problem.draw, num)
    params = structure.trace(problem.model, problem.draw, num).params
    key = jax.eval_shape(lambda: jax.random.key(0))
    for name in condition.experiment.measured():
        if name in problem.metrics:
            dims = len(own.more_dims(name))
            check_metric(
                f"task: metric {name}", problem.metrics[name], key, params, dims
            )
        elif name not in problem.memory_metrics and task.observe is None:
            raise InputError(
                f"task: no metric {name}, which the catalogue names; add it to the "
                "metrics of task, or drop it from the catalogue"
            )


def _check_theory(own: Experiment, condition: Condition[Any]) -> None:
    """Raise InputError for a curve of an unknown metric, or of a wrong length."""
    curves = _tried("theory", own, lambda: own.theory(condition))
    if not isinstance(curves, Mapping):
        raise InputError(f"theory: gives {kind(curves)}; return a dict, or {{}}")
    fits = [f"fit_{name}" for name in own.diagnostics()]
    known = [*dict.fromkeys((*own.catalogue, *own.known_metrics(), *own.derived()))]
    length = condition.num_generations + 1
    for name, curve in curves.items():
        if name not in (*known, *fits):
            raise InputError(
                f"theory: unknown metric {name!r}; known are {', '.join(known)}"
            )
        if np.shape(curve) != (length,):
            shape = np.shape(curve)
            has = f"{shape[0]} values" if len(shape) == 1 else f"shape {shape}"
            raise InputError(
                f"theory: {name} has {has}; give one a generation, G + 1 = {length}"
            )


def _tried(what: str, own: Experiment, function: Callable[[], T]) -> T:
    """The result of a function; InputError with the user's line if it fails."""
    try:
        return tried(what, function)
    except ModelError as found:
        error = found.__cause__
        if isinstance(error, KeyError) and what == "task" and error.args:
            if error.args[0] in own.catalogue:
                raise InputError(
                    f"task: no metric {error.args[0]}, which the catalogue names; add "
                    f"it to the metrics of task, or drop it{place(error)}"
                ) from error
        raise
