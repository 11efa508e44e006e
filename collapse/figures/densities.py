"""Panels of densities: how the runs' values of a metric are spread over seeds."""

import dataclasses
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from numpy.typing import NDArray

from collapse.figures import curves
from collapse.figures import spec as layout
from collapse.measures import intervals

_BINS = 100
_MOST = 1e-3  # of the values lie beyond either end of the bins
_STATISTICS = ("mean", "low", "high")


def paint(fig: Figure, summary: xr.Dataset, figure: layout.Figure) -> list[Artist]:
    """Fill `fig` with densities, drawn as curves over values; legend entries."""
    return curves.paint(fig, summary, as_curves(figure))


def as_curves(figure: layout.Figure) -> layout.Figure:
    """The figure of curves that a density is, of the variable that `variables` adds."""
    (metric,) = figure.metrics
    return dataclasses.replace(
        figure,
        kind="curves",
        metrics=(f"{metric}_density",),
        x=f"{metric}_of_a_run",
        statistic="mean",
        band="seeds",
    )


def variables(dataset: xr.Dataset, figure: layout.Figure) -> xr.Dataset:
    """The density of a figure's metric, at the generations that are drawn.

    Shares of seeds in bins of equal width over that width: on a logarithmic axis a
    width in powers of ten. What lies beyond the outer bins counts as a seed and in no
    bin. `low` and `high` are the ends of the 95 % interval of each share.

    Args:
      dataset: every seed, as in results.nc.
      figure: of kind "density", with one metric.

    Returns:
      `<metric>_density` [statistic, axes..., workflow, generation, bin], NaN at
      generations that are not drawn.
    """
    (metric,) = figure.metrics
    log = figure.x_scale == "log"
    values = dataset[metric].transpose("seed", ...)
    drawn = figure.drawn(values["generation"].values)
    chosen = np.asarray(values.sel(generation=drawn).values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        chosen = np.log10(chosen) if log else chosen
    edges = _edges(chosen)
    shares = np.apply_along_axis(_shares, 0, chosen, edges)  # [bins, ...]
    total, width = len(chosen), edges[1] - edges[0]
    ends = intervals.of_share(np.round(shares * total).astype(int), total)
    stack = np.stack([shares, ends.low, ends.high]) / width
    middle = (edges[:-1] + edges[1:]) / 2
    centres = 10**middle if log else middle
    dims: list[Hashable] = ["statistic", "bin", *values.dims[1:]]
    coords: dict[Any, Any] = {n: values[n] for n in values.dims[1:]}
    coords |= {"statistic": list(_STATISTICS), "generation": drawn, "bin": centres}
    name = values.attrs.get("long_name", metric)
    told = {
        "long_name": f"density of the {name} over seeds",
        "units": "share of seeds" + (" per factor of ten" if log else " per unit"),
        "line": "share of seeds",
        "band": "95 % confidence interval of the share",
    }
    density = xr.DataArray(stack, coords, dims, attrs=told)
    density = density.reindex(generation=values["generation"])
    density = density.transpose(..., "bin").rename(bin=f"{metric}_of_a_run")
    return xr.Dataset({f"{metric}_density": density})


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of bins that hold nearly all finite values."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.linspace(0.0, 1.0, _BINS + 1)
    low, high = np.quantile(finite, [_MOST, 1 - _MOST])
    room = 0.02 * (high - low) or 0.5
    return np.linspace(low - room, high + room, _BINS + 1)


def _shares(
    values: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of all values in each bin."""
    finite = values[np.isfinite(values)]
    return np.histogram(finite, edges)[0] / len(values)
