"""Long-run values of mixtures of rows, and the best of several settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from collapse.experiment.results import STANDING
from collapse.measures.comparison import best_setting
from collapse.sims.mixing.experiment import ALONE, MixingFields
from collapse.theory import mixing as theory

CONFIDENCE = 0.95
_STATISTICS = ("mean", "median", "low", "high")  # of the best choice


def derive(experiment: MixingFields, dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with long-run values, ratios, costs and the best choice.

    `late_<metric>` is its mean over the last generations; `late_ratio` that of the
    error that is sought, over the mean of real rows alone; `cost` adds what these rows
    cost; `best` is the choice of the least, with a confidence set as its band.
    """
    found = _late(experiment, dataset)
    error = f"late_{experiment.error}"
    found |= _ratios(found, error)
    if experiment.constraint == "price" and "late_ratio" in found:
        found["cost"] = _cost(experiment, found["late_ratio"])
    dataset = dataset.assign(found)
    choice, sought = experiment.choice(), "cost" if "cost" in found else error
    if choice not in dataset.dims or dataset.sizes["seed"] < 2:
        return dataset
    return dataset.assign(_best(experiment, sought, dataset[sought], choice))


def _late(experiment: MixingFields, dataset: xr.Dataset) -> dict[str, Any]:
    """Means over the last generations, of measured and exact metrics."""
    first = experiment.num_generations + 1 - experiment.late
    when = f"generations {first} to {experiment.num_generations}"
    found = {}
    for metric in experiment.measured():
        for name in (metric, f"{metric}_theory"):
            if name in dataset:
                part = dataset[name].isel(generation=slice(first, None))
                found[f"late_{name}"] = part.mean("generation", skipna=False)
        old = dataset[metric].attrs
        long_name = f"{old.get('long_name', metric)}, {when}"
        found[f"late_{metric}"].attrs = old | {"long_name": long_name}
    return found


def _ratios(late: Mapping[str, Any], error: str) -> dict[str, Any]:
    """Error over that of real rows alone, measured and exact; empty without them."""
    found = {}
    for ending in ("", "_theory"):
        if f"{error}{ending}" not in late:
            continue
        own = late[f"{error}{ending}"]
        for axis, value in ALONE.items():
            if axis in own.dims and value in own[axis].values:
                alone = own.sel({axis: value}, drop=True)
                alone = alone.mean("seed") if "seed" in alone.dims else alone
                found[f"late_ratio{ending}"] = (own / alone).transpose(*own.dims)
                break
    if "late_ratio" in found:
        attributes = {"units": "ratio to real rows alone"}
        found["late_ratio"].attrs = late[error].attrs | attributes
    return found


def _cost(experiment: MixingFields, ratio: xr.DataArray) -> xr.DataArray:
    """The ratio plus the price of its real rows, in the same unit."""
    share = ratio["real_fraction"] if "real_fraction" in ratio.dims else 1.0
    price: Any = experiment.price[0]
    if "price" in ratio.dims:
        price = ratio["price"]
    cost = ratio + price * share
    cost = cost.transpose(*ratio.dims)
    units = "errors of real rows alone"
    cost.attrs = {"long_name": "long-run error and price of real rows", "units": units}
    return cost


def _best(
    experiment: MixingFields, sought_name: str, error: xr.DataArray, choice: str
) -> dict[str, Any]:
    """The best choice, its confidence set, and the standing of each setting."""
    error = error.transpose(..., "seed", choice)
    values = error[choice].values
    rest = [str(d) for d in error.dims if d not in ("seed", choice)]
    shape = tuple(error.sizes[d] for d in rest)
    best = np.full((len(_STATISTICS), *shape), np.nan)
    standing = np.zeros((*shape, len(values)), np.int8)
    for index in np.ndindex(*shape):
        errors = np.asarray(error.values[index], float)
        if not np.isfinite(errors).all(0).any():
            continue
        setting = best_setting(errors, CONFIDENCE, experiment.seed)
        inside = values[setting.confidence_set]
        standing[index] = setting.confidence_set
        standing[(*index, setting.best)] = 2
        own = {"low": inside.min(), "high": inside.max()}
        for k, name in enumerate(_STATISTICS):
            best[(k, *index)] = own.get(name, values[setting.best])
    words = choice.replace("_", " ")
    each = ", each row of choices by itself" if best[0].size > 1 else ""
    # a ratio to a number of the row has the same order
    same = ["late_ratio"] if sought_name == f"late_{experiment.error}" else []
    sought = error.attrs["long_name"]
    attributes = {
        "long_name": f"best {words}",
        "sought": f"least {sought}",
        "line": "choice of the least mean",
        "band": f"{CONFIDENCE:.0%} confidence",
    }
    marks = {
        "choice": choice,
        "best": f"best {words}",
        "may_be_best": f"may be as good ({CONFIDENCE:.0%} confidence{each})",
        "of": " ".join([sought_name, *same]),
    }
    found: dict[str, Any] = {
        "best": (["statistic", *rest], best, attributes),
        STANDING: ([*rest, choice], standing, marks),
        "statistic": list(_STATISTICS),
    }
    expected = _expected(experiment, error.isel(seed=0, drop=True), choice)
    if expected is not None:
        found["best_theory"] = (rest, expected)
    return found


def _expected(
    experiment: MixingFields, like: xr.DataArray, choice: str
) -> np.ndarray | None:
    """The best choice in theory, for many rows and the error of a location.

    Of models that learn their variance for unbiased samplers alone: a biased one
    narrows that variance, and with it the noise of what is generated.
    """
    if experiment.error != experiment.learner.location_error or experiment.learner.data:
        return None
    return None if choice == "synthetic_rows" else _formula(experiment, like, choice)


def _formula(
    experiment: MixingFields, like: xr.DataArray, choice: str
) -> np.ndarray | None:
    rest = [str(d) for d in like.dims if d != choice]
    found = np.empty(tuple(like.sizes[d] for d in rest))
    for index in np.ndindex(*found.shape):
        cell = {a: getattr(experiment, a)[0] for a in experiment.axes()}
        cell |= {d: like[d].values[k] for d, k in zip(rest, index, strict=True)}
        found[index] = _best_of_cell(experiment, cell, choice)
    return found


def _best_of_cell(experiment: MixingFields, cell: dict[str, Any], choice: str) -> float:
    if choice == "real_fraction":  # pooled rows of a budget
        free = experiment.constraint == "budget"
        pooled = cell["weight"] == 0 and cell["bias"] == 1
        if not pooled or experiment.anchor != "fresh":
            return np.nan
        return 1.0 if free else theory.best_share_at_price(float(cell["price"]))
    learns_variance = experiment.learner.moments_ddof(1.0) is not None
    if learns_variance and cell["bias"] != 1:
        return np.nan
    if experiment.anchor == "fixed":
        return 1.0
    real, synthetic = experiment.counts(cell)
    return theory.best_weight(cell["bias"] * real / synthetic)


def choices(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """For each setting of the other axes, the best choice and its confidence set.

    `best` is NaN where nothing has finite errors; `flat` says that the set holds
    every value; `theory` is there where the dataset has it.
    """
    best, choice = dataset["best"], dataset[STANDING].attrs["choice"]
    rest = [str(d) for d in best.dims if d not in ("statistic", "workflow")]
    table = dataset[[n for n in ("best", "best_theory", STANDING) if n in dataset]]
    table, found = table.isel(workflow=0), []
    for index in np.ndindex(*(table.sizes[d] for d in rest)):
        one = table.isel(dict(zip(rest, index, strict=True)))
        line = {d: one[d].item() for d in rest} | {"choice": choice}
        for name, statistic in (("best", "mean"), ("low", "low"), ("high", "high")):
            line[name] = float(one.best.sel(statistic=statistic))
        line["flat"] = bool(one[STANDING].all())
        if "best_theory" in one:
            line["theory"] = float(one.best_theory)
        found.append(line)
    return found


def verdict(experiment: MixingFields, dataset: xr.Dataset) -> str:
    """Text with the best choice of each setting of the other axes, for the terminal."""
    if "best" not in dataset:
        return "one setting: nothing to choose from"
    choice, sought = experiment.choice(), dataset["best"].attrs["sought"]
    lines = [f"best {choice}: {sought}, of {dataset.sizes[choice]} values"]
    found = choices(dataset)
    if len(found) > 1:
        lines[0] += f"; each line's confidence of {CONFIDENCE:.0%} is its own"
    for one in found:
        where = list(one)[: list(one).index("choice")]
        head = ", ".join(f"{d} {one[d]:g}" for d in where) or "here"
        best, interval = one["best"], f"{one['low']:g} .. {one['high']:g}"
        if np.isnan(best):
            said = "no setting has finite errors"
        elif one["flat"]:
            said = (
                f"no clear best value: {best:g} has the smallest error, but the "
                "differences are within the noise"
            )
        else:
            said = f"{best:g}, confidence set {interval} ({CONFIDENCE:.0%})"
        lines.append(f"  {head}: {said}")
    if early := remembering(experiment):
        lines.append(
            f"In {early} setting{'s' * (early != 1)} the run was too short: the first "
            "model still influences the result. Use more --num-generations."
        )
    return "\n".join(lines)


def remembering(experiment: MixingFields) -> int:
    """Number of settings whose late generations keep 1 % or more of generation 0.

    Squares of what it lacked or had too much of are multiplied by (1 - w)^2 in each.
    """
    first = experiment.num_generations + 1 - experiment.late
    weights = [experiment.weight_of(cell) for cell in experiment.cells()]
    return sum((1 - w) ** (2 * first) >= 0.01 for w in weights)
