"""A user's own family, tried on shapes alone before its run begins.

What a family of the package does is tested there. A mistake in a file of a user's own
is told in one line that names the function, before a folder is made.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.study import Study
from collapse.experiment.task import Task
from collapse.lab.programs import roots_of

T = TypeVar("T")


def check(experiment: Experiment, data: Any) -> None:
    """Raise InputError for a mistake in a user's own family, found on shapes alone.

    One generation is tried; none of a family of the lab.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.

    Raises:
      InputError: for a function that fails, or gives what a run cannot take.
    """
    own = experiment.learner if isinstance(experiment, Study) else experiment
    if not registry.is_own(type(own)):
        return
    condition = next(experiment.conditions())
    task = _tried("task", own, lambda: experiment.task(condition, data))
    if not isinstance(task, Task):
        raise InputError(f"task: gives {_kind(task)}; return a collapse.Task")
    roots = roots_of(condition)
    jax.eval_shape(lambda key: _generation(own, condition, task, key), roots[0])
    if own is experiment:
        for one in experiment.workflow_specs():
            _check_theory(own, Condition(experiment, one, condition.cell))


def _generation(
    own: Experiment, condition: Condition[Any], task: Task, key: Any
) -> None:
    """Raise InputError for a step of a generation that fails, or gives wrong shapes."""
    num = task.num_rows or condition.n // task.batch_size
    problem = _tried("task", own, lambda: task.make_problem(key, *task.values))
    model = problem.model
    rows = _tried("task", own, lambda: problem.draw(key, num))
    weights = jnp.ones(num, jnp.result_type(float))
    start = _tried("init", own, lambda: model.init(key, rows, weights))

    def fitted(begin: Any) -> Any:
        found: Any = _tried("fit", own, lambda: model.fit(key, begin, rows, weights))
        pair = isinstance(found, tuple) and len(found) == 2
        if not pair or not isinstance(found[1], Mapping):
            raise InputError(
                f"fit: gives {_kind(found)}; it must return (params, dict), the dict "
                "may be empty"
            )
        return found[0]

    params = fitted(start)
    new = _tried("sample", own, lambda: model.sample(key, params, num))
    if _shapes(new) != _shapes(rows):
        raise InputError(
            f"fit: of {num} rows gives params {_shapes(params)}, of which sample "
            f"makes {_shapes(new)}, but real rows are {_shapes(rows)}; mend the shapes "
            "of fit or sample"
        )
    again = fitted(params)
    if _shapes(again) != _shapes(params):
        raise InputError(
            f"fit: gives params {_shapes(params)} and, begun from these, "
            f"{_shapes(again)}; give the same shapes each time"
        )
    for name in condition.experiment.measured():
        if name in problem.metrics:
            _check_metric(own, problem.metrics[name], name, key, params)
        elif name not in problem.memory_metrics and task.observe is None:
            raise InputError(
                f"task: no metric {name}, which the catalogue names; add it to the "
                "metrics of task, or drop it from the catalogue"
            )


def _check_metric(
    own: Experiment, metric: Callable[..., Any], name: str, key: Any, params: Any
) -> None:
    """Raise InputError for a metric that has other axes than the family declares."""
    found = _tried(f"task: metric {name}", own, lambda: metric(key, params))
    if np.ndim(found) != len(own.more_dims(name)):
        raise InputError(
            f"task: metric {name} has shape {np.shape(found)}; give one number"
        )


def _check_theory(own: Experiment, condition: Condition[Any]) -> None:
    """Raise InputError for a curve of an unknown metric, or of a wrong length."""
    curves = _tried("theory", own, lambda: own.theory(condition))
    if not isinstance(curves, Mapping):
        raise InputError(f"theory: gives {_kind(curves)}; return a dict, or {{}}")
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
        return function()
    except (InputError, MemoryError):
        raise
    except KeyError as error:
        if what == "task" and error.args and error.args[0] in own.catalogue:
            raise InputError(
                f"task: no metric {error.args[0]}, which the catalogue names; add it "
                f"to the metrics of task, or drop it{_place(error, own)}"
            ) from error
        raise InputError(f"{what}: {_told(error)}{_place(error, own)}") from error
    except Exception as error:
        raise InputError(f"{what}: {_told(error)}{_place(error, own)}") from error


def _told(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])


def _place(error: Exception, own: Experiment) -> str:
    """`; see FILE line N`, where in the user's file it came about; else ""."""
    said = registry.line_in(error, registry.file_of(type(own)))
    return f"; see {said}" if said else ""


def _kind(value: Any) -> str:
    name = type(value).__name__
    return "an array" if isinstance(value, jax.Array | np.ndarray) else f"a {name}"


def _shapes(tree: Any) -> str:
    """Shapes of the leaves, in order: `[100, 1]`, `([2], [2, 2])`."""
    told = [f"[{', '.join(map(str, np.shape(x)))}]" for x in jax.tree.leaves(tree)]
    return told[0] if len(told) == 1 else f"({', '.join(told)})"
