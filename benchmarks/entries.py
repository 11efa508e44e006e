"""A row of a table as it is kept: its cells, its goals, numbers for other documents."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import agreement
from floor import Need
from timing import Ends, Setting, Spread, Timed

Entry = dict[str, Any]
Job = tuple[str, str, Callable[[], Entry]]  # table, case, what makes the row


class Peer(NamedTuple):
    """One competitor of a row.

    Attributes:
      call: what it does in a turn.
      work: seed-generations of a turn, of all its processes.
      goal: how many times as fast the lab is to be; 0 for none.
      comparable: whether it reaches the same results.
      ends: what a call returns -> numbers to be compared.
    """

    call: Callable[[], Any]
    work: float
    goal: float = 0.0
    comparable: bool = True
    ends: Callable[[Any], Any] = lambda found: found


HEADS = "case|precision|cores|seed-generations/s|{peers}|lab; peers ± error|x floor"
HEADS += "|compile s"


def heads(*peers: str) -> list[str]:
    """Columns of a comparison with peers of these names."""
    return HEADS.format(peers="|".join(f"x {name}" for name in peers)).split("|")


def entry(
    columns: list[str],
    case: str,
    cells: list[str],
    goals: list[Entry] | None = None,
    facts: Mapping[str, float] | None = None,
) -> Entry:
    """A row, as JSON has it."""
    return {
        "columns": columns,
        "case": case,
        "cells": cells,
        "goals": goals or [],
        "facts": dict(facts or {}),
    }


def goal(name: str, wanted: float, found: Spread, cores: str) -> Entry:
    """What was to be reached, and what was; met if the median is."""
    return {"name": name, "goal": wanted, "cores": cores, "found": list(found)}


def compared(
    setting: Setting,
    case: str,
    precision: str,
    lab: tuple[Callable[[], Ends], float, float],
    peers: Mapping[str, Peer],
    names: tuple[str, ...],
    need: Need,
    timed: Timed,
) -> Entry:
    """The row of a comparison.

    Args:
      setting: it was run in.
      case: its name.
      precision: of the lab.
      lab: its call, seconds of compiling, seed-generations of a turn.
      peers: name -> competitor.
      names: of all peers of the table.
      need: the least that a seed-generation takes.
      timed: turns of "lab" and of the peers.
    """
    _, compiled, work = lab
    speed = Spread.of([work / s for s in timed.seconds["lab"]])
    ratios, told, goals = [], [], []
    ours = timed.found["lab"][0]  # the same seeds in each turn
    for name in names:
        if name not in peers:
            ratios.append("")
            continue
        peer = peers[name]
        ratio = timed.ratio(name, "lab", work / peer.work)
        ratios.append(f"{ratio}{marked(ratio, peer.goal)}")
        if peer.goal:
            title = f"{case}, {precision}, times {name}"
            goals.append(goal(title, peer.goal, ratio, setting.where))
        if not peer.comparable:
            told.append(f"{name}: another law")
            continue
        theirs = [value for found in timed.found[name] for value in peer.ends(found)]
        told.append(agreement.compare(ours, theirs).words(name))
    mean = f"{ours.mean():.4g}; {', '.join(told)}"
    floor = need.seconds(setting, precision)
    distance = Spread.of([s / work / floor for s in timed.seconds["lab"]])
    cells = [case, precision, setting.where, f"{speed.median:,.0f}"]
    cells += [*ratios, mean, f"{distance.median:.1f}", f"{compiled:.1f}"]
    return entry(heads(*names), case, cells, goals)


def marked(found: Spread, wanted: float) -> str:
    """What is said of a goal after the number."""
    if not wanted:
        return ""
    met = "met" if found.median >= wanted else "not met"
    return f", goal {wanted:g} {met}"


def made(jobs: Iterator[Job]) -> Iterator[Entry]:
    """The rows of jobs, one after the other; one that fails says why in its cell."""
    for table, case, make in jobs:
        try:
            row = make()
        except Exception as error:
            traceback.print_exc()
            row = failed(case, f"{type(error).__name__}: {error}")
        yield {"table": table, **row}


class Once:
    """What several rows share: made by the first of them, and failing for all."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """Nothing is made yet."""
        self.make, self.done = make, False
        self.found: Any = None
        self.error: Exception | None = None

    def __call__(self) -> Any:
        """What is made, or the error that it met."""
        if not self.done:
            self.done = True
            try:
                self.found = self.make()
            except Exception as error:
                self.error = error
        if self.error is not None:
            raise self.error
        return self.found


def failed(case: str, why: str) -> Entry:
    """The row of what could not be measured."""
    return {"case": case, "failed": " ".join(why.split())[:200]}
