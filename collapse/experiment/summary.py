"""Summaries: statistics over seeds, from which tables and figures are made.

So a figure can be redrawn without the runs. Beside the statistics of each metric there
is what a mean and a median do not tell:

* `<tail>_lost`, `_kept` and `_overshot`, the shares of runs in which a tail is below
  `catalogue.LOST`, above `catalogue.OVERSHOT`, or between them: the law of a tail has
  two parts, and no single run is near its mean;
* `<metric>_difference`, to the first workflow, seed by seed: workflows are paired, and
  what they share cancels.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.experiment.axes import axes_of
from collapse.experiment.derived import DIFFERENCE, OUTCOMES
from collapse.experiment.files import atomic
from collapse.measures import catalogue, intervals

BAND = (0.05, 0.95)  # quantiles over seeds behind low and high
FEW_SEEDS = 13  # below so many, quantiles are next to the least and the largest
STATISTICS = (
    *("mean", "median", "low", "high", "standard_error"),
    *("mean_low", "mean_high", "median_low", "median_high"),
)
FIRST = "first"  # the value of the first seed, as papers show that have a single run
_RUN = "run "  # and a number: a statistic that is the value of one seed


def summarise(dataset: xr.Dataset) -> xr.Dataset:
    """Statistics over seeds of every metric, with outcomes of tails and differences.

    `low` and `high` are the 5 % and 95 % quantiles of seeds; `mean_low` and the like
    are the ends of 95 % confidence intervals, that of the mean of a metric that cannot
    be negative (see `catalogue.least`) cut at 0; `first` is the first seed. Of fewer
    than 13 seeds every single one is kept, too, as a statistic `run 1`, ...
    """
    keep: dict[Any, Any] = {}
    every = [*STATISTICS, FIRST, *_runs(dataset.sizes.get("seed", 0))]
    for name, variable in dataset.data_vars.items():
        if "statistic" in variable.dims:
            keep[name] = variable.reindex(statistic=every)
        elif "seed" not in variable.dims:
            keep[name] = variable
        elif name != "finite":
            keep |= _of_metric(str(name), variable)
    coords = {n: c for n, c in dataset.coords.items() if n != "seed"}
    return xr.Dataset(keep, {**coords, "statistic": every}, dataset.attrs)


def runs(summary: xr.Dataset) -> list[str]:
    """The statistics of a summary that are single seeds; none of 13 seeds or more."""
    known = summary.indexes.get("statistic", ())
    return [str(s) for s in known if str(s).startswith(_RUN)]


def write_summary(summary: xr.Dataset, path: Path) -> None:
    """The summary as CSV: axes, workflow, generation, metric, statistics over seeds."""
    axes = axes_of(summary)
    usual = {"statistic", *axes, "workflow", "generation"}
    names = [
        n
        for n, v in summary.data_vars.items()
        if "statistic" in v.dims and usual.issuperset(v.dims)
    ]
    columns = [*axes, "workflow", "generation", "metric", *STATISTICS]
    summary = summary.sel(statistic=list(STATISTICS))
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
                if np.isnan(grid[index]).all():  # a difference to itself
                    continue
                numbers = [f"{value:.9g}" for value in grid[index]]
                writer.writerow([*key, name, *numbers])


def _runs(num_seeds: int) -> list[str]:
    few = 1 < num_seeds < FEW_SEEDS
    return [f"{_RUN}{k + 1}" for k in range(num_seeds if few else 0)]


def _of_metric(name: str, variable: xr.DataArray) -> dict[str, Any]:
    """Variables of a summary that come from one metric of every seed."""
    variable = variable.transpose("seed", ...)
    dims = ["statistic", *variable.dims[1:]]
    values, attributes = variable.values.astype(float), variable.attrs
    lowest = float(np.nanmin(values, initial=np.inf))
    least = catalogue.least(attributes.get("units", ""), lowest)
    found: dict[str, Any] = {name: (dims, _statistics(values, least), attributes)}
    if attributes.get("tail"):
        long_name = attributes.get("long_name", name)
        for outcome, stack, told in _outcomes(values, long_name):
            found[f"{name}_{outcome}"] = (dims, stack, told)
    if "workflow" in variable.dims and variable.sizes["workflow"] > 1 < len(values):
        first = str(variable["workflow"].values[0])
        with np.errstate(invalid="ignore"):  # of infinities
            gap = values - np.take(values, [0], dims.index("workflow"))
        stack = _statistics(gap)
        itself: list[Any] = [slice(None)] * stack.ndim
        itself[dims.index("workflow")] = 0
        stack[tuple(itself)] = np.nan  # 0 in every seed says nothing
        long_name = f"{attributes.get('long_name', name)}: difference to {first}"
        units = attributes.get("units", "").replace("ratio to ", "in units of ")
        told = {"long_name": f"{long_name}, seed by seed", "units": units}
        found[f"{name}_{DIFFERENCE}"] = (dims, stack, told)
    return found


def _statistics(
    values: NDArray[np.float64], least: float = -np.inf
) -> NDArray[np.float64]:
    """The statistics [statistics, ...] of values [S, ...], then the single runs.

    Args:
      values: of every seed.
      least: value that no seed can be below.
    """
    with np.errstate(invalid="ignore"):  # infinities are counted elsewhere
        rows = [values.mean(0), np.median(values, 0), *np.quantile(values, BAND, 0)]
        rows.append(intervals.standard_error(values))
        mean = intervals.of_mean(values, least=least)
        median = intervals.of_median(values)
        rows += [*mean, *median, values[0]]
    return np.stack([*rows, *values[: len(_runs(len(values)))]])


def _outcomes(
    values: NDArray[np.float64], long_name: str
) -> Iterator[tuple[str, NDArray[np.float64], dict[str, str]]]:
    """Outcome, statistics [statistics, ...] of its share of runs, attributes."""
    total, single = len(values), 1 + len(_runs(len(values)))
    lost, overshot = values < catalogue.LOST, values > catalogue.OVERSHOT
    kept = np.isfinite(values) & ~lost & ~overshot
    of = dict(zip(OUTCOMES, (lost, kept, overshot), strict=True))
    for outcome, limits in zip(
        OUTCOMES,
        (
            f"below {catalogue.LOST:g}",
            f"{catalogue.LOST:g} to {catalogue.OVERSHOT:g}",
            f"above {catalogue.OVERSHOT:g}",
        ),
        strict=True,
    ):
        count = of[outcome].sum(0)
        share, nothing = count / total, np.full(count.shape, np.nan)
        low, high = intervals.of_share(count, total)
        error = np.sqrt(share * (1 - share) / total)
        ends = (low, high)
        rows = [share, share, *ends, error, *ends, *ends, *[nothing] * single]
        told = {
            "long_name": f"runs with {long_name} {outcome} ({limits})",
            "units": "share of runs",
            "of": long_name,
            "line": "share of runs",
            "band": "95 % confidence interval of the share",
        }
        yield outcome, np.stack(rows), told
