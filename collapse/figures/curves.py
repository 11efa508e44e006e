"""Panels of curves: what `plotting` draws of the metrics of a summary."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from collapse.experiment.derived import DIFFERENCE, OUTCOME, source
from collapse.experiment.summary import FIRST, runs
from collapse.figures import axes as scales
from collapse.figures import dots, edges, markers, outcomes, panels
from collapse.figures import spec as layout
from collapse.figures import words as annotations
from collapse.figures.colours import colours, shade
from collapse.figures.panels import Panel, has_theory, label, levels_of, statistic
from collapse.measures import catalogue

_LOG_SPAN = float(np.log(30))  # of an error's curves, from which on their axis is log
_RUN: dict[str, Any] = {"lw": 0.6}  # of a single seed
_MEAN: dict[str, Any] = {"lw": 1.0, "ls": (0, (1, 1.2))}  # beside a median


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with panels of curves; the entries of its legend."""
    figure = figure.resolved(summary.sizes)
    metrics = panels.chosen(summary, figure)
    name = figure.hue if figure.hue in summary.dims else "workflow"
    panels.check(summary, figure, metrics, name)
    summary = panels.at_drawn(summary, figure)
    every = panels.arrange(summary, figure, metrics)
    rows, columns = panels.extent(every)
    free = not any(p.row or p.column for p in every)  # a y axis for each
    few = {1: 4.6, 2: 3.6} if free else {1: 3.8, 2: 3.4}  # columns -> inches
    width = few.get(columns, max(1.8, min(3.1, 10 / columns)))
    width = figure.inches / columns or width
    height = min(2.4, max(1.7, 0.75 * width))
    fig.set_size_inches(width * columns, height * rows)
    grid = fig.add_gridspec(rows, columns)
    hues = colours(name, summary[name].values)
    for panel in every:
        i, j = panel.position
        ax = fig.add_subplot(grid[i, j])
        _fill(ax, summary, figure, panel, name, hues)
        bottom = not any(p.position == (i + 1, j) for p in every)
        ax.tick_params(which="both", labelbottom=bottom, labelleft=free or j == 0)
        ax.set_xlabel(scales.name_x(figure) if bottom else "")
        long_name, unit = label(summary, panel.metric)
        own = is_curve(panel.metric) and not _own_line(summary, panel.metric)
        if figure.statistic == "auto" and own:
            long_name += f" ({statistic(summary, figure, panel.metric)})"
        if free:
            ax.set(title=textwrap.fill(long_name, int(12 * width)), ylabel=unit)
        elif j == 0:
            lines = textwrap.wrap(long_name, int(13 * height), break_on_hyphens=False)
            ax.set_ylabel("\n".join(filter(None, [*lines, unit])))
        panels.name_sides(ax, panel, columns)
    return [*_legend(summary, figure, metrics, name, hues), *edges.legend(fig)]


def is_curve(metric: str) -> bool:
    """Whether a panel shows curves, or else the outcomes of a tail."""
    return source(metric)[1] != OUTCOME


def _fill(
    ax: Axes,
    summary: xr.Dataset,
    figure: layout.Figure,
    panel: Panel,
    name: str,
    hues: Mapping[Any, str],
) -> None:
    """What a panel shows: curves, or outcomes of a tail."""
    if is_curve(panel.metric):
        _curves(ax, summary, figure, panel, name, hues)
        return
    metric, fixed = source(panel.metric)[0], {**panel.row, **panel.column}
    own = {v: c for v, c in hues.items() if fixed.get(name, v) == v}
    variables = summary[panels.drawn([panel.metric])]
    outcomes.paint(ax, variables.sel(fixed), figure, metric, name, own)


def _curves(
    ax: Axes,
    summary: xr.Dataset,
    figure: layout.Figure,
    panel: Panel,
    name: str,
    hues: Mapping[Any, str],
) -> None:
    """The curves of one panel, with their bands and theory."""
    metric, theory = panel.metric, f"{panel.metric}_theory"
    row = summary[[n for n in (metric, theory) if n in summary]].sel(panel.row)
    column, fixed = row.sel(panel.column), {**panel.row, **panel.column}
    generations = figure.x == "generation"
    x = summary[figure.x].values
    x = x + 1 if generations and figure.x_scale == "log" else x
    unit = label(summary, metric)[1]
    reference = 1.0 if catalogue.is_about_one(unit) else np.nan
    if source(metric)[1] == DIFFERENCE:
        reference = 0.0
    own = levels_of(summary[metric])
    main = statistic(summary, figure, metric)
    marks = (reference, *figure.levels, *own.values())
    band = panels.band(summary, figure, metric)
    log = _is_log(row, figure, metric, main)
    limits = scales.limits(row, metric, (main, *band.ends, *band.runs), log, marks)
    scales.scale(ax, figure, x, edges.cut(limits, figure) or (1, 10), log)
    if limits is None:
        ax.text(0.5, 0.5, "no value to show", transform=ax.transAxes, ha="center")
    ax.axhline(reference, color="0.6", lw=0.6, zorder=1)
    # below the first row there is room between the panels
    room = bool(fixed) and panel.position[0] > 0
    annotations.note(ax, summary, fixed, figure.x, room)
    annotations.levels(ax, figure, own)
    alpha, shapes = 0.18 if len(hues) < 4 else 0.13, markers.shapes(hues)
    for k, (value, colour) in enumerate(hues.items()):
        if fixed.get(name, value) != value:
            continue  # the hue is that of the row or column
        one = column.sel({name: value} if name in column.dims else {})
        one = one.isel({d: 0 for d in one.dims if d not in ("statistic", figure.x)})
        if dots.is_of_words(x):
            which = (0, 1) if name in fixed else (k, len(hues))
            ways = _dot(value, shapes) | {"color": colour, "label": str(value)}
            dots.paint(ax, one[metric], (main, *band.ends), band.runs, which, ways)
            continue
        if not band.runs:
            low, high = (one[metric].sel(statistic=s) for s in band.ends)
            ax.fill_between(x, low, high, color=colour, alpha=alpha, lw=0, zorder=1.5)
        ways = markers.along(shapes.get(value), len(x), generations)
        ways |= {"label": str(value), "lw": 1.2 if shapes else 1.6}
        _curve(ax, summary, figure, one, metric, x, colour, ways)


def _curve(
    ax: Axes,
    summary: xr.Dataset,
    figure: layout.Figure,
    one: xr.Dataset,
    metric: str,
    x: NDArray[Any],
    colour: str,
    ways: dict[str, Any],
) -> None:
    """One curve, with single runs, its mean and its theory where they are drawn."""
    line = one[metric].sel(statistic=statistic(summary, figure, metric))
    for run in panels.band(summary, figure, metric).runs:
        single = one[metric].sel(statistic=run)
        ax.plot(x, single, color=colour, alpha=0.45, zorder=2, **_RUN)
    if _has_mean(summary, figure, metric):
        mean = one[metric].sel(statistic="mean")
        ax.plot(x, mean, color=colour, zorder=2.5, **_MEAN)
    ax.plot(x, line, color=colour, zorder=3, **ways)
    edges.mark(ax, figure, x, line, colour)
    theory = f"{metric}_theory"
    if theory in one and np.isfinite(one[theory]).any():
        dark, words = _dashes(colour), f"{ways['label']} theory"
        ax.plot(x, one[theory], **dark, zorder=4, label=words)


def _dot(value: Any, shapes: Mapping[Any, markers.Shape]) -> dict[str, Any]:
    """Settings of the dots of a hue over an axis of words."""
    return shapes[value].ways() if shapes else {"marker": "o", "ms": 3.5}


def _is_log(row: xr.Dataset, figure: layout.Figure, metric: str, line: str) -> bool:
    """Whether the y axis of a row of panels is logarithmic."""
    if figure.y_scale != "auto":
        return figure.y_scale == "log"
    if catalogue.find(metric).better != "lower":
        return False
    values = row[metric].sel(statistic=line).values.ravel()
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and np.ptp(np.log(values)) > _LOG_SPAN)


def _legend(
    summary: xr.Dataset,
    figure: layout.Figure,
    metrics: tuple[str, ...],
    name: str,
    hues: Mapping[Any, str],
) -> list[Artist]:
    """Legend entries of the hues, then of solid, dashed and shaded."""
    if name == "workflow" and all(source(m)[1] == DIFFERENCE for m in metrics):
        hues = dict([*hues.items()][1:])  # the first has no difference to itself
    shapes = markers.shapes(hues)
    words = dots.is_of_words(summary[figure.x].values)
    entries: list[Artist] = []
    for k, (value, colour) in enumerate(hues.items()):
        ways: dict[str, Any] = {"label": scales.spell(name, value, again=k > 0)}
        ways |= shapes[value].ways() if shapes else {}
        ways |= _dot(value, shapes) | {"ls": ""} if words else {}
        entries.append(Line2D([], [], color=colour, lw=1.2 if shapes else 1.6, **ways))
    grey = "#666666"
    stacked = [] if all(map(is_curve, metrics)) else outcomes.legend()
    metrics = tuple(filter(is_curve, metrics))
    if not metrics:
        return stacked
    known = [m for m in metrics if has_theory(summary, m)]
    alone = all(panels.is_single(summary, metric) for metric in metrics)
    line = _line_words(summary, figure, metrics, alone)
    moving = any("generation" in summary[metric].dims for metric in metrics)
    if moving and "generation" not in (figure.x, name):
        line += f" at t = {summary['generation'].values[0]}"
    points = summary.sizes[figure.x], figure.x == "generation"
    ways = {} if shapes else markers.along(None, *points)
    ways |= _dot(None, {}) | {"ls": ""} if words else {}
    entries.append(Line2D([], [], color=grey, lw=1.6, label=line, **ways))
    if known and not words:
        means = all(statistic(summary, figure, metric) == "mean" for metric in known)
        theory = "theory" if means else "theory of the mean"
        entries.append(Line2D([], [], **_dashes(grey), label=theory))
    beside = not words and not alone  # whether means may stand beside medians
    if beside and any(_has_mean(summary, figure, metric) for metric in metrics):
        entries.append(Line2D([], [], color=grey, **_MEAN, label="mean over seeds"))
    bands = {metric: panels.band(summary, figure, metric) for metric in metrics}
    if any(band.runs for band in bands.values()):
        count = max(len(band.runs) for band in bands.values())
        each = f"each of the {count} seeds"
        entries.append(Line2D([], [], color=grey, alpha=0.6, **_RUN, label=each))
    shaded = sorted({band.words for band in bands.values() if not band.runs})
    if shaded := list(filter(None, shaded)):
        told = " or ".join(shaded)
        entries.append(
            Line2D([], [], color=grey, lw=1.0, label=f"line: {told}")
            if words
            else Patch(color=grey, alpha=0.25, lw=0, label=f"band: {told}")
        )
    return [*entries, *stacked]


def _own_line(summary: xr.Dataset, metric: str) -> str:
    """What the curve of a metric is, if no statistic over seeds; else ""."""
    return str(summary[metric].attrs.get("line", ""))


def _line_words(
    summary: xr.Dataset, figure: layout.Figure, metrics: tuple[str, ...], alone: bool
) -> str:
    """What solid lines are, in words: `median over seeds`, for example.

    Args:
      summary: that is drawn.
      figure: to draw.
      metrics: that are drawn as curves.
      alone: whether there is a single seed.
    """
    own = {metric: _own_line(summary, metric) for metric in metrics}
    words = sorted({*own.values()} - {""})  # of curves that are no statistic over seeds
    usual = sorted({statistic(summary, figure, m) for m in metrics if not own[m]})
    if not usual:
        return " or ".join(words)
    if alone:
        return " or ".join([*words, "one run"])
    if usual == [FIRST]:
        return " or ".join([*words, "run of the first seed"])
    return " or ".join([*words, *usual]) + " over seeds"


def _has_mean(summary: xr.Dataset, figure: layout.Figure, metric: str) -> bool:
    """Whether the mean is drawn beside the median: of tails, for they differ."""
    tail = bool(summary[metric].attrs.get("tail")) and not source(metric)[1]
    free = figure.statistic == "auto" and figure.band == "seeds" and not runs(summary)
    known = "mean" in summary[metric].indexes.get("statistic", ())
    return tail and free and known and not has_theory(summary, metric)


def _dashes(colour: str) -> dict[str, Any]:
    """Line settings of a theory curve: darker, thinner, dashed."""
    return {"color": shade(colour, 0.6), "lw": 0.9, "ls": (0, (4, 2.5))}
