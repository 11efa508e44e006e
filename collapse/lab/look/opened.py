"""A finished run with its results, read from its folder."""

import json
import tomllib
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment import registry, results
from collapse.experiment.base import Experiment
from collapse.experiment.toml import from_table
from collapse.lab import checksums, folder
from collapse.lab.look import labels
from collapse.lab.look.labels import Label


class Opened(NamedTuple):
    """A run with its results.

    Attributes:
      label: what its folder says of it.
      experiment: None of a family that stands in a file of its own.
      dataset: every seed.
    """

    label: Label
    experiment: Experiment | None
    dataset: xr.Dataset

    def shown(self) -> tuple[str, ...]:
        """The metrics of its closing table: those of the family, or all there are."""
        if self.experiment is not None:
            return self.experiment.metrics or self.experiment.table
        whole = {"workflow", "seed", "generation"}
        names = [
            str(n) for n, v in self.dataset.data_vars.items() if whole <= {*v.dims}
        ]
        return tuple(n for n in names if n != "finite" and not n.startswith("fit_"))


def opened(place: Path) -> Opened:
    """A run with its results.

    Raises:
      InputError: for a folder that holds no run, or one that is not complete or cannot
        be read.
    """
    label = labels.read(place)
    if label.state in (labels.UNFINISHED, labels.RUNNING):
        raise InputError(
            f"{place}: its run is {label.state}; look at it when it is complete "
            "(--resume continues one)"
        )
    checksums.check(place, folder.RESULTS, "repeat the run by --force")
    try:
        dataset = results.read_dataset(place / folder.RESULTS)
    except InputError as error:
        raise InputError(str(error).removeprefix("out: ")) from None
    about = json.loads(dataset.attrs.get("environment", "{}"))
    label = label._replace(seconds=float(about.get("seconds", label.seconds)))
    if told := dataset.attrs.get("experiment", ""):  # the label may have been edited
        label = label._replace(fields=labels.of_table(tomllib.loads(told)))
    return Opened(label, _experiment(label, told), dataset)


def _experiment(label: Label, told: str) -> Experiment | None:
    """The experiment that results tell, or else the one of the label."""
    kind = registry.experiments().get(label.name)
    if kind is None or not told:
        return labels.experiment(label)
    try:
        return from_table(tomllib.loads(told), kind, label.place / folder.RESULTS)
    except InputError:  # fields of another version
        return None
