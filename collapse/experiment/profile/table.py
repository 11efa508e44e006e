"""The profile as text: the workflows of each definition below one another."""

import numpy as np
import pandas as pd

from collapse.experiment.columns import aligned, plain
from collapse.experiment.profile.cases import NOT_DEFINED
from collapse.experiment.profile.definitions import DEFINITIONS

_MOST_CELLS = 3  # of a grid; the others are in profile.csv
_NAMES = {d.name: d.long_name for d in DEFINITIONS}


def text(profile: pd.DataFrame, axes: tuple[str, ...], margin: float) -> str:
    """A profile for the terminal, with the definitions that are not defined and why.

    Args:
      profile: as of `profile`.
      axes: that have several values; each combination has a block of lines.
      margin: that the profile was made with.
    """
    workflows = list(dict.fromkeys(profile["workflow"]))
    cells = profile[list(axes)].drop_duplicates() if axes else pd.DataFrame(index=[0])
    rows = []
    for _, cell in cells.head(_MOST_CELLS).iterrows():
        own = profile
        for axis in axes:
            own = own[own[axis] == cell[axis]]
        head = {axis: plain(cell[axis]) for axis in axes}
        for row in _block(own, workflows):
            rows.append((head if row["definition"] else dict.fromkeys(head, "")) | row)
    left = len(cells) - _MOST_CELLS
    words = f"more setting{'s' * (left > 1)} in profile.csv"
    more = f"\n... {left} {words}" if left > 0 else ""
    shown = aligned(rows) if rows else "nothing is defined here"
    return (
        "profile: factor by which the last generation is worse than generation 0 "
        f"(95 % interval)\n\n{shown}{more}\n\n{_explained(profile, margin)}"
    )


def _block(own: pd.DataFrame, workflows: list[str]) -> list[dict[str, str]]:
    """The lines of one cell of the grid; none for what is defined nowhere in it."""
    rows = []
    for definition in DEFINITIONS:
        of = own[own["definition"] == definition.name].set_index("workflow")
        defined = of[of["verdict"] != NOT_DEFINED]
        for number, workflow in enumerate(w for w in workflows if w in defined.index):
            line = defined.loc[workflow]
            head = {"definition": definition.long_name, "metric": str(line["metric"])}
            if number:  # they stand in the first line alone
                head = dict.fromkeys(head, "")
            rows.append(head | {"workflow": workflow} | _told(line))
    return rows


def _told(line: "pd.Series[object]") -> dict[str, str]:
    """The numbers and the verdict of a line, as text."""
    worse, low, high, lost = (
        float(line[name])  # type: ignore[arg-type]
        for name in ("worse", "worse_low", "worse_high", "lost")
    )
    ends = "" if np.isnan(low) else f"{low:.3g} .. {high:.3g}"
    tail = "" if np.isnan(lost) else f"lost in {lost:.0%}"
    verdict = f"{line['verdict']}, {tail}" if tail else str(line["verdict"])
    return {"worse": f"{worse:.3g}", "interval": ends, "verdict": verdict}


def _explained(profile: pd.DataFrame, margin: float) -> str:
    """What the verdicts mean, and what is not defined and why."""
    defined = profile[profile["verdict"] != NOT_DEFINED]
    lines = []
    if len(defined):
        lines = [
            f"collapse: worse by more than {margin:.0%}; no collapse: by less; at 95 % "
            f"{_together(defined)}",
        ]
    for definition in DEFINITIONS:
        of = profile[profile["definition"] == definition.name]
        without = of[of["verdict"] == NOT_DEFINED]
        if len(without) == len(of):
            lines.append(f"{definition.long_name}: not defined here, {of.note.iloc[0]}")
            continue
        for note, own in without.groupby("note", sort=False):
            where = ", ".join(dict.fromkeys(map(str, own["workflow"])))
            lines.append(f"{definition.long_name}: not defined for {where}, {note}")
    return "\n".join(lines)


def _together(defined: pd.DataFrame) -> str:
    """Of how many definitions together the verdicts of a condition are right."""
    conditions = list(defined.columns[: defined.columns.get_loc("workflow")])
    counts = defined.groupby([*conditions, "workflow"], sort=False).size()
    of: dict[str, dict[int, None]] = {}  # workflow -> its different numbers
    for (*_, workflow), count in zip(map(_as_tuple, counts.index), counts, strict=True):
        of.setdefault(str(workflow), {})[int(count)] = None
    numbers = sorted({count for own in of.values() for count in own})
    if numbers == [1]:
        return "for its one definition"
    if len(numbers) == 1:
        return f"for the {numbers[0]} definitions of a workflow together"
    if all(len(own) == 1 for own in of.values()):
        told = ", ".join(f"{next(iter(own))} of {name}" for name, own in of.items())
        return f"for the definitions of a workflow together: {told}"
    return f"for the {numbers[0]} to {numbers[-1]} definitions of a condition together"


def _as_tuple(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)
