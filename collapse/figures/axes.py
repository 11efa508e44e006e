"""Axes of panels: limits, scales, ticks, and coordinates spelled for a reader."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import ticker
from matplotlib.axes import Axes
from numpy.typing import NDArray

from collapse.experiment.columns import plain
from collapse.figures import dots
from collapse.figures.spec import Figure

# coordinate -> its name in front of a value, and where it has been named before
_NAMES = {
    "generation": ("generation t", "t"),
    "samples_per_generation": ("samples n", "n"),
    "dimension": ("dimension d", "d"),
    "noise_variance": ("noise variance σ²", "σ²"),
    "ridge": ("ridge λ", "λ"),
    "learner_samples": ("learner's samples T", "T"),
    "learner_ridge": ("learner's ridge λ", "λ"),
    "row_perplexity": ("perplexity of a row", "perplexity"),
    "repetition_penalty": ("repetition penalty", "penalty"),
    "synthetic_bias": ("bias δ²", "δ²"),
}


def name(coordinate: str, again: bool = False) -> str:
    """The label of a coordinate, shorter if the figure has named it before."""
    return _NAMES.get(coordinate, (coordinate.replace("_", " "),) * 2)[again]


def spell(coordinate: str, value: Any, again: bool = False) -> str:
    """Text of a coordinate's value; a workflow is called by its name."""
    if coordinate == "workflow":
        return str(value)
    if isinstance(value, str):
        return value if again else f"{name(coordinate)}: {value}"
    return f"{name(coordinate, again)} = {plain(value)}"


def name_x(figure: Figure) -> str:
    """The label of the x axis."""
    if figure.x == "generation" and figure.x_scale == "log":
        return "number of fits, t + 1"
    return name(figure.x)


def limits(
    row: xr.Dataset,
    metric: str,
    shown: Sequence[str],
    log: bool,
    references: tuple[float, ...],
) -> tuple[float, float] | None:
    """Limits of y for the panels of a row; None if there is nothing finite to show.

    Theory and the statistic where it is typical (within its own band) are shown whole.
    Bands, and a mean that a few seeds carry off, are followed until they take as much
    room again, or the width of a typical band: else one wild curve would flatten the
    others.

    Args:
      row: variables of the metric and its theory.
      metric: its name.
      shown: the statistic that is drawn, the ends of its band, and single runs if any
        are drawn.
      log: whether y is logarithmic.
      references: values of y that are shown if they are near; NaN for none.
    """
    parts = [row[metric].sel(statistic=s) for s in shown]
    parts += [row.get(f"{metric}_theory", xr.DataArray([]))]
    values = [np.asarray(part.values, np.float64).ravel() for part in parts]
    values += [np.asarray(references, np.float64)]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = list(map(np.log10, values)) if log else values
        middle, low, high, *runs, theory, marks = scaled
        # where there is no band the curve itself
        near_it = np.clip(
            middle,
            np.where(np.isnan(low), middle, low),
            np.where(np.isnan(high), middle, high),
        )
        core = _finite(log, theory, near_it)
        widths = _finite(log, high - low)
    if not core.size:
        return None
    bottom, top = core.min(), core.max()
    width = float(np.median(widths)) if widths.size else 0.0
    slack, reach = (max(top - bottom, times * width) for times in (1, 3))
    near = marks[(bottom - reach <= marks) & (marks <= top + reach)]
    every = _finite(log, core, middle, low, high, near)
    bottom, top = max(every.min(), bottom - slack), min(every.max(), top + slack)
    bottom, top = min([bottom, *near]), max([top, *near])
    single = _finite(log, *runs) if runs else core
    bottom, top = min(bottom, single.min()), max(top, single.max())
    margin = 0.04 * (top - bottom) or (0.1 if log else 0.1 * abs(top) or 1.0)
    bottom, top = float(bottom - margin), float(top + margin)
    return (10**bottom, 10**top) if log else (bottom, top)


def _finite(log: bool, *parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """All finite values but those so large that ticks beyond them would overflow."""
    values = np.concatenate(parts)
    return values[np.abs(values) < (200 if log else 1e200)]


def scale(
    ax: Axes, figure: Figure, x: NDArray[Any], y: tuple[float, float], log: bool
) -> None:
    """Scales, limits and ticks of both axes; log axes clip what is not positive.

    Args:
      ax: the panel.
      figure: what is drawn.
      x: values where something is drawn, ascending, or words.
      y: limits.
      log: whether y is logarithmic.
    """
    scale_x(ax, figure, x)
    if log:
        ax.set_yscale("log", nonpositive="clip")
        if y[0] > 1e-3 and y[1] < 1e4:
            ax.yaxis.set_major_formatter(_Plain())
            ax.yaxis.set_minor_formatter(_Plain())
    else:
        ax.yaxis.set_major_locator(_few_ticks())
    ax.set(ylim=y)


def scale_x(ax: Axes, figure: Figure, x: NDArray[Any]) -> None:
    """Scale, limits and ticks of the x axis, for values x, ascending or words."""
    if dots.is_of_words(x):
        dots.scale_x(ax, x)
        return
    scaled = _scale_generations if figure.x == "generation" else _scale_axis
    scaled(ax, x, figure.x_scale == "log")


def _scale_generations(ax: Axes, x: NDArray[np.number], log: bool) -> None:
    """Set the x axis of generations: from the first to the last."""
    if log:
        log_x(ax, x[0], x[-1])
    else:
        ax.xaxis.set_major_locator(_few_ticks(integer=True))
    ax.set(xlim=(x[0], max(x[-1], x[0] + 1)))


def _scale_axis(ax: Axes, x: NDArray[np.number], log: bool) -> None:
    """Set an x axis of a few values, with room for the first and the last dot."""
    if log:
        log_x(ax, x[0], x[-1])
        room = (x[-1] / x[0]) ** 0.04
        ax.set(xlim=(x[0] / room, x[-1] * room))
    else:
        room = 0.04 * (x[-1] - x[0])
        ax.xaxis.set_major_locator(_few_ticks(integer=x.dtype.kind in "iu"))
        ax.set(xlim=(x[0] - room, x[-1] + room))


def _few_ticks(**options: Any) -> ticker.MaxNLocator:
    return ticker.MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], **options)


def log_x(ax: Axes, first: float, last: float) -> None:
    """Make the x axis a log axis, its ticks plain numbers unless these were long."""
    ax.set_xscale("log")
    some = (1.0, 2.0, 5.0) if last <= 100 * first else (1.0,)
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=some))
    if 1e-3 <= first and last < 1e5:
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())


class _Plain(ticker.LogFormatterSciNotation):
    """Plain numbers wherever a log axis would write powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""
