"""Stacked panels: the shares of runs that lost, kept and overshot a tail."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from collapse.experiment.derived import OUTCOMES
from collapse.figures import axes as scales
from collapse.figures import spec as layout
from collapse.figures import words as annotations
from collapse.measures.catalogue import LOST, OVERSHOT

_COLOURS = dict(zip(OUTCOMES, ("#222222", "#F0E2A8", "#AA4499"), strict=True))
_WORDS = {
    "lost": f"lost: below {LOST:g} of the true mass",
    "kept": "kept: between",
    "overshot": f"overshot: above {OVERSHOT:g} times the true mass",
}
_GAP = 0.2  # between the strips of two hues, of which each has the height 1


def paint(
    ax: Axes,
    summary: xr.Dataset,
    figure: layout.Figure,
    metric: str,
    name: str,
    hues: Mapping[Any, str],
) -> None:
    """Fill a panel with one strip for each hue, in which the three shares are stacked.

    Args:
      ax: the panel.
      summary: of the panel's row and column.
      figure: that is drawn.
      metric: whose outcomes are shown.
      name: of the coordinate of the hues.
      hues: value -> colour.
    """
    x = summary[figure.x].values
    x = x + (figure.x == "generation" and figure.x_scale == "log")
    top = len(hues) * (1 + _GAP) - _GAP
    scales.scale_x(ax, figure, x)
    bottoms = top - 1 - (1 + _GAP) * np.arange(len(hues))
    for bottom, value in zip(bottoms, hues, strict=True):
        level = np.full(len(x), bottom)
        for outcome in OUTCOMES:
            share = _share(summary[f"{metric}_{outcome}"], figure, name, value)
            ax.fill_between(x, level, level + share, color=_COLOURS[outcome], lw=0)
            level = level + share
    ax.set(ylim=(0, top))
    for bottom, (value, colour) in zip(bottoms, hues.items(), strict=True):
        words = scales.spell(name, value, again=True)
        # the light end of a scale of numbers cannot be read on a light share
        annotations.inside(
            ax, words, bottom + 0.5, colour if name == "workflow" else "0.1"
        )
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def legend() -> list[Artist]:
    """Legend entries of the three shares."""
    return [Patch(color=_COLOURS[o], lw=0, label=_WORDS[o]) for o in OUTCOMES]


def _share(
    shares: xr.DataArray, figure: layout.Figure, name: str, value: Any
) -> NDArray[np.float64]:
    """The share of runs of one hue, along x."""
    one = shares.sel(statistic="mean")
    one = one.sel({name: value} if name in one.dims else {})
    one = one.isel({d: 0 for d in one.dims if d != figure.x})
    return np.asarray(one.values, np.float64)
