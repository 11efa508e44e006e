"""What of a summary is published with its figure: small enough to be kept for ever."""

import numpy as np
import xarray as xr

from collapse.experiment.derived import DIFFERENCE
from collapse.experiment.profile.variables import VARIABLES
from collapse.experiment.results import STANDING
from collapse.experiment.summary import runs
from collapse.figures import densities, panels
from collapse.figures.spec import OF_SAMPLES, Figure

_MOST_GENERATIONS = 160


def published(summary: xr.Dataset, figure: Figure) -> xr.Dataset:
    """The part of a summary that its figure draws, small enough to be kept for ever.

    Only the drawn metrics and statistics with their notes, standard errors, and means
    of differences between workflows, in single precision to five digits. At 160
    generations at most, spaced evenly on the figure's axis; if x is another axis, at
    the drawn ones.
    """
    if figure.kind == "profile":
        return summary[list(VARIABLES)].map(_five_digits, keep_attrs=True)
    if figure.kind == "density":
        figure = densities.as_curves(figure)
    curves = figure.kind not in OF_SAMPLES
    names = panels.drawn(figure.metrics)
    differences = [f"{n}_{DIFFERENCE}" for n in names if f"{n}_{DIFFERENCE}" in summary]
    names += [f"{n}_theory" for n in names if f"{n}_theory" in summary]
    names += [n for n in ("note", STANDING) if curves and n in summary]
    names += [] if curves else ["samples"]
    small = summary[[*names, *differences]]
    lines = ["mean", "median"] if figure.statistic == "auto" else [figure.statistic]
    shown = [n for n in figure.metrics if n in summary and curves]
    ends = [end for n in shown for end in panels.band(summary, figure, n).ends]
    every = dict.fromkeys([*lines, "mean", "low", "high", *ends, "standard_error"])
    known = summary.indexes.get("statistic", ())
    small = small.sel(statistic=[s for s in [*every, *runs(summary)] if s in known])
    for name in set(differences) - set(figure.metrics):  # not drawn: numbers alone
        told = small["statistic"].isin(["mean", "standard_error"])
        small[name] = small[name].where(told).assign_attrs(small[name].attrs)
    total = small.sizes.get("generation", 0)
    if curves and total and figure.resolved(small.sizes).x != "generation":
        small = small.sel(generation=figure.drawn(small["generation"].values))
    elif total > _MOST_GENERATIONS:
        space = np.geomspace if figure.x_scale == "log" else np.linspace
        kept = np.unique(np.round(space(1, total, _MOST_GENERATIONS)).astype(int)) - 1
        small = small.isel(generation=kept)
    return small.map(_five_digits, keep_attrs=True)


def _five_digits(variable: xr.DataArray) -> xr.DataArray:
    if variable.dtype.kind != "f":
        return variable
    values = variable.values
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 4 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(digits), digits, 0)
    with np.errstate(over="ignore"):  # a tail that is nearly lost is 1e50 times worse
        small = (np.round(values * scale) / scale).astype(np.float32)
    return variable.copy(data=small)
