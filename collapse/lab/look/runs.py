"""The command `collapse runs [FOLDER]`: a list of the runs in a folder."""

import math
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.arguments import Parser
from collapse.experiment.columns import aligned
from collapse.lab import terminal
from collapse.lab.look import changes, labels
from collapse.lab.look.labels import Label

_USUAL = "results"


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after printing.

    Raises:
      InputError: for a folder that is not there.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, help=f"with folders of runs ({_USUAL})"
    )
    place = parser.parse_args(arguments).folder
    if place is not None and not place.is_dir():
        raise InputError(f"{place}: no such folder; give one with runs in it")
    place = place or Path(_USUAL)
    runs = labels.found(place)
    terminal.say(text(runs) if runs else f"no runs in {place}/")
    return 0


def text(runs: Sequence[Label]) -> str:
    """A line a run: its folder, command, state, time, and what is not the default."""
    return aligned([_line(run) for run in runs])


def _line(run: Label) -> dict[str, str]:
    return {
        "folder": str(run.place),
        "command": run.title,
        "state": run.state,
        "time": _time(run.seconds),
        "differs from the default": labels.spelled(changes.differences(run)),
    }


def _time(seconds: float) -> str:
    """`12.3 s`, `4 min`, `2.5 h`; nothing where it is not known."""
    if math.isnan(seconds):
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
