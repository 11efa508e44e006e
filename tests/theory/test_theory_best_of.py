"""The best of n candidates: exact against all n-tuples, and its bound on divergence."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose as close

from collapse.theory import best_of, preferences

SHARES, REWARDS = np.array([0.1, 0.4, 0.2, 0.3]), np.array([2.0, 0.0, 2.0, 1.0])


def enumerated(shares, rewards, candidates):
    """The law of the choice, summed over all tuples of candidates."""
    found = np.zeros(len(shares))
    for drawn in itertools.product(range(len(shares)), repeat=candidates):
        chance, most = math.prod(shares[k] for k in drawn), max(rewards[list(drawn)])
        best = [k for k in drawn if rewards[k] == most]
        for k in best:
            found[k] += chance / len(best)
    return found


@pytest.mark.parametrize("candidates", [1, 2, 3, 5])
def test_the_law_is_that_of_all_tuples_of_candidates(candidates):
    found = best_of.law(SHARES, REWARDS, candidates)
    close(found, enumerated(SHARES, REWARDS, candidates), rtol=1e-12)


@given(seed=st.integers(0, 10**6), candidates=st.integers(1, 4), ties=st.booleans())
def test_no_law_diverges_by_more_than_the_bound(seed, candidates, ties):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(4, 0.7)) + 1e-9
    shares /= shares.sum()
    rewards = rng.integers(0, 3, 4).astype(float) if ties else rng.normal(size=4)
    found = best_of.law(shares, rewards, candidates)
    close(found, enumerated(shares, rewards, candidates), atol=1e-12)
    gone = preferences.divergence(found, shares)
    assert gone <= best_of.divergence_bound(candidates) + 1e-12


@pytest.mark.parametrize("candidates", [1, 2, 4, 16])
def test_many_different_candidates_come_as_near_to_the_bound_as_wanted(candidates):
    even = np.full(4000, 1 / 4000)
    bound = best_of.divergence_bound(candidates)
    found = best_of.law(even, np.arange(4000), candidates)
    assert bound - 1e-3 < preferences.divergence(found, even) <= bound + 1e-9
    coarse = np.full(4, 0.25)  # the control: few states stay below it
    few = preferences.divergence(best_of.law(coarse, np.arange(4), candidates), coarse)
    assert candidates == 1 or few < bound - 0.01


def test_a_judge_without_knowledge_chooses_as_it_is_given():
    assert best_of.chosen_right(0.3, 0.5, 8) == pytest.approx(0.3)
    assert best_of.chosen_right(0.3, 1.0, 8) == pytest.approx(1 - 0.7**8)
    assert best_of.chosen_right(0.3, 0.0, 8) == pytest.approx(0.3**8)
    found = [best_of.chosen_right(0.3, a, 4) for a in np.linspace(0, 1, 11)]
    assert (np.diff(found) > 0).all()


def test_what_is_no_setting_is_refused():
    with pytest.raises(ValueError, match="rewards"):
        best_of.law(SHARES, REWARDS[:2], 2)
    with pytest.raises(ValueError, match="candidates"):
        best_of.divergence_bound(0)
    with pytest.raises(ValueError, match="accuracy"):
        best_of.chosen_right(0.5, 2.0, 2)
