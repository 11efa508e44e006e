"""The profile as labelled arrays, from which a figure is drawn."""

import numpy as np
import xarray as xr

from collapse.experiment.axes import axes_of
from collapse.experiment.profile import MARGIN, profile
from collapse.experiment.profile.definitions import DEFINITIONS

# variable -> column of the profile
NUMBERS = {
    "profile_worse": "worse",
    **{f"profile_{end}": f"worse_{end}" for end in ("low", "high")},
    **{f"profile_joint_{end}": f"joint_{end}" for end in ("low", "high")},
}
WORDS = {"profile_verdict": "verdict", "profile_metric": "metric"}
VARIABLES = (*NUMBERS, *WORDS)


def variables(dataset: xr.Dataset, margin: float = MARGIN) -> xr.Dataset:
    """Worsening, intervals, verdict and metric, dims (axes..., workflow, definition).

    Args:
      dataset: every seed, as in results.nc.
      margin: smallest worsening that counts, as a share.
    """
    table = profile(dataset, margin)
    dims = [*axes_of(dataset), "workflow", "definition"]
    shape = [dataset.sizes[d] for d in dims[:-1]] + [len(DEFINITIONS)]
    found = {}
    for name, column in {**NUMBERS, **WORDS}.items():
        kind = np.float64 if name in NUMBERS else np.str_
        values = table[column].to_numpy().astype(kind).reshape(shape)
        found[name] = (dims, values)
    units = "factor, above 1 on the side of collapse"
    told = {"long_name": "worsening since generation 0", "units": units}
    names = [definition.name for definition in DEFINITIONS]
    coords = {d: dataset[d] for d in dims[:-1]} | {"definition": names}
    whole = xr.Dataset(found, coords)
    whole["profile_worse"].attrs = {**told, "margin": margin}
    return whole
