"""Figures drawn again from their data alone, in other formats or widths if asked.

`python -m collapse.plotting figures/data/tail_mass.nc --formats pdf --width column`
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.arguments import Parser
from collapse.figures import declaration
from collapse.figures.draw import DATED, draw, save
from collapse.figures.drawable import drawable


def redraw(
    path: Path,
    folder: Path | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> list[Path]:
    """Draw a published dataset again, without simulating.

    Args:
      path: NetCDF file that carries its figure; complete results, which may carry
        several, will do as well.
      folder: folder for <stem>.png and <stem>.svg. If None the file's own, or the one
        above it if that is called data.
      changes: fields of the figures with new values.

    Returns:
      The files that were written.

    Raises:
      InputError: if the file cannot be read or holds no figure that can be drawn.
    """
    try:
        summary = xr.load_dataset(path, engine="h5netcdf")
        figures = declaration.from_json(summary.attrs["figure"])
        figures = [dataclasses.replace(figure, **changes) for figure in figures]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a published NetCDF") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: no published figure ({reason})") from None
    if folder is None:
        beside = path.resolve().parent
        folder = beside.parent if beside.name == "data" else beside
    summary = drawable(summary, figures) if "seed" in summary.dims else summary
    try:
        drawn = [draw(summary, figure) for figure in figures]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    # a published file has one figure, and its name already
    names = [f.stem(path.stem) for f in figures] if len(figures) > 1 else [path.stem]
    written = []
    for name, fig, figure in zip(names, drawn, figures, strict=True):
        written += save(fig, folder / name, figure)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Redraw published figures; 0, or 2 after a line about what is wrong."""
    parser = Parser(
        prog="python -m collapse.plotting", description="Redraw published figures."
    )
    parser.add_argument("file", nargs="+", type=Path, help="figures/data/<figure>.nc")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for the figures; by default each file's own, or "
        "the one above it if that is called data",
    )
    parser.add_argument(
        "--formats", nargs="+", choices=list(DATED), help="of the files: png svg pdf"
    )
    parser.add_argument(
        "--width", choices=["auto", "column", "page"], help="of a journal's page"
    )
    parser.add_argument(
        "--caption-in",
        choices=["figure", "file"],
        help="where the caption stands: below the panels, or in a text file",
    )
    try:
        options = parser.parse_args(arguments)
        asked = {k: getattr(options, k) for k in ("formats", "width", "caption_in")}
        changes = {k: v for k, v in asked.items() if v is not None}
        if "formats" in changes:
            changes["formats"] = tuple(changes["formats"])
        for path in options.file:
            for file in redraw(path, options.out, changes):
                print(file)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
