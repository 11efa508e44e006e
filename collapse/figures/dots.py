"""Curves over an axis of words: a dot with its interval at each word, side by side."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

_ROOM = 0.6  # of the width of a word, shared by the dots at it
_TURNED = 3  # more words than this stand at an angle
_LINE: dict[str, Any] = {"lw": 1.0, "zorder": 2.5}
_HOLLOW: dict[str, Any] = {"ls": "", "mfc": "white", "zorder": 3.5, "label": "_open"}
_RUN: dict[str, Any] = {"ls": "", "marker": ".", "ms": 2.5, "alpha": 0.5, "zorder": 2}


def is_of_words(values: NDArray[Any]) -> bool:
    """Whether the values of a coordinate are words, and not numbers."""
    return values.dtype.kind in "UO" and all(isinstance(v, str) for v in values)


def scale_x(ax: Axes, values: NDArray[Any]) -> None:
    """Write words below an x axis."""
    many = len(values) > _TURNED
    turned: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(values)), values, **(turned if many else {}))
    ax.tick_params(axis="x", which="both", length=0)
    ax.set(xlim=(-0.5, len(values) - 0.5))


def paint(
    ax: Axes,
    one: xr.DataArray,
    statistics: tuple[str, str, str],
    runs: list[str],
    hue: tuple[int, int],
    ways: dict[str, Any],
) -> None:
    """Draw the dots of a hue, each with a line from the low to the high end of a band.

    An end that is infinite goes to the edge of the panel, and the dot is hollow.

    Args:
      ax: the panel, its y limits set.
      one: [statistic, words] of the metric.
      statistics: that of the dot, and those of the low and the high end.
      runs: statistics of single seeds, drawn instead of the line.
      hue: which it is, and of how many.
      ways: settings of the dots: colour, label, marker.
    """
    k, count = hue
    main, low, high = (one.sel(statistic=s).values for s in statistics)
    x = np.arange(len(main)) + _ROOM * ((k + 0.5) / count - 0.5)
    colour = ways["color"]
    for run in runs:
        single = one.sel(statistic=run).values
        ax.plot(x, single, color=colour, **_RUN)
    if not runs:
        bottom, top = ax.get_ylim()
        room = top - bottom  # so that an interval without end goes on at the edge
        ends = np.maximum(low, bottom - room), np.minimum(high, top + room)
        ax.vlines(x, *ends, colour, **_LINE)
    ax.plot(x, main, **ways | {"ls": "", "zorder": 3})
    is_open = np.isfinite(main) & ~(np.isfinite(low) & np.isfinite(high))
    if not runs and (np.isinf(low) | np.isinf(high)).any():  # not told: hollow
        where = is_open & (np.isinf(low) | np.isinf(high))
        ax.plot(x[where], main[where], **ways | _HOLLOW)
