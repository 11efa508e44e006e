"""Figures of a dataset in memory, from what `compare` or a run has measured."""

from typing import Any

import matplotlib.figure
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.toml import from_table
from collapse.figures import draw as drawing
from collapse.figures.check import check_coordinates
from collapse.figures.drawable import drawable
from collapse.figures.spec import OF_SAMPLES, Figure
from collapse.lab.conformance.words import kind

# dimensions that a figure has no place for: it shows statistics over the first
_WITHOUT_PLACE = {"seed", "statistic", "snapshot", "run", "row", "dimension"}


def draw(dataset: Any, **figure: Any) -> matplotlib.figure.Figure:
    """Curves of what `compare` returns; keywords are those of a TOML's `[figure]`.

    Args:
      dataset: an xarray.Dataset, of `compare` or of a run.
      **figure: what to draw.

    Raises:
      InputError: for another `dataset`, an unknown keyword, and a coordinate that the
        dataset does not have or that cannot be drawn where the figure has it.
    """
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"dataset: {kind(dataset)}; give what collapse.compare returns, or "
            "run.dataset of a collapse.run"
        )
    asked = from_table(figure, Figure, "figure")
    if asked.kind not in OF_SAMPLES:
        dims = [str(dim) for dim in dataset.dims if dim not in _WITHOUT_PLACE]
        axes = {*dims, *dataset.attrs.get("axes", ())} - {"workflow", "generation"}
        check_coordinates(asked, sorted(axes))
    return drawing.draw(drawable(dataset, [asked]), asked)
