"""The command `collapse compare A B ...`: finished runs of one family side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from collapse.lab import terminal
from collapse.lab.look import labels
from collapse.lab.look.arguments import Parser
from collapse.lab.look.opened import Opened, opened
from collapse.lab.look.side_by_side import side_by_side

_MOST_LINES = 40


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after printing.

    Raises:
      InputError: for what are no finished runs of one family.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="of finished runs")
    parser.add_argument("--metrics", nargs="+", default=(), help="to compare")
    options = parser.parse_args(arguments)
    runs = [opened(place) for place in options.folder]
    terminal.say(text(runs, side_by_side(runs, options.metrics)))
    return 0


def text(runs: Sequence[Opened], table: pd.DataFrame) -> str:
    """What tells the runs apart, and a line for each condition of each metric."""
    fields = [run.label.fields for run in runs]
    names = list(dict.fromkeys(name for own in fields for name in own))
    apart = [n for n in names if any(own.get(n) != fields[0].get(n) for own in fields)]
    lines = []
    for run in runs:
        own = {name: run.label.fields.get(name, "-") for name in apart}
        lines.append(
            f"{run.label.place}: {labels.spelled(own) if apart else 'the same'}"
        )
    lines.append("")
    generation = table["generation"].iloc[0]
    first = runs[0].label.place
    lines.append(
        f"generation {generation}: mean (95 % interval); difference to {first} "
        f"(95 % interval), {_how(table)}"
    )
    return "\n".join([*lines, "", _aligned(table, runs)])


def _how(table: pd.DataFrame) -> str:
    """How differences are taken."""
    paired = set(table["paired"].dropna())
    if paired == {True}:
        return "seed by seed, of the seeds that both have"
    if paired == {False}:
        return "of independent seeds"
    return "seed by seed where seeds are shared, of independent seeds where marked *"


def _aligned(table: pd.DataFrame, runs: Sequence[Opened]) -> str:
    """A line for each condition of each metric, a column for each run."""
    columns = list(table.columns)
    keys = columns[: columns.index("generation")]
    rows = []
    for values, own in table.groupby(keys, sort=False, dropna=False):
        row = dict(zip(keys, map(_plain, np.atleast_1d(values)), strict=True))
        several = own["paired"].dropna().nunique() > 1
        for (_, line), run in zip(own.iterrows(), runs, strict=True):
            place = str(run.label.place)
            row[place] = _interval(line, "mean")
            if run is not runs[0]:
                star = "*" if several and not line["paired"] else ""
                row[f"{place} - {runs[0].label.place}"] = (
                    _interval(line, "difference") + star
                )
        rows.append(row)
    more = len(rows) - _MOST_LINES
    shown = [{name: name for name in rows[0]}, *rows[:_MOST_LINES]]
    widths = {name: max(len(row[name]) for row in shown) for name in rows[0]}
    lines = [
        "  ".join(row[name].ljust(widths[name]) for name in row).rstrip()
        for row in shown
    ]
    return "\n".join([*lines, *([f"... {more} more conditions"] if more > 0 else [])])


def _interval(line: "pd.Series[object]", name: str) -> str:
    value, low, high = (
        float(line[f"{name}{end}"])  # type: ignore[arg-type]
        for end in ("", "_low", "_high")
    )
    return f"{value:.4g}" + ("" if np.isnan(low) else f" ({low:.3g} .. {high:.3g})")


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
