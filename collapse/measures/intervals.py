"""Intervals over seeds: of a mean, a median, a share, and of a first crossing.

All are confidence intervals of one number, of 95 % unless another confidence is given.
Seeds are the independent units, along the first axis; what else an array has
(workflows, generations) is kept.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import NDArray

CONFIDENCE = 0.95
Values = NDArray[np.float64]


class Interval(NamedTuple):
    """Ends of an interval; NaN where there are too few seeds for one."""

    low: Values
    high: Values


def standard_error(values: Values) -> Values:
    """Standard error of the mean over the first axis; NaN for a single seed."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(0, ddof=1) / np.sqrt(len(values)))


def of_mean(
    values: Values, confidence: float = CONFIDENCE, least: float = -np.inf
) -> Interval:
    """Interval of the mean over the first axis, by Student's t.

    Right for means that are nearly normal; that of a heavy tail, which a few seeds
    carry off, is too narrow. NaN for a single seed.

    Args:
      values: [S, ...].
      confidence: of the interval.
      least: value that no seed can be below, at which the interval is cut. No mean is
        below it, so that the interval holds the mean as often as without the cut.
    """
    middle, freedom = values.mean(0), max(len(values) - 1, 1)
    reach = student(freedom, confidence) * standard_error(values)
    return Interval(np.maximum(middle - reach, least), middle + reach)


@functools.cache
def student(freedom: int | float, confidence: float = CONFIDENCE) -> float:
    """Standard errors between a mean and the ends of its interval, by Student's t."""
    return float(scipy.stats.t.isf((1 - confidence) / 2, freedom))


def of_median(values: Values, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the median over the first axis, between two order statistics.

    Valid for every distribution: the number of seeds below the median is binomial. An
    entry that is infinite counts as the largest. NaN for fewer than 6 seeds (at 95 %).
    """
    count = len(values)
    below = _most_below(count, confidence)
    if below < 0:
        nothing = np.full(values.shape[1:], np.nan)
        return Interval(nothing, nothing)
    ordered = np.sort(values, axis=0)
    bad = np.isnan(values).any(0)
    ends = (ordered[below], ordered[count - 1 - below])
    return Interval(*(np.where(bad, np.nan, end) for end in ends))


@functools.cache
def _most_below(count: int, confidence: float) -> int:
    """The most seeds that may lie below the low end; each end has half of the rest."""
    return int(scipy.stats.binom.ppf((1 - confidence) / 2, count, 0.5)) - 1


class Ratio(NamedTuple):
    """A ratio of two means with the ends of its interval."""

    value: float
    low: float
    high: float


def of_ratio(above: Values, below: Values, confidence: float = CONFIDENCE) -> Ratio:
    """The ratio of the means of two positive variables, seeds paired [S] and [S].

    Student's t for the logarithm of the ratio, whose error to first order is that of
    the mean of above / mean(above) - below / mean(below): what both share cancels.
    Two seeds are enough for an interval, and it is wide. As that of a mean it is too
    narrow for heavy tails, with few seeds as with many.
    """
    means = float(above.mean()), float(below.mean())
    if not min(means) > 0:
        return Ratio(*[float("nan")] * 3)
    value = means[0] / means[1]
    error = float(standard_error(above / means[0] - below / means[1]))
    reach = float(np.exp(student(max(len(above) - 1, 1), confidence) * error))
    return Ratio(value, value / reach, value * reach)


def of_share(
    count: NDArray[np.integer[Any]], total: int, confidence: float = CONFIDENCE
) -> Interval:
    """Interval of a probability, given how many of `total` seeds have a property.

    Clopper & Pearson (Biometrika 26:404, 1934): covers at least the confidence,
    whatever the probability.
    """
    tail = (1 - confidence) / 2
    low = scipy.stats.beta.ppf(tail, count, total - count + 1)
    high = scipy.stats.beta.isf(tail, count + 1, total - count)
    return Interval(np.where(count == 0, 0.0, low), np.where(count == total, 1.0, high))


def first_crossing(values: Values, level: float, below: bool) -> Values:
    """First generation [S, ...] at which a curve is beyond a level; inf for never.

    Args:
      values: [S, ..., G + 1]; an entry that is NaN is beyond nothing.
      level: that is crossed.
      below: whether beyond is below the level, or above.
    """
    beyond = values < level if below else values > level
    first = beyond.argmax(-1).astype(float)
    return np.where(beyond.any(-1), first, np.inf)


class Crossing(NamedTuple):
    """When curves cross a level, over seeds.

    Attributes:
      share: of seeds that crossed it, within the generations of the run.
      share_interval: of that share.
      median: generation by which half of the seeds have crossed; inf for never.
      median_interval: of that median; NaN for fewer than 6 seeds.
    """

    share: Values
    share_interval: Interval
    median: Values
    median_interval: Interval


def crossing(values: Values, level: float, below: bool) -> Crossing:
    """When the curves [S, ..., G + 1] first cross a level, over seeds."""
    first = first_crossing(values, level, below)
    count = np.asarray(np.isfinite(first).sum(0))
    middle = np.quantile(first, 0.5, axis=0, method="inverted_cdf")
    return Crossing(
        count / len(first), of_share(count, len(first)), middle, of_median(first)
    )
