"""Results: traces as one labelled dataset, with everything needed to repeat them.

`results.nc` holds every seed; a *summary* holds statistics over seeds and is what
tables and figures are made from, so that a figure can be redrawn without the runs.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.files import atomic

STANDING = "standing"  # variable: how a setting stands among those to choose from
STATISTICS = ("mean", "median", "low", "high", "standard_error")
BAND = (0.05, 0.95)  # quantiles over seeds behind low and high


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
    coords: dict[str, Any] = {a: list(getattr(experiment, a)) for a in axes}
    coords["workflow"] = list(labels)
    coords["generation"] = np.arange(experiment.num_generations + 1)

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
        variables["samples"] = (["workflow", "snapshot", "row", "dimension"], values)
    curves = [experiment.theory(condition) for condition in conditions]
    nothing = np.full(experiment.num_generations + 1, np.nan)
    for name in sorted({name for curve in curves for name in curve}):
        if name in variables:
            values = stack([curve.get(name, nothing) for curve in curves])
            dims = [*axes, "workflow", "generation"]
            variables[f"{name}_theory"] = (dims, values)
    notes = [experiment.note(cell) for cell in experiment.cells()]
    if any(notes):
        variables["note"] = (axes, np.array(notes).reshape(sizes))
    return xr.Dataset(variables, coords, {"axes": axes})


def summarise(dataset: xr.Dataset) -> xr.Dataset:
    """Mean, median, 5 % and 95 % quantiles and standard error over seeds."""
    keep: dict[Any, Any] = {}
    for name, variable in dataset.data_vars.items():
        if "seed" not in variable.dims:
            keep[name] = variable
        if "seed" not in variable.dims or name == "finite":
            continue
        axis = variable.get_axis_num("seed")
        values = variable.values.astype(float)
        with np.errstate(invalid="ignore"):  # infinities are counted elsewhere
            rows = [values.mean(axis), np.median(values, axis)]
            rows += [
                *np.quantile(values, BAND, axis=axis),
                _standard_error(values, axis),
            ]
        dims = [d for d in variable.dims if d != "seed"]
        keep[name] = (["statistic", *dims], np.stack(rows), variable.attrs)
    coords = {n: c for n, c in dataset.coords.items() if n != "seed"}
    return xr.Dataset(keep, {**coords, "statistic": list(STATISTICS)}, dataset.attrs)


def write_summary(summary: xr.Dataset, path: Path) -> None:
    """The summary as CSV: axes, workflow, generation, metric, statistics over seeds."""
    axes = list(np.atleast_1d(summary.attrs["axes"]))
    usual = {"statistic", *axes, "workflow", "generation"}
    names = [
        n
        for n, v in summary.data_vars.items()
        if "statistic" in v.dims and usual.issuperset(v.dims)
    ]
    columns = [*axes, "workflow", "generation", "metric", *STATISTICS]
    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for name in names:
            variable = summary[name]
            missing = {*axes, "workflow", "generation"} - set(variable.dims)
            variable = variable.expand_dims({str(d): [""] for d in missing})
            variable = variable.transpose(*axes, "workflow", "generation", ...)
            grid = variable.values
            keys = [variable[d].values for d in variable.dims[:-1]]
            for index in np.ndindex(*grid.shape[:-1]):
                key = [values[i] for values, i in zip(keys, index, strict=True)]
                numbers = [f"{value:.9g}" for value in grid[index]]
                writer.writerow([*key, name, *numbers])


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a compressed NetCDF file, whole or not at all."""
    packed = {"zlib": True, "complevel": 4, "shuffle": True}
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
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"out: {path} cannot be read ({said}); repeat the run by --force"
        ) from None
    axes = [str(axis) for axis in np.atleast_1d(dataset.attrs["axes"]) if axis]
    return dataset.assign_attrs(axes=axes)


def _standard_error(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Standard error of the mean along an axis; NaN for a single seed."""
    count = values.shape[axis]
    if count < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    spread: NDArray[Any] = values.std(axis, ddof=1)
    error: NDArray[Any] = spread / np.sqrt(count)
    return error


def _attributes(experiment: Experiment, name: str) -> dict[str, str]:
    known = experiment.quantity(name)
    return {"long_name": known.long_name, "units": known.unit} if known else {}
