"""The command `collapse show FOLDER`: the table and the profile of a finished run."""

import math
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from collapse.experiment.arguments import Parser
from collapse.experiment.axes import axes_of
from collapse.experiment.profile import MARGIN, profile
from collapse.experiment.profile import table as of_profile
from collapse.experiment.summary import summarise
from collapse.lab import table, terminal
from collapse.lab.look import changes, labels
from collapse.lab.look.opened import Opened, opened


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after printing.

    Raises:
      InputError: for what is no finished run.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="of a finished run")
    parser.add_argument(
        "--margin",
        type=float,
        default=MARGIN,
        help="smallest worsening that counts, as a share (0.1); 0 for any",
    )
    options = parser.parse_args(arguments)
    told = [text(opened(place), options.margin) for place in options.folder]
    terminal.say("\n\n\n".join(told))
    return 0


def text(run: Opened, margin: float = MARGIN) -> str:
    """What a run is, its closing table, and its profile."""
    head = f"{run.label.place}: {run.label.title}, {_size(run.dataset)}"
    if math.isfinite(run.label.seconds):
        head += f", {run.label.seconds:.1f} s"
    differs = labels.spelled(changes.differences(run.label))
    changed = f"differs from the default: {differs}"
    if cites := run.dataset.attrs.get("cites", ""):
        changed += f"\ncites: {cites}"
    if wrong := changes.trouble(run.label, run.dataset.attrs):
        changed += f"\nnote: {wrong}"
    return "\n\n".join([f"{head}\n{changed}", closing(run), told(run.dataset, margin)])


def closing(run: Opened) -> str:
    """The text that the run's command prints last."""
    said = run.experiment.closing(run.dataset) if run.experiment is not None else ""
    last = run.dataset.isel(generation=[-1])
    return said or table.text(summarise(last), run.shown())


def told(dataset: xr.Dataset, margin: float = MARGIN) -> str:
    """The profile of every seed's results as text."""
    return of_profile.text(profile(dataset, margin), axes_of(dataset), margin)


def _size(dataset: xr.Dataset) -> str:
    conditions = math.prod(dataset.sizes[d] for d in (*axes_of(dataset), "workflow"))
    seeds, generations = dataset.sizes["seed"], dataset.sizes["generation"]
    repeated = f"{seeds} seed{'s' * (seeds != 1)}"
    return f"{conditions} x {repeated} x {generations} generations"
