"""What the folder of a run says of itself before its results are read."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.toml import read_table
from collapse.figures.declaration import read_declaration
from collapse.lab import checksums, folder, lock, stopwatch

COMPLETE, UNFINISHED, RUNNING, DAMAGED = "complete", "unfinished", "running", "damaged"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of a NetCDF file
_MANY_ROWS = 10**9  # of data that are not read


class Label(NamedTuple):
    """A run, as its folder tells it.

    Attributes:
      place: its folder.
      name: the command that it belongs to.
      fields: those of the experiment, of a study with its model's.
      state: "complete", "unfinished", "running" or "damaged".
      seconds: that it took so far; NaN if that is not known.
    """

    place: Path
    name: str
    fields: Mapping[str, Any]
    state: str
    seconds: float


def read(place: Path) -> Label:
    """The label of a folder.

    Raises:
      InputError: if it holds no run.
    """
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; see collapse runs")
    if folder.digest_in(place) is None:
        raise InputError(f"{place}: holds no run; see collapse runs")
    table = read_table(place / folder.LABEL)
    table.pop("figure", None)
    return Label(
        place, folder.command_in(place), _flat(table), state(place), _seconds(place)
    )


def found(place: Path) -> list[Label]:
    """The labels of a folder, if it is a run, or of the runs in it, by name.

    Raises:
      InputError: for a label that cannot be read.
    """
    if folder.digest_in(place) is not None:
        return [read(place)]
    inside = sorted(place.iterdir()) if place.is_dir() else []
    return [read(one) for one in inside if folder.digest_in(one) is not None]


def experiment(label: Label) -> Experiment | None:
    """The experiment of a run; None of a family that stands in a file of its own."""
    kind = registry.experiments().get(label.name)
    if kind is None:
        return None
    try:
        return read_declaration(label.place / folder.LABEL, kind)[0]
    except InputError:  # fields of another version
        return None


def differences(label: Label) -> dict[str, Any]:
    """Field -> value, of those that differ from what the command does by default."""
    kind = registry.experiments().get(label.name)
    if kind is None:
        return {}
    default = kind()
    if "model" in label.fields and label.fields["model"] in registry.families():
        default = kind(model=label.fields["model"])  # type: ignore[call-arg]
    usual = [_flat(default.to_table())]
    rows = _MANY_ROWS if getattr(default, "data", "") else 0
    try:
        usual.append(_flat(default.resolved(rows, 0).to_table()))
    except InputError:  # a default that only data fill in
        pass
    return {
        name: value
        for name, value in label.fields.items()
        if all(_plain(one.get(name)) != _plain(value) for one in usual)
    }


def spelled(fields: Mapping[str, Any]) -> str:
    """`num_seeds 8, workflows replace accumulate`; "none" for no field."""
    words = []
    for name, value in fields.items():
        several = value if isinstance(value, list | tuple) else [value]
        words.append(f"{name} {' '.join(map(str, several)) or 'empty'}")
    return ", ".join(words) or "none"


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """A study's fields and its model's side by side."""
    flat = dict(table)
    model = flat.get("model")
    if isinstance(model, Mapping):
        flat |= {**model, "model": model["name"]}
        del flat["name"]
    return flat


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def state(place: Path) -> str:
    """The state of a run's folder, in a word."""
    try:
        lock.check_free(place)
    except InputError:
        return RUNNING
    if not folder.is_complete(place):
        return UNFINISHED
    try:
        with (place / folder.RESULTS).open("rb") as file:
            begins = file.read(len(_SIGNATURE))
    except OSError:
        return DAMAGED
    return COMPLETE if begins == _SIGNATURE else DAMAGED


def _seconds(place: Path) -> float:
    name, nothing = "environment.json", float("nan")
    if checksums.changed(place, [name]):
        return nothing
    try:
        return float(json.loads((place / name).read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        with contextlib.suppress(InputError):  # damaged
            return stopwatch.seconds(place / folder.CHECKPOINTS) or nothing
        return nothing
