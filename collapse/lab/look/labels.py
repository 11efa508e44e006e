"""What the folder of a run says of itself before its results are read."""

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.lazy import load
from collapse.experiment.toml import read_table
from collapse.figures.declaration import read_declaration
from collapse.lab import contents, folder, lock, stopwatch

COMPLETE, UNFINISHED, RUNNING, DAMAGED = "complete", "unfinished", "running", "damaged"
_EMPTY = {"metrics": "all", "snapshots": "none", "data": "none"}  # what "" stands for


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

    @property
    def title(self) -> str:
        """The command with the model of a study: `mixing --model gmm`."""
        model = self.fields.get("model", "")
        return f"{self.name} --model {model}" if model else self.name


def read(place: Path) -> Label:
    """The label of a folder.

    Raises:
      InputError: if it holds no run.
    """
    if not place.is_dir():
        raise InputError(f"{place}: no such folder; see collapse runs")
    if folder.digest_in(place) is None:
        raise InputError(f"{place}: holds no run; see collapse runs")
    fields = of_table(read_table(place / folder.LABEL))
    return Label(place, folder.command_in(place), fields, state(place), _seconds(place))


def found(place: Path) -> list[Label]:
    """The labels of a folder, if it is a run, or of the runs in it, by name.

    A run whose label cannot be read is damaged, and the others are listed with it.
    """
    if (own := _listed(place)) is not None:
        return [own]
    inside = sorted(place.iterdir()) if place.is_dir() else []
    return [one for one in map(_listed, inside) if one is not None]


def _listed(place: Path) -> Label | None:
    """The label of a folder, as well as it can be read; None if it is no run."""
    try:
        if folder.digest_in(place) is not None:
            return read(place)
        if not (place / folder.LABEL).is_file() or not folder.is_complete(place):
            return None
    except OSError:  # that may not be read
        if not _has_label(place):
            return None
    except InputError:
        pass
    try:
        name = folder.command_in(place)
    except (InputError, OSError):
        name = ""
    return Label(place, name, {}, DAMAGED, math.nan)


def _has_label(place: Path) -> bool:
    with contextlib.suppress(OSError):
        return (place / folder.LABEL).is_file()
    return False


def experiment(label: Label) -> Experiment | None:
    """The experiment of a run; None of a family that stands in a file of its own."""
    kind = registry.experiments().get(label.name)
    if kind is None:
        return None
    try:
        return read_declaration(label.place / folder.LABEL, kind)[0]
    except InputError:  # fields of another version
        return None


def spelled(fields: Mapping[str, Any]) -> str:
    """`num_seeds 8, workflows replace accumulate`; "none" for no field."""
    words = []
    for name, value in fields.items():
        several = value if isinstance(value, list | tuple) else [value]
        told = " ".join(map(str, several)) or _EMPTY.get(name, "empty")
        words.append(f"{name} {told}")
    return ", ".join(words) or "none"


def of_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a label's table, a study's and its model's side by side.

    Raises:
      InputError: for a model without a name.
    """
    flat = {name: value for name, value in table.items() if name != "figure"}
    model = flat.get("model")
    if isinstance(model, Mapping):
        if not isinstance(model.get("name"), str):
            raise InputError("model: has no name; write one into [model]")
        flat |= {**model, "model": model["name"]}
        del flat["name"]
    return flat


def state(place: Path) -> str:
    """The state of a run's folder, in a word."""
    try:
        lock.check_free(place)
    except InputError:
        return RUNNING
    if not folder.is_complete(place):
        return UNFINISHED
    try:  # which is refused for a file that was cut
        with load("h5py").File(place / folder.RESULTS) as file:
            return COMPLETE if {"axes", "workflow"} <= {*file.attrs, *file} else DAMAGED
    except (OSError, RuntimeError, ValueError, KeyError):
        return DAMAGED


def _seconds(place: Path) -> float:
    """The seconds that a run took, or took so far; NaN where nothing says."""
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return float((contents.environment(place) or {})["seconds"])
    with contextlib.suppress(InputError):  # damaged
        return stopwatch.seconds(place / folder.CHECKPOINTS) or math.nan
    return math.nan
