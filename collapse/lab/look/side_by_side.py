"""Runs side by side: one number of each, and its difference to the first run."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collapse.data.errors import InputError, unknown_value
from collapse.experiment.axes import axes_of
from collapse.lab.look.opened import Opened
from collapse.lab.look.pairing import shares_numbers, sizes_agree
from collapse.measures import catalogue, intervals
from collapse.measures.changes import Estimate, of_mean

Values = NDArray[np.floating[Any]]
_ROUNDING = 2**10  # times the rounding of one operation


class Match(NamedTuple):
    """A condition that all runs have.

    Attributes:
      where: coordinate -> value, of those in which conditions of a run differ.
      positions: run by run, coordinate -> position.
    """

    where: Mapping[str, Any]
    positions: tuple[Mapping[str, int], ...]


def side_by_side(runs: Sequence[Opened], metrics: Sequence[str] = ()) -> pd.DataFrame:
    """Means of several runs, a line for each run in each condition of each metric.

    At the last generation that all of them have. `difference` is that to the first run
    with a 95 % interval: of pairs of seeds where these share their random numbers
    (`paired`, of so many `pairs`), else of two means (Welch). Where seeds are paired
    and differ by no more than rounding, it is 0 and `equal` is true.

    Args:
      runs: two or more of one family, or of one study of one family.
      metrics: that are compared; those of the closing table if empty.

    Raises:
      InputError: for runs of different families, without a condition in common, or
        metrics that one of them lacks.
    """
    _check(runs)
    generation = min(int(run.dataset["generation"].values[-1]) for run in runs)
    metrics = _metrics(runs, metrics)
    matches = list(_matches(runs))
    shared = [True, *(shares_numbers(runs[0], run) for run in runs[1:])]
    lines = []
    for metric in metrics:
        least = _least([run.dataset[metric] for run in runs])
        for match in matches:
            values = [
                _values(run.dataset[metric], positions, generation)
                for run, positions in zip(runs, match.positions, strict=True)
            ]
            head = {"metric": metric, **match.where, "generation": generation}
            for k, (run, own) in enumerate(zip(runs, values, strict=True)):
                line = head | {"run": str(run.label.place)}
                line |= of_mean(own.astype(np.float64), least=least).columns("mean")
                line["seeds"] = len(own)
                if k:
                    at = (match.positions[0], match.positions[k])
                    paired = shared[k] and sizes_agree((runs[0], run), at)
                    line |= _difference(values[0], own, paired)
                lines.append(line)
    return pd.DataFrame(lines)


def _least(variables: Sequence[xr.DataArray]) -> float:
    """The value that a metric of several runs cannot be below, as far as is known."""
    lowest = min(float(np.nanmin(v.values, initial=np.inf)) for v in variables)
    return catalogue.least(variables[0].attrs.get("units", ""), lowest)


def _difference(first: Values, own: Values, paired: bool) -> dict[str, Any]:
    """The columns of a line that tell the difference to the first run."""
    pairs = min(len(first), len(own)) if paired else 0
    equal = paired and is_rounding(first[:pairs], own[:pairs])
    gap = Estimate(0.0, 0.0, 0.0)
    if not equal:
        gap = (_paired if paired else _welch)(first, own)
    told = {"paired": paired, "pairs": pairs, "equal": equal}
    return gap.columns("difference") | told


def is_rounding(first: Values, other: Values) -> bool:
    """Whether values of the same seeds differ in their last digits alone.

    By 1024 times the rounding of one operation in the precision that they were stored
    in, at most: sums that are taken in another order, over many generations.
    """
    eps = max(np.finfo(values.dtype).eps for values in (first, other))
    most = _ROUNDING * float(eps) * np.maximum(np.abs(first), np.abs(other))
    same = (first == other) | (np.isnan(first) & np.isnan(other))
    with np.errstate(invalid="ignore"):  # of infinities
        return bool((same | (np.abs(other - first) <= most)).all())


def _check(runs: Sequence[Opened]) -> None:
    if len(runs) < 2:
        raise InputError("compare: one folder; give two or more")
    first = runs[0]
    for run in runs[1:]:
        if run.label.title != first.label.title:
            raise InputError(
                f"compare: {first.label.place} is of {first.label.title}, "
                f"{run.label.place} of {run.label.title}; give runs of one family"
            )
    check_once([run.label.place for run in runs])


def check_once(places: Sequence[Path], command: str = "compare") -> None:
    """Raise InputError for a folder that is given twice, by whatever path."""
    seen: dict[Path, Path] = {}
    for place in places:
        before = seen.setdefault(place.resolve(), place)
        if before is not place:
            other = "" if before == place else f", as {before}, too"
            raise InputError(f"{command}: {place} is given twice{other}")


def _metrics(runs: Sequence[Opened], asked: Sequence[str]) -> list[str]:
    known = [
        {str(n) for n, v in run.dataset.data_vars.items() if _is_curve(v)}
        for run in runs
    ]
    common = set.intersection(*known)
    for name in asked:
        lacks = [
            run.label.place
            for run, own in zip(runs, known, strict=True)
            if name not in own
        ]
        if lacks and len(lacks) < len(runs):
            raise InputError(
                f"metrics: {name} was not measured in {', '.join(map(str, lacks))}; "
                f"all have {', '.join(sorted(common)) or 'none'}"
            )
        if lacks:
            raise InputError(f"metrics: {unknown_value(name, sorted(common))}")
    usual = [name for name in runs[0].shown() if name in common]
    found = list(dict.fromkeys(asked)) or usual or sorted(common)
    if not found:
        raise InputError("compare: the runs have no metric in common")
    return found


def _is_curve(variable: xr.DataArray) -> bool:
    whole = {"workflow", "seed", "generation"} <= set(variable.dims)
    return whole and variable.dtype.kind == "f"


def _matches(runs: Sequence[Opened]) -> Iterator[Match]:
    """The conditions that all runs have, in the order of the first.

    An axis that has several values in one run may have a single one in another. A
    single workflow, or value, of each run is compared even if it is not the same.
    """
    axes = list(dict.fromkeys(axis for run in runs for axis in _several(run)))
    for chosen in itertools.product(*(_choices(runs, axis) for axis in axes)):
        where = {axis: value for axis, (value, _) in zip(axes, chosen, strict=True)}
        positions = tuple(
            {axis: at[r] for axis, (_, at) in zip(axes, chosen, strict=True) if r in at}
            for r in range(len(runs))
        )
        yield Match(where, positions)


def _choices(runs: Sequence[Opened], axis: str) -> list[tuple[Any, dict[int, int]]]:
    """The values of an axis that all runs have, each with its position in each run.

    A run in whose results the axis is no dimension has no position.

    Raises:
      InputError: if no value is common to all.
    """
    values = [_along(run, axis) for run in runs]
    common = [v for v in values[0] if all(v in others for others in values)]
    if not common:
        told = " and ".join(
            f"{run.label.place} has {', '.join(map(str, own))}"
            for run, own in zip(runs, values, strict=True)
        )
        raise InputError(f"{axis}: no value in common: {told}")
    inside = [r for r, run in enumerate(runs) if axis in run.dataset.dims]
    return [(v, {r: values[r].index(v) for r in inside}) for v in common]


def _several(run: Opened) -> list[str]:
    """Coordinates in which the conditions of a run differ."""
    return [a for a in (*axes_of(run.dataset), "workflow") if run.dataset.sizes[a] > 1]


def _along(run: Opened, axis: str) -> list[Any]:
    """The values of a run on an axis; of one that it does not have its single one."""
    if axis in run.dataset.dims:
        found: list[Any] = run.dataset[axis].values.tolist()
        return found
    value = run.label.fields.get(axis)
    return list(value) if isinstance(value, list | tuple) else [value]


def _values(
    variable: xr.DataArray, positions: Mapping[str, int], generation: int
) -> Values:
    """The values [S] of a condition at a generation."""
    one = variable.isel({d: k for d, k in positions.items() if d in variable.dims})
    one = one.sel(generation=generation)
    one = one.isel({d: 0 for d in one.dims if d != "seed"})
    return np.asarray(one.values)


def _paired(first: Values, other: Values) -> Estimate:
    """Mean difference of the seeds that both have."""
    count = min(len(first), len(other))
    first, other = first.astype(np.float64), other.astype(np.float64)
    return of_mean(other[:count] - first[:count])


def _welch(first: Values, other: Values) -> Estimate:
    """Difference of two means of independent seeds (Welch, Biometrika 34:28, 1947)."""
    one, two = first.astype(np.float64), other.astype(np.float64)
    value = float(two.mean() - one.mean())
    if min(len(first), len(other)) < 2:
        return Estimate(value, np.nan, np.nan)
    parts = [float(intervals.standard_error(x)) ** 2 for x in (one, two)]
    total = sum(parts)
    if not total > 0:
        return Estimate(value, value, value)
    freedom = total**2 / sum(
        part**2 / (len(x) - 1) for part, x in zip(parts, (one, two), strict=True)
    )
    reach = intervals.student(freedom) * np.sqrt(total)
    return Estimate(value, float(value - reach), float(value + reach))
