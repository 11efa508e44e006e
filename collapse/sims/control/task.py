"""A policy that holds a model: one condition, ready to run.

Policies, budgets and prices enter as arrays, so that all cells of a size share one
compiled program. Where a family can draw whole batches from the law of their
statistics, a generation is two of them, the real one and the generated one, whose sizes
follow the share; else its rows are single samples.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core import streams, workflows
from collapse.core.control import ledger, trust
from collapse.core.control.policies import POLICIES
from collapse.core.control.policy import Setting
from collapse.core.types import Controller, Curator, Key, Problem
from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.monitors import Monitor, Sizes, monitor_of
from collapse.experiment.task import Task
from collapse.numerics import draws
from collapse.sims.control.fields import ControlFields
from collapse.sims.control.policies import read
from collapse.sims.control.verified import verified


class PolicyNumbers(NamedTuple):
    """What differs between cells that share a program; each an array.

    Attributes:
      rate: share of real rows that the budget allows.
      tolerance: drift to hold; NaN to spend the budget.
      price: of a real row; NaN for none.
      own: number behind the policy's name; NaN for its default.
      num_rows: n.
      place: of the policy among those that are named.
      source: index of what it is fed with.
      trusted: index of what real rows count.
    """

    rate: Array
    tolerance: Array
    price: Array
    own: Array
    num_rows: Array
    place: Array
    source: Array
    trusted: Array


_COUNT = len(PolicyNumbers._fields)


def task(condition: Condition[ControlFields], data: Any) -> Task:
    """The task of a condition: a family's model under a policy."""
    sizes = Sizes(*condition.experiment.monitor_sizes(data))
    return under_policy(condition, learned(condition, data), sizes)


def under_policy(condition: Condition[ControlFields], own: Task, sizes: Sizes) -> Task:
    """The task of a condition, from that of its family and the monitor's sizes."""
    study, cell = condition.experiment, condition.cell
    n, make, dtype = condition.n, _problems(condition, own), jnp.result_type(float)
    names = study.policy_names()
    every, other = tuple(POLICIES[name] for name in names), verified(condition, own)

    def watched(root: Key, *values: Any) -> Monitor:
        return monitor_of(own, study.monitor, root, sizes, values)

    def make_problem(root: Key, *given: Any) -> Problem:
        numbers, values = PolicyNumbers(*given[:_COUNT]), given[_COUNT:]
        problem, seen = make(root, numbers, *values), watched(root, *values)
        problem = other.problem(root, problem, values)
        return _watched(problem, study.error, seen, numbers)

    def make_curator(root: Key, *given: Any) -> Curator:
        numbers, values = PolicyNumbers(*given[:_COUNT]), given[_COUNT:]
        assert other.curator is not None
        return other.curator(root, make(root, numbers, *values), values)

    def make_controller(root: Key, *given: Any) -> Controller:
        numbers = PolicyNumbers(*given[:_COUNT])
        setting = _setting(numbers, watched(root, *given[_COUNT:]))
        overdraft = jnp.asarray(study.overdraft, dtype)
        known = (every, numbers.place, setting, numbers.source, overdraft)
        return ledger.controller(*known, numbers.trusted, other.thinning)

    size = 0 if own.batched else n  # of batches it is one of the numbers
    return own._replace(
        make_problem=make_problem,
        values=(*_numbers(condition), *own.values),
        workflow=workflows.replace() if own.batched else own.workflow,
        num_rows=2 if own.batched else n,
        batch_size=1,
        program=(
            *(size, condition.workflow, names, _swept(study, cell, own)),
            *(other.program, own.program),
        ),
        controller=make_controller,
        curator=None if other.curator is None else make_curator,
        # what is measured on the host takes longer than a generation
        observe=own.observe if study.metrics else None,
        biased=None,
        additive=False,
    )


def _numbers(condition: Condition[ControlFields]) -> PolicyNumbers:
    """The numbers of a cell."""
    study, cell, dtype = condition.experiment, condition.cell, jnp.result_type(float)
    spec = read(cell["policy"])
    tolerance = study.tolerance if study.hold == "drift" else float("nan")
    place = study.policy_names().index(spec.name)
    which = place, spec.source, trust.NAMES.index(cell["trust"])
    numbers = (study.rate(cell), tolerance, study.price or float("nan"), spec.number)
    return PolicyNumbers(
        *(jnp.asarray(number, dtype) for number in numbers),
        *(jnp.asarray(count, jnp.int32) for count in (condition.n, *which)),
    )


def _setting(numbers: PolicyNumbers, seen: Monitor) -> Setting:
    """What a policy knows of a run with this monitor."""
    dtype = numbers.rate.dtype
    n = numbers.num_rows.astype(dtype)
    spread, floor, freedom = (
        jnp.asarray(x, dtype) for x in (seen.spread, seen.floor, seen.freedom)
    )
    rest = numbers.tolerance, numbers.price, numbers.own, seen.signed
    return Setting(numbers.rate, n, spread / n, floor, freedom, *rest)


def _swept(study: ControlFields, cell: Mapping[str, Any], own: Task) -> tuple[Any, ...]:
    """The model's own values in this cell, which its program depends on."""
    return tuple(cell[axis] for axis in study.swept()) if own.program is None else ()


def learned(condition: Condition[ControlFields], data: Any) -> Task:
    """The task of the family itself, with single samples for rows."""
    study, family = condition.experiment, condition.experiment.learner
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell |= {axis: condition[axis] for axis in study.swept()}
    cell["samples_per_generation"] = condition["samples_per_generation"]
    if study.curated() and any(f.name == "rows" for f in dataclasses.fields(family)):
        family = dataclasses.replace(family, **{"rows": "samples"})  # type: ignore[arg-type]
    own = family.task(Condition(family, condition.workflow, cell), data)
    if own.biased is None:
        raise InputError(
            f"model: {study.model} cannot be put under a policy with these options; "
            "drop them or name another"
        )
    if own.rows is not None and own.rows.make_problem and study.curated():
        own = own._replace(make_problem=own.rows.make_problem, batch_size=1)
    if own.batched and (study.curated() or condition.workflow.name != "replace"):
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
    biased = own.biased
    assert biased is not None  # see `learned`

    def of_samples(root: Key, numbers: PolicyNumbers, *values: Any) -> Problem:
        del numbers
        return biased(root, jnp.ones(()), None, *values)

    def of_batches(root: Key, numbers: PolicyNumbers, *values: Any) -> Problem:
        n = numbers.num_rows

        def at_share(share: Array) -> Problem:
            some = workflows.real_rows(share, n.astype(share.dtype))
            sizes = jnp.stack([jnp.asarray(some, jnp.int32), n - some])
            return biased(root, jnp.ones(()), sizes, *values)

        return at_share(jnp.ones_like(numbers.rate))._replace(at_share=at_share)

    return of_batches if own.batched else of_samples


def _watched(
    problem: Problem, error: str, seen: Monitor, numbers: PolicyNumbers
) -> Problem:
    """The problem with the metrics that policies look at; also at any share."""
    rate = numbers.rate
    num_rows = numbers.num_rows.astype(rate.dtype)

    def noise(key: Key, params: Any) -> Any:
        """An exponential number about the size of a constant share's drift."""
        del params
        uniform = draws.uniform(streams.key(key, 1, streams.Purpose.MONITOR), ())
        size = jnp.asarray(seen.spread, rate.dtype) / (2 * rate * num_rows)
        return -jnp.log1p(-uniform.astype(rate.dtype)) * size

    metrics = {**problem.metrics, ledger.MONITOR: seen.metric, ledger.NOISE: noise}
    remembered = dict(problem.memory_metrics)
    if error in remembered:
        remembered[ledger.DRIFT] = remembered[error]
    else:
        metrics[ledger.DRIFT] = problem.metrics[error]
    found = problem._replace(metrics=metrics, memory_metrics=remembered)
    if problem.at_share is None:
        return found
    at_share = problem.at_share
    return found._replace(
        at_share=lambda share: at_share(share)._replace(
            metrics=metrics, memory_metrics=remembered
        )
    )
