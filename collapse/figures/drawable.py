"""What figures are drawn from: statistics over seeds, and profiles where asked for."""

from collections.abc import Sequence

import xarray as xr

from collapse.experiment.profile.variables import variables
from collapse.experiment.summary import summarise
from collapse.figures import densities
from collapse.figures.spec import Figure


def drawable(dataset: xr.Dataset, figures: Sequence[Figure]) -> xr.Dataset:
    """The summary of every seed's results, with all that its figures show.

    Args:
      dataset: every seed, as in results.nc.
      figures: that are to be drawn.
    """
    summary = summarise(dataset)
    if any(figure.kind == "profile" for figure in figures):
        summary = summary.merge(variables(dataset), combine_attrs="override")
    for figure in figures:
        if figure.kind == "density":
            found = densities.variables(dataset, figure)
            found = found.reindex(statistic=summary["statistic"])
            summary = summary.merge(found, combine_attrs="override")
    return summary
