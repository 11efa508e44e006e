"""What curves and maps share: the arrangement of panels, and their titles."""

import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from collapse.data.errors import InputError
from collapse.experiment.derived import DIFFERENCE, OUTCOME, OUTCOMES, source
from collapse.experiment.summary import runs
from collapse.figures import axes as scales
from collapse.figures import dots
from collapse.figures import spec as layout
from collapse.figures import words as annotations
from collapse.measures import catalogue


class Panel(NamedTuple):
    """One panel; those with the same metric and `row` share the y axis."""

    metric: str
    row: Mapping[str, Any]  # coordinate -> its value
    column: Mapping[str, Any]
    position: tuple[int, int]


def chosen(summary: xr.Dataset, figure: layout.Figure) -> tuple[str, ...]:
    """The metrics of a figure, or all that its summary can show over x."""
    variables = summary.data_vars.items()
    every = (str(n) for n, v in variables if {"statistic", figure.x} <= set(v.dims))
    return figure.metrics or tuple(n for n in every if not source(n)[1])


def at_drawn(summary: xr.Dataset, figure: layout.Figure) -> xr.Dataset:
    """The summary in the order of x, at the generations that are drawn.

    Words stay as they are listed.
    """
    if figure.x == "generation":
        return summary
    if not dots.is_of_words(summary[figure.x].values):
        summary = summary.sortby(figure.x)
    if "generation" not in summary.dims:
        return summary
    return summary.sel(generation=figure.drawn(summary["generation"].values))


def check(
    summary: xr.Dataset, figure: layout.Figure, metrics: tuple[str, ...], *used: str
) -> None:
    """Raise InputError for the first thing that would be missing or left over.

    Args:
      used: coordinates that have a role other than x, columns and rows.
    """
    figure.check({str(n): index.values for n, index in summary.indexes.items()})
    for metric in drawn(metrics):
        if metric not in summary:
            raise InputError(f"metrics: {metric} was not measured; measure or drop it")
        line = statistic(summary, figure, metric)
        if line not in summary[metric].indexes.get("statistic", ()):
            raise InputError(f"statistic: {metric} has no {line}")
        if figure.x not in summary[metric].dims:
            raise InputError(f"x: {metric} does not change along {figure.x}")
        shown = {*used, "statistic", "generation", figure.x}
        shown |= {figure.columns, figure.rows}
        first = next(iter(figure.roles()))
        check_shown(summary[metric], shown, f"x, {first}, columns or rows")


def check_shown(variable: xr.DataArray, shown: Collection[str], roles: str) -> None:
    """Raise InputError for a coordinate of several values that a figure does not show.

    Args:
      variable: that is drawn.
      shown: coordinates that have a role.
      roles: those that another one may be given, in words.
    """
    for name, size in variable.sizes.items():
        if name not in shown and size > 1:
            raise InputError(
                f"figure: {name} has {size} values and no place; name it as {roles}"
            )


def drawn(metrics: Iterable[str]) -> list[str]:
    """The variables that panels show: of `<tail>_outcome` its three shares."""
    found = []
    for metric in metrics:
        of, what = source(metric)
        found += [f"{of}_{o}" for o in OUTCOMES] if what == OUTCOME else [metric]
    return found


def arrange(
    summary: xr.Dataset, figure: layout.Figure, metrics: tuple[str, ...]
) -> list[Panel]:
    """A grid of metrics, or rows and columns of one coordinate's values each."""

    def selections(name: str) -> list[dict[str, Any]]:
        if name not in summary.dims:
            return [{}]
        return [{name: value} for value in summary[name].values]

    rows, columns = selections(figure.rows), selections(figure.columns)
    if rows == columns == [{}]:
        width = 2 if len(metrics) == 4 else min(3, len(metrics))
        width = 1 if figure.width == "column" else width
        return [Panel(m, {}, {}, divmod(i, width)) for i, m in enumerate(metrics)]
    return [
        Panel(metric, row, column, (i, j))
        for i, (metric, row) in enumerate(itertools.product(metrics, rows))
        for j, column in enumerate(columns)
    ]


def extent(panels: list[Panel]) -> tuple[int, int]:
    """Rows and columns of the grid."""
    rows, columns = (1 + max(p.position[axis] for p in panels) for axis in (0, 1))
    return rows, columns


def name_sides(ax: Axes, panel: Panel, columns: int) -> None:
    """Write the value of the column above, and that of the row at the right."""
    i, j = panel.position
    for coordinate, value in panel.column.items():
        ax.set_title(scales.spell(coordinate, value) if i == 0 else "")
    for coordinate, value in panel.row.items():
        last = j == columns - 1
        annotations.strip(ax, scales.spell(coordinate, value) if last else "")


def statistic(summary: xr.Dataset, figure: layout.Figure, metric: str) -> str:
    """Name of the statistic drawn of a metric; for "auto", the one theory is about.

    The one that the band is an interval of; of differences between paired seeds the
    mean.
    """
    if figure.statistic != "auto":
        return figure.statistic
    if figure.band != "seeds":
        return figure.band
    if source(metric)[1] == DIFFERENCE:
        return "mean"
    return "mean" if has_theory(summary, metric) else "median"


class Band(NamedTuple):
    """What stands about a curve.

    Attributes:
      ends: the statistics at its ends.
      words: what it is, for the legend; "" if there is none.
      runs: statistics of single seeds, which are drawn in its place.
    """

    ends: tuple[str, str]
    words: str
    runs: list[str]


def band(summary: xr.Dataset, figure: layout.Figure, metric: str) -> Band:
    """The band of a metric: one of its own, an interval, or quantiles over seeds."""
    attributes, kind = summary[metric].attrs, figure.band
    if "band" in attributes:
        return Band(("low", "high"), attributes["band"], [])
    if source(metric)[1] == DIFFERENCE and kind == "seeds":
        kind = "mean"  # the claim is about it
    if kind != "seeds":
        ends = (f"{kind}_low", f"{kind}_high")
        found = np.isfinite(summary[metric].sel(statistic=list(ends))).any()
        words = f"95 % confidence interval of the {kind}"
        return Band(ends, words if found else "", [])
    single = [r for r in runs(summary) if summary[metric].sel(statistic=r).size]
    words = "" if is_single(summary, metric) else "5 % to 95 % of seeds"
    return Band(("low", "high"), words, single)


def is_single(summary: xr.Dataset, metric: str) -> bool:
    """Whether a metric was measured on one seed alone, which has no standard error."""
    known = summary.indexes.get("statistic", ())
    if "statistic" not in summary[metric].dims or "standard_error" not in known:
        return False
    mean, error = (
        summary[metric].sel(statistic=s).values for s in ("mean", "standard_error")
    )
    return bool(np.isfinite(mean).any() and np.isnan(error).all())


def has_theory(summary: xr.Dataset, metric: str) -> bool:
    """Whether there is a closed form of a metric anywhere."""
    theory = summary.get(f"{metric}_theory")
    return theory is not None and bool(np.isfinite(theory).any())


def label(summary: xr.Dataset, metric: str) -> tuple[str, str]:
    """Long name and unit, from the variable if it has them."""
    of, what = source(metric)
    if what == OUTCOME:  # of a tail that is perhaps not there itself
        known = summary[f"{of}_{OUTCOMES[0]}"].attrs.get("of")
        return f"outcome of {known or catalogue.find(of).long_name}", "share of runs"
    attributes, usual = summary[metric].attrs, catalogue.find(metric)
    return (
        attributes.get("long_name", usual.long_name),
        attributes.get("units", usual.unit),
    )


def levels_of(variable: xr.DataArray) -> dict[str, float]:
    """Label -> value of y that results mark for a metric; none if they mark none."""
    found: dict[str, float] = json.loads(variable.attrs.get("levels", "{}"))
    return found
