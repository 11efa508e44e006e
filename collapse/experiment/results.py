"""Results: traces as one labelled dataset, with everything needed to repeat them.

`results.nc` holds every seed; statistics over seeds are a *summary* (`summary`).
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.data.errors import InputError, first_line
from collapse.experiment.axes import axes_of
from collapse.experiment.base import Experiment
from collapse.experiment.fields import declared
from collapse.experiment.files import atomic
from collapse.measures import catalogue

STANDING = "standing"  # variable: how a setting stands among those to choose from


def assemble(
    experiment: Experiment,
    traces: Mapping[tuple[Any, ...], Mapping[str, NDArray[Any]]],
) -> xr.Dataset:
    """One dataset with dims (axes with several values, workflow, seed, generation).

    Closed forms become `<metric>_theory`, NaN where a workflow has none, and notes on
    cells `note`, unless all are empty.

    Args:
      experiment: what was run.
      traces: key of a condition -> name -> [S, G + 1] (or, for `samples`,
        [snapshots, rows, d]). Names that the experiment does not know, of more axes,
        are left out unless it names these.
    """
    axes, labels = list(experiment.several()), experiment.labels()
    conditions = list(experiment.conditions())
    sizes = [len(getattr(experiment, a)) for a in axes]
    coords = _coordinates(experiment, axes)

    def stack(arrays: list[NDArray[Any]]) -> NDArray[Any]:
        blocks = np.stack(arrays)
        return blocks.reshape(*sizes, len(labels), *blocks.shape[1:])

    variables: dict[str, Any] = {}
    for name in traces[conditions[0].key]:
        more = experiment.more_dims(name)
        rank = traces[conditions[0].key][name].ndim - 2
        if name == "samples" or rank != len(more):
            continue
        coords |= more
        dims = [*axes, "workflow", "seed", "generation", *more]
        values = stack([traces[condition.key][name] for condition in conditions])
        variables[name] = (dims, values, _attributes(experiment, name))
    if experiment.snapshots:
        coords["snapshot"] = sorted(experiment.snapshots)
        first = conditions[: len(labels)]  # of the first cell: sizes differ
        values = np.stack([traces[condition.key]["samples"] for condition in first])
        dims = ["workflow", "snapshot", "row", "dimension"]
        if experiment.snapshot_seeds > 1:
            dims.insert(2, "run")
            coords["run"] = np.arange(1, values.shape[2] + 1)
        told: dict[str, Any] = _told("rows that models generated")
        variables["samples"] = (dims, values, told)
    curves = [experiment.theory_of(condition) for condition in conditions]
    recorded = experiment.recorded()
    nothing = np.full(experiment.num_generations + 1, np.nan)
    for name in sorted({name for curve in curves for name in curve}):
        if name in variables:
            every = [curve.get(name, nothing)[:: recorded.step] for curve in curves]
            values = stack(every)
            dims = [*axes, "workflow", "generation"]
            told = _of_theory(variables[name][2])
            variables[f"{name}_theory"] = (dims, values, told)
    notes = [experiment.note(cell) for cell in experiment.cells()]
    if any(notes):
        told = _told("what is special about a setting")
        variables["note"] = (axes, np.array(notes).reshape(sizes), told)
    alone = json.dumps(experiment.real_only())
    return xr.Dataset(variables, coords, {"axes": axes, "real_only": alone})


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a compressed NetCDF file with checksums, whole or not at all."""
    packed = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
    encoding = {
        n: packed for n, v in dataset.data_vars.items() if v.dtype.kind in "fib"
    }
    with atomic(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read_dataset(path: Path) -> xr.Dataset:
    """The dataset that `write_dataset` has written, in memory.

    Raises:
      InputError: if the file is damaged or missing.
    """
    said = ""  # raised below, once the error has let go of the file
    with _silent_finalisers():
        try:
            dataset = xr.load_dataset(path, engine="h5netcdf")
            if "axes" not in dataset.attrs:
                raise KeyError("axes")
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            said = first_line(error)
    if said:
        raise InputError(
            f"out: {path} cannot be read ({said}); repeat the run by --force"
        )
    return dataset.assign_attrs(axes=[*axes_of(dataset)])


@contextlib.contextmanager
def _silent_finalisers() -> Iterator[None]:
    """Drop messages of finalisers on stderr, as of a file that was opened in part."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        yield
    finally:
        sys.unraisablehook = before


def _attributes(experiment: Experiment, name: str) -> dict[str, Any]:
    if name == "finite":
        return {"long_name": "whether all numbers of a generation are finite"}
    known = experiment.quantity(name)
    if known is None:
        return {"long_name": catalogue.find(name).long_name}
    told: dict[str, Any] = {"long_name": known.long_name, "units": known.unit}
    told |= {} if known.reference is None else {"reference": known.reference}
    told |= {"aspect": known.aspect} if known.aspect else {}
    return told | ({"tail": 1} if known.is_tail else {})


def _of_theory(metric: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a closed form, given those of its metric."""
    own = {key: metric[key] for key in ("long_name", "units") if key in metric}
    return own | {"long_name": f"{own['long_name']}: exact expectation"}


def _coordinates(experiment: Experiment, axes: Sequence[str]) -> dict[str, Any]:
    """Coordinates of axes, workflows and generations, with what they are."""
    found: dict[str, Any] = {
        axis: (axis, list(getattr(experiment, axis)), _told(_of_axis(experiment, axis)))
        for axis in axes
    }
    trained = _told("what each generation is trained on")
    found["workflow"] = ("workflow", list(experiment.labels()), trained)
    counted = np.array(experiment.recorded())
    fits = _told("generation; 0 is the model fitted to real rows")
    return found | {"generation": ("generation", counted, fits)}


def _told(long_name: str) -> dict[str, str]:
    return {"long_name": long_name}


def _of_axis(experiment: Experiment, axis: str) -> str:
    """What an axis is: the first sentence of its field's documentation."""
    for part, _ in experiment.parts():
        field = declared(type(part)).get(axis)
        if field is not None and field.help:
            return field.help.split(". ")[0].rstrip(".")
    return axis.replace("_", " ")
