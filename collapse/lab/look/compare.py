"""The command `collapse compare A B ...`: finished runs of one family side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from collapse.experiment.arguments import Parser
from collapse.experiment.columns import aligned, plain
from collapse.lab import terminal
from collapse.lab.look import labels
from collapse.lab.look.opened import Opened, opened
from collapse.lab.look.pairing import data_differ, fingerprints
from collapse.lab.look.side_by_side import side_by_side
from collapse.lab.look.writing import check_target, write

_MOST_LINES = 40
_MARK = ",difference,difference_low,difference_high,"  # in the head of its CSV
_LONG = 24  # characters of a folder's name that head a column


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after printing.

    Raises:
      InputError: for what are no finished runs of one family, or a file that cannot be
        written.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="of finished runs")
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=(),
        help="names of those to compare; without it, those of the closing table",
    )
    parser.add_argument(
        "--out", type=Path, help="file for the table, as CSV, with all conditions"
    )
    options = parser.parse_args(arguments)
    runs = [opened(place) for place in options.folder]
    table = side_by_side(runs, options.metrics)
    if options.out is not None:
        check_target(options.out, _MARK)
    terminal.say(text(runs, table))
    if options.out is not None:
        write(options.out, table.to_csv(index=False, float_format="%.9g"))
    return 0


def text(runs: Sequence[Opened], table: pd.DataFrame) -> str:
    """What tells the runs apart, and a line for each condition of each metric."""
    fields = [run.label.fields for run in runs]
    names = list(dict.fromkeys(name for own in fields for name in own))
    apart = [n for n in names if any(own.get(n) != fields[0].get(n) for own in fields)]
    differ, prints = data_differ(runs), fingerprints(runs)
    if "data" in apart and not differ:  # of another name
        apart.remove("data")
    short = _short(runs)
    lines = []
    for run, name, sha256 in zip(runs, short, prints, strict=True):
        own = {name: run.label.fields.get(name, "-") for name in apart}
        words = [labels.spelled(own)] if apart else []
        if differ:
            known = f"sha256 {sha256[:8]}" if sha256 else "not known to be the same"
            words.append(f"data differ: {known}")
        place = str(run.label.place)
        head = place if name == place else f"{name} = {place}"
        lines.append(f"{head}: {', '.join(words) or 'the same'}")
    generation = table["generation"].iloc[0]
    said = (
        f"generation {generation}: mean (95 % interval); difference to {short[0]} "
        f"(95 % interval), {_how(table)}"
    )
    return "\n".join([*lines, "", said, "", _conditions(table, runs, short)])


def _short(runs: Sequence[Opened]) -> list[str]:
    """Names of runs that head columns: their folders, or A, B, ... of long ones."""
    folders = [str(run.label.place) for run in runs]
    if max(map(len, folders)) <= _LONG and sum(map(len, folders)) <= 2 * _LONG:
        return folders
    letters = [chr(ord("A") + k) for k in range(26)]
    return letters[: len(runs)] if len(runs) <= 26 else folders


def _how(table: pd.DataFrame) -> str:
    """How differences are taken, and over how many seeds."""
    paired = set(table["paired"].dropna())
    if paired == {False}:
        return "of independent seeds"
    pairs = table["pairs"][table["pairs"] > 0]
    least, most = int(pairs.min()), int(pairs.max())
    count = f"{least}" if least == most else f"{least} to {most}"
    words = f"the {count} seeds" if most > 1 else "the one seed"
    if paired == {True}:
        return f"seed by seed, of {words} that both have"
    return f"seed by seed where {words} are shared, of independent seeds where marked *"


def _conditions(table: pd.DataFrame, runs: Sequence[Opened], short: list[str]) -> str:
    """A line for each condition of each metric, a column for each run."""
    columns = list(table.columns)
    keys = columns[: columns.index("generation")]
    rows = []
    for values, own in table.groupby(keys, sort=False, dropna=False):
        row = dict(zip(keys, map(plain, np.atleast_1d(values)), strict=True))
        several = set(table["paired"].dropna()) == {True, False}
        for k, (_, line) in enumerate(own.iterrows()):
            row[short[k]] = _interval(line, "mean")
            if k:
                star = "*" if several and not line["paired"] else ""
                gap = _interval(line, "difference")
                told = "equal to rounding" if line["equal"] is True else gap
                row[f"{short[k]} - {short[0]}"] = told + star
        rows.append(row)
    more = len(rows) - _MOST_LINES
    left = f"\n... {more} more condition{'s' * (more != 1)}: --out FILE.csv has all"
    return aligned(rows[:_MOST_LINES]) + (left if more > 0 else "")


def _interval(line: "pd.Series[object]", name: str) -> str:
    value, low, high = (
        float(line[f"{name}{end}"])  # type: ignore[arg-type]
        for end in ("", "_low", "_high")
    )
    return f"{value:.4g}" + ("" if np.isnan(low) else f" ({low:.3g} .. {high:.3g})")
