"""Changes from a first to a last value of the same seeds: factors, with intervals.

All are of values [S], a seed each; the pairs are what is independent.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse.measures import fieller, intervals

Values = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number with an interval; ends are NaN where there are too few seeds."""

    value: float
    low: float
    high: float

    def columns(self, name: str) -> dict[str, float]:
        """The columns of a table that tell it: `name`, `name_low` and `name_high`."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


_NOTHING = Estimate(np.nan, np.nan, np.nan)


def of_mean(
    values: Values, confidence: float = intervals.CONFIDENCE, least: float = -np.inf
) -> Estimate:
    """The mean, with Student's interval, cut at a value that no seed can be below."""
    low, high = intervals.of_mean(values, confidence, least)
    return Estimate(float(values.mean()), float(low), float(high))


def of_median(values: Values, confidence: float = intervals.CONFIDENCE) -> Estimate:
    """The median, with the interval between two order statistics."""
    low, high = intervals.of_median(values, confidence)
    return Estimate(float(np.median(values)), float(low), float(high))


def ratio_of_means(
    first: Values, last: Values, confidence: float = intervals.CONFIDENCE
) -> Estimate:
    """Mean of the last values over that of the first, with Fieller's interval.

    The interval holds every r for which last - r * first may have the mean 0, by
    Student's t (Fieller, J. R. Stat. Soc. B 16:175, 1954). It has no ends where the
    first mean may be 0.

    Args:
      first: [S].
      last: [S], of the same seeds.
      confidence: of the interval.
    """
    found = fieller.of_means(first, last, confidence)
    return Estimate(*found[:3]) if first.mean() > 0 else _NOTHING


def median_ratio(
    first: Values, last: Values, confidence: float = intervals.CONFIDENCE
) -> Estimate:
    """Median over seeds of last over first; the interval holds for every distribution.

    A value that stays at 0 has the ratio 1.

    Args:
      first: [S], not negative.
      last: [S], of the same seeds, not negative.
      confidence: of the interval.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((first == 0) & (last == 0), 1.0, last / first)
    return of_median(ratios, confidence)


def slope(
    errors: Values, sizes: Values, confidence: float = intervals.CONFIDENCE
) -> Estimate:
    """Slope of the log of mean errors on the log of sizes: the scaling exponent.

    By least squares over sizes. The interval is Student's of the linear part of the
    means' influence (delta method), each seed's over all sizes together.

    Args:
      errors: [S, sizes].
      sizes: [sizes].
      confidence: of the interval.
    """
    return slope_change(None, errors, sizes, confidence)


def slope_change(
    first: Values | None,
    last: Values,
    sizes: Values,
    confidence: float = intervals.CONFIDENCE,
) -> Estimate:
    """Change of the scaling exponent `slope` between two sets of errors.

    Args:
      first: [S, sizes]; None to give the exponent of the last itself.
      last: [S, sizes], of the same seeds.
      sizes: [sizes], two different ones at least.
      confidence: of the interval.
    """
    log_size = np.log(sizes)
    weights = log_size - log_size.mean()
    weights = weights / (weights @ weights)
    value, influence = 0.0, np.zeros(len(last))
    for sign, errors in ((1, last), (-1, first)):
        if errors is None:
            continue
        means = errors.mean(0)
        if not (means > 0).all():
            return _NOTHING
        value += sign * float(weights @ np.log(means))
        influence = influence + sign * (errors / means) @ weights
    low, high = intervals.of_mean(influence, confidence)
    reach = float(high - low) / 2
    return Estimate(value, value - reach, value + reach)
