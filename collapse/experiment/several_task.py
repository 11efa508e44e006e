"""The task of several models that share rows, made from the task of one."""

import functools
from typing import Any

import jax

from collapse.core import streams
from collapse.core.ecosystem import dealt, ecosystem
from collapse.core.types import Batch, Problem
from collapse.data.errors import InputError
from collapse.experiment import several_models
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.measures.catalogue import POOLED, is_pooled
from collapse.numerics.threefry import Key


def of_several(task: Task, condition: Condition[Any]) -> Task:
    """The task of a condition's models, each of which is the model of `task`.

    Metrics `pooled_<metric>` are those of `task.pooled`, the mixture of all models. A
    sampler with a bias is not known for several models.

    Raises:
      InputError: for rows that are whole batches, which cannot be dealt out; and for
        models that the host measures or another framework runs.
    """
    experiment, num = condition.experiment, condition.models
    private = experiment.private_rows
    several = several_models.learn_in(condition)
    if several and (task.batch_size > 1 or task.additive):
        raise InputError(
            f"models: {experiment.name} keeps whole batches as rows, which models "
            "cannot share; give --models 1"
        )
    if several and (task.observe is not None or task.on_host or task.model_devices > 1):
        raise InputError(
            f"models: {experiment.name} is measured or run outside the compiled "
            "program, one model a seed; give --models 1"
        )
    named = [name for name in experiment.measured() if is_pooled(name)]
    pools = {name: name.removeprefix(POOLED) for name in named}

    def make_problem(root: Key, *values: Any) -> Problem:
        one = task.make_problem(root, *values)
        own = _private(root, one, num, private) if private else None
        return ecosystem(one, num, private=own, pooled=task.pooled, pools=pools)

    program = None if task.program is None else (task.program, num, private)
    if not several:
        return task._replace(make_problem=make_problem, program=program)
    points = task.points and functools.partial(dealt, task.points)
    return task._replace(
        make_problem=make_problem, program=program, points=points, biased=None
    )


def _private(root: Key, problem: Problem, num_models: int, num: int) -> Batch:
    """Real rows that each model keeps for itself, leaves [M, num, ...].

    They are one sample of M times as many rows, so that no two models have the same row
    of a table. Rows that all models share may be among them.
    """
    key = streams.key(root, 0, streams.Purpose.PRIVATE)
    rows = problem.draw(key, num_models * num)
    return jax.tree.map(lambda x: x.reshape(num_models, num, *x.shape[1:]), rows)
