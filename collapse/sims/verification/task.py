"""A model that is trained on verified rows: one condition, ready to run.

All numbers of a verifier and the share of real rows enter as arrays, so that the cells
of an operator share one compiled program.
"""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp

from collapse.core.curation.keeping import seen
from collapse.core.curation.tally import EFFECTIVE, KEPT
from collapse.core.types import (
    Batch,
    Curator,
    Info,
    Key,
    Metric,
    Model,
    Params,
    Problem,
    Weights,
    Workflow,
)
from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.row_truth import Knowledge, RowTruth
from collapse.experiment.task import Task
from collapse.experiment.verifiers.curators import curator_of, is_own_program
from collapse.experiment.verifiers.learning import learning_from_enough, reference_of
from collapse.experiment.verifiers.operators import NONE, OperatorSpec, read
from collapse.experiment.verifiers.scores import CuratorNumbers, Setting
from collapse.numerics import threefry
from collapse.sims.verification.fields import (
    KEPT_RIGHT,
    KEPT_WRONG,
    RIGHT,
    VerificationFields,
)

_OWN = len(CuratorNumbers._fields) + 1  # values that come before those of the family


def task(condition: Condition[VerificationFields], data: Any) -> Task:
    """The task of a condition: a family's model that learns verified rows."""
    study, cell = condition.experiment, condition.cell
    own = _learned(condition, data)
    rows, spec = own.rows, read(cell["operator"])
    assert rows is not None  # see `_learned`
    candidates = study.candidates_of(spec, cell)
    make, least = rows.make_problem or own.make_problem, study.learner.least_rows()

    def setting(root: Key, problem: Problem, values: tuple[Any, ...]) -> Setting:
        known = rows.knowledge(root, *values[_OWN:])
        return Setting(
            known, CuratorNumbers(*values[: _OWN - 1]), candidates, problem.draw
        )

    def curator(root: Key, *values: Any) -> Curator:
        problem = make(root, *values[_OWN:])
        return curator_of(spec, setting(root, problem, values))

    def make_problem(root: Key, *values: Any) -> Problem:
        problem = make(root, *values[_OWN:])
        keeps = spec.name == NONE
        model = problem.model
        model = _told(model) if keeps else learning_from_enough(model, least)
        if study.scale == "known":
            model = _with_known_scale(model, rows)
        own = setting(root, problem, values)
        problem = problem._replace(model=model, reference=reference_of(root, own))
        num = condition.n * candidates
        judged = _judged(problem, curator_of(spec, own), own.known, num)
        return problem._replace(metrics={**problem.metrics, **judged})

    usual = condition.workflow.make(condition.num_generations, False)
    mixed = any(study.real_fraction)

    def workflow(*values: Any) -> Workflow:
        return usual._replace(real_fraction=values[_OWN - 1] if mixed else None)

    return own._replace(
        make_problem=make_problem,
        values=(*_numbers(study, spec, cell, rows), *own.values),
        workflow=workflow,
        num_rows=condition.n,
        batch_size=1,
        additive=False,
        program=(
            *(condition.n, condition.workflow, spec.name, is_own_program(spec)),
            candidates,
            own.program,
        ),
        curator=None if spec.name == NONE else curator,
        biased=None,
    )


def _learned(condition: Condition[VerificationFields], data: Any) -> Task:
    """The task of the family itself, with single samples for rows.

    Raises:
      InputError: if the family knows nothing of its rows.
    """
    study, family = condition.experiment, condition.experiment.learner
    if any(field.name == "rows" for field in dataclasses.fields(family)):
        family = dataclasses.replace(family, **{"rows": "samples"})  # type: ignore[arg-type]
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell["samples_per_generation"] = condition.n
    own = family.task(Condition(family, condition.workflow, cell), data)
    if own.rows is None:
        raise InputError(
            f"model: {study.model} says nothing of single rows here, so that none can "
            "be verified; drop its options or name another"
        )
    return own


def _numbers(
    study: VerificationFields, spec: OperatorSpec, cell: Any, rows: RowTruth
) -> tuple[Any, ...]:
    """The numbers of a verifier as arrays, and the share of fresh real rows."""
    share, reach = cell["selectivity"], spec.number
    if spec.name == "ball" and math.isnan(reach):
        assert rows.reach is not None  # see `checks`
        reach = rows.reach(share)
    # an oracle has no bias and makes no mistakes
    bias, noise = (
        0.0 if spec.kind == "oracle" else cell[name]
        for name in ("verifier_bias", "noise")
    )
    random = float(spec.kind == "random")
    own = CuratorNumbers(reach, share, bias, noise, spec.number, random)  # type: ignore[arg-type]
    numbers = (*own, cell["real_fraction"])
    return tuple(jnp.asarray(number, jnp.result_type(float)) for number in numbers)


def _told(model: Model) -> Model:
    """The model whose results tell that all rows were kept, as those of curators do."""

    def fit(
        key: Key, params: Params, batch: Batch, weights: Weights
    ) -> tuple[Params, Info]:
        found, info = model.fit(key, params, batch, weights)
        return found, {**info, KEPT: jnp.ones(()), EFFECTIVE: jnp.ones(())}

    return model._replace(fit=fit)


def _with_known_scale(model: Model, rows: RowTruth) -> Model:
    """The model that has the true scale in place of the fitted one."""
    known = rows.known_scale
    assert known is not None  # see `checks`

    def fit(
        key: Key, params: Params, batch: Batch, weights: Weights
    ) -> tuple[Params, Info]:
        found, info = model.fit(key, params, batch, weights)
        return known(found), info

    return model._replace(fit=fit)


def _judged(
    problem: Problem, curator: Curator, known: Knowledge, num: int
) -> dict[str, Metric]:
    """Metrics of what the verifier does: shares of rows that are right, and kept.

    Of `num` fresh rows of the model, which are not trained on: as many as it chooses
    among in a generation, since what some keep depends on that.
    """
    right = known.right
    if right is None:
        return {}

    def looked(key: Key, params: Params) -> tuple[Any, Any]:
        keys = threefry.split(key, 3)
        batch = problem.model.sample(keys[0], params, num)
        reference = seen(curator, params, problem.reference)
        if curator.correct is not None:
            batch = curator.correct(keys[1], batch, reference)
        weights = curator.weigh(keys[2], batch, reference)
        dtype = weights.dtype
        return right(batch, jnp.zeros((), dtype)).astype(dtype), weights

    def of_right(key: Key, params: Params) -> Any:
        return jnp.mean(looked(key, params)[0])

    def kept_right(key: Key, params: Params) -> Any:
        good, weights = looked(key, params)
        return jnp.mean(good * (weights > 0).astype(weights.dtype))

    def kept_wrong(key: Key, params: Params) -> Any:
        good, weights = looked(key, params)
        return jnp.mean((1 - good) * (weights > 0).astype(weights.dtype))

    return {RIGHT: of_right, KEPT_RIGHT: kept_right, KEPT_WRONG: kept_wrong}
