"""Figures: curves, maps, profiles of collapse, and samples of the models.

They are drawn from summaries, so a published figure is redrawn from its data alone:
`python -m collapse.plotting figures/data/tail_mass.nc`. None is known to pyplot: no
display is needed, no window opens, nothing stays in memory, and the reader's own
matplotlib settings neither change nor matter.
"""

from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from collapse.data.errors import InputError
from collapse.experiment.files import atomic
from collapse.figures import curves, densities, images, maps, profile, samples
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
# kind of file -> what its metadata would say of the day and the program
DATED = {
    "png": ("Software",),
    "svg": ("Date", "Creator"),
    "pdf": ("CreationDate", "Creator", "Producer"),
}
_EDGE = 0.1  # inches between the figure's edge and its text
_NARROWEST = 4.2  # inches, for the legend and the caption


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
    if (
        figure.kind not in (*layout.OF_SAMPLES, "profile")
        and "statistic" not in summary.dims
    ):
        raise InputError("figure: nothing here has statistics over seeds; summarise it")
    with style.context(["default", STYLE]):
        fig = Figure()
        paint = {
            "curves": curves.paint,
            "map": maps.paint,
            "samples": samples.paint,
            "images": images.paint,
            "profile": profile.paint,
            "density": densities.paint,
        }
        _frame(fig, figure, paint[figure.kind](fig, summary, figure))
    return fig


def save(fig: Figure, stem: Path, figure: layout.Figure) -> list[Path]:
    """Write <stem>.png, <stem>.svg, ...: whole or not at all, always the same bytes.

    Args:
      fig: as drawn.
      stem: path without an ending.
      figure: that was drawn: says which files, and whether its caption is one.
    """
    written = files(stem, figure)
    with style.context(["default", STYLE]):
        for file in written:
            kind = file.suffix.removeprefix(".")
            with atomic(file) as path:
                if kind == "txt":
                    path.write_text(figure.caption + "\n", encoding="utf-8")
                else:
                    fig.savefig(path, format=kind, metadata=dict.fromkeys(DATED[kind]))
    return written


def files(stem: Path, figure: layout.Figure) -> list[Path]:
    """The files of a figure, as `save` writes them: <stem>.png, ..., and its caption.

    Args:
      stem: path without an ending.
      figure: with every field filled in.
    """
    kinds: list[str] = [*figure.formats]
    if figure.caption and figure.caption_in == "file":
        kinds.append("txt")
    return [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]


def _frame(fig: Figure, figure: layout.Figure, handles: list[Artist]) -> None:
    """Add title, legend and caption, and the height that they need, to the panels."""
    width = figure.inches or max(_NARROWEST, fig.get_figwidth())
    fig.set_figwidth(width)
    inches: Any = {"transform": fig.dpi_scale_trans, "parse_math": False}
    below = above = _EDGE
    if figure.caption and figure.caption_in == "figure":
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
