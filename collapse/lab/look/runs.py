"""The command `collapse runs [FOLDER]`: a list of the runs in a folder."""

import math
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import InputError
from collapse.lab import terminal
from collapse.lab.look import changes, labels
from collapse.lab.look.arguments import Parser
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
    head = ("folder", "command", "state", "time", "differs from the default")
    lines = [head, *map(_line, runs)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head) - 1)]
    return "\n".join(
        "  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in lines
    )


def _line(run: Label) -> tuple[str, ...]:
    told = labels.spelled(changes.differences(run))
    return str(run.place), run.title, run.state, _time(run.seconds), told


def _time(seconds: float) -> str:
    """`12.3 s`, `4 min`, `2.5 h`; nothing where it is not known."""
    if math.isnan(seconds):
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
