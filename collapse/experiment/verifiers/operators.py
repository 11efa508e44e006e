"""Operators as they are written: `ball`, `ball 1.5`, `ball random`, `ball oracle`.

The first word is the operator, a number its own parameter. The last word makes it its
random control, which keeps as many rows whatever they are (`random`), or the same
operator in the hands of who knows the truth (`oracle`).
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, Literal, TypeAlias

from collapse.data.errors import InputError
from collapse.experiment.spelling import named

As: TypeAlias = Literal["itself", "random", "oracle"]
NONE = "none"
REFERENCE = 500  # real rows that a judge knows
RANKED = ("top_share", "realistic", "confident")  # whose keep rate may be set


@dataclasses.dataclass(frozen=True)
class OperatorRule:
    """An operator before its number is given.

    Attributes:
      number: what a number behind the name is; empty for none.
      default: of that number; NaN to take it from the selectivity.
      low: the number is above it.
      needs: what a family has to know of its rows, attributes of `Knowledge`.
      oracle: what the oracle needs; None if there is no oracle.
      selects: some rows are rejected or weighed, so that there is a random control.
      bias: depends on the bias of the verifier.
      noise: depends on its noise.
      keeps: the selectivity is the share of the candidates that it keeps.
    """

    number: str = ""
    default: float = float("nan")
    low: float = 0.0
    needs: tuple[str, ...] = ()
    oracle: tuple[str, ...] | None = None
    selects: bool = True
    bias: bool = False
    noise: bool = True
    keeps: bool = False


_BELIEF: dict[str, Any] = {"needs": ("score",), "oracle": ("score",), "bias": True}
_DENSITIES = ("log_truth", "log_model")
RULES = {
    NONE: OperatorRule(selects=False, noise=False),
    "ball": OperatorRule(
        "radius in standard deviations",
        needs=("score", "reach"),
        oracle=("score", "reach"),
        bias=True,
    ),
    "labels": OperatorRule(needs=("right",), oracle=("right",), bias=True),
    "best_of": OperatorRule(
        "candidates of which one is kept", low=1, keeps=True, **_BELIEF
    ),
    "top_share": OperatorRule(keeps=True, **_BELIEF),
    "realistic": OperatorRule(
        needs=("features", "displaced"), oracle=_DENSITIES, bias=True, keeps=True
    ),
    "importance": OperatorRule(
        "power of the odds",
        1.0,
        needs=("features", "displaced"),
        oracle=_DENSITIES,
        bias=True,
    ),
    "confident": OperatorRule(needs=("log_model",), keeps=True),
    "correct": OperatorRule(
        "strength",
        1.0,
        needs=("project", "displaced"),
        oracle=(),
        selects=False,
        bias=True,
        noise=False,
    ),
    "deduplicate": OperatorRule("distance", 0.01, needs=("points",)),
    "spread": OperatorRule(needs=("points",), keeps=True),
    "covariance": OperatorRule(
        needs=("points", "displaced"), oracle=("points",), bias=True, keeps=True
    ),
}


@dataclasses.dataclass(frozen=True)
class OperatorSpec:
    """An operator with its number, and in whose hands it is.

    Attributes:
      name: of its rule.
      number: its own; NaN where it has none or takes it from the selectivity.
      kind: itself, its random control, or an oracle.
    """

    name: str
    number: float
    kind: As

    @property
    def rule(self) -> OperatorRule:
        """The rule of this name."""
        return RULES[self.name]

    @property
    def needs(self) -> tuple[str, ...]:
        """What a family has to know of its rows."""
        own = self.rule.oracle if self.kind == "oracle" else self.rule.needs
        return own or ()


_TAKES: dict[str, Callable[[OperatorSpec], bool]] = {
    "verifier_bias": lambda spec: spec.rule.bias and spec.kind != "oracle",
    "noise": lambda spec: spec.rule.noise and spec.kind != "oracle",
    "selectivity": lambda spec: (
        spec.rule.keeps or spec.name == "ball" and math.isnan(spec.number)
    ),
}


def idle(specs: Iterable[OperatorSpec], known: Iterable[str] = RULES) -> dict[str, str]:
    """Fields of a verifier that none of these operators takes -> which known would."""
    specs = tuple(specs)
    would = {
        field: [n for n in known if takes(OperatorSpec(n, math.nan, "itself"))]
        for field, takes in _TAKES.items()
        if not any(map(takes, specs))
    }
    return {field: f"with {', '.join(names)}" for field, names in would.items()}


def missing(spec: OperatorSpec, known: Collection[str]) -> tuple[str, ...]:
    """What an operator needs and a model does not know of its rows."""
    return tuple(name for name in spec.needs if name not in known)


def control_of(text: str) -> str:
    """The random control of an operator, as it is written; "none" where all is kept."""
    spec, words = read(text), text.split()
    if not spec.rule.selects:
        return NONE
    return " ".join([*(words[:-1] if spec.kind != "itself" else words), "random"])


def read(text: str) -> OperatorSpec:
    """The operator that a text names.

    Raises:
      InputError: for a text that is none.
    """
    name, rule, words = named("operator", text, RULES)
    kind = "itself"
    if words and words[-1] in ("random", "oracle"):
        kind = words.pop()
    if kind == "random" and not rule.selects:
        raise InputError(
            f"operator: {name} keeps every row, so that its control is none; give that"
        )
    if kind == "oracle" and rule.oracle is None:
        raise InputError(
            f"operator: {name} looks at no truth, so that it has no oracle; give "
            f"{name!r} alone"
        )
    if not words:
        return OperatorSpec(name, rule.default, kind)  # type: ignore[arg-type]
    if len(words) > 1 or not rule.number:
        has = f"a number, the {rule.number}" if rule.number else "no number"
        raise InputError(
            f"operator: {text!r} is not how {name} is written; it takes {has}, then "
            "random for its control or oracle"
        )
    return OperatorSpec(name, _number(name, rule, words[0]), kind)  # type: ignore[arg-type]


def read_ranked(text: str) -> OperatorSpec:
    """The operator that a text names; of unknown ones, those of RANKED are listed.

    Raises:
      InputError: for a text that is none.
    """
    if (text.split() or [""])[0] not in RULES:
        named("operator", text, dict.fromkeys((NONE, *RANKED)))
    return read(text)


def _number(name: str, rule: OperatorRule, word: str) -> float:
    """The number of an operator.

    Raises:
      InputError: if it is none, or out of range.
    """
    try:
        number = float(word)
    except ValueError:
        number = float("nan")
    if not rule.low < number < 1e6:
        raise InputError(
            f"operator: {name}: the {rule.number} is {word}; give a number above "
            f"{rule.low:g} and below 1e6"
        )
    if name == "best_of" and not number.is_integer():
        raise InputError(f"operator: {name}: {word} candidates; give a whole number")
    return number
