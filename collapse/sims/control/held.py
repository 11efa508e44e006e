"""What policies reached: mean drift, largest drift, rows spent, share of failures.

`gains` compares them with constant shares.
"""

from typing import Any

import numpy as np
import xarray as xr

from collapse.core.curation.tally import EFFECTIVE, KEPT
from collapse.sims.control import gains
from collapse.sims.control.fields import DRIFT, ControlFields

_ACCOUNTS = {
    "spent": ("real rows spent so far", "rows"),
    "drift_sum": ("sum of the drift so far", ""),
    "drift_max": ("largest drift so far", ""),
    "alarms": ("re-anchorings so far", "re-anchorings"),
    "false_alarms": ("re-anchorings below the level so far", "re-anchorings"),
    "real_share": ("share of real rows", "share of n"),
    "weight": ("weight of a real row beside 1 of a generated one", "ratio"),
}


def derive(experiment: ControlFields, dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with accounts by their own names, and what policies reached."""
    unit = dataset[DRIFT].attrs.get("units", "")
    accounts = {
        name: dataset[f"fit_{name}"].assign_attrs(long_name=words, units=units or unit)
        for name, (words, units) in _ACCOUNTS.items()
    }
    dataset = dataset.drop_vars([f"fit_{name}" for name in _ACCOUNTS]).assign(accounts)
    if f"fit_{KEPT}" in dataset:
        kept = dataset[f"fit_{KEPT}"].assign_attrs(
            long_name="share of the candidates that may be kept", units="share"
        )
        gone = [f"fit_{name}" for name in (KEPT, EFFECTIVE, "keep_rate")]
        dataset = dataset.drop_vars(gone, errors="ignore").assign({KEPT: kept})
    dataset = dataset.assign(_reached(experiment, dataset))
    tolerated = _tolerance(experiment, dataset)
    dataset = dataset.assign(_failures(dataset, tolerated))
    return dataset.assign(gains.of(experiment, dataset))


def _reached(experiment: ControlFields, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Mean and largest drift, and real rows a generation, of each seed."""
    generations = dataset["generation"].values
    first = int(np.searchsorted(generations, experiment.settle * generations[-1]))
    first = min(first, len(generations) - 2)
    unit = dataset[DRIFT].attrs.get("units", "")
    summed = dataset["drift_sum"]
    sums = summed.isel(generation=-1) - summed.isel(generation=first)
    last, begun = int(generations[-1]), int(generations[first])
    when = f"generations {begun + 1} to {last}"
    words = {
        "mean_drift": (sums / (last - begun), f"mean drift, {when}", unit),
        "largest_drift": (
            dataset["drift_max"].isel(generation=-1),
            "largest drift of the run",
            unit,
        ),
        "real_rows": (
            _rows(experiment, dataset, begun),
            f"real rows a generation, as far as they bear on {when}",
            "rows",
        ),
    }
    if KEPT in dataset:  # recorded generations, since it has no sum
        later = dataset[KEPT].isel(generation=slice(first + 1, None))
        told = f"share of the candidates that may be kept, of those recorded in {when}"
        words["mean_kept"] = later.mean("generation"), told, "share"
    return {
        name: value.drop_vars("generation", errors="ignore").assign_attrs(
            long_name=long_name, units=units
        )
        for name, (value, long_name, units) in words.items()
    }


def _rows(experiment: ControlFields, dataset: xr.Dataset, begun: int) -> xr.DataArray:
    """Real rows a generation of each seed, as far as they bear on the mean drift.

    Under replace a constant share a of new real rows, which count like others, leaves
    1 - a of what a model has from earlier ones. So a row that is bought in generation u
    has the part (1 - a)^k of its effect k later, and buys are averaged with their
    effects in all generations after `begun` as weights: of those before only what such
    a share would have left. The rows of a recorded interval are spread over it evenly.
    Some policies forget sooner: where real rows have much weight, and at an event
    with real rows alone. Of other workflows, which keep rows in ways
    of their own, it is the mean of the whole run.

    Args:
      experiment: with budgets and rows a generation.
      dataset: with `spent`.
      begun: the last generation that the mean drift leaves out, a recorded one.
    """
    budget, n = (
        dataset[name] if name in dataset.dims else getattr(experiment, name)[0]
        for name in ("budget", "samples_per_generation")
    )
    left = 1 - budget / n
    bought = dataset["spent"].diff("generation")
    at = bought["generation"]  # the last of each interval
    last = int(at[-1])
    every = last // bought.sizes["generation"]
    several = (1 - left**every) / (1 - left)  # sum of left^k over an interval
    before = several * left ** (begun + 1 - at).clip(0)
    weight = xr.where(at > begun, every, before) - several * left ** (last + 1 - at)
    found = (bought * weight).sum("generation") / weight.sum("generation") / every
    if "workflow" not in dataset.dims:
        return found
    whole = bought.sum("generation") / last
    return xr.where(dataset["workflow"] == "replace", found, whole)


def _tolerance(experiment: ControlFields, dataset: xr.Dataset) -> Any:
    """The tolerated drift: as given, or twice the mean drift of the constant share."""
    if experiment.tolerance:
        return experiment.tolerance
    usual = gains.usual(experiment, dataset["mean_drift"])
    return float("nan") if usual is None else 2 * usual.mean("seed")


def _failures(dataset: xr.Dataset, tolerated: Any) -> dict[str, xr.DataArray]:
    """Whether a run passed the tolerance, and the first recorded generation after."""
    largest = dataset["drift_max"]
    above = (largest > tolerated).transpose(*largest.dims)
    last = largest.isel(generation=-1, drop=True)
    first = dataset["generation"].values[above.values.argmax(-1)].astype(float)
    first = np.where(above.values.any(-1), first, np.nan)
    passed = above.values[..., -1].astype(float)
    known = ~np.isnan(np.asarray(tolerated, float)).all()
    passed = passed if known else np.full_like(passed, np.nan)
    return {
        "passed": last.copy(data=passed).assign_attrs(
            long_name="runs that passed the tolerance", units="share of runs"
        ),
        "failure": last.copy(data=first).assign_attrs(
            long_name="first generation beyond the tolerance", units="generations"
        ),
    }
