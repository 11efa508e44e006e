"""What a policy does to generated rows beside choosing their number: verify, thin."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from collapse.core.control.thinning import Thinning
from collapse.core.types import Curator, Key, Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.verifiers import operators
from collapse.experiment.verifiers.learning import learning_from_enough, reference_of
from collapse.experiment.verifiers.ranked import ranked, thinned
from collapse.experiment.verifiers.scores import CuratorNumbers, Setting
from collapse.sims.control.fields import ControlFields

_DRAW = 1  # of the judge's real rows; those of a monitor are 0


class Verified(NamedTuple):
    """The parts of a task that an operator, or trust by rows, changes.

    Attributes:
      thinning: what the policy may do; None for nothing.
      curator: (root key, problem, values) -> curator; None for none.
      problem: (root key, problem, values) -> problem that is curated.
      program: what its compiled program depends on.
    """

    thinning: Thinning | None
    curator: Callable[[Key, Problem, tuple[Any, ...]], Curator] | None
    problem: Callable[[Key, Problem, tuple[Any, ...]], Problem]
    program: tuple[Any, ...]


def verified(condition: Condition[ControlFields], own: Task) -> Verified:
    """What happens to the generated rows of a condition.

    Args:
      condition: whose operator, or trust by rows, acts.
      own: task of the family, in which rows are single samples.
    """
    study, text = condition.experiment, str(condition.cell["operator"])
    spec, least = operators.read(text), study.learner.least_rows()
    if spec.name == operators.NONE:
        return _thinned(study, least)
    candidates = study.candidates(text)

    def setting(root: Key, problem: Problem, values: tuple[Any, ...]) -> Setting:
        assert own.rows is not None  # see `checks`
        known = own.rows.knowledge(root, *values)
        return Setting(known, _numbers(study, spec), candidates, problem.draw)

    def curator(root: Key, problem: Problem, values: tuple[Any, ...]) -> Curator:
        return ranked(spec, setting(root, problem, values))

    def judged(root: Key, problem: Problem, values: tuple[Any, ...]) -> Problem:
        rows = reference_of(root, setting(root, problem, values), _DRAW)
        model = learning_from_enough(problem.model, least)
        return problem._replace(model=model, reference=rows)

    always = study.verify == "always"
    thinning = Thinning(candidates, study.selectivity, always, False, least)
    numbers = study.selectivity, study.verifier_bias, study.noise
    return Verified(thinning, curator, judged, (text, study.verify, numbers))


def _thinned(study: ControlFields, least: int) -> Verified:
    """No operator: fewer generated rows where trust says so, or nothing at all.

    Beside operators all rows are kept by a curator, so that results tell of it, too.
    """

    def same(root: Key, problem: Problem, values: tuple[Any, ...]) -> Problem:
        del root, values
        return problem

    def curator(root: Key, problem: Problem, values: tuple[Any, ...]) -> Curator:
        del root, problem, values
        return thinned()

    if not study.curated():
        return Verified(None, None, same, ())
    by_rows = study.trust_by == "rows"
    thinning = Thinning(by_rows=by_rows, least=least)
    return Verified(thinning, curator, same, (by_rows,))


def _numbers(study: ControlFields, spec: operators.OperatorSpec) -> CuratorNumbers:
    """The numbers of an operator; an oracle has no bias and makes no mistakes."""
    oracle = spec.kind == "oracle"
    bias, noise = (0.0 if oracle else x for x in (study.verifier_bias, study.noise))
    random = float(spec.kind == "random")
    nan = float("nan")
    numbers = (nan, study.selectivity, bias, noise, nan, random)
    return CuratorNumbers(*(jnp.asarray(x, jnp.result_type(float)) for x in numbers))
