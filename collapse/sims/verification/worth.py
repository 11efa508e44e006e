"""What operators keep, reach and cost, and their gains over random controls.

`gain` is the late error of the random control over that of the operator; `gain_none`
that of a loop without a curator. Both are ratios of means of paired seeds, with
intervals that all hold together (Bonferroni). The control keeps as many of its own
candidates as the operator would keep, whatever they are. Where its model is so far off
that this is fewer rows than the operator has, the two differ in their numbers of rows,
too, and `gain` is left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from collapse.core.curation.tally import EFFECTIVE, KEPT
from collapse.experiment.verifiers.operators import NONE, control_of, read
from collapse.measures import intervals
from collapse.sims.verification.fields import (
    KEPT_RIGHT,
    KEPT_WRONG,
    RIGHT,
    TAIL,
    VerificationFields,
)
from collapse.sims.verification.theory import of_many_rows

_ALIKE = 0.05  # difference of the rows of an operator and its control, at most
STATISTICS = ("mean", "median", "low", "high")
_SHARES = {
    KEPT: ("share of the candidates that is kept", "share of candidates"),
    EFFECTIVE: ("effective sample size of the kept rows", "share of n"),
}
_WORDS = {
    "gain": "late error of the random control over that of the operator",
    "gain_none": "late error without a curator over that of the operator",
    "growth": "late error over that of generation 0",
}


def derive(e: VerificationFields, dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with shares by their own names, late values, costs and gains."""
    dataset = _named(dataset)
    if of_many_rows(e):
        dataset = _of_many_rows(dataset)
    dataset = dataset.assign(_late(e, dataset))
    return dataset.assign(_gains(e, dataset))


def _named(dataset: xr.Dataset) -> xr.Dataset:
    """The shares of the curator without the prefix of diagnostics."""
    for name, (words, unit) in _SHARES.items():
        for ending in ("", "_theory"):
            old = f"fit_{name}{ending}"
            if old in dataset:
                told = {"long_name": words, "units": unit}
                dataset = dataset.rename({old: f"{name}{ending}"})
                dataset[f"{name}{ending}"].attrs = told
    return dataset


def _of_many_rows(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset whose closed forms are said to be limits of many rows."""
    for name in dataset.data_vars:
        if str(name).endswith("_theory"):
            words = str(dataset[name].attrs["long_name"])
            words = words.replace("exact expectation", "limit of many rows")
            dataset[name].attrs["long_name"] = words
    return dataset


def _late(e: VerificationFields, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Means over the last generations of each seed, and what follows from them."""
    last = f"mean of the last {e.late} generations"

    def mean(name: str) -> xr.DataArray:
        return dataset[name].isel(generation=slice(-e.late, None)).mean("generation")

    def told(value: xr.DataArray, words: str, unit: str) -> xr.DataArray:
        return value.assign_attrs(long_name=words, units=unit)

    kept, error = mean(KEPT), dataset[e.error]
    unit = error.attrs.get("units", "")
    words = error.attrs.get("long_name", e.error)
    found = {
        "late_error": told(mean(e.error), f"{words}, {last}", unit),
        "late_kept": told(kept, f"{_SHARES[KEPT][0]}, {last}", _SHARES[KEPT][1]),
        "late_effective": told(
            mean(EFFECTIVE), f"{_SHARES[EFFECTIVE][0]}, {last}", _SHARES[EFFECTIVE][1]
        ),
        "cost": told(1 / kept.where(kept > 0), "candidates for each kept row", "rows"),
    }
    if TAIL in dataset:
        tail = mean(TAIL)
        unit = dataset[TAIL].attrs.get("units", "")
        words = dataset[TAIL].attrs.get("long_name", TAIL)
        found["late_tail"] = told(tail, f"{words}, {last}", unit)
        found["lost_tail"] = told(
            (tail < 0.1).astype(float), "runs that lost the rarest 1 %", "share of runs"
        )
    if RIGHT in dataset:
        phi, psi = _judged(dataset.isel(generation=slice(-e.late, None)))
        found["phi"] = told(phi, "right rows that are kept", "share of right rows")
        found["psi"] = told(psi, "wrong rows that are kept", "share of wrong rows")
        found["wrong"] = told(
            1 - mean(RIGHT), f"candidates that are wrong, {last}", "share of candidates"
        )
    return found


def _judged(late: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Shares of right and of wrong rows that are kept: means over generations.

    Of the generations and seeds that have rows of both kinds, so that decisions which
    are coins give two equal shares, however the keep rate changes from one to another;
    where no seed has both, phi is of all that have right rows.
    """
    right = late[RIGHT]
    phi, psi = late[KEPT_RIGHT] / right, late[KEPT_WRONG] / (1 - right)
    both = (right > 0) & (right < 1)
    some = both.any(("seed", "generation"))
    every = phi.where(right > 0).mean("generation")
    own = phi.where(both).mean("generation")
    return own.where(some, every), psi.where(both).mean("generation")


def _gains(e: VerificationFields, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Ratios of means with their intervals, over controls and over generation 0."""
    if dataset.sizes["seed"] < 2:
        return {}
    late = dataset["late_error"]
    first = dataset[e.error].isel(generation=0, drop=True)
    together = late.size // late.sizes["seed"]
    found = {"growth": _ratios("growth", late, first, together)}
    if "operator" not in late.dims:
        return found
    names = [str(name) for name in late["operator"].values]
    beside = {
        "gain": [_control(name, names) for name in names],
        "gain_none": [NONE if NONE in names and n != NONE else "" for n in names],
    }
    for kind, others in beside.items():
        against = late.sel(operator=[other or names[0] for other in others])
        against = against.assign_coords(operator=late["operator"])
        ratios = _ratios(kind, against, late, together)
        there = xr.DataArray([bool(o) for o in others], dims="operator")
        there = there.assign_coords(operator=late["operator"])
        if kind == "gain":
            rows = dataset["late_effective"].mean("seed")
            theirs = rows.sel(operator=[other or names[0] for other in others])
            theirs = theirs.assign_coords(operator=late["operator"])
            there = there & (abs(theirs - rows) <= _ALIKE * rows) & (rows > 0)
        found[kind] = ratios.where(there).assign_attrs(ratios.attrs)
    return found


def _control(name: str, names: list[str]) -> str:
    """The random control of an operator among those that were run; else ""."""
    control = control_of(name)
    is_one = read(name).kind == "random" or name == NONE
    return "" if is_one or control not in names else control


def _ratios(
    kind: str, above: xr.DataArray, below: xr.DataArray, together: int
) -> xr.DataArray:
    """Ratios of means over seeds [statistic, ...] with the ends of their intervals.

    Args:
      kind: name of the ratio.
      above: values [seed, ...].
      below: values [seed, ...].
      together: number of intervals that are to hold together.
    """
    confidence = 1 - (1 - intervals.CONFIDENCE) / together
    dims = [d for d in below.dims if d != "seed"]
    top, low = (v.transpose("seed", *dims) for v in (above, below))
    ratio: Callable[..., Any] = intervals.of_ratio
    values = np.full((len(STATISTICS), *low.shape[1:]), np.nan)
    for where in np.ndindex(*low.shape[1:]):
        found = ratio(top.values[:, *where], low.values[:, *where], confidence)
        values[:, *where] = found.value, found.value, found.low, found.high
    coords = {d: low[d] for d in dims if d in low.coords}
    told = {"long_name": _WORDS[kind], "units": "ratio", "reference": 1.0}
    return xr.DataArray(
        values,
        dims=("statistic", *dims),
        coords={"statistic": list(STATISTICS), **coords},
        attrs=told,
    )
