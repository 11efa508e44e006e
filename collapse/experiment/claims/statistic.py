"""The number that a rule reads from results, with its confidence interval."""

import itertools
import math
import tomllib
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used
import xarray as xr
from numpy.typing import NDArray

from collapse.data.errors import InputError, hint
from collapse.experiment.claims.claim import Rule, Where
from collapse.measures import intervals

Values = NDArray[np.float64]
_ENDS = ("mean", "low", "high")


class NotReached(InputError):
    """A point that the results do not have, as those of a run that was cut down."""


class Measured(NamedTuple):
    """A number with its confidence interval.

    Attributes:
      at: dimension -> value, where it was read; only what the rule names.
      value: the estimate.
      low: end of the interval; NaN where there are too few seeds.
      high: the other end.
      seeds: behind it; 0 for a closed form.
    """

    at: Where
    value: float
    low: float
    high: float
    seeds: int


def measured(dataset: xr.Dataset, rule: Rule, confidence: float) -> list[Measured]:
    """What a rule reads, one entry for each point that it names.

    Args:
      dataset: every seed, as in results.nc.
      rule: that names a variable and points.
      confidence: of each interval.

    Raises:
      InputError: for a variable, dimension or value that the results do not have.
    """
    return [_measure(dataset, rule, at, confidence) for at in points(rule.at)]


def points(at: Where) -> Iterator[dict[str, Any]]:
    """Every combination of listed values: `{generation: [1, 2]}` is two points."""
    several = [v if isinstance(v, list | tuple) else [v] for v in at.values()]
    for values in itertools.product(*several):
        yield dict(zip(at, values, strict=True))


def shuffled(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The dataset with the generations of each seed exchanged at random, as a control.

    Args:
      dataset: every seed.
      name: whose digest is the seed of the exchange.
    """
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    changed = {}
    for key, variable in dataset.data_vars.items():
        if {"seed", "generation"} <= set(variable.dims):
            ordered = variable.transpose("seed", ..., "generation")
            values = ordered.values.copy()
            for row in values:
                row[...] = row[..., draw.permutation(row.shape[-1])]
            changed[str(key)] = (ordered.dims, values)
    return dataset.assign(changed)


def _measure(dataset: xr.Dataset, rule: Rule, at: Where, confidence: float) -> Measured:
    if rule.how == "value" and _is_set(dataset, rule.of, at):
        ends = [_values(dataset, rule.of, {**at, "statistic": s}) for s in _ENDS]
        return Measured(at, float(ends[0]), float(ends[1]), float(ends[2]), 0)
    first = _values(dataset, rule.of, at)
    if rule.how.startswith("share"):
        beyond = first < rule.level if rule.how == "share_below" else first > rule.level
        if np.isnan(first).any():
            return Measured(at, math.nan, math.nan, math.nan, len(first))
        count, total = np.asarray(beyond.sum()), len(first)
        low, high = intervals.of_share(count, total, confidence)
        return Measured(at, float(beyond.mean()), float(low), float(high), total)
    if rule.how == "value":
        return _told(at, first, rule.statistic, confidence)
    over = {**at, **rule.over}
    other = str(over.pop("of", rule.of))
    second = _values(dataset, other, over)
    if rule.beyond:
        first = first - _values(dataset, rule.of, {**at, **rule.beyond})
        second = second - _values(dataset, other, {**over, **rule.beyond})
    if rule.how == "difference":
        return _told(at, first - second, rule.statistic, confidence)
    if rule.statistic == "median":
        return _told(at, first / second, "median", confidence)
    first, second = np.broadcast_arrays(first, second)
    return _ratio(at, first, second, confidence)


def _is_set(dataset: xr.Dataset, of: str, at: Where) -> bool:
    """Whether a variable is an estimate with the ends of its own confidence set."""
    dims = dataset[of].dims if of in dataset else ()
    return "statistic" in dims and "seed" not in dims and "statistic" not in at


def _told(at: Where, values: Values, statistic: str, confidence: float) -> Measured:
    """The mean or median over seeds [S]; a single value without seeds is exact."""
    if values.ndim == 0:
        exact = float(values)
        return Measured(at, exact, exact, exact, 0)
    if statistic == "median":
        low, high = intervals.of_median(values, confidence)
        return Measured(
            at, float(np.median(values)), float(low), float(high), len(values)
        )
    with np.errstate(invalid="ignore"):  # of infinities, whose interval is NaN
        low, high = intervals.of_mean(values, confidence)
        return Measured(at, float(values.mean()), float(low), float(high), len(values))


def _ratio(at: Where, first: Values, second: Values, confidence: float) -> Measured:
    """Ratio of the means of paired values, by the delta method on its logarithm."""
    if first.ndim == 0:
        return _told(at, first / second, "mean", confidence)
    count, over = len(first), float(second.mean())
    if not np.isfinite(first.mean() + over):
        return Measured(at, math.nan, math.nan, math.nan, count)
    if not (first.mean() > 0 and over > 0):
        raise InputError("ratio: a mean is not positive; give a difference instead")
    ratio = float(first.mean() / over)
    if count < 2:
        return Measured(at, ratio, math.nan, math.nan, count)
    residual = first / first.mean() - second / over  # their covariance included
    error = float(residual.std(ddof=1) / math.sqrt(count))
    reach = float(scipy.stats.t.isf((1 - confidence) / 2, count - 1)) * error
    ends = (ratio * math.exp(-reach), ratio * math.exp(reach))
    return Measured(at, ratio, *ends, count)


def _values(dataset: xr.Dataset, of: str, at: Where) -> Values:
    """A variable at one point: [S], or [] for a closed form."""
    if of not in dataset:
        known = [str(name) for name in dataset.data_vars]
        raise InputError(f"of: {of} was not measured{hint(of, known)}")
    variable = dataset[of]
    for dim, value in at.items():
        if dim not in dataset.dims and dim != "generation":
            _check_only_value(dataset, of, dim, value)
        elif dim not in variable.dims and not of.endswith("_theory"):
            raise InputError(f"at: {of} does not depend on {dim}; drop it")
        elif dim in variable.dims:
            variable = variable.isel({dim: _position(dataset, dim, value)})
    if "generation" in variable.dims:
        variable = variable.isel(generation=-1)
    for dim in map(str, set(variable.dims) - {"seed"}):
        if variable.sizes[dim] > 1:
            raise InputError(f"at: name the {dim} at which {of} is read")
        variable = variable.isel({dim: 0})
    return np.asarray(variable.values, dtype=float)


def _check_only_value(dataset: xr.Dataset, of: str, dim: str, value: Any) -> None:
    """Raise InputError unless a field of the experiment has this one value.

    An axis with a single value is no dimension of the results.
    """
    known = tomllib.loads(str(dataset.attrs.get("experiment", "")))
    if dim not in known:
        words = [*map(str, dataset.dims), *known]
        raise InputError(f"at: {of} has no dimension {dim}{hint(dim, words)}")
    only = known[dim] if isinstance(known[dim], list) else [known[dim]]
    if only != [value]:
        raise NotReached(f"at: {dim} is never {value}; it is {known[dim]}")


def _position(dataset: xr.Dataset, dim: str, value: Any) -> int:
    """Where a coordinate has a value; numbers may differ in their last digits."""
    known = dataset[dim].values
    if known.dtype.kind in "fiu" and isinstance(value, int | float):
        found = np.flatnonzero(np.isclose(known.astype(float), value, rtol=1e-9))
    else:
        found = np.flatnonzero(known.astype(str) == str(value))
    if not len(found):
        told = ", ".join(map(str, known.tolist()[:12]))
        raise NotReached(f"at: {dim} is never {value}; it is one of {told}")
    return int(found[0])
