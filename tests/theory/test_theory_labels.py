"""Verified labels and majorities, against printed thresholds and draws of votes."""

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.theory import labels

VOTES = (3, 5, 21, 101, 401)


@pytest.mark.parametrize(
    ("wrong", "one_step", "printed"),
    [
        (0.6, 0.600, (0.766, 0.703, 0.635, 0.614, 0.606)),
        (0.3, 0.750, (0.951, 0.903, 0.816, 0.777, 0.763)),
        (0.1, 0.900, (0.995, 0.985, 0.948, 0.923, 0.911)),
    ],
)
def test_table_of_thresholds(wrong, one_step, printed):
    assert labels.threshold(0.9, wrong) == pytest.approx(one_step)
    for votes, value in zip(VOTES, printed, strict=True):
        found = labels.recursive_threshold(0.9, wrong, votes)
        assert abs(found - value) < 5.001e-4
        for factor, end in ((0.999, 0), (1.001, 1)):
            start = min(found * factor, 1 - (1 - found) / factor**4)
            last = labels.errors(start, 0.9, wrong, votes, 300)[-1]
            assert last == pytest.approx(end, abs=1e-9)


def test_the_recursive_threshold_falls_to_that_of_one_step():
    found = [labels.recursive_threshold(0.8, 0.5, m) for m in (1, 3, 9, 99, 99_999)]
    assert found[0] == 1 and (np.diff(found) < 0).all()
    assert found[-1] == pytest.approx(labels.threshold(0.8, 0.5), abs=2e-3)
    assert found[-1] > labels.threshold(0.8, 0.5)


@given(right=st.floats(0.05, 1), wrong=st.floats(0.05, 1), half=st.integers(0, 30))
def test_the_recursive_threshold_is_a_fixed_point(right, wrong, half):
    votes = 2 * half + 1
    found = labels.recursive_threshold(right, wrong, votes)
    other = labels.recursive_threshold(wrong, right, votes)
    assert found + other == pytest.approx(1, abs=1e-9)
    again = labels.majority(labels.kept_error(found, right, wrong), votes)
    assert again == pytest.approx(found, abs=1e-9)


def test_a_threshold_is_where_most_kept_labels_are_right():
    at = labels.threshold(0.7, 0.2)
    assert labels.kept_error(at, 0.7, 0.2) == pytest.approx(0.5)
    assert labels.kept_error(at - 0.01, 0.7, 0.2) < 0.5
    assert at == pytest.approx(1 / (1 + 0.2 / 0.7))
    assert labels.kept_error(0.3, 0.5, 0.5) == pytest.approx(0.3)
    assert labels.recursive_threshold(0.5, 0.5, 9) == 0.5
    assert labels.recursive_threshold(0.5, 0.0, 9) == 1
    assert labels.recursive_threshold(0.0, 0.5, 9) == 0


@pytest.mark.parametrize("votes", [1, 3, 21])
def test_majorities_are_tails_of_a_binomial_law(votes):
    for error in (0, 0.1, 0.5, 0.9, 1):
        tail = scipy.stats.binom.sf(votes // 2, votes, error)
        assert labels.majority(error, votes) == pytest.approx(tail, abs=1e-14)


def test_one_generation_is_met_by_simulation():
    """Labels are generated until each example has five that were kept."""
    rng, p, right, wrong, votes = np.random.default_rng([SEED, 51]), 0.4, 0.9, 0.4, 5
    bad = rng.random((20_000, 60)) < p
    kept = rng.random(bad.shape) < np.where(bad, wrong, right)
    among = kept & (kept.cumsum(1) <= votes)  # the first five
    assert (among.sum(1) == votes).all()
    draws = (bad & among).sum(1)
    found = labels.errors(p, right, wrong, votes, 1)[1]
    unverified = labels.errors(p, 1.0, 1.0, votes, 1)[1]
    assert_tells_apart(draws > votes / 2, found, unverified)
    assert_tells_apart(draws / votes, labels.kept_error(p, right, wrong), p)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: labels.kept_error(1.5, 0.5, 0.5), "error"),
        (lambda: labels.kept_error(1.0, 0.5, 0.0), "error"),
        (lambda: labels.threshold(-0.1, 0.5), "right"),
        (lambda: labels.threshold(0.0, 0.0), "right"),
        (lambda: labels.threshold(0.5, 2), "wrong"),
        (lambda: labels.majority(0.5, 4), "votes"),
        (lambda: labels.recursive_threshold(0.9, 0.5, 0), "votes"),
        (lambda: labels.errors(0.5, 0.9, 0.5, 3, -1), "num_generations"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
