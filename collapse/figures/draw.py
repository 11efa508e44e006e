"""Figures: curves with bands and theory, and samples of the models.

They are drawn from summaries, so a published figure is redrawn from its data alone:
`python -m collapse.plotting figures/data/tail_mass.nc`. None is known to pyplot: no
display is needed, no window opens, nothing stays in memory, and the reader's own
matplotlib settings neither change nor matter.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.experiment.files import atomic
from collapse.experiment.summary import summarise
from collapse.figures import curves, declaration, maps
from collapse.figures import spec as layout
from collapse.figures import words as annotations

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "svg.fonttype": "path",  # the outlines of a font that matplotlib brings along
    "svg.hashsalt": "collapse",
}
_EDGE = 0.1  # inches between the figure's edge and its text
_NARROWEST = 4.2  # inches, for the legend and the caption
_MOST_POINTS = 3000  # of a sample that can be told apart in a panel
_BARS = 40  # of its histogram, in one dimension


def draw(summary: xr.Dataset, figure: layout.Figure) -> Figure:
    """Draw a figure of a summary; what leaves a panel of curves is a wild band.

    Args:
      summary: as `summary.summarise` or `published` returns it.
      figure: what to draw. If its hue, columns or rows name no dimension of the
        summary, that coordinate had a single value, and is left out.

    Raises:
      InputError: (a ValueError) if the summary lacks what the figure shows, or has a
        coordinate with several values that it does not show.
    """
    if figure.kind != "samples" and "statistic" not in summary.dims:
        raise InputError("figure: nothing here has statistics over seeds; summarise it")
    with style.context(["default", STYLE]):
        fig = Figure()
        paint = {"curves": curves.paint, "map": maps.paint, "samples": _samples}
        _frame(fig, figure, paint[figure.kind](fig, summary, figure))
    return fig


def save(fig: Figure, stem: Path) -> None:
    """Write <stem>.png and <stem>.svg: whole or not at all, always the same bytes."""
    png, svg = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg"))
    with style.context(["default", STYLE]):
        with atomic(png) as path:
            fig.savefig(path, metadata={"Software": None})
        with atomic(svg) as path:
            fig.savefig(path, metadata={"Date": None, "Creator": None})


def redraw(path: Path, folder: Path | None = None) -> list[Path]:
    """Draw a published dataset again, without simulating.

    Args:
      path: NetCDF file that carries its figure; complete results, which may carry
        several, will do as well.
      folder: folder for <stem>.png and <stem>.svg. If None the file's own, or the one
        above it if that is called data.

    Returns:
      <folder>/<stem> of each figure.

    Raises:
      InputError: if the file cannot be read or holds no figure that can be drawn.
    """
    try:
        summary = xr.load_dataset(path, engine="h5netcdf")
        figures = declaration.from_json(summary.attrs["figure"])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a published NetCDF") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: no published figure ({reason})") from None
    if folder is None:
        beside = path.resolve().parent
        folder = beside.parent if beside.name == "data" else beside
    summary = summarise(summary) if "seed" in summary.dims else summary
    try:
        drawn = [draw(summary, figure) for figure in figures]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    # a published file has one figure, and its name already
    names = [f.stem(path.stem) for f in figures] if len(figures) > 1 else [path.stem]
    for name, fig in zip(names, drawn, strict=True):
        save(fig, folder / name)
    return [folder / name for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Redraw published figures; 0, or 2 after a line about what is wrong."""
    parser = _Parser(
        prog="python -m collapse.plotting", description="Redraw published figures."
    )
    parser.add_argument("file", nargs="+", type=Path, help="figures/data/<figure>.nc")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for the figures; by default each file's own, or "
        "the one above it if that is called data",
    )
    try:
        options = parser.parse_args(arguments)
        for path in options.file:
            for stem in redraw(path, options.out):
                print(f"{stem}.png and .svg")
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> Any:
        raise InputError(f"{message}; see --help")


def _samples(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with rows of workflows and columns of snapshots; no legend."""
    del figure
    if "samples" not in summary:
        raise InputError("figure: no samples were kept; give snapshots")
    samples = summary["samples"].transpose("workflow", "snapshot", "row", "dimension")
    labels, times = samples["workflow"].values, samples["snapshot"].values
    hues = curves.colours("workflow", labels)
    points = samples.values[:, :, :_MOST_POINTS, :2]
    limits = _extent(points[:, 0])
    width = max(1.25, min(2.4, 10 / len(times)))
    fig.set_size_inches(width * len(times), width * len(labels) + 0.3)
    grid = fig.add_gridspec(len(labels), len(times))
    second = "dimension 2" if points.shape[-1] > 1 else "density"
    for i, j in np.ndindex(len(labels), len(times)):
        ax = fig.add_subplot(grid[i, j])
        _sample_panel(ax, points[i, j], limits, hues[labels[i]])
        below, left = i == len(labels) - 1, j == 0
        ax.tick_params(labelbottom=below, labelleft=left)
        ax.set_title(f"generation {times[j]}" if i == 0 else "")
        ax.set_xlabel("dimension 1" if below else "")
        ax.set_ylabel(second if left else "")
        annotations.strip(ax, str(labels[i]) if j == len(times) - 1 else "")
    return []


def _sample_panel(
    ax: Axes,
    points: NDArray[np.floating],
    limits: list[tuple[float, float]],
    colour: str,
) -> None:
    """A sample: a cloud of its [rows, 2] points, or a histogram of [rows, 1]."""
    ax.set(xlim=limits[0], ylim=limits[1], box_aspect=1)
    ax.locator_params(nbins=5, steps=[1, 2, 5, 10])
    if points.shape[1] > 1:
        (x, y), crowded = points.T, len(points) > 500
        size, alpha = (3, 0.4) if crowded else (7, 0.7)
        ax.scatter(x, y, size, colour, alpha=alpha, lw=0, rasterized=True)
    else:
        bins = np.linspace(*limits[0], _BARS + 1)
        density = _density(points, bins)
        ax.stairs(density, bins, fill=True, color=colour, alpha=0.8)


def _extent(first: NDArray[np.floating]) -> list[tuple[float, float]]:
    """Limits of x and y for the [workflows, rows, 1 or 2] points of a snapshot.

    Of one scale, unless the dimensions are of different orders. One dimension: of x and
    of a density that may grow to 2.5 times the height it has at first.
    """
    points = first.reshape(-1, first.shape[-1])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return [(-1.0, 1.0)] * 2
    low, high = points.min(axis=0), points.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-9) * 1.08
    if half.max() < 4 * half.min():
        half[:] = half.max()
    middle = (low + high) / 2
    limits = list(zip(middle - half, middle + half, strict=True))
    if len(limits) == 1:
        bins = np.linspace(*limits[0], _BARS + 1)
        limits.append((0.0, 2.5 * max(_density(one, bins).max() for one in first)))
    return limits


def _density(
    points: NDArray[np.floating], bins: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Share of all points over the width of each bin; some may lie outside."""
    return np.histogram(points, bins)[0] / len(points) / (bins[1] - bins[0])


def _frame(fig: Figure, figure: layout.Figure, handles: list[Artist]) -> None:
    """Add title, legend and caption, and the height that they need, to the panels."""
    width = max(_NARROWEST, fig.get_figwidth())
    fig.set_figwidth(width)
    inches: Any = {"transform": fig.dpi_scale_trans, "parse_math": False}
    below = above = _EDGE
    if figure.caption:
        text = fig.text(_EDGE, below, "", size=7, color="0.4", va="bottom", **inches)
        below += annotations.fill(text, figure.caption, width - 2 * _EDGE) + 0.1
    for rows in range(1, len(handles) + 1):
        legend = fig.legend(
            handles=handles,
            ncols=-(-len(handles) // rows),
            loc="lower left",
            bbox_to_anchor=(_EDGE, below),
            bbox_transform=fig.dpi_scale_trans,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.8,
            columnspacing=1.4,
        )
        extent = legend.get_window_extent(annotations.renderer(fig))
        if extent.width <= (width - 2 * _EDGE) * fig.dpi or rows == len(handles):
            below += extent.height / fig.dpi + 0.08
            break
        legend.remove()
    title = fig.text(_EDGE, 0, "", size=10, weight="bold", va="top", **inches)
    if figure.title:
        above += annotations.fill(title, figure.title, width - 2 * _EDGE) + 0.08
    height = below + fig.get_figheight() + above
    fig.set_figheight(height)
    title.set_y(height - _EDGE)
    rect = (0, below / height, 1, 1 - (below + above) / height)
    fig.set_layout_engine("constrained", rect=rect, h_pad=0.06, w_pad=0.06)
    _settle(fig)


def _settle(fig: Figure) -> None:
    """Lay out once and for all, without the last bits in which the solver varies.

    They would change from run to run, and with them the names of clip paths in an SVG.
    """
    fig.align_ylabels()
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    for ax in fig.axes:
        x, y, width, height = ax.get_position(original=True).bounds
        ax.set_position((round(x, 6), round(y, 6), round(width, 6), round(height, 6)))
        annotations.fit(ax)
