"""What policies reached: mean drift, largest drift, rows spent, and against a constant.

All comparisons are at equal spending: a policy that buys more real rows than another
has to be better. Where a policy spends within 1 % of the constant share of the same
budget the two are compared seed by seed; else with the constant share of the rows that
it spent, between those of the two nearest budgets (straight lines in logarithms).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.measures import intervals
from collapse.sims.control.fields import DRIFT, ControlFields

EQUAL = 0.01  # relative difference of real rows up to which spending is equal
_STATISTICS = ("mean", "median", "low", "high")
_ACCOUNTS = {
    "spent": ("real rows spent so far", "rows"),
    "drift_sum": ("sum of the drift so far", ""),
    "drift_max": ("largest drift so far", ""),
    "alarms": ("re-anchorings so far", ""),
    "false_alarms": ("re-anchorings while the drift was below the level, so far", ""),
    "real_share": ("share of real rows", ""),
    "weight": ("weight of a real row beside 1 of a generated one", ""),
}


def derive(experiment: ControlFields, dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with accounts by their own names, and what policies reached."""
    accounts = {}
    for name, (long_name, units) in _ACCOUNTS.items():
        accounts[name] = dataset[f"fit_{name}"].assign_attrs(
            long_name=long_name, units=units or dataset[DRIFT].attrs["units"]
        )
    dataset = dataset.drop_vars([f"fit_{name}" for name in _ACCOUNTS]).assign(accounts)
    found = _reached(experiment, dataset)
    dataset = dataset.assign(found)
    tolerated = _tolerance(experiment, dataset)
    more = {"passed": _passed(dataset, tolerated), "failure": _failure(dataset, tolerated)}
    dataset = dataset.assign(more)
    if not _has_constant(experiment) or dataset.sizes["seed"] < 2:
        return dataset
    return dataset.assign(_gains(experiment, dataset))


def _reached(experiment: ControlFields, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Mean drift once a run has settled, and real rows a generation, of each seed."""
    generations = dataset["generation"].values
    first = int(np.searchsorted(generations, experiment.settle * generations[-1]))
    first = min(first, len(generations) - 2)
    sums = dataset["drift_sum"]
    total = sums.isel(generation=-1) - sums.isel(generation=first)
    units = dataset[DRIFT].attrs["units"]
    steps = generations[-1] - generations[first]
    mean = (total / steps).assign_attrs(
        long_name=f"mean drift, generations {generations[first] + 1} to "
        f"{generations[-1]}",
        units=units,
    )
    rows = dataset["spent"].isel(generation=-1) / generations[-1]
    rows = rows.assign_attrs(long_name="real rows a generation", units="rows")
    largest = dataset["drift_max"].isel(generation=-1)
    return {
        "mean_drift": mean,
        "real_rows": rows,
        "largest_drift": largest.assign_attrs(long_name="largest drift of the run"),
    }


def _has_constant(experiment: ControlFields) -> bool:
    return "constant" in experiment.policy and "policy" in experiment.several()


def _tolerance(experiment: ControlFields, dataset: xr.Dataset) -> Any:
    """The tolerated drift: as given, or twice the mean drift of the constant share."""
    if experiment.tolerance or not _has_constant(experiment):
        return experiment.tolerance or float("nan")
    constant = dataset["mean_drift"].sel(policy="constant", drop=True)
    return 2 * constant.mean("seed")


def _passed(dataset: xr.Dataset, tolerated: Any) -> xr.DataArray:
    """Whether the drift of a run was ever above what is tolerated, 1 or 0."""
    largest = dataset["drift_max"].isel(generation=-1)
    told = {"long_name": "runs that passed the tolerance", "units": "share of runs"}
    return (largest > tolerated).astype(float).transpose(*largest.dims).assign_attrs(told)


def _failure(dataset: xr.Dataset, tolerated: Any) -> xr.DataArray:
    """First recorded generation by which the tolerance was passed; NaN for never."""
    largest = dataset["drift_max"]
    above = (largest > tolerated).transpose(*largest.dims)
    first = dataset["generation"].values[above.values.argmax(-1)].astype(float)
    found = largest.isel(generation=-1, drop=True).copy(
        data=np.where(above.values.any(-1), first, np.nan)
    )
    told = {"long_name": "first generation beyond the tolerance", "units": ""}
    return found.assign_attrs(told)


def _gains(experiment: ControlFields, dataset: xr.Dataset) -> dict[str, Any]:
    """How much less drift than the constant share at equal spending, with intervals."""
    order = [d for d in dataset["mean_drift"].dims if d not in ("seed", "policy", "budget")]
    dims = (*order, "budget", "policy", "seed")
    drift, rows = (
        _with_budget(dataset[name]).transpose(*dims) for name in ("mean_drift", "real_rows")
    )
    names = list(dataset["policy"].values)
    constant = names.index("constant")
    shape = drift.shape[:-1]
    found = np.full((len(_STATISTICS), *shape), np.nan)
    equal = np.zeros(shape, bool)
    for where in np.ndindex(*shape):
        *rest, budget, policy = where
        if policy == constant:
            continue
        every = drift.values[tuple(rest)][:, constant], rows.values[tuple(rest)][:, constant]
        own = drift.values[where], rows.values[where]
        against, equal[where] = _constant_at(every, budget, own[1].mean())
        if against is not None:
            ratio = intervals.of_ratio(against, own[0])
            found[:, *where] = ratio.value, ratio.value, ratio.low, ratio.high
    if "budget" not in dataset["mean_drift"].dims:
        found, equal, dims = found[..., 0, :], equal[..., 0, :], (*order, "policy", "seed")
    told = {
        "long_name": "mean drift of a constant share of as many real rows, over the policy's",
        "units": "ratio",
        "line": "ratio of means",
        "band": "95 % confidence, seeds paired",
    }
    named: dict[str, Any] = {
        "gain": (["statistic", *dims[:-1]], found, told),
        "equal_spending": (
            list(dims[:-1]),
            equal,
            {"long_name": f"rows within {EQUAL:.0%} of those of the constant share"},
        ),
    }
    return named | {"statistic": list(_STATISTICS)}


def _with_budget(variable: xr.DataArray) -> xr.DataArray:
    return variable if "budget" in variable.dims else variable.expand_dims("budget")


def _constant_at(
    constants: tuple[NDArray[Any], NDArray[Any]], budget: int, spent: float
) -> tuple[NDArray[Any] | None, bool]:
    """Mean drifts [S] of a constant share of so many rows; whether it is the budget's.

    Args:
      constants: drifts and rows [budgets, S] of the constant share.
      budget: index of the budget.
      spent: rows that a policy spends, on average over seeds.
    """
    drifts, rows = constants
    own = rows.mean(1)
    if own[budget] > 0 and abs(spent / own[budget] - 1) <= EQUAL:
        return drifts[budget], True
    order = np.argsort(own)
    above = int(np.searchsorted(own[order], spent))
    if spent <= 0 or not 0 < above < len(order) or own[order[above - 1]] <= 0:
        return None, False
    low, high = order[above - 1], order[above]
    part = np.log(spent / own[low]) / np.log(own[high] / own[low])
    means = drifts[[low, high]].mean(1)
    level = np.exp((1 - part) * np.log(means[0]) + part * np.log(means[1]))
    # seeds keep their relative deviations, of which both runs have a part
    share = (1 - part) * drifts[low] / means[0] + part * drifts[high] / means[1]
    return level * share, False


def table(experiment: ControlFields, dataset: xr.Dataset) -> list[Mapping[str, Any]]:
    """One line a policy and setting of the other axes: what it spent and reached."""
    lines = []
    variables = dataset[
        [n for n in ("mean_drift", "real_rows", "passed", "failure", "alarms", "false_alarms")]
    ]
    last = variables.isel(generation=-1).mean("seed")
    rest = [str(d) for d in dataset["mean_drift"].dims if d != "seed"]
    for index in np.ndindex(*(dataset.sizes[d] for d in rest)):
        where = dict(zip(rest, index, strict=True))
        one = last.isel(where)
        line = {d: dataset[d].values[i] for d, i in where.items()}
        line |= {str(n): float(v) for n, v in one.data_vars.items()}
        if "gain" in dataset:
            some = {d: i for d, i in where.items() if d in dataset["gain"].dims}
            ratio = dataset["gain"].isel(some)
            line |= {k: float(ratio.sel(statistic=s)) for k, s in _ENDS.items()}
            line["equal"] = bool(dataset["equal_spending"].isel(some))
        lines.append(line)
    return lines


_ENDS = {"gain": "mean", "low": "low", "high": "high"}
