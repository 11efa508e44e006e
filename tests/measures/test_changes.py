"""Factors of change: exact small cases, and how often their intervals are right."""

import numpy as np
import pytest
import scipy.stats
from calibrated import Z, count

from collapse.measures import changes

RNG = np.random.default_rng(5)


def error(total, share=0.95):
    return Z * np.sqrt(share * (1 - share) / total)


def covered(of, draws, truth):
    found = [of(*pair) for pair in draws]
    return np.mean([e.low <= truth <= e.high for e in found])


def pairs(total, seeds, ratio):
    """First and last values of correlated seeds, whose means have this ratio."""
    common, own = RNG.normal(size=(2, total, seeds))
    first, last = 5 + common + 0.3 * own, 5 * ratio + 2 * common
    return list(zip(first, last, strict=True))


def test_the_ratio_of_means_is_covered_95_times_in_100():
    draws = pairs(1000, 6, 3.0)
    found = covered(changes.ratio_of_means, draws, 3.0)
    assert abs(found - 0.95) < error(1000)
    count()
    # one that takes the first mean for known covers too much or too little
    wrong = [changes.of_mean(last / first.mean()) for first, last in draws]
    rate = np.mean([e.low <= 3.0 <= e.high for e in wrong])
    assert abs(rate - 0.95) > error(1000)


def test_the_interval_of_a_ratio_holds_what_a_t_test_does_not_reject():
    first = np.array([1.0, 2.0, 1.5, 0.7, 1.2])
    last = np.array([4.0, 5.0, 6.5, 2.7, 3.2])
    found = changes.ratio_of_means(first, last, 0.9)
    assert found.value == pytest.approx(last.mean() / first.mean())
    for end in found[1:]:
        p = scipy.stats.ttest_1samp(last - end * first, 0).pvalue
        assert p == pytest.approx(0.1, rel=1e-9)
    big = changes.ratio_of_means(first * 1e200, last * 1e200, 0.9)
    np.testing.assert_allclose(big, found)


def test_a_ratio_to_what_may_be_nothing_has_no_ends():
    first, last = np.array([-1.0, 1.0, 0.5]), np.array([1.0, 1.0, 2.0])
    assert changes.ratio_of_means(first, last)[1:] == (-np.inf, np.inf)
    assert np.isnan(changes.ratio_of_means(-last, last)).all()
    assert np.isnan(changes.ratio_of_means(last[:1], last[:1])[1:]).all()


def test_the_median_ratio_knows_zeros():
    first = np.array([0.0, 0, 0, 0, 0, 0, 1, 1, 1])
    last = np.array([0.0, 0, 0, 2, 2, 2, 3, 0.5, 0.25])
    found = changes.median_ratio(first, last)
    assert found.value == 1  # of three that stay at 0, three that rise from it, ...
    assert (found.low, found.high) == (0.5, np.inf)


def test_the_exponent_of_a_power_law_and_its_change():
    sizes = np.array([10.0, 30.0, 100.0])
    seeds = np.array([0.5, 1.0, 1.5])[:, None]
    slow, fast = seeds * sizes**-0.5, 7 * seeds * sizes**-1.0
    assert changes.slope(fast, sizes).value == pytest.approx(-1)
    change = changes.slope_change(fast, slow, sizes)
    assert change == pytest.approx((0.5, 0.5, 0.5))  # seeds differ by a factor alone
    noise = RNG.gamma(9, size=(20, 3))
    paired = changes.slope_change(noise * fast[0], noise * slow[0], sizes)
    assert paired == pytest.approx((0.5, 0.5, 0.5))  # what seeds share cancels
    alone = changes.slope(noise * slow[0], sizes)
    assert alone.high - alone.low > 0.05
    assert np.isnan(changes.slope_change(-fast, slow, sizes)).all()


def test_the_change_of_an_exponent_is_covered():
    sizes = np.array([10.0, 100.0])
    draws = RNG.gamma(20, size=(1000, 2, 20, 2)) / 20 / sizes
    found = [changes.slope_change(a, b, sizes) for a, b in draws]
    inside = np.mean([e.low <= 0 <= e.high for e in found])
    assert abs(inside - 0.95) < error(1000)
    count()
    assert np.mean([e.low <= 0.2 <= e.high for e in found]) < 0.9 - error(1000)
