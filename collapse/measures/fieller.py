"""The ratio of two means that may have either sign, with Fieller's confidence set."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse.measures import intervals

Values = NDArray[np.float64]
NOWHERE = (np.nan, np.nan)


class FiellerSet(NamedTuple):
    """A ratio of two means, and all ratios that the seeds do not reject.

    The set is an interval only where the lower mean differs from 0 at the confidence
    asked for. Else it has no ends: it is every number, or every number outside of an
    interval.

    Attributes:
      value: the ratio of the means; NaN where the lower one is 0.
      low: least ratio of the set; -inf if it is not bounded, NaN for a single seed.
      high: largest ratio of the set; inf if it is not bounded, NaN for a single seed.
      bounded: whether the set is the interval from low to high.
      excluded: (low, high) of the ratios between which all are rejected though the set
        is not bounded; NaN if there are none.
    """

    value: float
    low: float
    high: float
    bounded: bool
    excluded: tuple[float, float]

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is in the set; not for a single seed, where none is."""
        low, high = self.excluded
        return bool(self.low <= ratio <= self.high and not low < ratio < high)


def of_means(
    below: Values, above: Values, confidence: float = intervals.CONFIDENCE
) -> FiellerSet:
    """mean(above) / mean(below), and every r that seeds do not reject.

    By Student's t for the mean of above - r * below, paired by seed (Fieller, J. R.
    Stat. Soc. B 16:175, 1954). With means b and a, variances and covariance s of these
    means and the quantile t, r is not rejected where (a - r b)^2 <= t^2 var(a - r b):

        r^2 (b^2 - t^2 s_bb) - 2 r (b a - t^2 s_ab) + (a^2 - t^2 s_aa) <= 0.

    Where the factor of r^2 is above 0, b differs from 0 and the set is an interval
    between two roots. The set has the stated coverage for every b, also for b = 0, if
    differences are normal. Intervals that always have ends cannot: their coverage
    comes as near to 0 as one likes (Gleser & Hwang, Ann. Stat. 15:1351, 1987).

    Args:
      below: [S].
      above: [S], of the same seeds.
      confidence: of the set.
    """
    count, b, a = len(below), below.mean(), above.mean()
    value = float(a / b) if b else np.nan
    if count < 2:
        return FiellerSet(value, *NOWHERE, False, NOWHERE)
    # the larger of the two gives the scale: squares of errors of 1e200 would overflow
    scale = max(abs(b), abs(a)) or 1.0
    b, a = b / scale, a / scale
    spread = np.cov(below / scale, above / scale) / count
    times = intervals.student(count - 1, confidence) ** 2
    square = b**2 - times * spread[0, 0]
    mixed = b * a - times * spread[0, 1]
    rest = a**2 - times * spread[1, 1]
    if not np.isfinite(square):
        return FiellerSet(value, *NOWHERE, False, NOWHERE)
    root = mixed**2 - square * rest
    reach = np.sqrt(max(root, 0.0))  # below 0 by rounding alone, if bounded
    if square > 0:
        ends = float((mixed - reach) / square), float((mixed + reach) / square)
        return FiellerSet(value, *ends, True, NOWHERE)
    excluded = NOWHERE
    if square < 0 < root:
        excluded = float((mixed + reach) / square), float((mixed - reach) / square)
    return FiellerSet(value, -np.inf, np.inf, False, excluded)
