"""Intervals over seeds: exact small cases, coverage, and times that know "never"."""

import numpy as np
import pytest
import scipy.stats
from calibrated import Z, count

from collapse.measures import intervals

RNG = np.random.default_rng(11)


def covered(interval, value):
    return float(((interval.low <= value) & (value <= interval.high)).mean())


def test_the_mean_of_normal_draws_is_covered_95_times_in_100():
    draws = RNG.normal(size=(5, 40_000))
    found = covered(intervals.of_mean(draws), 0.0)
    error = Z * np.sqrt(0.95 * 0.05 / 40_000)
    assert abs(found - 0.95) < error
    count()
    # a normal quantile in place of Student's covers too little
    narrow = 1.96 * draws.std(0, ddof=1) / np.sqrt(5)
    assert (abs(draws.mean(0)) <= narrow).mean() < 0.95 - error


def test_an_interval_that_is_cut_holds_the_mean_as_often():
    draws = RNG.exponential(size=(3, 2000))
    whole, cut = intervals.of_mean(draws), intervals.of_mean(draws, least=0.0)
    assert (whole.low < 0).mean() > 0.1 and cut.low.min() == 0
    assert covered(whole, 1.0) == covered(cut, 1.0)
    np.testing.assert_array_equal(cut.high, whole.high)
    np.testing.assert_array_equal(cut.low[whole.low > 0], whole.low[whole.low > 0])


@pytest.mark.parametrize("num", [2, 5])
def test_a_ratio_is_covered_with_few_seeds_as_with_many(num):
    """By intervals that are wide: so few seeds may be compared."""
    draws = 1 + 0.1 * RNG.normal(size=(2, 4000, num))
    pairs = zip(*draws, strict=True)
    found = [intervals.of_ratio(2 * above, below) for above, below in pairs]
    low, high = np.array([(one.low, one.high) for one in found]).T
    share = ((low <= 2) & (2 <= high)).mean()
    error = Z * np.sqrt(0.95 * 0.05 / 4000)
    assert abs(share - 0.95) < error
    count()
    middle = np.array([one.value for one in found])
    narrow = 1.96 / intervals.student(num - 1) * np.log(high / middle)
    # a normal quantile in place of Student's covers too little
    assert (abs(np.log(middle / 2)) <= narrow).mean() < 0.95 - error


def below(num):
    """The largest k with P(Binomial(num, 1/2) <= k) of at most 2.5 %, by search."""
    return max(k for k in range(num) if scipy.stats.binom.cdf(k, num, 0.5) <= 0.025)


@pytest.mark.parametrize("num", [6, 25, 64])
def test_the_median_of_any_law_is_covered(num):
    draws = RNG.exponential(size=(num, 20_000))
    found = covered(intervals.of_median(draws), np.log(2))
    exact = 1 - 2 * scipy.stats.binom.cdf(below(num), num, 0.5)
    assert exact >= 0.95
    assert abs(found - exact) < Z * np.sqrt(exact * (1 - exact) / 20_000)
    count()


def test_the_median_of_ten_lies_between_the_second_and_the_ninth():
    low, high = intervals.of_median(np.arange(10.0)[:, None])
    assert (low, high) == (1, 8)
    some = np.arange(10.0)[:, None].copy()
    some[4] = np.nan
    assert np.isnan(intervals.of_median(some)).all()
    for few in (1, 5):
        assert np.isnan(intervals.of_median(np.zeros((few, 2)))).all()
    assert np.isnan(intervals.of_mean(np.zeros((1, 2)))).all()


def test_shares_have_the_interval_of_clopper_and_pearson():
    for num, total in ((0, 64), (3, 64), (32, 64), (64, 64)):
        found = intervals.of_share(np.array(num), total)
        known = scipy.stats.binomtest(num, total).proportion_ci(0.95, "exact")
        np.testing.assert_allclose(found, (known.low, known.high), rtol=1e-12)
    assert intervals.of_share(np.array(0), 64).high == pytest.approx(0.0560, abs=1e-4)


def test_the_first_crossing_is_a_generation_or_never():
    curves = np.array([[1.0, 0.5, 0.05, 2], [1.0, 0.2, 0.3, 0.4], [0.0, 1, 1, np.nan]])
    first = intervals.first_crossing(curves, 0.1, below=True)
    np.testing.assert_array_equal(first, [2, np.inf, 0])
    above = intervals.first_crossing(curves, 1.5, below=False)
    np.testing.assert_array_equal(above, [3, np.inf, np.inf])


def test_the_median_time_of_crossing_knows_never():
    half = np.ones((20, 5))
    half[:11, 3] = 0.0  # 11 of 20 seeds cross at generation 3
    found = intervals.crossing(half, 0.1, below=True)
    assert (found.share, found.median) == (11 / 20, 3)
    assert (found.median_interval.low, found.median_interval.high) == (3, np.inf)
    fewer = half[5:]  # 6 of 15: most never do
    assert intervals.crossing(fewer, 0.1, below=True).median == np.inf
