"""The performance gap that students recover, and what predicts it."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from collapse.measures import components, recovered
from collapse.sims.students.generators import REAL

STATISTICS = ("mean", "median", "low", "high")  # the first two are one
INTRINSIC = (
    "data_correctness",
    "data_validity",
    "skill_survival",
    "duplicate_share",
    "copied_documents",
    "document_length",
    "letter_entropy",
    "perplexity_bits",
    "base_loss",
)
_FEWEST = 5  # cells of a regression
_FEWEST_CELLS = 3  # of a correlation: of two it is 1
_FIRST = 5  # components that the paper regresses on


class Predicted(NamedTuple):
    """What metrics of rows, and the generator's own score, say of the recovered gap.

    Attributes:
      cells: generators, each with each recipe.
      k: components.
      held: share of the variance of the metrics that they hold, and its null.
      of_components: the gap regressed on them.
      of_solver: the gap regressed on the generator's own correctness.
    """

    cells: int
    k: int
    held: components.Components
    of_components: components.Regression
    of_solver: components.Regression


def derive(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with `pgr` and `solver_r2`: the gap, and what the score says of it.

    `pgr` is in per cent, with the ends of Fieller's set.

    The base is the student before, the reference the student of the real documents by
    the same recipe, seeds paired. Not there without a reference, or with one seed.
    """
    if "correctness" not in dataset or "generator" not in dataset["correctness"].dims:
        return dataset
    correct = dataset["correctness"]
    names = set(correct["generator"].values.tolist())
    if REAL not in names or len(names) < 2 or correct.sizes["seed"] < 2:
        return dataset
    rest = [str(d) for d in correct.dims if d not in ("seed", "generation")]
    shape = tuple(correct.sizes[d] for d in rest)
    values = np.full((*shape, len(STATISTICS)), np.nan)
    for place, where in conditions(correct, rest):
        if where["generator"] == REAL:
            continue
        own = correct.sel(where)
        reference = correct.sel({**where, "generator": REAL}).isel(generation=-1)
        found = recovered.gap_recovered(
            own.isel(generation=-1).values,
            own.isel(generation=0).values,
            reference.values,
        )
        values[place] = found[0], *found[:3]
    told = {"long_name": "performance gap recovered", "units": "per cent"}
    told |= {"line": "ratio of means", "band": "Fieller's 95 % set"}
    told |= {"levels": json.dumps({"base": 0.0, "real documents": 100.0})}
    named = dataset.assign_coords(statistic=list(STATISTICS))
    named = named.assign(pgr=((*rest, "statistic"), values, told))
    return named.assign(_solver_r2(dataset))


def _solver_r2(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """R2 of what students gain on their generator's own score, of each seed.

    Over all generators but the real documents, and all recipes: the square of the
    correlation. Not there of fewer than three of them.
    """
    if "solver_correctness" not in dataset:
        return {}
    over = [d for d in ("generator", "recipe") if d in dataset["correctness"].dims]
    names = [n for n in dataset["generator"].values.tolist() if n != REAL]
    chosen = dataset.sel(generator=names)
    if math.prod(chosen.sizes[d] for d in over) < _FEWEST_CELLS:
        return {}
    score = chosen["solver_correctness"].isel(generation=-1)
    correct = chosen["correctness"]
    gain = correct.isel(generation=-1) - correct.isel(generation=0)
    told = {"long_name": "R2 of the student's gain on the generator's score"}
    found = xr.corr(score, gain, dim=over) ** 2
    return {"solver_r2": found.assign_attrs(told | {"units": "share of variance"})}


def conditions(
    variable: xr.DataArray, dims: list[str]
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """The positions and the values of each setting of some dimensions."""
    for index in np.ndindex(*(variable.sizes[d] for d in dims)):
        chosen = zip(dims, index, strict=True)
        yield index, {d: variable[d].values[i].item() for d, i in chosen}


def predicted(dataset: xr.Dataset) -> Predicted | None:
    """What predicts the gap over generators and recipes; None of too few of them.

    Metrics that are the same for all are left out.
    """
    if "pgr" not in dataset or not set(INTRINSIC) <= set(dataset):
        return None
    gap = dataset["pgr"].sel(statistic="mean")
    last = dataset.isel(generation=-1).mean("seed")
    cells = gap.stack(cell=gap.dims).dropna("cell")
    if cells.sizes["cell"] < _FEWEST:
        return None
    table = np.stack([_of(last[name], cells) for name in INTRINSIC], 1)
    table = table[:, np.ptp(table, axis=0) > 0]
    solver, outcome = _of(last["solver_correctness"], cells), cells.values
    k = min(_FIRST, table.shape[1], len(table) - 3)
    if k < 1 or np.ptp(solver) == 0 or np.ptp(outcome) == 0:
        return None
    return Predicted(
        len(table),
        k,
        components.components(table, k),
        components.regression(table, outcome, k),
        components.regression(solver[:, None], outcome, 1),
    )


def _of(variable: xr.DataArray, cells: xr.DataArray) -> np.ndarray:
    """The values of a metric at these cells."""
    found = variable.broadcast_like(cells.unstack("cell"))
    values: np.ndarray = (
        found.stack(cell=cells["cell"].to_index().names).sel(cell=cells["cell"]).values
    )
    return values
