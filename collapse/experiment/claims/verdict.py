"""Whether the lab agrees with a claim: intervals against the range where it holds.

One rule for all: the claim is agreed with if the confidence interval of each number
that it names lies within the range, and disagreed with if one of them lies beyond it.
Else there are too few seeds to say. Claims that are tested together share one budget
of false alarms: the confidence of each interval is 1 - budget / number of intervals.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.claims.claim import Claim, Test, Where
from collapse.experiment.claims.statistic import (
    Measured,
    NotReached,
    measured,
    places,
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
      measured: what each test read, in their order.
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
    """Of each interval, so that all tests of some claims share a false-alarm budget."""
    tests = [test for claim in claims for test in claim.tests]
    return 1 - budget / max(sum(len(list(places(test.at))) for test in tests), 1)


def judge(
    claim: Claim,
    dataset: xr.Dataset,
    level: float,
    other: Callable[[Where], xr.Dataset] | None = None,
    partial: bool = False,
) -> Verdict:
    """The verdict on a claim, of the results of its experiment.

    Args:
      claim: with its tests.
      dataset: every seed, as in results.nc.
      level: confidence of each interval, of `confidence`.
      other: gives the results of the experiment with some fields changed, which a
        control may need; None leaves such a control out.
      partial: whether the results may be of a run that was cut down, and lack places
        that tests name; then nothing is decided.

    Raises:
      InputError: if the results lack what a test reads; names the claim.
    """
    if not claim.tests or claim.control is None:
        return Verdict(NOT_COMPARABLE)
    control = claim.control
    tests = [_in_control(test, control.read, control.swap) for test in claim.tests]
    try:
        found = _all(claim.tests, dataset, level)
        if control.change and other is None:
            against = ""
        else:
            beside = dataset
            if control.change and other is not None:
                beside = other(control.change)
            elif control.shuffle:
                beside = shuffled(dataset, claim.name)
            against = _word(tests, _all(tests, beside, level))
    except InputError as error:
        if partial and isinstance(error, NotReached):
            return Verdict(UNDECIDED)
        raise InputError(f"claim {claim.name}: {error}") from None
    return Verdict(_word(claim.tests, found), found, against)


def _in_control(test: Test, read: Mapping[str, Any], swap: bool) -> Test:
    """The test that the control makes instead."""
    if swap:
        there = {k: v for k, v in test.over.items() if k != "of"}
        here = {k: v for k, v in test.at.items() if k in test.over}
        of = str(test.over.get("of", test.of))
        over = {**here, "of": test.of}
        return test._replace(of=of, at={**test.at, **there}, over=over)
    return test._replace(at={**test.at, **read})


def _all(
    tests: Sequence[Test], dataset: xr.Dataset, level: float
) -> tuple[tuple[Measured, ...], ...]:
    return tuple(tuple(measured(dataset, test, level)) for test in tests)


def _word(tests: Sequence[Test], found: Sequence[Sequence[Measured]]) -> str:
    """The word for all tests together: the least favourable one."""
    words = {
        of_one(test, one)
        for test, several in zip(tests, found, strict=True)
        for one in several
    }
    return next(word for word in (DIFFERS, UNDECIDED, AGREES) if word in words)


def of_one(test: Test, one: Measured) -> str:
    """The word for one interval."""
    if one.low > test.high or one.high < test.low:
        return DIFFERS
    inside = test.low <= one.low and one.high <= test.high  # False for NaN
    return AGREES if inside else UNDECIDED
