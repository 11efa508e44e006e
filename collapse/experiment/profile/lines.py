"""The lines of a profile: what each definition says of each condition of a run."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.experiment.axes import axes_of
from collapse.experiment.profile.cases import NOT_DEFINED, Case, verdict
from collapse.experiment.profile.definitions import (
    DEFINITIONS,
    REAL_ONLY,
    SCALING,
    Definition,
)
from collapse.measures import catalogue, intervals
from collapse.measures.catalogue import Quantity

SIZE = "samples_per_generation"  # the axis of the scaling law
_USUAL = json.dumps({"workflow": ["mix 1 fresh", "mix 1 fixed"]})  # if it is not told
_OWN = "it is real-only training itself"
_ZERO = "it is not above 0 at first, so that nothing is a multiple of it"


class Line(NamedTuple):
    """What one definition says of one condition.

    Attributes:
      where: coordinate -> value of the condition.
      definition: of collapse.
      case: the values that are compared; None where it is not defined.
      joint: the interval of the worsening at the confidence of all of them together.
      verdict: one of `cases.VERDICTS`.
      note: why it is not defined or not decided; "" elsewhere.
    """

    where: Mapping[str, Any]
    definition: Definition
    case: Case | None
    joint: tuple[float, float]
    verdict: str
    note: str


class _Measured(NamedTuple):
    """What was measured, at the first and at the last generation.

    Attributes:
      dims: names of the axes, and workflow.
      arrays: metric -> [axes..., workflow, S, 2].
      known: metric -> its quantity.
      leading: aspect -> the metric that speaks for it; None if there is none.
      sizes: the values of the axis `SIZE`; none without it.
      real_only: coordinate, and the positions on it of real-only training, the first
        of which others are compared with; None if the run has none.
    """

    dims: tuple[str, ...]
    arrays: Mapping[str, NDArray[np.float64]]
    known: Mapping[str, Quantity]
    leading: Mapping[str, str | None]
    sizes: NDArray[np.float64]
    real_only: tuple[str, list[int]] | None


def lines(dataset: xr.Dataset, margin: float) -> Iterator[Line]:
    """Every definition in every condition, in their order.

    Args:
      dataset: every seed, as in results.nc.
      margin: smallest worsening that counts, as a share.
    """
    dims = (*axes_of(dataset), "workflow")
    known = _quantities(dataset, dims)
    ends = dataset[list(known)].isel(generation=[0, -1]).astype(float)
    arrays = {name: ends[name].transpose(*dims, "seed", ...).values for name in known}
    sizes = dataset[SIZE].values.astype(float) if SIZE in dims else np.empty(0)
    aspects = {str(definition.aspect) for definition in DEFINITIONS}
    leading = {aspect: catalogue.leading(aspect, known) for aspect in aspects}
    measured = _Measured(dims, arrays, known, leading, sizes, _real_only(dataset))
    values = [dataset[d].values for d in dims]
    for index in np.ndindex(*map(len, values)):
        cases = [_case(d, measured, index) for d in DEFINITIONS]
        own = (v[k] for v, k in zip(values, index, strict=True))
        where = dict(zip(dims, own, strict=True))
        yield from _judged(where, cases, margin)


def _quantities(dataset: xr.Dataset, dims: tuple[str, ...]) -> dict[str, Quantity]:
    """Metric -> its quantity, of all that are measured in every generation."""
    whole, found = {*dims, "seed", "generation"}, {}
    for name, variable in dataset.data_vars.items():
        if set(variable.dims) != whole or variable.dtype.kind != "f":
            continue
        told, usual = variable.attrs, catalogue.find(str(name))
        found[str(name)] = usual._replace(
            long_name=told.get("long_name", usual.long_name),
            unit=told.get("units", usual.unit),
            reference=told.get("reference"),
            is_tail=bool(told.get("tail")),
            aspect=told.get("aspect", usual.aspect),
        )
    return found


def _real_only(dataset: xr.Dataset) -> tuple[str, list[int]] | None:
    """The coordinate of real-only training and its positions, if a run has it."""
    told = json.loads(dataset.attrs.get("real_only", _USUAL))
    for coordinate, values in told.items():
        if coordinate in dataset.dims:
            present = dataset[coordinate].values.tolist()
            found = [present.index(value) for value in values if value in present]
            if found:
                return coordinate, found
    return None


def _case(
    definition: Definition, measured: _Measured, index: tuple[int, ...]
) -> Case | str:
    """The values of a definition in a condition, or why there are none."""
    needs = f"needs {definition.needs}"
    metric = measured.leading[definition.aspect]
    if metric is None:
        plain = next(d for d in DEFINITIONS if d.aspect == definition.aspect)
        return f"needs {plain.needs}"
    values, quantity = measured.arrays[metric], measured.known[metric]
    sizes, (first, last) = None, values[index].T
    if definition.name == REAL_ONLY:
        if measured.real_only is None:
            return needs
        coordinate, positions = measured.real_only
        axis = measured.dims.index(coordinate)
        if index[axis] in positions:
            return _OWN
        other = list(index)
        other[axis] = positions[0]
        first = values[tuple(other)][:, 1]
    if definition.name == SCALING:
        sizes = measured.sizes
        if not sizes.size or quantity.reference != 0:
            return needs
        axis = measured.dims.index(SIZE)
        every: Any = (*index[:axis], slice(None), *index[axis + 1 :])
        first, last = np.moveaxis(values[every], (2, 1), (0, 1))  # [2, S, sizes]
    return Case(definition, metric, quantity, first, last, sizes).known()


def _judged(
    where: Mapping[str, Any], cases: list[Case | str], margin: float
) -> Iterator[Line]:
    """The lines of a condition, their verdicts by Bonferroni over all of them."""
    defined = [case for case in cases if isinstance(case, Case)]
    joint = 1 - (1 - intervals.CONFIDENCE) / max(len(defined), 1)
    nothing = (np.nan, np.nan)
    for definition, case in zip(DEFINITIONS, cases, strict=True):
        if isinstance(case, str):
            yield Line(where, definition, None, nothing, NOT_DEFINED, case)
            continue
        if not len(case.last):
            note = "has no seed whose values are known"
            yield Line(where, definition, None, nothing, NOT_DEFINED, note)
            continue
        worse = case.worsening(joint)
        if np.isnan(worse.value):
            yield Line(where, definition, None, nothing, NOT_DEFINED, _ZERO)
            continue
        ends = (worse.low, worse.high)
        yield Line(where, definition, case, ends, verdict(ends, margin), "")
