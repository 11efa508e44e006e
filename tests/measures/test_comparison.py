"""The best setting: found, with its confidence set, and left open where all is flat."""

import numpy as np
import pytest
import scipy.stats
from calibrated import NUM_CHECKS, SUITE_FALSE_ALARM, count
from conftest import SEED

from collapse.measures.comparison import best_setting


def errors(means, seeds, noise=1.0, shared=3.0, key=SEED):
    """Errors of settings with these means; what seeds share is of no account."""
    rng = np.random.default_rng(key)
    own = rng.normal(0, noise, (seeds, len(means)))
    return np.asarray(means) + own + rng.normal(0, shared, (seeds, 1))


def test_a_clear_minimum_is_found_alone():
    found = best_setting(errors([3, 1, 2, 9], 200))
    assert found.best == 1 and not found.flat
    assert found.confidence_set.tolist() == [False, True, False, False]


def test_seeds_are_compared_with_themselves():
    """Unpaired, the noise that they share would hide the difference."""
    found = best_setting(errors([1, 0, 1, 1], 100, noise=0.1, shared=50))
    assert found.confidence_set.tolist() == [False, True, False, False]


def test_settings_that_differ_by_less_than_seeds_tell_are_all_kept():
    found = best_setting(errors([0, 0.01, 0.02, 5], 50))
    assert found.confidence_set.tolist() == [True, True, True, False] and not found.flat
    assert best_setting(errors([0, 0.01, 0.02, 0], 50)).flat


def test_the_confidence_is_95_per_cent_unless_another_is_asked_for():
    """Of settings that 95 % keep and 50 % do not."""
    own = errors([0, 0.3, 0.6, 0.3], 40)
    sets = [
        best_setting(own, *confidence).confidence_set.sum()
        for confidence in ((), (0.95,), (0.5,))
    ]
    assert sets[0] == sets[1] > sets[2]


def misses(tries, seeds, settings, confidence, noise):
    """How often any, and how often the first, of equal settings is left out."""
    found = np.zeros(2, int)
    for key in range(tries):
        rng = np.random.default_rng([SEED, key, seeds])
        own = noise(rng, (seeds, settings)) + rng.normal(0, 3, (seeds, 1))
        region = best_setting(own, confidence).confidence_set
        found += not region.all(), not region[0]
    return found


def normal(rng, shape):
    return rng.normal(size=shape)


def skewed(rng, shape):
    return rng.exponential(size=shape)


@pytest.mark.statistical
@pytest.mark.parametrize("seeds", [4, 10, 40])
@pytest.mark.parametrize("noise", [normal, skewed])
def test_the_best_is_in_the_region_as_often_as_stated(seeds, noise):
    """All means equal, the hardest case: any is a best one."""
    tries, stated = 400, 0.1
    most = scipy.stats.binom.isf(SUITE_FALSE_ALARM / NUM_CHECKS, tries, stated)
    any_one, first = misses(tries, seeds, 5, 1 - stated, noise)
    assert first <= most
    count()
    if noise is normal:
        assert any_one <= most
        count()
    if seeds == 40:  # the region says something, and three times the misses are seen
        assert any_one > 0
        assert misses(tries, seeds, 5, 1 - 3 * stated, noise)[0] > most


@pytest.mark.parametrize("seeds", [2, 3])
def test_so_few_seeds_tell_nothing(seeds):
    assert best_setting(errors([3, 0], seeds)).flat


def test_equal_columns_and_single_settings():
    one = errors([2.0], 10)
    assert best_setting(one) == (0, np.array([True]), True)
    twice = np.repeat(one, 2, axis=1)
    assert best_setting(twice).confidence_set.all() and best_setting(twice).best == 0
    constant = np.array([[1.0, 2.0]] * 5)
    assert best_setting(constant).confidence_set.tolist() == [True, False]


def test_what_is_not_finite_is_never_best():
    own = errors([1, 0, 2], 60)
    own[3, 1] = np.nan
    found = best_setting(own)
    assert found.best == 0 and found.confidence_set.tolist() == [True, False, False]
    with pytest.raises(ValueError, match="^errors must be finite"):
        best_setting(np.full((5, 2), np.inf))
    with pytest.raises(ValueError, match="^errors must be of two seeds"):
        best_setting(own[:1])
