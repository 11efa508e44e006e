"""Verdicts and numbers in words, the same in every report."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from collapse.experiment.claims.claim import Claim, Paper, Rule, fingerprint
from collapse.experiment.claims.verdict import NOT_COMPARABLE, NOT_RUN
from collapse.lab.reproduce.entries import Entry
from collapse.lab.reproduce.records import CHECKED, Records

_MOST_POINTS = 6  # that are told one by one


class Line(NamedTuple):
    """A claim with what was found, as a report tells it.

    Attributes:
      entry: that decides it.
      claim: the claim.
      verdict: the word.
      measured: one text for each number that was read.
      control: what the control is, and that it fails as it must.
      size: seeds of the run.
      check: the same of a run with other seeds, at a size that decides; None for none.
    """

    entry: Entry
    claim: Claim
    verdict: str
    measured: tuple[str, ...] = ()
    control: str = ""
    size: str = ""
    check: "Line | None" = None


def lines(some: Sequence[Entry], found: Records) -> list[tuple[Paper, list[Line]]]:
    """Papers by name, each with its claims and what was found."""
    told: dict[str, tuple[Paper, list[Line]]] = {}
    for entry in some:
        record = found.get(entry.name, {})
        for paper, claim in entry.claims:
            line = _line(entry, claim, record)
            check = _line(entry, claim, record.get(CHECKED, {}))
            if check.size and claim.rules:
                line = line._replace(check=check)
            told.setdefault(paper.name, (paper, []))[1].append(line)
    return [told[name] for name in sorted(told)]


def total(some: Sequence[Entry], found: Records) -> str:
    """`10 claims: 6 agrees, 4 differs`, and of how many a check said what."""
    every = [line for _, several in lines(some, found) for line in several]
    told = f"{len(every)} claim{'s' * (len(every) != 1)}: {_counted(every)}"
    checks = [line.check for line in every if line.check]
    return told + (f"; checked with other seeds: {_counted(checks)}" if checks else "")


def _counted(several: Sequence[Line]) -> str:
    """`6 agrees, 4 differs`."""
    words = sorted(line.verdict for line in several)
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _line(entry: Entry, claim: Claim, run: Mapping[str, Any]) -> Line:
    record = run.get("claims", {}).get(claim.name)
    if record is None or record.get("rules") != fingerprint(claim):  # of other rules
        return Line(entry, claim, NOT_RUN if claim.rules else NOT_COMPARABLE)
    measured = []
    # a run that was cut down has read nothing
    read = record["measured"] or [()] * len(claim.rules)
    for rule, several in zip(claim.rules, read, strict=True):
        measured += _several(rule, several)
    control = ""
    if claim.control is not None:
        control = f"{claim.control.says}: {record['control'] or NOT_RUN}"
    told = tuple(measured)
    return Line(entry, claim, record["verdict"], told, control, size(run))


def _several(rule: Rule, several: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was read at each point of a rule; of many points the ends of all."""
    if len(several) <= _MOST_POINTS:
        return [_told(rule, one) for one in several]
    low, high = min(one["low"] for one in several), max(one["high"] for one in several)
    values = [one["value"] for one in several]
    return [
        f"at each of {len(several)} points: {_what(rule)} = {number(min(values))} to "
        f"{number(max(values))}, all intervals within {number(low)} to {number(high)}; "
        f"{_range(rule)}"
    ]


def _told(rule: Rule, one: Mapping[str, Any]) -> str:
    """`at replace, generation 9: mean test_error = 10.1 (9.8 to 10.4); ...`."""
    where = ", ".join(_spelled(one["at"])) or "the end"
    ends = f"({number(one['low'])} to {number(one['high'])})"
    value = f"{number(one['value'])} {ends}" if one["seeds"] else number(one["value"])
    return f"at {where}: {_what(rule)} = {value}; {_range(rule)}"


def _what(rule: Rule) -> str:
    """The quantity of a rule in words."""
    if rule.how.startswith("share"):
        side = rule.how.removeprefix("share_")
        return f"share of runs with {rule.of} {side} {number(rule.level)}"
    over = ", ".join(_spelled(rule.over))
    beyond = ", ".join(_spelled(rule.beyond))
    beyond = f", each less that at {beyond}" * bool(beyond)
    told = {
        "value": f"{rule.statistic} {rule.of}",
        "difference": f"{rule.statistic} {rule.of} minus that at {over}",
        "ratio": f"{rule.of} over that at {over}{beyond} ({rule.statistic})",
    }
    return told[rule.how]


def _spelled(point: Mapping[str, Any]) -> Iterator[str]:
    for key, value in point.items():
        yield str(value) if key in ("workflow", "of") else f"{key} {value}"


def _range(rule: Rule) -> str:
    """What a rule asks for: `the claim: at least 2`."""
    asked = f"{number(rule.low)} to {number(rule.high)}"
    if math.isinf(rule.high):
        asked = f"at least {number(rule.low)}"
    if math.isinf(rule.low):
        asked = f"at most {number(rule.high)}"
    return f"{'like with like' if rule.fair else 'the claim'}: {asked}"


def size(record: Mapping[str, Any]) -> str:
    """Seeds of a record's run, and whether it is a full one."""
    seeds = record["seeds"]
    told = f"checked with {seeds} other seeds" if record["check"] else f"{seeds} seeds"
    return str(told) + ", cut down by --quick" * bool(record["quick"])


def device(record: Mapping[str, Any]) -> str:
    """The processor of a record's run, or the name of its accelerator."""
    first = next(iter(record["devices"] or ()), "cpu")
    return str(record["processor"] if first == "cpu" else first)


def number(value: float) -> str:
    """A number with four digits."""
    return f"{value:.4g}"
