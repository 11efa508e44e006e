"""Survival of symbols: exact chains, printed rates, and simulations of counts."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

from collapse.theory import extinction

NUM_SEEDS = 40_000
close = np.testing.assert_allclose


def test_the_exact_chain_is_the_sum_over_all_paths():
    """Three rows a generation, every path of counts by hand."""
    q, n = 0.3, 3

    def probability(count, share):
        return math.comb(n, count) * share**count * (1 - share) ** (n - count)

    for t in range(4):
        total = 0.0
        for path in itertools.product(range(n + 1), repeat=t + 1):
            shares = [q, *(count / n for count in path)]
            if path[-1] == 0:
                pairs = zip(path, shares, strict=False)
                total += math.prod(probability(*pair) for pair in pairs)
        close(extinction.lost(q, n, t)[t], total, rtol=1e-12)


def test_the_exact_chain_is_met_by_simulation():
    q, n, rng = 0.15, 12, np.random.default_rng([SEED, 12])
    share, draws = np.full(NUM_SEEDS, q), []
    for _ in range(6):
        share = rng.binomial(n, share) / n
        draws.append(share == 0)
    right, at = extinction.lost(q, n, 6), [0, 2, 5]
    draws = np.stack(draws, 1)[:, at]
    poisson = 1 - extinction.poisson_survival(q * n, 5)  # only for n -> inf
    for wrong in (right[1:][at], poisson[at], extinction.lost(q, n - 2, 5)[at]):
        assert_tells_apart(draws, right[at], wrong)


def test_the_exact_chain_ends_at_one_symbol_and_tends_to_the_poisson_law():
    q = np.array([0.1, 0.0, 1.0, 0.65])
    close(extinction.lost(q, 20, 2000)[-1], 1 - q, atol=1e-12)
    assert extinction.lost(q, 20, 5).shape == (6, 4)
    gaps = []
    for n in (50, 100, 200):
        exact = 1 - extinction.lost(2 / n, n, 5)
        gaps.append(abs(exact - extinction.poisson_survival(2, 5)).max())
    close(gaps[1] / gaps[2], 2, rtol=0.05)  # the gap falls like 1 / n
    close(extinction._binomial(200, np.array([0.37]), 200)[0].sum(), 1, rtol=1e-12)
    law = scipy.stats.binom(200, 0.37).pmf(np.arange(201))
    close(extinction._binomial(200, np.array([0.37]), 200)[0], law, rtol=1e-10)


def test_small_counts_of_many_rows_are_the_whole_chain(monkeypatch):
    """Of 400 rows as of more than are watched whole, by logarithms, and all of them."""
    q = np.array([1e-4, 0.003, 0.02, 0.3, 1.0])
    whole = extinction.lost(q, 400, 8)
    monkeypatch.setattr(extinction, "MOST_ROWS", 100)
    assert extinction._largest_count(400, 8) == 198 < 400
    close(extinction.lost(q, 400, 8), whole, rtol=1e-11, atol=1e-15)
    monkeypatch.setattr(extinction, "_LEAST", 1e-3)  # too few counts
    assert abs(extinction.lost(q, 400, 8) - whole).max() > 1e-9


def test_many_rows_tend_to_the_poisson_law():
    alive = 1 - extinction.lost(10 / 10**6, 10**6, 60)
    close(alive, extinction.poisson_survival(10, 60), rtol=1e-4)
    law = scipy.stats.binom(10**5, 0.002).pmf(np.arange(301))
    close(extinction._binomial(10**5, np.array([0.002]), 300)[0], law, rtol=1e-10)
    assert extinction.solved(10**6, 100) and not extinction.solved(10**6, 200)
    assert extinction.solved(1000, 10**6)
    close(extinction.lost(1e-4, 20_000, 0), math.exp(20_000 * math.log1p(-1e-4)))
    with pytest.raises(ValueError, match="^n must be at most 1000 in 200 generations"):
        extinction.lost(0.1, 10**6, 200)


def all_at_once(q, n, num_generations):
    """The chain with all symbols and counts in one array."""
    counts = np.arange(n + 1)
    step = scipy.stats.binom.pmf(counts, n, counts[:, None] / n)
    first = scipy.stats.binom.pmf(counts, n, np.asarray(q)[:, None])
    powers = [np.eye(n + 1)[0]]
    for _ in range(num_generations):
        powers.append(step @ powers[-1])
    return np.stack(powers) @ first.T


@pytest.mark.parametrize(("entries", "n"), [(2**21, 60), (150, 60), (1, 9)])
def test_blocks_of_symbols_and_generations_are_the_whole(monkeypatch, entries, n):
    """Shares that repeat, in no order, with none and all among them."""
    rng = np.random.default_rng([SEED, 14])
    q = rng.permutation([0.0, 1.0, *rng.random(20) ** 6, *[0.01] * 5, 1 / n])
    monkeypatch.setattr(extinction, "_ENTRIES", entries)
    right = all_at_once(q, n, 7)
    close(extinction.lost(q, n, 7), right, rtol=1e-11, atol=1e-15)
    close(extinction.expected_support(q, n, 7), (1 - right).sum(1), rtol=1e-11)


def test_a_million_symbols_take_little_memory():
    q = 1 / np.arange(1.0, 1_000_001)
    q /= q.sum()
    tracemalloc.start()
    support = extinction.expected_support(q, 1000, 9)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 200e6
    close(support[0], -np.expm1(1000 * np.log1p(-q)).sum(), rtol=1e-10)
    low, high = extinction.support_bounds(q, 1000, 9)
    assert (low < support).all() and (support < high).all()


def test_observed_counts():
    """A count that was seen is one step behind an expected one."""
    n = 200
    for count in (1, 3):
        alive = 1 - np.append(0.0, extinction.lost(count / n, n, 4))
        close(extinction.observed_survival(count, 5), alive, rtol=0.01)
        assert abs(extinction.poisson_survival(count, 5) - alive)[0] > 0.04
    close(extinction.observed_survival(1, 9), extinction.survival_decay(9), rtol=1e-12)


def test_printed_half_lives():
    forgotten = 1 - extinction.poisson_survival(1, 9)
    for fits, printed in ((1, 0.368), (2, 0.531), (3, 0.626), (5, 0.732), (10, 0.842)):
        assert abs(forgotten[fits - 1] - printed) <= 5.001e-4
    for count in (0.3, 1, 2.5, 40):
        fits = extinction.half_life(count)
        alive = extinction.poisson_survival(count, fits)
        assert alive[fits - 1] < 0.5 and (fits == 1 or alive[fits - 2] >= 0.5)
    close(extinction.half_life(20_000), 2 / math.log(2) * 20_000, rtol=1e-3)
    assert extinction.half_life(0) == 1


def test_bounds_hold_for_the_exact_support():
    """Zipf's laws, and rare symbols, for which both bounds are narrow."""
    rare = np.append(np.full(50, 1e-3), 0.95)
    published = 1 / (np.arange(1.0, 1001) + 2.7)  # sims/discrete/suresh_zipf.toml
    for q, n in ((published, 1000), (1 / np.arange(1.0, 31), 100), (rare, 200)):
        q = q / q.sum()
        low, high = extinction.support_bounds(q, n, 9)
        exact = extinction.expected_support(q, n, 9)
        assert (low <= exact).all() and (exact <= high).all()
        assert (low[:-1] > exact[1:]).all()  # if fits were counted from 0
        assert (high <= len(q)).all()
    assert (high[1:] < exact[:-1])[:3].all()  # if they were counted from 2


def first_losses(counts, fits, rng, seeds=NUM_SEEDS):
    """Number of fits after which a first symbol is lost; `fits` + 1 if later [S]."""
    now, alive, first = np.tile(counts, (seeds, 1)), True, np.ones(seeds)
    for _ in range(fits):
        now = rng.poisson(now)
        alive = alive & (now > 0).all(1)
        first += alive
    return first


def test_first_extinction_is_met_by_simulation():
    """Poisson counts, for which the law is exact; the 2 / k form is not."""
    counts, rng = [5.0] * 20, np.random.default_rng([SEED, 13])
    first = first_losses(counts, 40, rng, 10_000)
    assert (first < 41).all()
    right = extinction.mean_first_extinction(counts)
    trap = extinction.mean_first_extinction(counts, diffusion=True)
    assert_tells_apart(first, right, trap)
    assert (round(right, 2), round(trap, 2)) == (2.47, 3.61)
    uneven = [3.0, 6.0, 2.0]
    first = first_losses(uneven, 6, rng)[:, None] > np.arange(1, 7)
    law = extinction.no_extinction(uneven, 6)
    trap = extinction.no_extinction(uneven, 5, diffusion=True)
    for wrong in (trap, law[1:], extinction.no_extinction([3.0, 6.0], 5)):
        assert_tells_apart(first[:, [0, 2, 5]], law[:6][[0, 2, 5]], wrong[[0, 2, 5]])
    assert_mean(first[:, 0], np.prod(-np.expm1(-np.array(uneven))))


@pytest.mark.parametrize("diffusion", [False, True])
@pytest.mark.parametrize(
    "counts", [[5.0, 5.0], [0.1, 2.0], [3.0, 40.0, 50.0], [100.0] * 4]
)
def test_mean_first_extinction_is_the_sum_of_its_law(counts, diffusion):
    far = 100_000
    law = extinction.no_extinction(counts, far - 1, diffusion)
    rest = law[-1] * far / (len(counts) - 1)  # which falls like k^-M
    mean = extinction.mean_first_extinction(counts, diffusion)
    close(mean, 1 + law.sum() + rest, rtol=2e-6)


def test_mean_first_extinction_of_many_rows():
    """Two symbols: -2 n (x log x + (1-x) log(1-x)) fits, the diffusion limit."""
    for x in (0.5, 0.1, 0.003):
        for n, off in ((10**4, 1e-2), (10**6, 2e-4)):
            entropy = -x * math.log(x) - (1 - x) * math.log(1 - x)
            for diffusion in (False, True):
                counts = [n * x, n * (1 - x)]
                found = extinction.mean_first_extinction(counts, diffusion)
                close(found, 2 * n * entropy, rtol=off)
                assert abs(found / n / entropy - 1) > 0.5


BAD = {
    "count": [
        lambda: extinction.observed_survival(0, 3),
        lambda: extinction.half_life(-1),
        lambda: extinction.poisson_survival(math.inf, 3),
    ],
    "counts": [
        lambda: extinction.no_extinction([1.0, 0.0], 3),
        lambda: extinction.no_extinction([1.0, math.inf], 3),
        lambda: extinction.mean_first_extinction([5.0]),
    ],
    "n": [
        lambda: extinction.lost(0.5, 10_000, 300),
        lambda: extinction.lost(0.5, 0, 3),
        lambda: extinction.support_bounds([0.5, 0.5], [5, 6, 5], 2),
    ],
    "q": [
        lambda: extinction.lost(1.5, 20, 3),
        lambda: extinction.lost(np.array([0.5, np.nan]), 20, 3),
        lambda: extinction.support_bounds([0.5, 0.6], 5, 2),
    ],
    "num_generations": [
        lambda: extinction.lost(0.5, 20, -1),
        lambda: extinction.no_extinction([1.0, 2.0], -1),
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
