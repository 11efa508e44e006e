"""Checks of fields that depend on each other, for policies that hold a model."""

from collections.abc import Collection

from collapse.data.errors import InputError
from collapse.experiment.row_knowledge import WORDS
from collapse.experiment.spelling import once
from collapse.experiment.verifiers import operators
from collapse.sims.control.fields import ControlFields
from collapse.sims.control.policies import RULES, PolicySpec, read

# workflows that set the share of real rows themselves, or have none
_NOT_HELD = ("mix", "replace_multiple", "replace_growing")


def check(e: ControlFields) -> None:
    """Raise InputError for combinations of fields that cannot be run."""
    once("policy", e.policy, read)
    _check_needs(e)
    for cell in e.cells():
        if e.rate(cell) > 1:
            raise InputError(
                f"budget: {cell['budget']:g} real rows of "
                f"{cell['samples_per_generation']} a generation; give at most these"
            )
        if cell["budget"] * e.num_generations < 1:
            raise InputError(
                f"budget: {cell['budget']:g} rows a generation are less than one row "
                f"in {e.num_generations}; give more rows or generations"
            )
    for spec in e.workflow_specs():
        if spec.name in _NOT_HELD or spec.kind.real_rows is not None:
            raise InputError(
                f"workflows: {spec.label} sets the share of real rows, and so does "
                "every policy; name replace, accumulate, fixed_budget or window"
            )
    if not e.errors():
        raise InputError(f"model: {e.model} measures no error; name another")
    if e.error not in e.errors():
        raise InputError(
            f"error: {e.error} is not least where a model is best; known are "
            f"{', '.join(e.errors())}"
        )
    good = e.learner.monitors_in_units
    if "measured" in e.trust and e.monitor not in good:
        raise InputError(
            f"trust: measured needs a drift in units of the error of a fit, which the "
            f"monitor {e.monitor} is not; "
            + (f"use --monitor {' or '.join(good)}" if good else "drop it")
        )
    check_floor(e, e.monitor_rows, e.monitor_samples)
    _check_rows(e)
    _check_every(e)


def _check_needs(e: ControlFields) -> None:
    """Raise InputError for what a policy lacks, or what no policy makes use of."""
    rules = [spec.rule for spec in e.policies()]
    priced = any(rule.priced for rule in rules)
    names = [name for name, rule in RULES.items() if rule.priced]
    if priced and not e.price:
        raise InputError(
            f"price: the policy {names[0]} weighs real rows against drift; give the "
            "--price of one in units of the drift"
        )
    if e.price and not priced:
        raise InputError(
            f"price: only the policy {names[0]} weighs it; name that policy, or drop it"
        )
    if e.hold != "drift":
        return
    if not any(rule.holds for rule in rules):
        held = ", ".join(name for name, rule in RULES.items() if rule.holds)
        raise InputError(
            f"hold: none of these policies has a level to hold the drift at; name one "
            f"of {held}, or drop it"
        )
    if not e.tolerance:
        raise InputError("tolerance: --hold drift needs one; give the drift to hold")


def check_floor(e: ControlFields, rows: int, samples: int) -> None:
    """Raise InputError for a tolerance that the monitor cannot see.

    Args:
      e: the study.
      rows: real ones of the monitor, as many as there are.
      samples: rows that the model generates for it.
    """
    floor = 1 / rows + 1 / samples
    if 0 < e.tolerance < floor and e.monitor == "mean":
        raise InputError(
            f"tolerance: {e.tolerance:g} is below the floor {floor:.3g} of a monitor "
            f"of {rows} real and {samples} generated rows, which cannot see so small a "
            "drift; give a larger tolerance or more rows"
        )


def _check_rows(e: ControlFields) -> None:
    """Raise InputError for what cannot be done to generated rows."""
    once("operator", e.operator, operators.read_ranked)
    if e.operator != (operators.NONE,) and e.selectivity == 1:
        raise InputError("selectivity: 1 keeps every row; give less for an operator")
    known = e.learner.knows_of_rows()
    for text in e.operator:
        _check_operator(e, operators.read(text), text, known)
    if e.operator != (operators.NONE,) and e.verify == "alarm":
        # else they re-anchor with real rows alone, and nothing is left to verify
        if not any(_re_anchors_in_part(e, spec) for spec in e.policies()):
            raise InputError(
                "verify: alarm is for policies that re-anchor with a part of the rows; "
                "name event with its share, such as 'event 0.1', or --verify always"
            )
    if e.trust_by != "rows":
        return
    if e.operator != (operators.NONE,):
        raise InputError(
            "trust_by: rows leaves out the last of the generated rows, and an operator "
            "the worst; give one of them"
        )
    weighs = any(spec.rule.weighs for spec in e.policies())
    changes = any(spec.name != "constant" for spec in e.policies())
    if weighs or "measured" in e.trust or ("predicted" in e.trust and changes):
        return
    raise InputError(
        "trust_by: no row is left out here, since all count alike, or the share is "
        "constant and its error as predicted; give --trust measured"
    )


def _re_anchors_in_part(e: ControlFields, spec: PolicySpec) -> bool:
    """Whether a policy may re-anchor with real rows and generated ones beside them."""
    if spec.name == "event" and spec.number < 1:
        return True
    return spec.name in ("event", "evidence") and e.overdraft < 1


def _check_operator(
    e: ControlFields,
    spec: operators.OperatorSpec,
    text: str,
    known: Collection[str],
) -> None:
    """Raise InputError for an operator that the model, or a policy, cannot have."""
    if spec.name == operators.NONE:
        return
    if spec.name not in operators.RANKED:
        raise InputError(
            f"operator: under a policy {spec.name} cannot be, since no keep rate sets "
            f"how much it keeps; name {', '.join((operators.NONE, *operators.RANKED))}"
        )
    for name in operators.missing(spec, known):
        raise InputError(
            f"operator: {text} needs {WORDS[name]}, which {e.model} does not have "
            "here; drop it, or name gaussian, gmm, kde, linear or discrete without data"
        )
    biased = spec.rule.bias and spec.kind != "oracle" and e.verifier_bias > 0
    if biased and "displaced" not in known:
        raise InputError(
            f"verifier_bias: {e.verifier_bias:g}, but rows of {e.model} have no "
            "direction to be wrong in; give 0"
        )


def _check_every(e: ControlFields) -> None:
    """Raise InputError for a number of generations of which results keep too few."""
    if e.num_generations == 1:
        raise InputError("num_generations: 1 shows no policy's effect; give 2 or more")
    if e.num_generations % e.every:
        raise InputError(
            f"every: {e.every} does not divide {e.num_generations} generations; give a "
            "divisor"
        )
    if e.num_generations < 2 * e.every:
        raise InputError(
            f"every: {e.every} leaves one of {e.num_generations} generations; give at "
            "most half of them"
        )
