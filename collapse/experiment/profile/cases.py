"""One definition in one condition: its values before and after, and what they say."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.profile.definitions import Definition
from collapse.measures import catalogue, changes, intervals
from collapse.measures.catalogue import Quantity
from collapse.measures.changes import Estimate

Values = NDArray[np.float64]
VERDICTS = ("collapse", "no collapse", "undecided", "not defined")
COLLAPSE, NO_COLLAPSE, UNDECIDED, NOT_DEFINED = VERDICTS
_NOTHING = Estimate(np.nan, np.nan, np.nan)


class Case(NamedTuple):
    """The values that a definition compares in one condition.

    Attributes:
      definition: of collapse.
      metric: that it looks at.
      quantity: of this metric.
      first: [S] at generation 0, or of real-only training; of the scaling law
        [S, sizes].
      last: the same at the last generation.
      sizes: of the scaling law; None elsewhere.
    """

    definition: Definition
    metric: str
    quantity: Quantity
    first: Values
    last: Values
    sizes: Values | None = None

    def known(self) -> "Case":
        """The case of those seeds whose values are known.

        Infinite ones count for medians, as the largest, but have no mean.
        """
        mean = self.definition.statistic == "mean"
        good = np.isfinite if mean else lambda values: ~np.isnan(values)
        both = good(self.first) & good(self.last)
        both = both.all(-1) if both.ndim > 1 else both
        return self._replace(first=self.first[both], last=self.last[both])

    def worsening(self, confidence: float = intervals.CONFIDENCE) -> Estimate:
        """The factor by which it became worse, above 1 on the side of collapse.

        The last value over the first, or the first over the last where collapse lies
        below. Of logarithms the ratio of what they are the logarithm of; of the
        scaling law the change of what ten times the rows divide the error by.
        """
        if self.definition.worse == "higher":
            return self._ratio(confidence)
        return self._replace(first=self.last, last=self.first)._ratio(confidence)

    def _ratio(self, confidence: float) -> Estimate:
        """The factor from the first to the last."""
        median = self.definition.statistic == "median"
        if self.sizes is not None:
            change = changes.slope_change(self.first, self.last, self.sizes, confidence)
            return _power(10.0, change)
        base = catalogue.logarithm_base(self.quantity.unit, self.quantity.reference)
        if base is not None:
            return _power(base, self.difference(confidence))
        if median:
            return changes.median_ratio(self.first, self.last, confidence)
        return changes.ratio_of_means(self.first, self.last, confidence)

    def difference(self, confidence: float = intervals.CONFIDENCE) -> Estimate:
        """Last minus first, seed by seed; of the scaling law that of its exponents."""
        if self.sizes is not None:
            return changes.slope_change(self.first, self.last, self.sizes, confidence)
        with np.errstate(invalid="ignore"):  # of two infinities
            return self._statistic(self.last - self.first, confidence)

    def level(self, values: Values) -> Estimate:
        """A value over seeds, the first or the last; of the scaling law an exponent."""
        if self.sizes is not None:
            return changes.slope(values, self.sizes)
        lowest = float(min(np.min(self.first), np.min(self.last)))
        least = catalogue.least(self.quantity.unit, lowest)
        return self._statistic(values, intervals.CONFIDENCE, least)

    def lost(self) -> Estimate:
        """Share of the runs in which a tail is lost at the end; NaN for other things.

        With the interval of Clopper and Pearson.
        """
        if not self.quantity.is_tail or self.sizes is not None:
            return _NOTHING
        count = np.asarray((self.last < catalogue.LOST).sum())
        low, high = intervals.of_share(count, len(self.last))
        return Estimate(float(count / len(self.last)), float(low), float(high))

    def _statistic(
        self, values: Values, confidence: float, least: float = -np.inf
    ) -> Estimate:
        if self.definition.statistic == "median":
            return changes.of_median(values, confidence)
        return changes.of_mean(values, confidence, least)


def verdict(worse: tuple[float, float], margin: float) -> str:
    """What an interval of the worsening says of it.

    Args:
      worse: ends of an interval of the factor; NaN or infinite ones decide nothing.
      margin: smallest worsening that counts, as a share.
    """
    low, high = worse
    if low > 1 + margin:
        return COLLAPSE
    return NO_COLLAPSE if high < 1 + margin else UNDECIDED


def _power(base: float, exponent: Estimate) -> Estimate:
    with np.errstate(over="ignore"):
        return Estimate(*map(float, np.power(base, np.array(exponent))))
