"""Whether the lab agrees with a claim: intervals against the range where it holds.

One rule for all: the claim is agreed with if the confidence interval of each number
that it names lies within the range, and disagreed with if one of them lies beyond it.
Else there are too few seeds to say. Claims that are tested together share one budget
of false alarms: the confidence of each interval is 1 - budget / number of intervals.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.claims.claim import Claim, Control, Rule, Where
from collapse.experiment.claims.statistic import (
    Measured,
    NotReached,
    measured,
    points,
    shuffled,
)

BUDGET = 0.05  # of false alarms, over all claims that are tested together

AGREES = "agrees"
DIFFERS = "differs"
UNDECIDED = "undecided"
NOT_COMPARABLE = "not comparable"
NOT_RUN = "not run"


class Verdict(NamedTuple):
    """What is said of a claim.

    Attributes:
      verdict: one of the words above.
      measured: what each rule read, in their order.
      control: the word for the control; "" where there is none.
    """

    verdict: str
    measured: tuple[tuple[Measured, ...], ...] = ()
    control: str = ""

    @property
    def sound(self) -> bool:
        """Whether the rule could have failed: its control did not agree."""
        return self.control != AGREES


def confidence(claims: Sequence[Claim], budget: float = BUDGET) -> float:
    """Of each interval, so that all rules of some claims share a false-alarm budget."""
    rules = [rule for claim in claims for rule in claim.rules]
    return 1 - budget / max(sum(len(list(points(rule.at))) for rule in rules), 1)


def judge(
    claim: Claim,
    dataset: xr.Dataset,
    level: float,
    other: Callable[[Where], xr.Dataset] | None = None,
    partial: bool = False,
) -> Verdict:
    """The verdict on a claim, of the results of its experiment.

    Args:
      claim: with its rules.
      dataset: every seed, as in results.nc.
      level: confidence of each interval, of `confidence`.
      other: gives the results of the experiment with some fields changed, which a
        control may need; None leaves such a control out.
      partial: whether the results may be of a run that was cut down, and lack points
        that rules name; then nothing is decided.

    Raises:
      InputError: if the results lack what a rule reads; names the claim.
    """
    if not claim.rules or claim.control is None:
        return Verdict(NOT_COMPARABLE)
    control = claim.control
    try:
        found = _all(claim.rules, dataset, level)
        if control.change and other is None:
            against = ""
        else:
            beside = dataset
            if control.change and other is not None:
                beside = other(control.change)
            elif control.shuffle:
                beside = shuffled(dataset, claim.name)
            against = _of_control(claim.rules, control, beside, level)
    except InputError as error:
        if partial and isinstance(error, NotReached):
            return Verdict(UNDECIDED)
        raise InputError(f"claim {claim.name}: {error}") from None
    return Verdict(_word(claim.rules, found), found, against)


def _of_control(
    rules: Sequence[Rule], control: Control, dataset: xr.Dataset, level: float
) -> str:
    """The word for a control: that it agrees if a single rule does."""
    words = set()
    for rule in rules:
        if rule.fair:
            continue
        own = list(_in_control(rule, control))
        words.add(_word(own, _all(own, dataset, level)))
    return next(word for word in (AGREES, UNDECIDED, DIFFERS) if word in words)


def _in_control(rule: Rule, control: Control) -> Iterator[Rule]:
    """The rule as the control reads it; where it exchanges points, one for each."""
    if not control.swap:
        over: Where = {**rule.over, **control.over} if rule.over else rule.over
        yield rule._replace(at={**rule.at, **control.read}, over=over)
        return
    for at in points(rule.at):
        there = {k: v for k, v in rule.over.items() if k != "of"}
        here = {k: v for k, v in at.items() if k in rule.over}
        of = str(rule.over.get("of", rule.of))
        yield rule._replace(of=of, at={**at, **there}, over={**here, "of": rule.of})


def _all(
    rules: Sequence[Rule], dataset: xr.Dataset, level: float
) -> tuple[tuple[Measured, ...], ...]:
    return tuple(tuple(measured(dataset, rule, level)) for rule in rules)


def _word(rules: Sequence[Rule], found: Sequence[Sequence[Measured]]) -> str:
    """The word for all rules together: the least favourable one."""
    words = {
        of_one(rule, one)
        for rule, several in zip(rules, found, strict=True)
        for one in several
    }
    return next(word for word in (DIFFERS, UNDECIDED, AGREES) if word in words)


def of_one(rule: Rule, one: Measured) -> str:
    """The word for one interval."""
    if one.low > rule.high or one.high < rule.low:
        return UNDECIDED if rule.fair else DIFFERS  # unlike things do not agree
    inside = rule.low <= one.low and one.high <= rule.high  # False for NaN
    return AGREES if inside else UNDECIDED
