"""Tables over seeds: when curves cross a level, and differences between workflows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.measures import catalogue, intervals

NEVER = "never"
_SPREADS = ("variance_ratio", "heterozygosity")


def crossings(
    dataset: xr.Dataset, metric: str, level: float, below: bool = True
) -> pd.DataFrame:
    """When a metric first lies beyond a level, a line for each condition.

    `share` is that of the seeds that crossed it within the run, `median` the generation
    by which half of them have; both with 95 % confidence intervals, whose ends are
    "never" where they lie beyond the run.

    Args:
      dataset: every seed, as in results.nc.
      metric: that is measured in every generation.
      level: that is crossed.
      below: whether beyond means below the level, or above.

    Raises:
      InputError: for a metric that has no seeds and generations.
    """
    return pd.DataFrame(_crossings(_curves(dataset, metric), level, below))


def events(dataset: xr.Dataset) -> pd.DataFrame:
    """Crossings of the usual levels by every metric, a line for each condition.

    Tails: lost, and overshot. Errors, whose best value is 0: above twice the mean over
    seeds at generation 0. Spreads: half the truth's. A first passage counts chance,
    too: a run that goes up and down crosses sooner or later.
    """
    lines: list[dict[str, Any]] = []
    for name, variable in dataset.data_vars.items():
        if not {"seed", "generation"} <= set(variable.dims) or name == "finite":
            continue
        for event, level, below in _usual(str(name), variable):
            head = {"metric": str(name), "event": event}
            lines += [{**head, **one} for one in _crossings(variable, level, below)]
    return pd.DataFrame(lines)


def differences(
    dataset: xr.Dataset, metric: str, reference: str = "", generation: int = -1
) -> pd.DataFrame:
    """Differences of a metric to a workflow, seed by seed, a line for each condition.

    Workflows share their random numbers where they can, so that the difference of two
    runs of one seed varies less than either. `mean` has a 95 % confidence interval,
    `share_above` is that of seeds in which the difference is positive. `seeds` are
    those in which both are finite; others are left out.

    Args:
      dataset: every seed, as in results.nc.
      metric: that was measured.
      reference: a workflow as results name it; the first one if empty.
      generation: position of the generation, -1 for the last.

    Raises:
      InputError: for an unknown metric, workflow or generation, or a single seed.
    """
    variable = _known(dataset, metric).astype(float)
    if "workflow" not in variable.dims or variable.sizes["workflow"] < 2:
        raise InputError(f"metrics: {metric} has no two workflows to compare")
    labels = [str(label) for label in dataset["workflow"].values]
    reference = reference or labels[0]
    if reference not in labels:
        raise InputError(f"reference: unknown {reference!r}; known are {labels}")
    if "seed" not in variable.dims or variable.sizes["seed"] < 2:
        raise InputError(f"metrics: {metric} has no two seeds to compare")
    if "generation" in variable.dims:
        count = variable.sizes["generation"]
        if not -count <= generation < count:
            raise InputError(f"generation: {generation}; stay within 0..{count - 1}")
        variable = variable.isel(generation=generation)
    gap = variable - variable.sel(workflow=reference, drop=True)
    gap = gap.sel(workflow=[label for label in labels if label != reference])
    lines = []
    for where, values in _each(gap.transpose("seed", ...)):
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        low, high = intervals.of_mean(values)
        above = float((values > 0).mean())
        error = float(intervals.standard_error(values))
        line = {**where, "reference": reference, "seeds": len(values)}
        line["mean"] = float(values.mean())
        line |= {"standard_error": error, "low": float(low), "high": float(high)}
        lines.append(line | {"share_above": above})
    return pd.DataFrame(lines)


def _usual(
    name: str, variable: xr.DataArray
) -> Iterator[tuple[str, float | None, bool]]:
    """Event, its level or None for twice the first mean, and whether it lies below."""
    known = catalogue.find(name)
    if variable.attrs.get("tail"):
        yield "lost", catalogue.LOST, True
        yield "overshot", catalogue.OVERSHOT, False
    elif name in _SPREADS:
        yield "halved", 0.5, True
    elif known.better == "lower" and variable.attrs.get("reference") == 0:
        yield "doubled", None, False


def _crossings(
    curves: xr.DataArray, given: float | None, below: bool
) -> list[dict[str, Any]]:
    lines = []
    for where, values in _each(curves.transpose("seed", ..., "generation")):
        level = 2 * float(values[:, 0].mean()) if given is None else given
        if given is None and not level > 0:  # nothing to be twice of
            continue
        found = intervals.crossing(values, level, below)
        held = curves["generation"].values  # maybe one of so many
        shares = ("share", "share_low", "share_high")
        times = ("median", "median_low", "median_high")
        ends = (found.share, *found.share_interval)
        line = {**where, "level": level, "seeds": len(values)}
        line |= {k: float(v) for k, v in zip(shares, ends, strict=True)}
        ends = (found.median, *found.median_interval)
        told = {k: _time(v, held) for k, v in zip(times, ends, strict=True)}
        lines.append(line | told)
    return lines


def _time(place: Any, held: NDArray[Any]) -> int | str | float:
    """The generation at a place of those held, or "never"; NaN where not known."""
    value = float(place)
    if np.isnan(value):
        return value
    return NEVER if np.isinf(value) else int(held[int(value)])


def _each(variable: xr.DataArray) -> Iterator[tuple[dict[str, Any], NDArray[Any]]]:
    """Each condition of a variable [S, conditions..., G + 1], with its values."""
    rest = [d for d in variable.dims if d not in ("seed", "generation")]
    for index in np.ndindex(*(variable.sizes[d] for d in rest)):
        where = dict(zip(rest, index, strict=True))
        values = variable.isel(where).values.astype(float)
        yield {str(d): variable[d].values[i] for d, i in where.items()}, values


def _known(dataset: xr.Dataset, metric: str) -> xr.DataArray:
    if metric not in dataset:
        known = ", ".join(
            str(n) for n, v in dataset.items() if "seed" in v.dims and n != "finite"
        )
        raise InputError(f"metrics: {metric} was not measured; known are {known}")
    return dataset[metric]


def _curves(dataset: xr.Dataset, metric: str) -> xr.DataArray:
    variable = _known(dataset, metric)
    if not {"seed", "generation"} <= set(variable.dims):
        raise InputError(f"metrics: {metric} is not measured in every generation")
    return variable
