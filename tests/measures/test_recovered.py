"""Performance gap recovered: how often its set is right, and when it has no ends."""

import numpy as np
import pytest
import scipy.stats
from calibrated import Z, assert_mean, count
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.measures import changes, fieller, intervals, recovered

TRIES = 2000
ERROR = Z * np.sqrt(0.95 * 0.05 / TRIES)


def normal(rng, shape):
    return rng.normal(size=shape)


def skewed(rng, shape):
    return rng.exponential(size=shape)


def scores(seeds, errors, truth=50.0, noise=normal, tries=TRIES):
    """Student, base and reference [tries, seeds], whose gap is so many of its errors.

    Seeds have a noise that the three share, beside their own.
    """
    rng = np.random.default_rng([SEED, 81, seeds, errors, abs(int(truth))])
    student, base, reference = noise(rng, (3, tries, seeds))
    gap = errors * np.sqrt(2 / seeds)
    shared = 5 * noise(rng, (tries, seeds))
    return student + shared + truth / 100 * gap, base + shared, reference + shared + gap


def share(found, truth):
    return np.mean([one.holds(float(truth)) for one in found])


@pytest.mark.parametrize(
    ("seeds", "errors", "truth"),
    [
        (5, 0, 50.0),
        (5, 1, 200.0),
        (5, 3, -50.0),
        (5, 30, 50.0),
        (20, 2, 50.0),
        (2, 9, 50.0),
    ],
)
def test_the_truth_is_in_the_set_95_times_in_100(seeds, errors, truth):
    """However near to 0 the gap is; a bootstrap over five seeds covers too little."""
    own = list(zip(*scores(seeds, errors, truth), strict=True))
    found = [recovered.gap_recovered(*one) for one in own]
    assert abs(share(found, truth) - 0.95) < ERROR
    count()
    if (seeds, errors) == (5, 30):
        assert np.mean(list(bootstrap(own, truth))) < 0.95 - ERROR
    other = truth + 100 * 6 / max(errors, 1)
    if errors:  # and other values are not held as often
        assert share(found, other) < 0.95 - ERROR


def bootstrap(own, truth):
    """Whether percentiles of resampled seeds hold the truth, of each try."""
    rng = np.random.default_rng([SEED, 82])
    for student, base, reference in own:
        some = rng.integers(0, len(base), (300, len(base)))
        gain, gap = (student - base)[some].mean(1), (reference - base)[some].mean(1)
        low, high = np.quantile(100 * gain / gap, [0.025, 0.975])
        yield low <= truth <= high


def test_skewed_scores_are_covered_nearly_as_often():
    """What skewness moves the coverage by is a few per cent of seeds at most."""
    for errors in (0, 3, 30):
        own = zip(*scores(5, errors, noise=skewed), strict=True)
        found = [recovered.gap_recovered(*one) for one in own]
        assert abs(share(found, 50.0) - 0.95) < ERROR + 0.02
        count()


def power(errors, quantile):
    """Chance that the t statistic of 5 seeds is beyond a quantile, on either side."""
    law = scipy.stats.ncf(1, 4, errors**2) if errors else scipy.stats.f(1, 4)
    return law.sf(quantile**2)


def test_the_set_has_no_ends_where_the_gap_may_be_nothing():
    """It says so, exactly as often as a t test does not see the gap."""
    for errors in (0, 3):
        own = scores(5, errors)
        found = [recovered.gap_recovered(*one) for one in zip(*own, strict=True)]
        bounded = np.array([one.bounded for one in found])
        seen = scipy.stats.ttest_1samp(own[2] - own[1], 0, axis=1).pvalue < 0.05
        np.testing.assert_array_equal(bounded, seen)
        right, wrong = (power(errors, t) for t in (intervals.student(4), 1.96))
        reach = Z * np.sqrt(right * (1 - right) / TRIES)
        assert abs(bounded.mean() - right) < reach < abs(bounded.mean() - wrong)
        for one in found:
            finite = np.isfinite([one.low, one.high])
            assert finite.all() if one.bounded else not finite.any()
            assert (one.gap.low > 0 or one.gap.high < 0) == one.bounded
    count(2)


@given(
    st.lists(
        st.tuples(*[st.integers(-20, 20)] * 3), min_size=2, max_size=6, unique=True
    ),
    st.floats(-300, 300),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_the_set_is_what_a_paired_t_test_does_not_reject(rows, value, confidence):
    student, base, reference = np.array(rows, float).T
    rest = (student - base) - value / 100 * (reference - base)
    if rest.std() < 1e-9:
        return
    p = scipy.stats.ttest_1samp(rest, 0).pvalue
    found = recovered.gap_recovered(student, base, reference, confidence)
    gap = reference - base
    if abs(p - (1 - confidence)) < 1e-6 or gap.std() == 0 == gap.mean():
        return
    on_edge = abs(scipy.stats.ttest_1samp(gap, 0).pvalue - (1 - confidence)) < 1e-9
    if gap.std() > 0 and on_edge:
        return
    if found.bounded or np.isfinite(found.excluded[0]):
        assert found.holds(value) == (p > 1 - confidence)
    else:
        assert found.holds(value) and p > 1 - confidence
    if gap.mean():
        assert found.holds(found.value)


def test_a_clear_gain_of_an_unclear_gap_excludes_what_is_near_nothing():
    student, base = np.array([10.0, 11, 9, 10]), np.zeros(4)
    reference = np.array([5.0, -6, 7, -2])
    found = recovered.gap_recovered(student, base, reference)
    assert (found.bounded, found.low, found.high) == (False, -np.inf, np.inf)
    low, high = found.excluded
    assert low < 0 < high and not found.holds(0.0) and found.holds(found.value)
    for end in (low, high):
        p = scipy.stats.ttest_1samp(student - end / 100 * reference, 0).pvalue
        assert p == pytest.approx(0.05)
    mixed = recovered.gap_recovered(student * [1, -1, 1, -1], base, reference)
    assert np.isnan(mixed.excluded).all() and mixed.holds(0.0)


def test_it_is_a_hundred_times_the_ratio_of_mean_differences():
    student, base = np.array([50, 52, 51]), np.array([20.0, 22, 18])
    found = recovered.gap_recovered(student, base, np.array([80, 83, 77]))
    assert found.value == pytest.approx(100 * (51 - 20) / (80 - 20))
    assert found.gain == changes.of_mean(np.array([30.0, 30, 33]))
    assert found.gap == changes.of_mean(np.array([60.0, 61, 59]))
    assert recovered.gap_recovered(base - 6, base, base + 60).value == -10
    above = recovered.gap_recovered(base + 90, base, base + 60)
    assert above.value == 150 and above.low == pytest.approx(above.high)
    worse = recovered.gap_recovered(student, base, base - 60)
    assert worse.bounded and worse.value < 0 and worse.gap.value == -60


def test_a_known_base_and_reference_leave_the_error_of_the_student():
    student = np.array([50.0, 52, 57])
    found = recovered.gap_recovered(student, 20.0, 80.0)
    low, high = intervals.of_mean(student)
    known = (100 * (53 - 20) / 60, 100 * (low - 20) / 60, 100 * (high - 20) / 60)
    assert found[:3] == pytest.approx(known)
    # shared noise cancels in pairs, and is all of it where the base is taken as known
    base = student - 30
    paired = recovered.gap_recovered(student, base, base + 60)
    assert (paired.low, paired.high) == pytest.approx((50, 50))


def test_two_generators_are_compared_by_their_difference():
    """The noise of the base, which both share, is of no account for which is better."""
    first, base, reference = scores(6, 2, 300, tries=1000)
    second = first - 3 + np.random.default_rng(SEED).normal(size=first.shape)
    hits = []
    for one in zip(first, second, base, reference, strict=True):
        found = recovered.difference(*one)
        own = [recovered.gap_recovered(x, *one[2:]).value for x in one[:2]]
        assert found.value == pytest.approx(own[0] - own[1])
        told = scipy.stats.ttest_rel(one[0], one[1]).pvalue < 0.05
        assert told != found.holds(0.0)
        truth = 100 * 3 / (2 * np.sqrt(2 / 6))
        hits.append(found.holds(truth))
    assert abs(np.mean(hits) - 0.95) < Z * np.sqrt(0.95 * 0.05 / 1000)
    count()


def test_a_single_seed_and_no_gap():
    found = recovered.gap_recovered(np.array([3.0]), 1.0, 5.0)
    assert found.value == 50 and not found.bounded and np.isnan(found[1:3]).all()
    assert not found.holds(50.0)
    base = np.array([1.0, 2])
    none = recovered.gap_recovered(np.array([3.0, 4]), base, base)
    assert np.isnan(none.value) and not none.bounded
    assert (none.low, none.high) == (-np.inf, np.inf)


def test_squares_of_large_numbers_do_not_overflow():
    below, above = np.array([1.0, 2, 1.5, 3]), np.array([4.0, -5, 6, 2])
    small, big = (fieller.of_means(below * s, above * s) for s in (1, 1e200))
    assert small[:4] == pytest.approx(big[:4])
    left = fieller.of_means(-below, above, 0.6)
    right = fieller.of_means(below, above, 0.6)
    assert (left.low, left.high) == pytest.approx((-right.high, -right.low))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (([[1.0]], 0.0), r"student: shape \(1, 1\); give one score a seed, \[S\]"),
        ((3.0, 0.0), r"student: shape \(\); give one score a seed"),
        (([], 0.0), r"student: shape \(0,\); give one score a seed"),
        (([1.0, np.nan], 0.0), "student: a score is not finite; leave its seed out"),
        (([1.0, 2], np.inf), "base: a score is not finite"),
        (([1.0, 2], np.ones(3)), r"base: shape \(3,\); give 2 seeds, those of stud"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(given, line):
    with pytest.raises(DataError, match=f"^{line}") as found:
        recovered.gap_recovered(np.array(given[0]), given[1], 9.0)
    assert "\n" not in str(found.value)


def test_means_of_the_ratio_are_nearly_right_where_the_gap_is_clear():
    own = zip(*scores(5, 100), strict=True)
    values = [recovered.gap_recovered(*one).value for one in own]
    assert_mean(values, 50 * (1 + 1 / 100**2) - 100 / 2 / 100**2)
