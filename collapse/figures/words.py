"""Words of figures: fitted to a width, beside panels and inside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray

from collapse.experiment.columns import plain
from collapse.figures import spec as layout
from collapse.figures.axes import name

_SIZE = 6.5  # of the words inside a panel
_PALE = "0.95"  # behind cells with a note
_NOTE = "note"  # label of the texts that are fitted to their panel's width


def strip(ax: Axes, text: str) -> None:
    """Name a row of panels at the right of its last one."""
    options: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
    turned: Any = {"rotation": 270, "va": "center", "ha": "left", "size": 8.5}
    if text:
        ax.annotate(text, (1, 0.5), (5, 0), **options, **turned)


def note(
    ax: Axes,
    summary: xr.Dataset,
    fixed: Mapping[str, Any],
    x: str,
    above: bool = False,
) -> None:
    """Grey a panel with a note on one of its cells, and write it above, or at the top.

    If the cells are along the x axis, only the part of the panel where the note holds
    is grey.

    Args:
      ax: the panel, its x axis scaled.
      summary: may hold `note`, a text for each combination of some of its coordinates.
      fixed: coordinate -> the value that the panel shows.
      x: the coordinate along the x axis, ascending.
      above: whether there is room above the panel, where it hides no curve.
    """
    if "note" not in summary:
        return
    notes = summary["note"]
    notes = notes.sel({c: v for c, v in fixed.items() if c in notes.dims})
    lines = _notes(notes)
    if not lines:
        return
    noted = (notes != "").any([d for d in notes.dims if d != x])
    if noted.all():
        ax.set_facecolor(_PALE)
    else:
        _grey(ax, noted[x].values, noted.values)
    options: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
    text = ax.annotate("\n".join(lines), (0, 1), (3, 1 if above else -2), **options)
    text.set(va="bottom" if above else "top", label=_NOTE)
    _lay_over(text, ax)


def _grey(ax: Axes, x: NDArray[np.number], noted: NDArray[np.bool_]) -> None:
    """Grey a panel about some of its values x [X], halfway to their neighbours."""
    scale = ax.xaxis.get_transform()
    at = scale.transform(x)
    middles = scale.inverted().transform((at[1:] + at[:-1]) / 2)
    ends = [ax.get_xlim()[0], *middles, ax.get_xlim()[1]]
    for k in np.flatnonzero(noted):
        ax.axvspan(ends[k], ends[k + 1], color=_PALE, lw=0, zorder=0)


def _notes(notes: xr.DataArray) -> list[str]:
    """The notes' texts, each after the coordinates of the cells where it holds."""
    if not notes.ndim:
        return [text] if (text := str(notes.values)) else []
    coordinate = str(notes.dims[0])
    found: dict[tuple[str, ...], list[str]] = {}
    for value, part in zip(notes[coordinate].values, notes, strict=True):
        found.setdefault(tuple(_notes(part)), []).append(plain(value))
    if len(found) == 1:  # along this coordinate they are all the same
        return list(next(iter(found)))
    words = notes[coordinate].dtype.kind in "OU"
    where = "" if words else f"{name(coordinate, again=True)} = "
    return [
        f"{where}{', '.join(values)}: {line}"
        for lines, values in found.items()
        for line in lines
    ]


def levels(ax: Axes, figure: layout.Figure, own: Mapping[str, float]) -> None:
    """Draw dotted lines at the levels in view, with labels.

    Args:
      ax: the panel.
      figure: whose levels have one label, written at the highest.
      own: label -> level of the metric itself.
    """
    low, high = ax.get_ylim()
    shown = [level for level in figure.levels if low <= level <= high]
    named = sorted((y, text) for text, y in own.items() if low <= y <= high)
    for level in [*shown, *(y for y, _ in named)]:
        ax.axhline(level, color="0.55", lw=0.8, ls=(0, (1, 2)), zorder=1)
    for level, text in _apart(ax, named):
        label = _on_line(ax, text, level)
        label.set(size=_SIZE, color="0.35", in_layout=False, zorder=1)
    if shown and figure.levels_label:
        _lay_over(_on_line(ax, figure.levels_label, max(shown)), ax)


def _apart(ax: Axes, named: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Levels with their labels; those too near each other share one, at the highest."""
    found: list[tuple[float, str]] = []
    for level, text in named:
        if found:
            x = ax.get_xlim()[1]
            below, own = ax.transData.transform([(x, found[-1][0]), (x, level)])[:, 1]
            if own - below < _SIZE * ax.figure.dpi / 60:
                text = f"{found.pop()[1]}, {text}"
        found.append((level, text))
    return found


def _on_line(ax: Axes, words: str, level: float) -> Annotation:
    """Words at the right end of a horizontal line: above it, below it near the top."""
    low, high = ax.get_ylim()
    ends = ax.transData.transform([(ax.get_xlim()[1], y) for y in (low, level, high)])
    above = np.ptp(ends[:2, 1]) < 0.9 * np.ptp(ends[::2, 1])
    options: Any = {
        "xycoords": ("axes fraction", "data"),
        "textcoords": "offset points",
    }
    text = ax.annotate(words, (1, level), (-2, 1.5 if above else -1.5), **options)
    text.set(ha="right", va="bottom" if above else "top")
    return text


def _lay_over(text: Text, ax: Axes) -> None:
    """Write small grey words over the curves of a panel, on a halo."""
    text.set(size=_SIZE, color="0.35", parse_math=False, in_layout=False, zorder=5)
    halo = patheffects.withStroke(linewidth=2, foreground=ax.get_facecolor())
    text.set_path_effects([halo])


def inside(ax: Axes, words: str, y: float, colour: str) -> None:
    """Write words at the left of a panel, at a height y, on a halo."""
    options: Any = {"xycoords": ("axes fraction", "data"), "va": "center"}
    text = ax.annotate(words, (0.02, y), **options)
    text.set(size=7.5, weight="bold", color=colour, parse_math=False, in_layout=False)
    text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground="white")])


def fit(ax: Axes) -> None:
    """Break the note of a panel into lines of its width, once that is known."""
    for text in ax.texts:
        if text.get_label() == _NOTE:
            fig = text.get_figure(root=True)
            assert fig is not None
            width = ax.get_position().width * fig.get_figwidth() - 6 / 72
            lines = [_broken(text, line, width) for line in text.get_text().split("\n")]
            text.set_text("\n".join(lines))
            if "\n" in text.get_text():  # there is room for one line above
                text.set(va="top", position=(3, -2))


def fill(text: Text, words: str, width: float) -> float:
    """Break `words` into lines of at most `width` inches; the height of them all."""
    text.set_text(_broken(text, words, width))
    fig = text.get_figure(root=True)
    assert fig is not None
    return text.get_window_extent(renderer(fig)).height / fig.dpi


def _broken(text: Text, words: str, width: float) -> str:
    """`words` in lines of at most `width` inches, if they were those of `text`."""
    fig, lines = text.get_figure(root=True), [""]
    assert fig is not None
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        text.set_text(longer)
        if text.get_window_extent(renderer(fig)).width <= width * fig.dpi:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(filter(None, lines))


def renderer(fig: Figure) -> Any:
    """The renderer that measures text, with the fonts of the PNG for any canvas."""
    canvas = fig.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(fig)
    return canvas.get_renderer()
