"""Checks of fields that depend on each other, for verified rows."""

import dataclasses

from collapse.data.errors import InputError
from collapse.experiment.row_knowledge import WORDS
from collapse.experiment.spelling import once
from collapse.experiment.verifiers.operators import NONE, missing, read
from collapse.sims.verification.fields import USUAL, VerificationFields

_WORKFLOWS = ("replace", "accumulate", "fixed_budget", "window")


def usual(e: VerificationFields) -> tuple[str, ...]:
    """The operators of a run that names none: those that the model can have."""
    known = e.learner.knows_of_rows()
    return tuple(text for text in USUAL if not missing(read(text), known))


def check(e: VerificationFields) -> None:
    """Raise InputError for combinations of fields that cannot be run."""
    _check_model(e)
    for text in e.operator:
        _check_operator(e, text)
    once("operator", e.operator, read)
    for spec in e.workflow_specs():
        if spec.name not in _WORKFLOWS:
            raise InputError(
                f"workflows: {spec.label} is none under which rows are verified; name "
                f"{', '.join(_WORKFLOWS)} (and give --real-fraction for mix)"
            )
    if e.error not in e.errors():
        raise InputError(
            f"error: {e.error} is not least where a model is best; known are "
            f"{', '.join(e.errors())}"
        )
    if max(e.real_fraction) == 1:
        raise InputError("real_fraction: 1 leaves no row to verify; give less")
    if e.scale == "known" and e.model != "gaussian":
        raise InputError(
            f"scale: {e.model} has no scale of its own to know; drop it, or name "
            "--model gaussian"
        )
    if min(e.selectivity) < 1e-3:
        raise InputError(
            f"selectivity: {min(e.selectivity):g} asks for more than 1000 candidates "
            "for each row; give at least 0.001"
        )


def _check_model(e: VerificationFields) -> None:
    """Raise InputError for a model of whose rows nothing is known."""
    if e.learner.knows_of_rows():
        return
    if e.learner.data and dataclasses.replace(e.learner, data="").knows_of_rows():
        raise InputError(
            "data: a verifier's error is to a known truth; drop it, and name a model "
            "that has one"
        )
    raise InputError(
        f"model: {e.model} says nothing of its single rows here, which a verifier "
        "looks at; name gaussian, gmm, kde, linear or discrete"
    )


def _check_operator(e: VerificationFields, text: str) -> None:
    """Raise InputError for an operator that the model, or these fields, cannot have."""
    spec = read(text)
    for name in missing(spec, e.learner.knows_of_rows()):
        raise InputError(
            f"operator: {text} needs {WORDS[name]}, which {e.model} does not have "
            f"here; known are {', '.join(usual(e))}"
        )
    judged = spec.rule.bias and spec.kind != "oracle"
    if judged and max(e.verifier_bias) > 0:
        if "displaced" not in e.learner.knows_of_rows():
            raise InputError(
                f"verifier_bias: {max(e.verifier_bias):g}, but rows of {e.model} have "
                "no direction to be wrong in; give 0"
            )
    if e.candidates and spec.name == "best_of":
        raise InputError(
            "candidates: best_of has those of its groups; drop it, or the operator"
        )
    if spec.name == NONE and len(e.operator) == 1:
        raise InputError("operator: none alone verifies nothing; name one more")
