"""The axes of results: fields of an experiment that have several values in a run."""

import numpy as np
import xarray as xr


def axes_of(dataset: xr.Dataset) -> tuple[str, ...]:
    """Names of the axes that results have, in order; none if they name none.

    A NetCDF file gives back a list of one name as text, and an empty list as "".
    """
    told = np.atleast_1d(dataset.attrs.get("axes", []))
    return tuple(str(axis) for axis in told if axis)
