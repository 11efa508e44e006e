"""Policies as they are written: `constant`, `event 0.5`, `event oracle`, `event noise`.

The first word is the policy, a number its own parameter, the last word what it is fed
with in place of the monitor: the true drift (`oracle`), or noise, for a control.
"""

import dataclasses
from typing import Literal

from collapse.data.errors import InputError
from collapse.experiment.spelling import named

FED_WITH = ("monitor", "oracle", "noise")  # in the order of `ledger.SOURCES`


@dataclasses.dataclass(frozen=True)
class PolicyRule:
    """A policy before its number is given.

    Attributes:
      number: what a number behind the name is; empty for none.
      low: the number is above it.
      high: and at most this.
      watches: whether it depends on what it is fed with.
      weighs: says itself what a real row counts.
      priced: needs a price of a real row, and spends as much as that is worth.
      holds: has a level, at which it can hold the drift.
    """

    number: str = ""
    low: float = 0.0
    high: float = 1.0
    watches: bool = True
    weighs: bool = False
    priced: bool = False
    holds: bool = False


RULES = {
    "constant": PolicyRule(watches=False),
    "golden": PolicyRule(watches=False, weighs=True),
    "greedy": PolicyRule(watches=False, weighs=True),
    "decay": PolicyRule("c of the share c / t", high=1e6, watches=False),
    "periodic": PolicyRule("period in generations", 0.999, 1e9, watches=False),
    "event": PolicyRule("share of real rows of an event", holds=True),
    "proportional": PolicyRule("gain", high=1e3, holds=True),
    "feed_forward": PolicyRule(holds=True),
    "priced": PolicyRule(priced=True),
    "evidence": PolicyRule("rate of false alarms", holds=True),
    "bandit": PolicyRule(),
}
TWELVE = (
    *("constant", "golden", "greedy", "decay", "periodic", "event"),
    *("proportional", "feed_forward", "evidence", "bandit"),
    *("event oracle", "event noise"),
)


@dataclasses.dataclass(frozen=True)
class PolicySpec:
    """A policy with its number and what it is fed with.

    Attributes:
      name: of its rule.
      number: its own; NaN for the rule's default.
      fed: what it sees.
    """

    name: str
    number: float
    fed: Literal["monitor", "oracle", "noise"]

    @property
    def rule(self) -> PolicyRule:
        """The rule of this name."""
        return RULES[self.name]

    @property
    def source(self) -> int:
        """Index of what it is fed with."""
        return FED_WITH.index(self.fed)


def read(text: str) -> PolicySpec:
    """The policy that a text names.

    Raises:
      InputError: for a text that is none.
    """
    name, rule, words = named("policy", text, RULES)
    fed = "monitor"
    if words and words[-1] in FED_WITH:
        fed = words.pop()
        if not rule.watches:
            raise InputError(
                f"policy: {name} looks at no drift, so that it cannot be fed with "
                f"{fed}; give {name!r} alone"
            )
    if not words:
        return PolicySpec(name, float("nan"), fed)  # type: ignore[arg-type]
    if len(words) > 1 or not rule.number:
        has = f"a number, the {rule.number}" if rule.number else "no number"
        raise InputError(
            f"policy: {text!r} is not how {name} is written; it takes {has}, then "
            "oracle or noise if it is to see these"
        )
    try:
        number = float(words[0])
    except ValueError:
        number = float("nan")
    if not rule.low < number <= rule.high:
        raise InputError(
            f"policy: {name}: the {rule.number} is {words[0]}; give a number above "
            f"{rule.low:g} and at most {rule.high:g}"
        )
    return PolicySpec(name, number, fed)  # type: ignore[arg-type]
