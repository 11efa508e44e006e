"""All rules, tried in the order in which their failures explain each other."""

from collections.abc import Callable, Sequence
from typing import Literal

from collapse.core.types import Batch, Key, Model
from collapse.data.errors import InputError, ModelError
from collapse.lab import session
from collapse.lab.conformance import (
    dependence,
    randomness,
    running,
    scale,
    structure,
    weights,
)
from collapse.lab.conformance.report import Checked, Report
from collapse.lab.conformance.trial import Meaning, Trial
from collapse.lab.conformance.words import Skipped, tried

Rule = Callable[[Trial], str | None]  # a remark on what is kept, if any

RULES: dict[str, Rule] = {
    "tracing": structure.can_be_traced,
    "pure": randomness.pure,
    "spread": scale.spread,
    "finite": running.finite,
    "draw": randomness.draw_matters,
    "key": randomness.key_matters,
    "key once": randomness.once,
    "rows": dependence.rows_matter,
    "params": dependence.params_matter,
    "all params": dependence.all_learned,
    "types": structure.types_follow,
    "order": randomness.order,
    "weight 0": weights.zero_weight,
    "empty": weights.empty_positions,
    "scale": weights.scale,
    "repeated": weights.repeated,
    "seeds": running.side_by_side,
}
_COMPARE_FITS = ("weight 0", "empty", "scale", "repeated", "seeds")
_MEANINGS = ("both", "shares", "counts")


def check_model(
    model: Model,
    draw: Callable[[Key, int], Batch],
    *,
    num_rows: int = 24,
    weights: Meaning = "both",
    skip: Sequence[str] = (),
    tolerance: float | None = None,
    precision: Literal["float64", "float32"] = "float64",
    on_fail: Literal["raise", "report"] = "raise",
) -> Report:
    """A report of the rules that a model keeps, breaks or was not tried on.

    The rules are those that the loop over generations relies on; `print(report)` lists
    them, with remarks on what may be meant. Takes seconds, most of them for compiling.

    Args:
      model: on trial.
      draw: `(key, num) -> batch` of real rows, that of its `Problem`.
      num_rows: rows of a batch; as many as a fit needs, and an even number.
      weights: what a weight means. "both" (maximum likelihood, say): only the ratios of
        weights matter, and a row of weight 2 is as good as two rows. "counts": only the
        latter, as beside a penalty. "shares": only the former.
      skip: names of rules that are not to be tried.
      tolerance: of each parameter whose sums are taken in another order, relative to
        it or, if larger, to how much it differs between fits to independent rows; if
        None 1e-9 where real rows are float64, and else 1e-4.
      precision: of the trial.
      on_fail: "raise" at the first broken rule, or "report" them all.

    Raises:
      ModelError: for the first broken rule: the function, what was seen, what helps.
      InputError: for arguments that are none.
    """
    _check_arguments(model, draw, num_rows, skip)
    _check_choice("weights", weights, _MEANINGS)
    _check_choice("on_fail", on_fail, ("raise", "report"))
    trial = Trial(lambda root: (model, draw), num_rows, tolerance, weights)
    found: list[Checked] = []
    with session.configured(precision):
        for name, rule in RULES.items():
            if name in skip:
                found.append(_checked(name, None, "left out"))
                continue
            try:
                remark = tell(name, rule, trial)
                found.append(_checked(name, True, remark))
            except Skipped as reason:
                found.append(_checked(name, None, str(reason)))
            except ModelError as error:
                if on_fail == "raise":
                    raise
                found.append(_checked(name, False, str(error)))
                if name == "tracing":  # nothing else can be tried
                    rest = [rule for rule in RULES if rule != name]
                    found += [_checked(r, None, "cannot be traced") for r in rest]
                    break
    return Report(tuple(found))


def tell(name: str, rule: Rule, trial: Trial) -> str:
    """A remark on a rule that is kept, most often "".

    Raises:
      ModelError: if it is broken, or cannot be tried.
      Skipped: if it does not apply.
    """
    try:
        return tried(name, lambda: rule(trial)) or ""
    except ModelError as error:
        error.rule = name
        if name in _COMPARE_FITS:
            error.args = (f"{error}{scale.may_be_rounding(trial)}",)
        raise


def _checked(name: str, passed: bool | None, message: str = "") -> Checked:
    words = (RULES[name].__doc__ or "").splitlines()[0].rstrip(".")
    return Checked(name, words, passed, message)


def _check_arguments(
    model: Model, draw: object, num_rows: int, skip: Sequence[str]
) -> None:
    """Raise InputError for the first argument that cannot be used."""
    if not isinstance(model, Model):
        raise InputError(
            f"model: a {type(model).__name__}; give collapse.Model(init, fit, sample)"
        )
    for name, function in (*model._asdict().items(), ("draw", draw)):
        if not callable(function):
            raise InputError(f"{name}: {function!r} is no function")
    if int(num_rows) != num_rows or num_rows < 4:
        raise InputError(f"num_rows: {num_rows}; give a whole number, 4 or more")
    for name in skip:
        if name not in RULES:
            raise InputError(f"skip: unknown {name!r}; known are {', '.join(RULES)}")


def _check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise InputError for a value that is not among the known ones."""
    if value not in known:
        raise InputError(f"{name}: {value!r}; give one of {', '.join(known)}")
