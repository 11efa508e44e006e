"""Limits of y that a figure sets, and marks at the edge for what lies beyond."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from collapse.figures.spec import Figure

_BEYOND = "_beyond"  # label of the marks; with a line first it is in no legend


def cut(limits: tuple[float, float] | None, figure: Figure) -> Any:
    """Limits of y that go nowhere beyond those that the figure sets.

    Where nothing is within they stay as they are; None stays None.
    """
    if limits is None or not figure.y_limits:
        return limits
    low, high = figure.y_limits
    found = max(limits[0], low), min(limits[1], high)
    return found if found[0] < found[1] else limits


def mark(ax: Axes, figure: Figure, x: NDArray[Any], y: Any, colour: str) -> None:
    """Draw triangles at the edge of a panel where a curve is beyond set limits.

    One for each stretch of the curve that is: at its first point.

    Args:
      ax: the panel, its limits set.
      figure: may set limits.
      x: [X] of the curve.
      y: [X] of the curve; NaN is beyond nothing.
      colour: of the curve.
    """
    if not figure.y_limits:
        return
    values, (bottom, top) = np.asarray(y, float), ax.get_ylim()
    low, high = min(figure.y_limits[0], bottom), max(figure.y_limits[1], top)
    for beyond, edge, shape in ((values < low, bottom, "v"), (values > high, top, "^")):
        first = beyond & ~np.r_[False, beyond[:-1]]
        if first.any():
            at = np.full(first.sum(), edge)
            (drawn,) = ax.plot(x[first], at, ls="", marker=shape, ms=6, color=colour)
            drawn.set(clip_on=False, zorder=5, label=_BEYOND, in_layout=False)


def legend(fig: Drawn) -> list[Artist]:
    """The legend entry of the triangles; none if nothing is beyond."""
    every = (line for ax in fig.axes for line in ax.lines)
    if not any(line.get_label() == _BEYOND for line in every):
        return []
    ways: dict[str, Any] = {"ls": "", "marker": "^", "ms": 6, "color": "#666666"}
    return [Line2D([], [], **ways, label="beyond this axis")]
