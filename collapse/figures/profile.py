"""The collapse profile: a row a definition, on one axis of how much worse it became."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from collapse.data.errors import InputError
from collapse.experiment.profile.definitions import DEFINITIONS
from collapse.figures import axes as scales
from collapse.figures import panels
from collapse.figures import spec as layout
from collapse.figures.colours import colours

_LEAST, _MOST = 0.1, 1000.0  # what lies beyond is an arrow at the edge
_ROOM = 1.15  # beyond the outermost mark, as a factor
_VERDICTS: dict[str, dict[str, Any]] = {  # verdict -> its mark
    "collapse": {"marker": "o", "ms": 4.5},
    "no collapse": {"marker": "o", "ms": 4.5, "mfc": "white"},
    "undecided": {"marker": "|", "ms": 7},
}


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with panels of profiles; the entries of its legend.

    Raises:
      InputError: if the summary has no profile, or a coordinate of several values is
        not shown.
    """
    if "profile_worse" not in summary:
        raise InputError("figure: nothing here has a profile; draw it from results.nc")
    name = figure.hue if figure.hue in summary["profile_worse"].dims else "workflow"
    shown = {name, "definition", figure.columns, figure.rows}
    panels.check_shown(summary["profile_worse"], shown, "hue, columns or rows")
    hues = colours(name, summary[name].values)
    every = panels.arrange(summary, figure, ("",))
    rows, columns = panels.extent(every)
    first = 2.2 if columns > 1 else 0.0  # inches for the names of definitions
    width = figure.inches or max(1.9, 5.2 / columns) * columns + first
    height = len(DEFINITIONS) * max(0.32, 0.1 * len(hues)) + 0.3
    fig.set_size_inches(width, height * rows)
    grid = fig.add_gridspec(rows, columns)
    limits = _limits(summary)
    for panel in every:
        i, j = panel.position
        ax = fig.add_subplot(grid[i, j])
        where = {**panel.row, **panel.column}
        own = {v: c for v, c in hues.items() if where.get(name, v) == v}
        some = summary.sel({c: v for c, v in where.items() if c != name})
        _fill(ax, some, name, own, limits)
        ax.tick_params(axis="y", labelleft=j == 0, length=0)
        ax.tick_params(axis="x", which="both", labelbottom=i == rows - 1)
        ax.set_xlabel("times worse than at first" if i == rows - 1 else "")
        panels.name_sides(ax, panel, columns)
    return _legend(name, hues)


def _limits(summary: xr.Dataset) -> tuple[float, float]:
    """Ends of the axis: all numbers but those that are beyond all bounds."""
    ends = [summary[f"profile_{x}"].values.ravel() for x in ("worse", "low", "high")]
    values = np.concatenate([*ends, [0.8, 1.25]])
    values = np.clip(values[~np.isnan(values)], _LEAST, _MOST)
    return float(values.min() / _ROOM), float(values.max() * _ROOM)


def _fill(
    ax: Axes,
    summary: xr.Dataset,
    name: str,
    hues: Mapping[Any, str],
    limits: tuple[float, float],
) -> None:
    """One panel: the definitions from above, in each the hues from above."""
    scales.log_x(ax, *limits)
    ax.set(xlim=limits, ylim=(len(DEFINITIONS) - 0.5, -0.5))
    margin = float(summary["profile_worse"].attrs.get("margin", 0))
    ax.axvspan(1, 1 + margin, color="0.85", lw=0, zorder=0)
    ax.axvline(1, color="0.3", lw=0.8, zorder=1)
    steps = (np.arange(len(hues)) + 0.5) / max(len(hues), 1) - 0.5
    for k in range(len(DEFINITIONS)):
        ax.axhline(k + 0.5, color="0.9", lw=0.5, zorder=0)
        one = summary.isel(definition=k)
        for step, (value, colour) in zip(steps, hues.items(), strict=True):
            cell = one.sel({name: value} if name in one.dims else {})
            cell = cell.isel({d: 0 for d in cell["profile_worse"].dims})
            _mark(ax, cell, k + 0.8 * step, colour, limits)
        if (one["profile_verdict"] == "not defined").all():
            text = ax.text(limits[1], k, "not defined here ", ha="right", va="center")
            text.set(size=6.5, color="0.5", backgroundcolor="white")
    ax.set_yticks(range(len(DEFINITIONS)), _names(summary))


def _mark(
    ax: Axes, cell: xr.Dataset, y: float, colour: str, limits: tuple[float, float]
) -> None:
    """The worsening of one condition, with both of its intervals."""
    verdict = str(cell["profile_verdict"].values)
    if verdict not in _VERDICTS:
        return
    low, high = limits

    def clipped(variable: str) -> float:
        return float(np.clip(float(cell[variable]), low, high))

    for kind, thickness in (("profile_joint", 0.7), ("profile", 1.8)):
        ends = [clipped(f"{kind}_{end}") for end in ("low", "high")]
        ax.plot(ends, [y, y], color=colour, lw=thickness, zorder=2)
    worse = float(cell["profile_worse"])
    mark = _VERDICTS[verdict]
    if not low <= worse <= high:
        mark = mark | {"marker": ">" if worse > high else "<"}
    x = clipped("profile_worse")
    ax.plot([x], [y], color=colour, clip_on=False, zorder=3, **mark)


def _names(summary: xr.Dataset) -> list[str]:
    """Definitions, each with the metric that it looks at."""
    names = []
    for definition in DEFINITIONS:
        metrics = summary["profile_metric"].sel(definition=definition.name).values
        known = sorted({str(metric) for metric in metrics.ravel()} - {""})
        names.append("\n".join([definition.long_name, *known]))
    return names


def _legend(name: str, hues: Mapping[Any, str]) -> list[Artist]:
    grey: dict[str, Any] = {"color": "#666666"}
    entries: list[Artist] = [
        Line2D([], [], color=c, lw=1.6, label=scales.spell(name, v, again=k > 0))
        for k, (v, c) in enumerate(hues.items())
        if len(hues) > 1
    ]
    for verdict, mark in _VERDICTS.items():
        entries.append(Line2D([], [], ls="", label=verdict, **grey, **mark))
    words = "95 % interval, and that of all definitions together"
    return [*entries, Line2D([], [], lw=1.8, label=words, **grey)]
