"""How much less a policy lets a model drift than a constant share of as many real rows.

Comparisons are at equal spending, since a policy that buys more real rows has to be
better. A policy that spends as much as the constant share, to 1 %, is compared with it
seed by seed. One that spends less is, too: its gain is then a lower bound. One that
spends more is compared with the constant share of as many rows, between those of the
two nearest budgets (straight lines in logarithms), where there are such.

`gain` is against rows that all count alike, `gain_best` against the best of the
settings that look at nothing, of each budget: shares and weights that are fixed
beforehand. Beside
operators `gain_none` is over the same policy and trust without one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.experiment.verifiers.operators import NONE
from collapse.measures import intervals
from collapse.sims.control.fields import EQUAL, ControlFields

STATISTICS = ("mean", "median", "low", "high")
FEWER, SAME, BETWEEN, NOTHING = "fewer", "same", "between", ""  # how rows compare
_AXES = ("budget", "operator", "trust", "policy")
_WORDS = {
    "gain": "drift of a constant share over that of the policy",
    "gain_best": "drift of the best fixed share and weight over that of the policy",
}
_VERIFIED = {"gain_none": "drift without an operator over that with it"}

Curves = tuple[NDArray[Any], NDArray[Any]]  # drifts and rows, [budgets, S] each


def usual(experiment: ControlFields, variable: xr.DataArray) -> xr.DataArray | None:
    """The variable under a constant share whose rows count alike; None if not run."""
    if "constant" not in experiment.policy or "equal" not in experiment.trust:
        return None
    where = {"policy": "constant", "trust": "equal"}
    if not experiment.blind():  # of several operators none is the usual one
        return None
    where |= {"operator": experiment.blind()[0][0]}
    own = {k: v for k, v in where.items() if k in variable.dims}
    return variable.sel(own, drop=True)


def of(experiment: ControlFields, dataset: xr.Dataset) -> dict[str, Any]:
    """The gains with their intervals, and how rows compare; empty for one setting."""
    several = NONE in experiment.operator and len(experiment.operator) > 1
    if dataset.sizes["seed"] < 2 or not (experiment.compared() or several):
        return {}
    axes = [a for a in _AXES if a in dataset["mean_drift"].dims]
    rest = [str(d) for d in dataset["mean_drift"].dims if d not in ("seed", *axes)]
    order = [*rest, *_AXES, "seed"]
    drift, rows = (
        _whole(experiment, dataset[name]).transpose(*order).astype(float)
        for name in ("mean_drift", "real_rows")
    )
    known = [list(map(str, drift[axis].values)) for axis in _AXES[1:]]
    blind = [
        tuple(names.index(x) for names, x in zip(known, one, strict=True))
        for one in experiment.blind()
    ]
    words = (_WORDS if blind else {}) | (_VERIFIED if several else {})
    found = {k: np.full((len(STATISTICS), *drift.shape[:-1]), np.nan) for k in words}
    spending = np.full(drift.shape[:-1], NOTHING, dtype=object)
    together = int(np.prod(drift.shape[:-1]))
    for where in np.ndindex(*drift.shape[: len(rest)]):
        block = drift.values[where], rows.values[where]
        for name, beside in _baselines(experiment, blind, block[0].mean(-1)).items():
            ratios, how = _compared(block, beside, together)
            found[name][:, *where] = ratios
            spending[where] = how
        if several:
            plainly = experiment.operator.index(NONE)
            found["gain_none"][:, *where] = _over_none(block, plainly, together)
    told = f"95 % confidence of all {together} together, seeds paired"
    return _labelled(found, spending, told, [*rest, *axes], order[:-1])


def _baselines(
    experiment: ControlFields,
    blind: Sequence[tuple[int, ...]],
    means: NDArray[Any],
) -> dict[str, list[tuple[int, ...]]]:
    """Gain -> operator, trust and policy of each budget that it compares with.

    Args:
      experiment: the study.
      blind: positions of the settings that look at nothing.
      means: drifts [budgets, operators, trusts, policies].
    """
    if not blind:
        return {}
    # of each budget its own, since none may be the best of all budgets
    of_all = np.moveaxis(means, 0, -1)
    best = np.argmin([of_all[position] for position in blind], axis=0)
    found = {"gain_best": [blind[k] for k in best]}
    named = experiment.blind()
    plain = (named[0][0], "equal", "constant")
    if plain in named:
        found["gain"] = [blind[named.index(plain)]] * len(best)
    return found


def _whole(experiment: ControlFields, variable: xr.DataArray) -> xr.DataArray:
    """The variable with all of its axes, of one value where it has none."""
    for axis in _AXES:
        if axis not in variable.dims:
            variable = variable.expand_dims({axis: [getattr(experiment, axis)[0]]})
    return variable


def _compared(
    block: Curves, beside: Sequence[tuple[int, ...]], together: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gains [statistics, budgets, ...] over a setting a budget, and how rows compare.

    Args:
      block: drifts and rows [budgets, operators, trusts, policies, S].
      beside: of each budget the operator, trust and policy to compare with.
      together: intervals that share one confidence (Bonferroni's inequality).
    """
    confidence = 1 - (1 - intervals.CONFIDENCE) / together
    drift, rows = block
    shape = drift.shape[:-1]
    found = np.full((len(STATISTICS), *shape), np.nan)
    spending = np.full(shape, NOTHING, dtype=object)
    theirs: Any = tuple(
        np.stack([values[k, *setting] for k, setting in enumerate(beside)])
        for values in block
    )
    for where in np.ndindex(*shape):
        if where[1:] == beside[where[0]]:
            continue
        against, spending[where] = _at(theirs, where[0], float(rows[where].mean()))
        if against is not None:
            ratio = intervals.of_ratio(against, drift[where], confidence)
            found[:, *where] = ratio.value, ratio.value, ratio.low, ratio.high
    return found, spending


def _over_none(block: Curves, none: int, together: int) -> NDArray[Any]:
    """Gains [statistics, budgets, ...] over the same policy without an operator.

    NaN where the policy spends more real rows with it, since all else has to be equal.
    Where it spends fewer the gain is a lower bound.

    Args:
      block: as in `_compared`.
      none: index of the operator none.
      together: as in `_compared`.
    """
    confidence = 1 - (1 - intervals.CONFIDENCE) / together
    drift, rows = block
    found = np.full((len(STATISTICS), *drift.shape[:-1]), np.nan)
    for where in np.ndindex(*drift.shape[:-1]):
        plain = (where[0], none, *where[2:])
        if where == plain or rows[where].mean() > rows[plain].mean() * (1 + EQUAL):
            continue
        ratio = intervals.of_ratio(drift[plain], drift[where], confidence)
        found[:, *where] = ratio.value, ratio.value, ratio.low, ratio.high
    return found


def _at(
    constants: Curves, budget: int, spent: float
) -> tuple[NDArray[Any] | None, str]:
    """Drifts [S] of a constant share to compare with, and how rows compare.

    Args:
      constants: of a constant share.
      budget: index of the budget.
      spent: rows that a policy spends, on average over seeds.
    """
    drifts, rows = constants
    own = rows.mean(1)
    if own[budget] > 0 and spent <= own[budget] * (1 + EQUAL):
        return drifts[budget], SAME if spent >= own[budget] * (1 - EQUAL) else FEWER
    order = np.argsort(own)
    above = int(np.searchsorted(own[order], spent))
    if not 0 < above < len(order) or own[order[above - 1]] <= 0:
        return None, NOTHING
    low, high = order[above - 1], order[above]
    part = np.log(spent / own[low]) / np.log(own[high] / own[low])
    means = drifts[[low, high]].mean(1)
    if not means.min() > 0:
        return None, NOTHING
    level = np.exp((1 - part) * np.log(means[0]) + part * np.log(means[1]))
    # seeds keep their relative deviations, of which both runs have a part
    share = (1 - part) * drifts[low] / means[0] + part * drifts[high] / means[1]
    return level * share, BETWEEN


def _labelled(
    found: dict[str, NDArray[Any]],
    spending: NDArray[Any],
    band: str,
    dims: list[str],
    order: list[str],
) -> dict[str, Any]:
    """The gains as variables, without the axes that results do not have."""
    gone = tuple(order.index(axis) for axis in order if axis not in dims)
    named: dict[str, Any] = {"statistic": list(STATISTICS)}
    for name, values in found.items():
        told = {
            "long_name": (_WORDS | _VERIFIED)[name],
            "units": "ratio",
            "reference": 1.0,
            "line": "ratio of means",
            "band": band,
        }
        values = values.squeeze(tuple(axis + 1 for axis in gone))
        named[name] = (["statistic", *(d for d in order if d in dims)], values, told)
    told = {"long_name": "how the rows spent compare with those of the constant share"}
    kept = [d for d in order if d in dims]
    named["spending"] = (kept, spending.squeeze(gone).astype(str), told)
    return named
