"""What was kept: counted, compared with the truth, and drawn where it has to be."""

import math

import numpy as np
import pytest
from calibrated import Z, assert_mean, assert_tells_apart, count
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from collapse.data.errors import DataError
from collapse.data.quality import kept

CANDIDATES = st.lists(
    st.tuples(
        st.integers(-2, 2) | st.floats(-1e3, 1e3),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["", "a", "b", "c"]),
    ),
    max_size=20,
)


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def ratio(part, whole):
    return part / whole if whole else math.nan


@given(CANDIDATES)
def test_an_account_is_that_of_a_loop(rows):
    scores, chosen, good, skills = ([row[k] for row in rows] for k in range(4))
    found = kept.account(scores, chosen, good, skills)
    assert found[:3] == (len(rows), sum(chosen), sum(good))
    both = sum(k and g for k, g in zip(chosen, good, strict=True))
    same(found.phi, ratio(both, sum(good)))
    same(found.psi, ratio(sum(chosen) - both, len(rows) - sum(good)))
    one_class = len(set(good)) < 2
    same(found.auc, math.nan if one_class else roc_auc_score(good, scores))
    every = {row[3] for row in rows} - {""}
    left = {row[3] for row in rows if row[1]} - {""}
    assert found.skills == len(every)
    same(found.lost_skills, ratio(len(every - left), len(every)))


def test_an_account_by_hand():
    found = kept.account(
        [3, 2, 2, 1], [True, True, False, False], [True, False, True, False], "aabc"
    )
    assert found == kept.KeptTexts(4, 2, 2, 0.5, 0.5, 3.5 / 4, 3, 2 / 3)


@given(st.lists(st.booleans(), min_size=2), st.randoms())
def test_a_mask_in_place_of_scores_has_the_area_of_its_two_rates(chosen, random):
    good = [True, False, *(random.random() < 0.5 for _ in chosen[2:])]
    found = kept.account(chosen, chosen, good, [""] * len(good))
    same(found.auc, (1 + found.phi - found.psi) / 2)
    assert math.isnan(found.lost_skills)


def test_scores_that_know_nothing_have_half_of_the_area():
    generator = np.random.default_rng(0)
    good = generator.random(2000) < 0.3
    noise = generator.normal(size=2000)
    m, r = good.sum(), (~good).sum()
    error = Z * math.sqrt((m + r + 1) / (12 * m * r))

    def area(scores):
        mask = kept.top(scores, 0.5, generator)
        return kept.account(scores, mask, good, ["x"] * 2000).auc

    assert abs(area(noise) - 0.5) < error
    assert area(noise + 0.5 * good) - 0.5 > error  # the control
    count()


@given(CANDIDATES, st.floats(0, 1))
def test_the_highest_scores_are_kept(rows, rate):
    scores = np.array([row[0] for row in rows], float)
    found = kept.top(scores, rate, np.random.default_rng(1))
    n = len(rows)
    assert found.sum() == kept.count(rate, n) and abs(found.sum() - rate * n) <= 0.5
    assert not n or scores[found].min(initial=np.inf) >= scores[~found].max(
        initial=-np.inf
    )
    assert kept.at_random(n, rate, np.random.default_rng(1)).sum() == found.sum()


def test_equal_scores_are_kept_equally_often():
    scores = [1.0, 0.0, 0.0, 0.0, 0.0, -np.inf]
    draws = np.array(
        [kept.top(scores, 0.5, np.random.default_rng(k)) for k in range(3000)]
    )
    assert draws[:, 0].all() and not draws[:, 5].any()
    tied = draws[:, 1:5].astype(float)
    assert_tells_apart(tied, 0.5, wrong=np.array([1.0, 1.0, 0.0, 0.0]))  # the first


def test_random_ones_are_kept_equally_often():
    generators = (np.random.default_rng(k) for k in range(3000))
    draws = np.array([kept.at_random(5, 0.4, g) for g in generators], float)
    assert_mean(draws, 0.4)
    both = draws[:, 0] * draws[:, 4]
    assert_tells_apart(both, 0.1, wrong=0.4**2)  # without replacement


@given(
    st.floats().filter(lambda rate: not 0 <= rate <= 1),
    st.integers(0, 4),
)
def test_a_rate_outside_the_unit_interval_is_refused(rate, n):
    generator = np.random.default_rng(0)
    for call in (
        lambda: kept.top([0.0] * n, rate, generator),
        lambda: kept.at_random(n, rate, generator),
        lambda: kept.count(rate, n),
    ):
        with pytest.raises(DataError, match="rate: "):
            call()


def test_halves_are_rounded_upwards_and_ends_are_exact():
    assert [kept.count(0.5, n) for n in range(5)] == [0, 1, 1, 2, 2]
    assert kept.count(0, 10) == 0 and kept.count(1, 10) == 10


def test_what_cannot_be_counted_is_refused():
    generator = np.random.default_rng(0)
    ok = [True]
    for wrong, field in (
        (lambda: kept.account([math.nan], ok, ok, ["a"]), "scores: some are NaN"),
        (lambda: kept.top([math.nan], 0.5, generator), "scores: some are NaN"),
        (lambda: kept.top([[1.0]], 0.5, generator), "scores: shape"),
        (lambda: kept.account([1], [True] * 2, ok, ["a"]), "kept: shape"),
        (lambda: kept.account([1], ok, [True] * 2, ["a"]), "good: shape"),
        (lambda: kept.account([1], ok, ok, []), "skills: shape"),
        (lambda: kept.at_random(-1, 0.5, generator), "n: -1"),
    ):
        with pytest.raises(DataError, match=field):
            wrong()
