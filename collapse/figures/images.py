"""Panels of images: what models of images generate at the snapshots."""

import math

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from collapse.data.errors import InputError
from collapse.figures import samples
from collapse.figures import spec as layout
from collapse.figures import words as annotations

_SIDE = 6  # images along a side of a panel
_GAP = 1  # pixels between them


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with columns of snapshots, each a grid of images; no legend.

    Its rows are workflows, or the single runs of each. Grey levels run from 0, white,
    to 1, black; what lies outside is cut.

    Raises:
      InputError: without samples, and for rows that are no square images.
    """
    lines, times, values = samples.kept(summary)
    side = math.isqrt(values.shape[-1])
    if side**2 != values.shape[-1]:
        raise InputError(
            f"kind: rows of {values.shape[-1]} numbers are no square images; give "
            "samples"
        )
    width = figure.inches / len(times) or max(1.25, min(2.4, 10 / len(times)))
    fig.set_size_inches(width * len(times), width * len(lines) + 0.3)
    grid = fig.add_gridspec(len(lines), len(times))
    for i, j in np.ndindex(len(lines), len(times)):
        ax = fig.add_subplot(grid[i, j])
        _panel(ax, mosaic(values[i, j], side))
        ax.set_title(f"generation {times[j]}" if i == 0 else "")
        annotations.strip(ax, lines[i][1] if j == len(times) - 1 else "")
    return []


def mosaic(rows: NDArray[np.floating], side: int) -> NDArray[np.floating]:
    """The first images in a square, NaN between them and where there are no more.

    Args:
      rows: [num, side^2] grey levels.
      side: pixels of an image's side.
    """
    along = min(_SIDE, math.ceil(math.sqrt(len(rows))))
    step = side + _GAP
    found = np.full((along * step - _GAP, along * step - _GAP), np.nan)
    for number, row in enumerate(rows[: along**2]):
        i, j = (step * k for k in divmod(number, along))
        found[i : i + side, j : j + side] = row.reshape(side, side)
    return found


def _panel(ax: Axes, picture: NDArray[np.floating]) -> None:
    """A picture of grey levels, without axes."""
    ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    for edge in ax.spines.values():
        edge.set_visible(False)
