"""Curation by preference, against sums over counts and draws of candidates."""

import itertools
import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.theory import preferences

close = np.testing.assert_allclose
SHARES = np.array([0.5, 0.3, 0.15, 0.05])
REWARDS = np.array([0.0, 1.0, -3.0, 2.0])


def by_counts(shares, rewards, candidates):
    """Law of the choice, summed over all counts of the candidates."""
    weights, found = np.exp(rewards), np.zeros(len(shares))
    for counts in itertools.product(range(candidates + 1), repeat=len(shares)):
        if sum(counts) != candidates:
            continue
        ways = math.factorial(candidates)
        for share, count in zip(shares, counts, strict=True):
            ways *= share**count / math.factorial(count)
        chosen = np.array(counts) * weights
        found += ways * chosen / chosen.sum()
    return found


@pytest.mark.parametrize("candidates", [1, 2, 3, 7])
def test_the_integral_is_the_sum_over_counts(candidates):
    for rewards in (REWARDS, 20 * REWARDS, 0 * REWARDS):
        found = preferences.best_of(SHARES, rewards, candidates)
        close(found, by_counts(SHARES, rewards, candidates), rtol=1e-12)
    with_none = np.array([0.5, 0.5, 0.0])
    found = preferences.best_of(with_none, [0, 1, 9], candidates)
    close(found[:2], preferences.best_of([0.5, 0.5], [0, 1], candidates), rtol=1e-12)
    assert found[2] == 0


def test_many_candidates_tilt_the_law_by_the_reward():
    tilted = preferences.tilted(SHARES, REWARDS)
    close(tilted, SHARES * np.exp(REWARDS) / (SHARES @ np.exp(REWARDS)), rtol=1e-12)
    few, many = (preferences.best_of(SHARES, REWARDS, k) for k in (10, 10**5))
    assert abs(few - tilted).max() > 1e-3 and abs(many - tilted).max() < 1e-5


def test_a_choice_is_met_by_simulation():
    rng, number = np.random.default_rng([SEED, 61]), 3
    drawn = rng.choice(4, (100_000, number), p=SHARES)
    odds = np.exp(REWARDS[drawn])
    rank = (odds.cumsum(1) < rng.random((len(drawn), 1)) * odds.sum(1)[:, None]).sum(1)
    chosen = np.take_along_axis(drawn, rank[:, None], 1) == np.arange(4)
    right = preferences.best_of(SHARES, REWARDS, number)
    assert_tells_apart(chosen, right, preferences.tilted(SHARES, REWARDS))
    assert_tells_apart(chosen, right, preferences.best_of(SHARES, REWARDS, 2))


def test_the_mixed_recursion_is_met_by_simulation():
    """Each generation's rows are real ones and choices; one run with many rows."""
    rng, lam, number, rows = np.random.default_rng([SEED, 62]), 0.5, 2, 150_000
    curve = preferences.mixed(SHARES, REWARDS, number, lam, 3)
    for before, after in zip(curve[1:], curve[2:], strict=False):
        drawn = rng.choice(4, (rows, number), p=before)
        odds = np.exp(REWARDS[drawn])
        first = rng.random(rows) < odds[:, 0] / odds.sum(1)
        chosen = np.where(first, *drawn.T)
        real = rng.choice(4, rows, p=SHARES)
        trained_on = np.where(rng.random(rows) < lam / (1 + lam), chosen, real)
        pure = preferences.best_of(before, REWARDS, number)
        assert_tells_apart(trained_on[:, None] == np.arange(4), after, pure)


def random_setting(seed):
    rng = np.random.default_rng(seed)
    states = rng.integers(2, 12)
    shares = rng.dirichlet(np.full(states, 0.5)) + 1e-12
    return shares / shares.sum(), rng.normal(0, rng.choice([0.3, 3, 30]), states)


@given(
    seed=st.integers(0, 10**6),
    candidates=st.integers(2, 6),
    part=st.floats(0.01, 0.999),
)
def test_no_reward_goes_beyond_the_bounds(seed, candidates, part):
    shares, rewards = random_setting(seed)
    lam = part / (candidates - 1)
    published = preferences.divergence_bound(lam, candidates)
    sharp = preferences.sharp_divergence_bound(lam, candidates)
    assert sharp < published
    for late in preferences.mixed(shares, rewards, candidates, lam, 15):
        assert preferences.divergence(late, shares) <= sharp * (1 + 1e-9) + 1e-14
        assert (late / shares).max() <= math.exp(published) * (1 + 1e-9)
        back = preferences.divergence(shares, late)
        assert back <= preferences.reverse_divergence_bound(lam) + 1e-12


@pytest.mark.parametrize("candidates", [2, 4])
@pytest.mark.parametrize("part", [0.3, 0.8])
def test_the_sharp_bound_is_reached_and_the_published_one_is_not(candidates, part):
    """By many equal states, each of which beats all below it."""
    lam = part / (candidates - 1)
    sharp = preferences.sharp_divergence_bound(lam, candidates)
    published = preferences.divergence_bound(lam, candidates)
    ranks = np.linspace(0, 1, 20_001)  # a continuous alphabet
    below = ranks
    for _ in range(200):
        below = (ranks + lam * below**candidates) / (1 + lam)
    fine = preferences.divergence(np.diff(below), np.diff(ranks))
    assert 0.999 * sharp < fine < sharp and published > 7 * sharp
    # but the largest ratio of shares comes near what the published one is made of
    assert np.diff(below)[-1] * 20_000 > 0.99 * math.exp(published)
    states = 40
    even = np.full(states, 1 / states)
    rewards = np.linspace(0, 690, states)
    late = preferences.mixed(even, rewards, candidates, lam, 30)[-1]
    assert 0.85 * sharp < preferences.divergence(late, even) < sharp


def test_bounds_at_the_ends():
    assert preferences.sharp_divergence_bound(1.0, 2) == pytest.approx(1 - math.log(2))
    for lam in (0.2, 0.9):
        plus, minus = (x * math.log(x) for x in (1 + lam, 1 - lam))
        closed = 1 - (plus - minus) / (2 * lam)
        assert preferences.sharp_divergence_bound(lam, 2) == pytest.approx(closed)
        assert preferences.divergence_bound(lam, 2) == pytest.approx(-math.log(1 - lam))
    assert preferences.sharp_divergence_bound(1.01, 2) == math.inf
    assert preferences.divergence_bound(1.0, 2) == math.inf
    assert preferences.divergence_bound(5.0, 1) == 0
    assert preferences.sharp_divergence_bound(5.0, 1) == pytest.approx(0, abs=1e-12)


def test_beyond_the_range_the_best_state_takes_over_however_rare():
    """What the bound is infinite for: a share that does not go with its real one."""
    shares, rewards, candidates = np.array([1 - 1e-9, 1e-9]), [0, 60], 3
    below = preferences.mixed(shares, rewards, candidates, 0.45, 400)[-1]
    assert below[1] / shares[1] == pytest.approx(1 / (1 - 0.45 * 2), rel=1e-6)
    above = preferences.mixed(shares, rewards, candidates, 0.6, 400)[-1]
    # the other state's share solves 1.6 F = 1 + 0.6 F^3 below 1
    assert above[0] == pytest.approx((math.sqrt(1 + 4 / 0.6) - 1) / 2, rel=1e-6)


@given(seed=st.integers(0, 10**6), candidates=st.integers(1, 6))
def test_the_expected_reward_grows_as_the_bound_says(seed, candidates):
    shares, rewards = random_setting(seed)
    chosen = preferences.best_of(shares, rewards, candidates)
    least = preferences.reward_bound(shares, rewards, candidates)
    assert preferences.expected_reward(chosen, rewards) >= least * (1 - 1e-9)


def test_the_bound_on_the_reward_is_reached_by_even_rewards():
    rewards = np.array([0, 1e-4, -1e-4, 0])
    start = preferences.expected_reward(SHARES, rewards)
    chosen = preferences.best_of(SHARES, rewards, 3)
    gain = preferences.expected_reward(chosen, rewards) - start
    least = preferences.reward_bound(SHARES, rewards, 3) - start
    assert gain == pytest.approx(least, rel=1e-3)
    assert gain > 1.2 * (preferences.reward_bound(SHARES, rewards, 2) - start)


def test_the_pure_loop_ends_at_the_best_states():
    late = preferences.mixed([0.4, 0.4, 0.2], [0, 2, 2], 2, math.inf, 300)[-1]
    close(late, [0, 2 / 3, 1 / 3], atol=1e-12)


@pytest.mark.parametrize("gap", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("q", [0.02, 0.3, 0.5, 0.62, 0.97])
def test_two_camps_survive_in_their_range_alone(q, gap):
    gain = math.exp(gap)
    limit = preferences.camps_limit(q, gap)
    assert (0 < limit < 1) == (1 / (1 + gain) < q < gain / (1 + gain))
    for start in (0.05, 0.9):
        curve = preferences.camps(start, q, gap, 20_000)
        assert curve[0] == start and curve[-1] == pytest.approx(limit, abs=1e-6)
    near = limit + (1e-5 if limit < 0.5 else -1e-5)
    steps = preferences.camps(near, q, gap, 1)
    slope = (steps[1] - limit) / (steps[0] - limit)
    assert slope == pytest.approx(preferences.camps_slope(q, gap), rel=2e-3)
    assert preferences.camps(0.0, q, gap, 3)[-1] == 0
    one_step = preferences.camps(0.3, 1.0, gap, 1)[1]  # one reward: the tilted law
    assert one_step == pytest.approx(preferences.tilted([0.3, 0.7], [gap, 0])[0])


def test_camps_are_met_by_simulation():
    """Rows chosen among many candidates, by one of two rewards."""
    rng, share, q, gap = np.random.default_rng([SEED, 63]), 0.3, 0.7, 1.5
    number, rows = 200, 20_000
    count = rng.binomial(number, share, rows)
    favour = np.where(rng.random(rows) < q, gap, -gap)
    odds = count * np.exp(favour)
    chosen = rng.random(rows) < odds / (odds + number - count)
    right = preferences.camps(share, q, gap, 1)[1]
    assert_tells_apart(chosen, right, preferences.camps(share, 1.0, gap, 1)[1])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: preferences.best_of([0.5, 0.6], [0, 1], 2), "shares"),
        (lambda: preferences.best_of([0.5, 0.5], [0], 2), "rewards"),
        (lambda: preferences.best_of([0.5, 0.5], [0, math.inf], 2), "rewards"),
        (lambda: preferences.tilted([0.5, 0.5], [0, 800]), "rewards"),
        (lambda: preferences.best_of([0.5, 0.5], [0, 1], 0), "candidates"),
        (lambda: preferences.mixed([0.5, 0.5], [0, 1], 2, -1, 3), "lam"),
        (lambda: preferences.mixed([0.5, 0.5], [0, 1], 2, 1, -3), "generations"),
        (lambda: preferences.divergence([0.5, 0.5], [1.0]), "reference"),
        (lambda: preferences.divergence_bound(-1, 2), "lam"),
        (lambda: preferences.sharp_divergence_bound(1, 0), "candidates"),
        (lambda: preferences.reverse_divergence_bound(-1), "lam"),
        (lambda: preferences.camps(1.5, 0.5, 1, 3), "share"),
        (lambda: preferences.camps(0.5, 1.5, 1, 3), "q"),
        (lambda: preferences.camps_limit(0.5, 0), "gap"),
        (lambda: preferences.camps_slope(0.5, -1), "gap"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
