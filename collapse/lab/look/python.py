"""Finished runs from their folders, for Python."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.toml import from_table, read_table
from collapse.lab import folder
from collapse.lab.api import Run
from collapse.lab.look.opened import opened
from collapse.lab.look.side_by_side import side_by_side


def open_run(place: str | os.PathLike[str], family: str = "") -> Run:
    """The finished run of a folder, as `run` gives it: table, profile, figures.

    Args:
      place: folder of the run.
      family: the Python file that defines its family, if that is a user's own.

    Raises:
      InputError: for a folder that holds no finished run, or a family that is not of
        the lab and not given.
    """
    found = opened(Path(place))
    if found.experiment is not None:
        return Run(found.experiment, found.dataset)
    label = found.label
    if not family:
        known = label.name in registry.experiments()
        trouble = "has fields of another version" if known else "is a family of its own"
        raise InputError(
            f"{place}: {label.name} {trouble}; give its file: family='own.py', or read "
            f"{folder.RESULTS} by xarray"
        )
    table = read_table(label.place / folder.LABEL)
    table.pop("figure", None)
    kind = registry.experiment(family, "family")
    return Run(from_table(table, kind, label.place / folder.LABEL), found.dataset)


def compare_runs(
    places: Iterable[str | os.PathLike[str]], metrics: str | Sequence[str] = ()
) -> pd.DataFrame:
    """Means of finished runs, a line for each run in each condition of each metric.

    With differences to the first run, as `collapse compare` prints them: seed by seed
    where the runs share their random numbers (`paired`), of two means elsewhere.

    Args:
      places: folders of two or more runs of one family.
      metrics: that are compared; those of the closing table if empty.

    Raises:
      InputError: for what are no finished runs of one family with something in common.
    """
    if isinstance(places, str | os.PathLike):
        raise InputError(f"compare_runs: {places!r} is one folder; give two or more")
    asked = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    runs = [opened(Path(place)) for place in places]
    return side_by_side(runs, tuple(filter(None, asked)))
