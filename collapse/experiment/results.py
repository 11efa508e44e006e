"""Results: traces as one labelled dataset, with everything needed to repeat them.

`results.nc` holds every seed; a *summary* holds statistics over seeds and is what
tables and figures are made from, so that a figure can be redrawn without the runs.
"""

import csv
import dataclasses
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from collapse.experiment.spec import Experiment
from collapse.experiment.toml import to_toml
from collapse.figures.spec import Figure
from collapse.measures.metrics import describe

STANDING = "standing"  # variable: how a setting stands among those to choose from
STATISTICS = ("mean", "median", "low", "high", "standard_error")
BAND = (0.05, 0.95)  # quantiles over seeds behind low and high
_MOST_GENERATIONS = 160  # kept in a published summary


def assemble(
    experiment: Experiment,
    traces: Mapping[tuple[Any, ...], Mapping[str, np.ndarray]],
    theory: Callable[[Mapping[str, Any], str], Mapping[str, np.ndarray]],
    note: Callable[[Mapping[str, Any]], str] | None = None,
) -> xr.Dataset:
    """One dataset with dims (axes with several values, workflow, seed, generation).

    Args:
      experiment: what was run.
      traces: (axis values..., workflow label) -> name -> [S, G + 1] (or, for
        `samples`, [snapshots, rows, d]). Names that the experiment does not know, of
        more axes, are left out unless it names these.
      theory: (cell, workflow label) -> metric -> [G + 1]; becomes `<metric>_theory`,
        NaN where a workflow has no closed form.
      note: (cell) -> what a reader of its panel must know; becomes `note` over the axes
        with several values, unless all are empty.
    """
    axes = [a for a in experiment.axes() if len(getattr(experiment, a)) > 1]
    cells, labels = list(experiment.cells()), experiment.labels()
    sizes = [len(getattr(experiment, a)) for a in axes]
    coords: dict[str, Any] = {a: list(getattr(experiment, a)) for a in axes}
    coords["workflow"] = list(labels)
    coords["generation"] = np.arange(experiment.num_generations + 1)

    units = [(*cell.values(), label) for cell in cells for label in labels]

    def stack(arrays: list[np.ndarray]) -> np.ndarray:
        blocks = np.stack(arrays)
        return blocks.reshape(*sizes, len(labels), *blocks.shape[1:])

    variables: dict[str, Any] = {}
    for name in traces[units[0]]:
        more = experiment.more_dims(name)
        rank = traces[units[0]][name].ndim - 2
        if name == "samples" or rank != len(more):
            continue
        coords |= more
        dims = [*axes, "workflow", "seed", "generation", *more]
        values = stack([traces[unit][name] for unit in units])
        variables[name] = (dims, values, _attributes(experiment, name))
    if experiment.snapshots:
        coords["snapshot"] = sorted(experiment.snapshots)
        first = units[: len(labels)]  # of the first cell: sizes differ
        values = np.stack([traces[unit]["samples"] for unit in first])
        variables["samples"] = (["workflow", "snapshot", "row", "dimension"], values)
    curves = {(*c.values(), w): theory(c, w) for c in cells for w in labels}
    nothing = np.full(experiment.num_generations + 1, np.nan)
    for name in sorted({name for curve in curves.values() for name in curve}):
        if name in variables:
            values = stack([curves[unit].get(name, nothing) for unit in units])
            dims = [*axes, "workflow", "generation"]
            variables[f"{name}_theory"] = (dims, values)
    notes = [note(cell) for cell in cells] if note else []
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
    """NetCDF through h5netcdf, compressed, never half-written."""
    packed = {"zlib": True, "complevel": 4, "shuffle": True}
    encoding = {
        n: packed for n, v in dataset.data_vars.items() if v.dtype.kind in "fib"
    }
    with atomic(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def published(summary: xr.Dataset, figure: Figure) -> xr.Dataset:
    """The part of a summary that its figure draws, small enough to be kept for ever.

    Only the drawn metrics and statistics with their notes, in single precision to five
    digits. At 160 generations at most, spaced evenly on the figure's axis; if x is
    another axis, at the drawn ones.
    """
    curves = figure.kind != "samples"
    names = list(figure.metrics)
    names += [f"{n}_theory" for n in names if f"{n}_theory" in summary]
    names += [n for n in ("note", STANDING) if curves and n in summary]
    names += [] if curves else ["samples"]
    small = summary[names]
    lines = ["mean", "median"] if figure.statistic == "auto" else [figure.statistic]
    small = small.sel(statistic=[*lines, "low", "high"])
    total = small.sizes.get("generation", 0)
    if curves and total and figure.resolved(small.sizes).x != "generation":
        small = small.sel(generation=figure.drawn(small["generation"].values))
    elif total > _MOST_GENERATIONS:
        space = np.geomspace if figure.x_scale == "log" else np.linspace
        kept = np.unique(np.round(space(1, total, _MOST_GENERATIONS)).astype(int)) - 1
        small = small.isel(generation=kept)
    return small.map(_five_digits, keep_attrs=True)


def provenance(
    experiment: Experiment, figures: Sequence[Figure], digest: str, seconds: float
) -> dict[str, str]:
    """Attributes that say what was run and on what, as text."""
    return {
        "experiment": to_toml(experiment),
        "figure": figure_text(figures),
        "environment": json.dumps(
            environment(experiment) | {"digest": digest, "seconds": round(seconds, 1)}
        ),
    }


def figure_text(figures: Sequence[Figure]) -> str:
    """Figures as JSON: an object of one, a list of several."""
    fields = [dataclasses.asdict(figure) for figure in figures]
    return json.dumps(fields[0] if len(fields) == 1 else fields)


def environment(experiment: Experiment) -> dict[str, Any]:
    """Versions, platform, precision, random generator and commit."""
    import jax

    packages = ("model-collapse-lab", "jax", "jaxlib", "numpy", "scipy", "xarray")
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "devices": [str(device.device_kind) for device in jax.devices()],
        "precision": experiment.precision,
        "random_generator": str(jax.random.key_impl(jax.random.key(0))),
        "commit": _commit(),
    }


class atomic:  # noqa: N801 - reads as a verb at the call
    """A temporary path that takes the place of `path` when the block succeeds."""

    def __init__(self, path: Path):
        """Prepare to write `path`."""
        self.path = path
        self.temporary = path.with_name(f".{path.name}.partial{path.suffix}")

    def __enter__(self) -> Path:
        """The path to write to."""
        return self.temporary

    def __exit__(self, kind: type | None, *_: object) -> None:
        """Move it into place, or remove it after an error."""
        if kind is None:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)


def _standard_error(values: np.ndarray, axis: int) -> np.ndarray:
    """Of the mean along an axis; NaN for a single seed."""
    count = values.shape[axis]
    if count < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    return values.std(axis, ddof=1) / np.sqrt(count)


def _attributes(experiment: Experiment, name: str) -> dict[str, str]:
    try:
        own = experiment.describe(name) or describe(name, not experiment.data)
    except KeyError:
        return {}
    return {"long_name": own[0], "units": own[1]}


def _five_digits(variable: xr.DataArray) -> xr.DataArray:
    if variable.dtype.kind != "f":
        return variable
    values = variable.values
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 4 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(digits), digits, 0)
    return variable.copy(data=(np.round(values * scale) / scale).astype(np.float32))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names: Sequence[str] = [line for line in lines if line.startswith("model name")]
    return names[0].split(":", 1)[1].strip() if names else platform.processor()


def _commit() -> str:
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    command = ["git", "-C", str(Path(__file__).parent), *describe]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
