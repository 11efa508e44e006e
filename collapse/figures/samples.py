"""Panels of samples: what models generate at the snapshots."""

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.figures import spec as layout
from collapse.figures import words as annotations
from collapse.figures.colours import colours

_MOST_POINTS = 3000  # of a sample that can be told apart in a panel
_BARS = 40  # of its histogram, in one dimension


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with columns of snapshots; no legend.

    Its rows are workflows, or the single runs of each.
    """
    lines, times, values = kept(summary)
    hues = colours("workflow", summary["samples"]["workflow"].values)
    points = values[:, :, :_MOST_POINTS, :2]
    limits = _extent(points[:, 0])
    width = figure.inches / len(times) or max(1.25, min(2.4, 10 / len(times)))
    fig.set_size_inches(width * len(times), width * len(lines) + 0.3)
    grid = fig.add_gridspec(len(lines), len(times))
    second = "dimension 2" if points.shape[-1] > 1 else "density"
    for i, j in np.ndindex(len(lines), len(times)):
        ax = fig.add_subplot(grid[i, j])
        _sample_panel(ax, points[i, j], limits, hues[lines[i][0]])
        below, left = i == len(lines) - 1, j == 0
        ax.tick_params(labelbottom=below, labelleft=left)
        ax.set_title(f"generation {times[j]}" if i == 0 else "")
        ax.set_xlabel("dimension 1" if below else "")
        ax.set_ylabel(second if left else "")
        annotations.strip(ax, lines[i][1] if j == len(times) - 1 else "")
    return []


def kept(
    summary: xr.Dataset,
) -> tuple[list[tuple[str, str]], NDArray[np.int64], NDArray[np.floating]]:
    """Lines of a figure of samples, their generations, and the samples.

    A line is the name of its workflow, and what stands beside it; samples are [lines,
    snapshots, rows, d].

    Raises:
      InputError: if none were kept.
    """
    if "samples" not in summary:
        raise InputError("figure: no samples were kept; give snapshots")
    samples = summary["samples"]
    samples = samples if "run" in samples.dims else samples.expand_dims("run")
    labels, times = samples["workflow"].values, samples["snapshot"].values
    samples = samples.stack(line=("workflow", "run"))
    samples = samples.transpose("line", "snapshot", "row", "dimension")
    several = summary.sizes.get("run", 1) > 1
    lines = [
        (str(label), _words(str(label), run if several else 0, len(labels)))
        for label, run in samples["line"].values
    ]
    return lines, times, samples.values


def _words(workflow: str, run: int, workflows: int) -> str:
    """What stands beside a row of panels; run 0 is the only one."""
    seed = f"seed {run}" if run else ""
    named = workflow if workflows > 1 or not run else ""
    return ", ".join(filter(None, [named, seed]))


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
