"""A policy that holds a model: one condition, ready to run.

Policies, budgets and prices enter as arrays, so that all cells of a size share one
compiled program. Where a family can draw whole batches from the law of their
statistics, a generation is two of them, the real one and the generated one, whose sizes
follow the share; else its rows are single samples.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core import streams, workflows
from collapse.core.control import ledger, trust
from collapse.core.control.policies import POLICIES
from collapse.core.control.policy import Setting
from collapse.core.types import Controller, Key, Problem
from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.monitors import Monitor, Sizes, monitor_of
from collapse.experiment.task import Task
from collapse.numerics import draws
from collapse.sims.control.fields import ControlFields
from collapse.sims.control.policies import read


def task(condition: Condition[ControlFields], data: Any) -> Task:
    """The task of a condition: a family's model under a policy."""
    study, cell = condition.experiment, condition.cell
    own = _learned(condition, data)
    n, spec = cell["samples_per_generation"], read(cell["policy"])
    make = _problems(condition, own)
    tolerance = study.tolerance if study.hold == "drift" else float("nan")
    dtype = jnp.result_type(float)
    numbers = (study.rate(cell), tolerance, study.price or float("nan"), spec.number)
    values = (
        *(jnp.asarray(number, dtype) for number in numbers),
        jnp.asarray(spec.rule.place, jnp.int32),
        jnp.asarray(spec.source, jnp.int32),
        jnp.asarray(trust.NAMES.index(cell["trust"]), jnp.int32),
        *own.values,
    )

    sizes = Sizes(*study.monitor_sizes(data))

    def watched(root: Key, *rest: Any) -> Monitor:
        return monitor_of(own, study.monitor, root, sizes, rest)

    def setting(root: Key, *given: Any) -> Setting:
        rate, tolerance, price, number = given[:4]
        seen = watched(root, *given[7:])
        size = jnp.asarray(float(n), dtype)
        step = jnp.asarray(seen.spread / n, dtype)
        noise = jnp.asarray(seen.floor, dtype), jnp.asarray(seen.freedom, dtype)
        return Setting(rate, size, step, *noise, tolerance, price, number)

    def make_problem(root: Key, *given: Any) -> Problem:
        return _watched(make(root, *given[7:]), study.error, watched, root, given)

    def make_controller(root: Key, *given: Any) -> Controller:
        chosen, source, trusted = given[4:7]
        overdraft = jnp.asarray(study.overdraft, dtype)
        every = tuple(POLICIES.values())
        own = setting(root, *given)
        return ledger.controller(every, chosen, own, source, overdraft, trusted)

    return own._replace(
        make_problem=make_problem,
        values=values,
        workflow=workflows.replace() if own.batched else own.workflow,
        num_rows=2 if own.batched else n,
        batch_size=1,
        program=(n, condition.workflow, _swept(study, cell, own), own.program),
        controller=make_controller,
        biased=None,
        additive=False,
    )


def _swept(study: ControlFields, cell: Mapping[str, Any], own: Task) -> tuple[Any, ...]:
    """The model's own values in this cell, which its program depends on."""
    return tuple(cell[axis] for axis in study.swept()) if own.program is None else ()


def _learned(condition: Condition[ControlFields], data: Any) -> Task:
    """The task of the family itself, with single samples for rows."""
    study, family = condition.experiment, condition.experiment.learner
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell |= {axis: condition[axis] for axis in study.swept()}
    cell["samples_per_generation"] = condition["samples_per_generation"]
    own = family.task(Condition(family, condition.workflow, cell), data)
    if own.biased is None:
        raise InputError(
            f"model: {study.model} cannot be put under a policy with these options; "
            "drop them or name another"
        )
    if own.batched and condition.workflow.name != "replace":
        own = own._replace(batched=False, biased=_unbiased(own, study.model))
    return own


def _unbiased(own: Task, model: str) -> Callable[..., Problem]:
    """A function that makes the family's problem of single samples.

    Raises:
      InputError: if the rows of its usual problem are batches.
    """
    if own.batch_size > 1:
        raise InputError(
            f"workflows: {model} keeps statistics of whole batches, of which a policy "
            "cannot choose a share under other workflows than replace; give --rows "
            "samples"
        )
    return lambda root, bias, sizes, *values: own.make_problem(root, *values)


def _problems(condition: Condition[ControlFields], own: Task) -> Callable[..., Problem]:
    """A function that makes the problem of a seed, of two batches or of samples."""
    biased, n = own.biased, condition["samples_per_generation"]
    assert biased is not None  # see `_learned`

    def of_samples(root: Key, *values: Any) -> Problem:
        return biased(root, jnp.ones(()), None, *values)

    def of_batches(root: Key, *values: Any) -> Problem:
        def at_share(share: Array) -> Problem:
            some = jnp.asarray(workflows.real_rows(share, n), jnp.int32)
            sizes = jnp.stack([some, n - some])
            return biased(root, jnp.ones(()), sizes, *values)

        return at_share(jnp.ones(()))._replace(at_share=at_share)

    return of_batches if own.batched else of_samples


def _watched(
    problem: Problem, error: str, watched: Any, root: Key, given: tuple[Any, ...]
) -> Problem:
    """The problem with the metrics that policies look at; also at any share."""
    rate, seen = given[0], watched(root, *given[7:])
    if error in problem.metrics:
        drift = problem.metrics[error]
    else:
        raise InputError(
            f"error: {error} is measured from what a run remembers; name another"
        )

    def noise(key: Key, params: Any) -> Any:
        """An exponential number about the size of a constant share's drift."""
        del params
        uniform = draws.uniform(streams.key(key, 1, streams.Purpose.MONITOR), ())
        n = jnp.asarray(1.0, rate.dtype)
        return -jnp.log1p(-uniform.astype(rate.dtype)) * seen.spread * n

    more = {ledger.DRIFT: drift, ledger.MONITOR: seen.metric, ledger.NOISE: noise}
    found = problem._replace(metrics={**problem.metrics, **more})
    if problem.at_share is None:
        return found
    at_share = problem.at_share
    return found._replace(
        at_share=lambda share: at_share(share)._replace(metrics=found.metrics)
    )
