"""Panels of curves: what `plotting` draws of the metrics of a summary."""

import itertools
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib import colormaps, colors, ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from collapse import experiment
from collapse.experiment import InputError
from collapse.metrics import describe

# Okabe & Ito (2008): told apart with any kind of colour vision. A workflow keeps its
# colour in every figure; its variants (`mix 0.1 fresh`, `mix 0.5 fresh`) are shades.
_WORKFLOWS = {
    "replace": "#D55E00",
    "accumulate": "#0072B2",
    "fixed_budget": "#009E73",
    "window": "#E69F00",
    "mix": "#CC79A7",
    "replace_multiple": "#56B4E9",
}
# coordinate -> its name in front of a value, and where it has been named before
_NAMES = {
    "samples_per_generation": ("samples n", "n"),
    "dimension": ("dimension d", "d"),
}


class _Panel(NamedTuple):
    """One panel; those with the same metric and `row` share the y axis."""

    metric: str
    row: Mapping[str, Any]  # coordinate -> its value
    column: Mapping[str, Any]
    place: tuple[int, int]


def paint(fig: Figure, summary: xr.Dataset, figure: experiment.Figure) -> list[Artist]:
    """Fill `fig` with panels of curves; the entries of its legend."""
    several = (n for n, v in summary.data_vars.items() if "statistic" in v.dims)
    metrics = tuple(figure.metrics) or tuple(map(str, several))
    name = figure.hue if figure.hue in summary.dims else "workflow"
    _check(summary, figure, metrics, name)
    panels = _arrange(summary, figure, metrics)
    rows, columns = (1 + max(p.place[axis] for p in panels) for axis in (0, 1))
    free = not any(p.row or p.column for p in panels)  # a y axis for each
    few = {1: 4.6, 2: 3.6} if free else {1: 3.8, 2: 3.4}  # columns -> inches
    width = few.get(columns, max(1.8, min(3.1, 10 / columns)))
    height = min(2.4, max(1.7, 0.75 * width))
    fig.set_size_inches(width * columns, height * rows)
    grid = fig.add_gridspec(rows, columns)
    hues = colours(name, summary[name].values)
    for panel in panels:
        i, j = panel.place
        ax = fig.add_subplot(grid[i, j])
        _curves(ax, summary, figure, panel, name, hues)
        bottom = not any(p.place == (i + 1, j) for p in panels)
        ax.tick_params(labelbottom=bottom, labelleft=free or j == 0)
        if bottom:
            log = figure.x_scale == "log"
            ax.set_xlabel("number of fits, t + 1" if log else "generation t")
        long_name, unit = _label(summary, panel.metric)
        if figure.statistic == "auto":
            long_name += f" ({statistic(summary, figure, panel.metric)})"
        if free:
            ax.set(title=textwrap.fill(long_name, int(12 * width)), ylabel=unit)
        elif j == 0:
            lines = textwrap.wrap(long_name, int(13 * height), break_on_hyphens=False)
            ax.set_ylabel("\n".join(filter(None, [*lines, unit])))
        for coordinate, value in panel.column.items():
            ax.set_title(_spell(coordinate, value) if i == 0 else "")
        for coordinate, value in panel.row.items():
            strip(ax, _spell(coordinate, value) if j == columns - 1 else "")
    known = [m for m in metrics if _has_theory(summary, m)]
    means = all(statistic(summary, figure, metric) == "mean" for metric in known)
    theory = "theory" if means else "theory of the mean"
    return _legend(figure, name, hues, theory if known else "")


def colours(name: str, values: Iterable[Any]) -> dict[Any, str]:
    """Value -> colour: fixed ones for workflows, from dark to light for numbers."""
    values, found = list(values), {}
    if name != "workflow":
        scale = colormaps["viridis"](np.linspace(0.02, 0.86, len(values)))
        return {v: colors.to_hex(c) for v, c in zip(values, scale, strict=True)}
    for value in values:
        family = str(value).split()[0]
        kin = [v for v in values if str(v).split()[0] == family]
        shades = np.linspace(-0.35, 0.5, len(kin)) if len(kin) > 1 else [0.0]
        base = _WORKFLOWS.get(family, "#000000")
        found[value] = _shade(base, shades[kin.index(value)])
    return found


def statistic(summary: xr.Dataset, figure: experiment.Figure, metric: str) -> str:
    """What the solid line of a metric is; "auto" is what its theory speaks of."""
    if figure.statistic != "auto":
        return figure.statistic
    return "mean" if _has_theory(summary, metric) else "median"


def _has_theory(summary: xr.Dataset, metric: str) -> bool:
    theory = summary.get(f"{metric}_theory")
    return theory is not None and bool(np.isfinite(theory).any())


def strip(ax: Axes, text: str) -> None:
    """Name a row of panels at the right of its last one."""
    place: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
    turned: Any = {"rotation": 270, "va": "center", "ha": "left", "size": 8.5}
    if text:
        ax.annotate(text, (1, 0.5), (5, 0), **place, **turned)


def _check(
    summary: xr.Dataset, figure: experiment.Figure, metrics: tuple[str, ...], hue: str
) -> None:
    """Raise InputError for the first thing that would be missing or left over."""
    if figure.rows and figure.rows == figure.columns:
        raise InputError(f"rows: {figure.rows} is in the columns; name another")
    for metric in metrics:
        if metric not in summary:
            raise InputError(f"metrics: {metric} was not measured; measure or drop it")
        line = statistic(summary, figure, metric)
        if line not in summary[metric].indexes.get("statistic", ()):
            raise InputError(f"statistic: {metric} has no {line}")
        used = {"statistic", "generation", hue, figure.columns, figure.rows}
        for name, size in summary[metric].sizes.items():
            if name not in used and size > 1:
                raise InputError(
                    f"figure: {name} has {size} values and no place; name it as hue, "
                    "columns or rows"
                )


def _arrange(
    summary: xr.Dataset, figure: experiment.Figure, metrics: tuple[str, ...]
) -> list[_Panel]:
    """A grid of metrics, or rows and columns of one coordinate's values each."""

    def selections(name: str) -> list[dict[str, Any]]:
        if name not in summary.dims:
            return [{}]
        return [{name: value} for value in summary[name].values]

    rows, columns = selections(figure.rows), selections(figure.columns)
    if rows == columns == [{}]:
        width = 2 if len(metrics) == 4 else min(3, len(metrics))
        return [_Panel(m, {}, {}, divmod(i, width)) for i, m in enumerate(metrics)]
    return [
        _Panel(metric, row, column, (i, j))
        for i, (metric, row) in enumerate(itertools.product(metrics, rows))
        for j, column in enumerate(columns)
    ]


def _curves(
    ax: Axes,
    summary: xr.Dataset,
    figure: experiment.Figure,
    panel: _Panel,
    name: str,
    hues: Mapping[Any, str],
) -> None:
    """The curves of one panel, with their bands and theory."""
    metric, theory = panel.metric, f"{panel.metric}_theory"
    row = summary[[n for n in (metric, theory) if n in summary]].sel(panel.row)
    panels, fixed = row.sel(panel.column), {**panel.row, **panel.column}
    x = summary["generation"].values + (figure.x_scale == "log")
    unit = _label(summary, metric)[1]
    reference = 1.0 if unit in ("ratio to truth", "ratio to reference") else np.nan
    limits = _limits(row, metric, figure, reference)
    _scale(ax, figure, x, limits or (1, 10))
    if limits is None:
        ax.text(0.5, 0.5, "no value to show", transform=ax.transAxes, ha="center")
    ax.axhline(reference, color="0.6", lw=0.6, zorder=1)
    alpha = 0.18 if len(hues) < 4 else 0.13
    for value, colour in hues.items():
        if fixed.get(name, value) != value:
            continue  # the hue is that of the row or column
        one = panels.sel({name: value} if name in panels.dims else {})
        one = one.isel({d: 0 for d in one.dims if d not in ("statistic", "generation")})
        shown = (statistic(summary, figure, metric), "low", "high")
        line, low, high = (one[metric].sel(statistic=s) for s in shown)
        ax.fill_between(x, low, high, color=colour, alpha=alpha, lw=0, zorder=1.5)
        ax.plot(x, line, color=colour, lw=1.6, zorder=3, label=str(value))
        if theory in one and np.isfinite(one[theory]).any():
            dark = _dashes(colour)
            ax.plot(x, one[theory], **dark, zorder=4, label=f"{value} theory")


def _limits(
    row: xr.Dataset, metric: str, figure: experiment.Figure, reference: float
) -> tuple[float, float] | None:
    """Limits of y for the panels of a row; None if there is nothing finite to show.

    Theory and the statistic where it is typical (within its own band) are shown whole.
    Bands, and a mean that a few seeds carry off, are followed until they take as much
    room again, or three times the width of a typical band: else one wild curve would
    flatten the others.
    """
    log = figure.y_scale == "log"
    shown = (statistic(row, figure, metric), "low", "high")
    parts = [row[metric].sel(statistic=s) for s in shown]
    parts += [row.get(f"{metric}_theory", xr.DataArray([])), xr.DataArray(reference)]
    values = [np.asarray(part.values, np.float64).ravel() for part in parts]
    with np.errstate(divide="ignore", invalid="ignore"):
        line, low, high, theory, one = map(np.log10, values) if log else values
        core = _finite(log, theory, np.clip(line, low, high))
        widths = _finite(log, high - low)
    if not core.size:
        return None
    bottom, top = core.min(), core.max()
    slack = max(top - bottom, 3 * np.median(widths) if widths.size else 0.0)
    near = one[(bottom - slack <= one) & (one <= top + slack)]
    every = _finite(log, core, line, low, high, near)
    bottom, top = max(every.min(), bottom - slack), min(every.max(), top + slack)
    margin = 0.04 * (top - bottom) or (0.1 if log else 0.1 * abs(top) or 1.0)
    bottom, top = float(bottom - margin), float(top + margin)
    return (10**bottom, 10**top) if log else (bottom, top)


def _finite(log: bool, *parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """All finite values but those so large that ticks beyond them would overflow."""
    values = np.concatenate(parts)
    return values[np.abs(values) < (200 if log else 1e200)]


def _scale(
    ax: Axes,
    figure: experiment.Figure,
    x: NDArray[np.integer],
    limits: tuple[float, float],
) -> None:
    """Scales, limits and ticks of both axes; log axes clip what is not positive."""
    nice: Any = {"nbins": 5, "steps": [1, 2, 2.5, 5, 10]}
    if figure.x_scale == "log":
        ax.set_xscale("log")
        some = (1.0, 2.0, 5.0) if x[-1] <= 100 else (1.0,)
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=some))
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    else:
        ax.xaxis.set_major_locator(ticker.MaxNLocator(**nice, integer=True))
    if figure.y_scale == "log":
        ax.set_yscale("log", nonpositive="clip")
        if limits[0] > 1e-3 and limits[1] < 1e4:
            ax.yaxis.set_major_formatter(_Plain())
            ax.yaxis.set_minor_formatter(_Plain())
    else:
        ax.yaxis.set_major_locator(ticker.MaxNLocator(**nice))
    ax.set(xlim=(x[0], max(x[-1], x[0] + 1)), ylim=limits)


class _Plain(ticker.LogFormatterSciNotation):
    """Plain numbers wherever a log axis would write powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def _legend(
    figure: experiment.Figure, name: str, hues: Mapping[Any, str], theory: str
) -> list[Artist]:
    """Entries for the hues, then for what solid, dashed and shaded mean."""
    entries: list[Artist] = [
        Line2D([], [], color=colour, lw=1.6, label=_spell(name, value, again=k > 0))
        for k, (value, colour) in enumerate(hues.items())
    ]
    grey, both = "#666666", "mean or median" if theory else "median"
    line = f"{both if figure.statistic == 'auto' else figure.statistic} over seeds"
    entries.append(Line2D([], [], color=grey, lw=1.6, label=line))
    if theory:
        entries.append(Line2D([], [], **_dashes(grey), label=theory))
    band = "band: 5 % to 95 % of seeds"
    return [*entries, Patch(color=grey, alpha=0.25, lw=0, label=band)]


def _dashes(colour: str) -> dict[str, Any]:
    """How theory looks beside a measured curve: darker, thinner, dashed."""
    return {"color": _shade(colour, 0.6), "lw": 0.9, "ls": (0, (4, 2.5))}


def _shade(colour: str, amount: float) -> str:
    """Mix with black (amount > 0) or white (amount < 0)."""
    white = abs(amount) if amount < 0 else 0.0
    r, g, b = ((1 - abs(amount)) * part + white for part in colors.to_rgb(colour))
    return colors.to_hex((r, g, b))


def _label(summary: xr.Dataset, metric: str) -> tuple[str, str]:
    """Long name and unit, from the variable if it has them."""
    attributes = summary[metric].attrs
    try:
        long_name, unit = describe(metric)
    except KeyError:
        long_name, unit = metric.replace("_", " "), ""
    return attributes.get("long_name", long_name), attributes.get("units", unit)


def _spell(name: str, value: Any, again: bool = False) -> str:
    """A value of a coordinate for a reader; workflows go by their names."""
    if name == "workflow":
        return str(value)
    long, short = _NAMES.get(name, (name.replace("_", " "),) * 2)
    number = f"{value:g}" if isinstance(value, float | np.floating) else str(value)
    return f"{short if again else long} = {number}"
