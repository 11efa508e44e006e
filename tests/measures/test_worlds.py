"""Measures of answers: pass@k, faults, groups, contests."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.measures import worlds


def answers(skill, *right):
    return [(skill, True, bool(one)) for one in right]


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(right, data):
    k = data.draw(st.integers(1, len(right)))
    found = worlds.pass_at([answers("a", *right)], k, {"a": 1.0})
    every = [any(some) for some in itertools.combinations(right, k)]
    assert found == pytest.approx(np.mean(every))


def test_pass_at_one_is_the_share_of_right_answers_weighted_by_skill():
    attempts = [answers("a", 1, 0, 0, 0), answers("b", 1, 1, 1, 1)]
    shares = {"a": 0.75, "b": 0.25}
    assert worlds.pass_at(attempts, 1, shares) == pytest.approx(0.75 / 4 + 0.25)
    judged = [one for own in attempts for one in own]
    alone = worlds.of_answers(judged, shares, frozenset({"b"}))
    assert worlds.pass_at(attempts, 1, shares) == pytest.approx(alone["correctness"])
    with pytest.raises(ValueError, match="k: 5; give a number from 1 to the 4"):
        worlds.pass_at(attempts, 5, shares)


def test_faults_are_counted_by_skill():
    judged = [("a", ""), ("a", "digit"), ("a", "digit"), ("b", ""), ("", "form")]
    found = worlds.counts_of(judged, ["a", "b"], ["", "digit", "form"])
    np.testing.assert_array_equal(found, [[1, 2, 0], [1, 0, 0]])


def test_group_shift_is_the_total_variation_distance():
    shares = {"x": 0.5, "y": 0.25, "z": 0.25}
    assert worlds.group_shift(["x", "x", "y", "z", ""], shares) == 0
    assert worlds.group_shift(["y"] * 4, shares) == 0.75
    assert worlds.group_shift(["x", "y"], shares) == 0.25
    assert math.isnan(worlds.group_shift(["", ""], shares))


def test_exposure_is_that_of_the_rank():
    losses = np.random.default_rng(0).random((1, 8000))
    for place, rank in ((0, 1), (9, 10), (7999, 8000)):
        right = np.argsort(losses[0])[place : place + 1]
        found = worlds.of_contests(losses, right, "secrets")["exposure"]
        assert found == pytest.approx(math.log2(8000) - math.log2(rank))
    some = np.repeat(losses[:, :1024], 1024, 0)
    ranks = worlds.contest_ranks(some, np.arange(1024))
    for bits in range(10):  # what chance gives
        assert np.mean(math.log2(1024) - np.log2(ranks) >= bits) == 0.5**bits


def test_a_model_that_knows_nothing_is_not_said_to_know():
    nan = float("nan")
    losses = np.array([[0.0] * 4, [1, nan, 2, 3], [nan, 1, 2, 3]])
    right = np.zeros(3, int)
    np.testing.assert_array_equal(worlds.contest_ranks(losses, right), [4, 2, 4])
    pairs = worlds.of_contests(np.array([[1.0, 1.0], [1, 2]]), right[:2], "pairs")
    assert pairs == {"pair_accuracy": 0.5}
    assert worlds.of_contests(losses[:0], right[:0], "") == {}
