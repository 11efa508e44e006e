"""The best setting: found, with its region, and left open where all is flat."""

import numpy as np
import pytest
import scipy.stats
from conftest import SEED

from collapse.comparison import best_setting


def errors(means, seeds, noise=1.0, shared=3.0, key=SEED):
    """Errors of settings with these means; what seeds share is of no account."""
    rng = np.random.default_rng(key)
    own = rng.normal(0, noise, (seeds, len(means)))
    return np.asarray(means) + own + rng.normal(0, shared, (seeds, 1))


def test_a_clear_minimum_is_found_alone():
    found = best_setting(errors([3, 1, 2, 9], 200))
    assert found.place == 1 and not found.flat
    assert found.region.tolist() == [False, True, False, False]


def test_seeds_are_compared_with_themselves():
    """Unpaired, the noise that they share would hide the difference."""
    found = best_setting(errors([1, 0, 1, 1], 100, noise=0.1, shared=50))
    assert found.region.tolist() == [False, True, False, False]


def test_settings_that_differ_by_less_than_seeds_tell_are_all_kept():
    found = best_setting(errors([0, 0.01, 0.02, 5], 50))
    assert found.region.tolist() == [True, True, True, False] and not found.flat
    assert best_setting(errors([0, 0.01, 0.02, 0], 50)).flat


@pytest.mark.statistical
def test_the_best_is_in_the_region_as_often_as_stated():
    """All means equal, the hardest case: none should be missed more often than 5 %."""
    tries, missed = 300, 0
    for key in range(tries):
        found = best_setting(errors([0] * 5, 40, key=[SEED, key]), confidence=0.9)
        missed += not found.flat
    # a miss of any is a miss of the best at most that often
    assert missed < scipy.stats.binom.isf(1e-7, tries, 0.1 + 0.05)
    assert missed > 0  # else the region says nothing


def test_equal_columns_and_single_settings():
    one = errors([2.0], 10)
    assert best_setting(one) == (0, np.array([True]), True)
    twice = np.repeat(one, 2, axis=1)
    assert best_setting(twice).region.all() and best_setting(twice).place == 0
    constant = np.array([[1.0, 2.0]] * 5)
    assert best_setting(constant).region.tolist() == [True, False]


def test_what_is_not_finite_is_never_best():
    own = errors([1, 0, 2], 60)
    own[3, 1] = np.nan
    found = best_setting(own)
    assert found.place == 0 and found.region.tolist() == [True, False, False]
    with pytest.raises(ValueError, match="^errors must be finite"):
        best_setting(np.full((5, 2), np.inf))
    with pytest.raises(ValueError, match="^errors must be of two seeds"):
        best_setting(own[:1])
