"""Maps: cells over two coordinates, coloured by a metric, with the best ones marked."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colors, ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.experiment.columns import plain
from collapse.experiment.results import STANDING
from collapse.figures import axes as scales
from collapse.figures import panels
from collapse.figures import spec as layout
from collapse.figures.panels import Panel
from collapse.measures import catalogue

BEST, MAY_BE_BEST = 2, 1  # values of a cell's standing; 0 is worse
_MARKS: dict[int, dict[str, Any]] = {
    BEST: {"marker": "*", "ms": 7, "mfc": "white", "mec": "black", "mew": 0.6},
    MAY_BE_BEST: {"marker": "o", "ms": 2.6, "mfc": "white", "mec": "black", "mew": 0.5},
}
_MOST_TICKS = 10
_NOTHING = "0.85"  # colour of cells without a value


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with maps, each metric with one scale of colours; its legend.

    Raises:
      InputError: if a side of the map has a single value.
    """
    figure.check({})
    for axis, name in (("x", figure.x), ("y", figure.y)):
        if name not in summary.dims:
            raise InputError(f"{axis}: {name} has a single value, which is no map")
    metrics = panels.chosen(summary, figure)
    panels.check(summary, figure, metrics, figure.y)
    summary = panels.at_drawn(summary, figure).sortby(figure.y)
    every = panels.arrange(summary, figure, metrics)
    rows, columns = panels.extent(every)
    free = not any(p.row or p.column for p in every)  # a bar of colours for each
    width = {1: 4.8, 2: 3.8}.get(columns, max(2.4, min(3.1, 10 / columns)))
    width = figure.inches / columns or width
    fig.set_size_inches(width * columns, max(1.9, 0.75 * width) * rows)
    grid = fig.add_gridspec(rows, columns)
    norms = {metric: _norm(summary, figure, metric) for metric in metrics}
    beside: list[Axes] = []
    for panel in every:
        i, j = panel.position
        ax = fig.add_subplot(grid[i, j])
        image = _map(ax, summary, figure, panel, norms[panel.metric])
        bottom = not any(p.position == (i + 1, j) for p in every)
        ax.tick_params(labelbottom=bottom, labelleft=j == 0)
        ax.set_xlabel(scales.name(figure.x) if bottom else "")
        ax.set_ylabel(scales.name(figure.y) if j == 0 else "")
        panels.name_sides(ax, panel, columns)
        beside.append(ax)
        if free or j == columns - 1:
            long_name, unit = panels.label(summary, panel.metric)
            told = (f"{long_name}, {_line(summary, figure, panel.metric)}", unit)
            _bar(fig, figure, image, beside, told)
            beside = []
    return _legend(summary, figure, metrics)


def _map(
    ax: Axes,
    summary: xr.Dataset,
    figure: layout.Figure,
    panel: Panel,
    norm: colors.Normalize,
) -> AxesImage:
    """The cells of one panel, evenly spaced whatever their coordinates."""
    where = {**panel.row, **panel.column}
    line = panels.statistic(summary, figure, panel.metric)
    values = _cells(summary[panel.metric].sel(statistic=line), figure, where)
    about_one = catalogue.is_about_one(panels.label(summary, panel.metric)[1])
    image = ax.imshow(
        np.ma.masked_invalid(values),
        norm=norm,
        cmap="RdBu_r" if about_one else "viridis_r",
        aspect="auto",
        origin="lower",
        interpolation="nearest",
    )
    ax.set_facecolor(_NOTHING)
    ax.spines[:].set_visible(True)
    _name_cells(ax.xaxis, figure.x, summary[figure.x].values)
    _name_cells(ax.yaxis, figure.y, summary[figure.y].values)
    if _is_marked(summary, figure, panel.metric):
        standing = _cells(summary[STANDING], figure, where)
        for value, mark in _MARKS.items():
            y, x = np.nonzero(standing == value)
            (marks,) = ax.plot(x, y, ls="", clip_on=False, **mark)
            marks.set_in_layout(False)
    return image


def _cells(
    values: xr.DataArray, figure: layout.Figure, where: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Values [y, x] of a panel; a coordinate without an axis has a single value."""
    one = values.sel({c: v for c, v in where.items() if c in values.dims})
    one = one.isel({d: 0 for d in one.dims if d not in (figure.x, figure.y)})
    return np.asarray(one.transpose(figure.y, figure.x).values, float)


def _name_cells(axis: Axis, name: str, values: NDArray[Any]) -> None:
    """Set ticks at cells, evenly spread if there are many."""
    step, last = -(-len(values) // _MOST_TICKS), len(values) - 1
    if name == "generation":  # from 0, in round steps
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, step) if s >= step)
        positions = range(0, len(values), step)
    else:  # the last value is often the one to compare with
        positions = range(last % step, len(values), step)
    axis.set_ticks(positions, [plain(values[i]) for i in positions])


def _norm(summary: xr.Dataset, figure: layout.Figure, metric: str) -> colors.Normalize:
    """The map from values to colours, equal in all panels; ratios are centred on 1."""
    line = panels.statistic(summary, figure, metric)
    values = np.asarray(summary[metric].sel(statistic=line).values, float)
    log = figure.y_scale == "log"
    shown = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not shown.size:
        return colors.Normalize(0, 1)
    low, high = float(shown.min()), float(shown.max())
    kind = colors.LogNorm if log else colors.Normalize
    if not catalogue.is_about_one(panels.label(summary, metric)[1]):
        return kind(low, high)
    far = max(high, 1 / low, 1.01) if log else max(high - 1, 1 - low, 0.01)
    return kind(1 / far, far) if log else kind(1 - far, 1 + far)


def _bar(
    fig: Figure,
    figure: layout.Figure,
    image: AxesImage,
    beside: list[Axes],
    label: tuple[str, str],
) -> None:
    """Draw the colour bar of some panels, labelled with its metric."""
    bar = fig.colorbar(image, ax=beside, fraction=0.05, pad=0.02, aspect=25)
    bar.outline.set_linewidth(0.6)  # type: ignore[operator]
    bar.set_label("\n".join(filter(None, [textwrap.fill(label[0], 34), label[1]])))
    if figure.y_scale == "log":
        low, high = image.get_clim()
        some = (1.0, 2.0, 5.0) if high <= 100 * low else (1.0,)
        bar.ax.yaxis.set_major_locator(ticker.LogLocator(subs=some))
        bar.ax.yaxis.set_minor_formatter(ticker.NullFormatter())
        if 1e-3 <= low and high < 1e5:
            spelled = ticker.FuncFormatter(lambda value, _: plain(value))
            bar.ax.yaxis.set_major_formatter(spelled)


def _is_marked(summary: xr.Dataset, figure: layout.Figure, metric: str) -> bool:
    """Whether cells are settings that stand by this metric among their choices."""
    if STANDING not in summary or figure.x == "generation":
        return False
    if metric not in summary[STANDING].attrs.get("of", metric).split():
        return False
    sizes = summary[STANDING].sizes
    shown = {figure.x, *figure.roles().values()}
    return {figure.x, figure.y} <= set(sizes) and all(
        d in shown or size == 1 for d, size in sizes.items()
    )


def _line(summary: xr.Dataset, figure: layout.Figure, metric: str) -> str:
    """What the colours of a metric are: a statistic over seeds."""
    usual = f"{panels.statistic(summary, figure, metric)} over seeds"
    words = str(summary[metric].attrs.get("line", usual))
    if "generation" in summary[metric].dims and figure.x != "generation":
        words += f" at t = {summary['generation'].values[0]}"
    return words


def _legend(
    summary: xr.Dataset, figure: layout.Figure, metrics: tuple[str, ...]
) -> list[Artist]:
    """Legend entries of the marks."""
    entries: list[Artist] = []
    if any(_is_marked(summary, figure, metric) for metric in metrics):
        names = summary[STANDING].attrs
        for value, mark in _MARKS.items():
            said = names["best" if value == BEST else "may_be_best"]
            entries.append(Line2D([], [], ls="", label=said, **mark))
    return entries
