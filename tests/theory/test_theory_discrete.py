"""Refitted categorical models: closed forms against simulations of counts."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import discrete

NUM_SEEDS = 40_000
Q = np.array([0.5, 0.3, 0.15, 0.05])
N, REAL = 8, 3
AT = [1, 3]
close = np.testing.assert_allclose


def simulate(rule, sizes, seeds=NUM_SEEDS, q=Q, pseudo=0.0):
    """Fitted shares [S, G + 1, M]; a rule maps (rng, batches) to counts fitted to."""
    rng, shares, fits = np.random.default_rng([SEED, 11]), np.tile(q, (seeds, 1)), []
    kept = rng.multinomial(REAL, q, seeds)
    batches = [kept + rng.multinomial(sizes[0] - REAL, q, seeds)]
    for t in range(len(sizes)):
        if t:
            batches.append(rng.multinomial(sizes[t], shares))
        counts = rule(rng, batches, kept)
        shares = (counts + pseudo) / (counts + pseudo).sum(1, keepdims=True)
        fits.append(shares)
    return np.stack(fits, 1)


def newest(rng, batches, kept):
    return batches[-1]


def subset(rng, batches, kept):
    """N of all rows so far, none twice: symbol by symbol."""
    left = sum(batches)
    size, rest, counts = np.full(len(left), N), left.sum(1), []
    for symbol in left.T:
        rest = rest - symbol
        counts.append(rng.hypergeometric(symbol, rest, size))
        size = size - counts[-1]
    return np.stack(counts, 1)


def fresh(rng, batches, kept):
    new = rng.multinomial(REAL, Q, len(kept))
    return batches[-1] + (new if len(batches) > 1 else 0)


class Case(NamedTuple):
    rule: Callable
    sizes: list[int]
    right: theory.Moments
    wrong: theory.Moments


MIX, SAME, G = [N, 5, 5, 5], [N] * 4, 3
REPLACE, ACCUMULATE = theory.replace(N, G, 0), theory.accumulate(N, G, 0)
FRESH, FIXED = (theory.mix(N, REAL, 5, G, 0, a) for a in ("fresh", "fixed"))
CASES = {
    "replace": Case(newest, SAME, REPLACE, ACCUMULATE),
    "replace_multiple": Case(
        newest, [N, 2 * N, 3 * N, 4 * N], theory.replace_multiple(N, G, 0), REPLACE
    ),
    "accumulate": Case(
        lambda rng, batches, kept: sum(batches),
        SAME,
        ACCUMULATE,
        theory.fixed_budget(N, G, 0),
    ),
    "fixed_budget": Case(subset, SAME, theory.fixed_budget(N, G, 0), ACCUMULATE),
    "window": Case(
        lambda rng, batches, kept: sum(batches[-2:]),
        SAME,
        theory.window(N, 2, G, 0),
        theory.window(N, 3, G, 0),
    ),
    "mix fresh": Case(fresh, MIX, FRESH, FIXED),
    "mix fixed": Case(
        lambda rng, batches, kept: batches[-1] + (kept if len(batches) > 1 else 0),
        MIX,
        FIXED,
        FRESH,
    ),
}


@pytest.mark.parametrize("workflow", CASES)
def test_heterozygosity_and_variance_of_a_share(workflow):
    case = CASES[workflow]
    fits = simulate(case.rule, case.sizes)
    lengths = 1 - (fits**2).sum(2)[:, AT]
    errors = ((fits - Q) ** 2)[:, AT, 1]
    right, wrong = (
        [
            *discrete.heterozygosity(Q, moments.variance)[AT],
            *(Q[1] * (1 - Q[1]) * moments.mean_error)[AT],
        ]
        for moments in (case.right, case.wrong)
    )
    assert_tells_apart(np.hstack([lengths, errors]), right, wrong)


@pytest.mark.parametrize(
    ("curve", "printed"),
    [
        (theory.replace, 0.1588),
        (theory.accumulate, 0.6816),
        (theory.fixed_budget, 0.6405),
    ],
)
def test_table_of_heterozygosities(curve, printed):
    """After 30 fits of 20 rows, six symbols."""
    q = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04]
    found = discrete.heterozygosity(q, curve(20, 29, 0).variance)[-1]
    assert abs(found - printed) < 5.001e-5


def test_support_is_met_by_simulation():
    """Constant under accumulate, the exact chain under replace."""
    curves = {
        "accumulate": discrete.support(Q, N, G),
        "replace": discrete.support_replace(Q, N, G),
    }
    for workflow, other in (("accumulate", "replace"), ("replace", "accumulate")):
        fits = simulate(CASES[workflow].rule, SAME)
        alive = (fits > 0).sum(2)
        assert (np.diff(alive, axis=1) == 0).all() == (workflow == "accumulate")
        assert (np.diff(alive, axis=1) <= 0).all()
        assert_tells_apart(alive[:, AT], curves[workflow][AT], curves[other][AT])
    # at generation 0 all workflows have the same support, and under fixed_budget it
    # may come back
    close(curves["accumulate"][0], curves["replace"][0], rtol=1e-12)
    returned = np.diff((simulate(subset, SAME) > 0).sum(2), axis=1) > 0
    assert returned.any()
    close(discrete.support([1.0, 0.0], 5, 2), 1.0)
    assert discrete.support(Q, [N, 9, 9], 2)[0] == curves["accumulate"][0]


def test_smoothing_is_met_by_simulation():
    fits = simulate(newest, SAME, pseudo=0.5)
    draws = np.hstack([(fits**2).sum(2)[:, AT], fits[:, AT, 3]])

    def expected(pseudo, shift=0):
        at = np.array(AT) + shift
        square = discrete.smoothed_homozygosity(Q, N, pseudo, G + 1)[at]
        return [*square, *discrete.smoothed_share(Q[3], N, pseudo, 4, G + 1)[at]]

    for wrong in (expected(0.4), expected(0.0), expected(0.5, 1)):
        assert_tells_apart(draws, expected(0.5), wrong)


def test_smoothing_runs_from_replace_to_its_limit():
    square = discrete.smoothed_homozygosity(Q, N, 0.0, 9)
    variance = theory.replace(N, 9, 0).variance
    close(1 - square, theory.heterozygosity(Q, variance), rtol=1e-12)
    close(discrete.smoothed_share(0.2, N, 0.0, 4, 9), 0.2, rtol=1e-12)
    limit = discrete.smoothed_homozygosity_limit(50, 0.5, 6)
    assert abs(limit - 0.28268) < 1e-4  # simulated
    for q in (np.full(6, 1 / 6), np.eye(6)[0]):  # whatever the true shares
        far = discrete.smoothed_homozygosity(q, 50, 0.5, 1000)
        close(far[-1], limit, rtol=1e-12)
    assert discrete.smoothed_homozygosity_limit(50, 0.0, 6) == 1
    end = discrete.smoothed_share(0.9, [5] * 999 + [7], 0.1, 3, 999)[-1]
    close(end, 1 / 3, rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 0.9, 1.0, 1.7])
def test_log_odds_are_divided_by_the_temperature(temperature):
    found = discrete.tempered(Q, temperature, 6)
    odds = np.log(found[:, 0] / found[:, 2])
    close(odds, math.log(Q[0] / Q[2]) / temperature ** np.arange(7), rtol=1e-10)
    close(found.sum(1), 1, rtol=1e-12)
    assert found.shape == (7, 4)
    assert (discrete.tempered(Q, 1e-3, 9)[-1] == [1, 0, 0, 0]).all()
    assert (discrete.tempered([0.5, 0.5, 0.0], 2.0, 9)[:, 2] == 0).all()


@pytest.mark.parametrize("symbols", [2, 5])
@pytest.mark.parametrize("temperature", [0.5, 0.8])
def test_equal_shares_are_stable_above_the_boundary(symbols, temperature):
    """From a small deviation, on either side of a = 1 - T, and its rate."""
    boundary, equal = discrete.least_fresh_share(temperature), np.full(symbols, 1.0)
    equal /= symbols
    assert boundary == pytest.approx(1 - temperature)
    for fresh_share in (boundary - 0.05, boundary + 0.05):
        rate = (1 - fresh_share) / temperature
        assert (rate > 1) == (fresh_share < boundary)
        start = equal + 1e-6 * (np.arange(symbols) - (symbols - 1) / 2)
        # real rows have equal shares; only the first model deviates from them
        step = (
            fresh_share * equal
            + (1 - fresh_share) * discrete.tempered(start, temperature, 1)[1]
        )
        close(step - equal, rate * (start - equal), rtol=1e-4, atol=1e-11)
    real = equal + 1e-9 * (np.arange(symbols) - (symbols - 1) / 2)
    below = discrete.tempered(real, temperature, 3000, boundary - 0.05)[-1]
    above = discrete.tempered(real, temperature, 3000, boundary + 0.05)[-1]
    assert abs(below - equal).max() > 0.05 and abs(above - equal).max() < 1e-6
    assert discrete.least_fresh_share(1.3) == 0


BAD = {
    "q": [
        lambda: discrete.heterozygosity([0.5, 0.6], np.ones(3)),
        lambda: discrete.support([[1.0]], 3, 3),
        lambda: discrete.support_replace([0.5, 0.6], 3, 3),
        lambda: discrete.smoothed_share(1.5, 3, 1.0, 4, 3),
        lambda: discrete.tempered([2.0, -1.0], 1.0, 3),
    ],
    "variance": [
        lambda: discrete.heterozygosity([0.5, 0.5], np.array(0.5)),
        lambda: discrete.heterozygosity([0.5, 0.5], np.array([0.5, 1.1])),
    ],
    "n": [lambda: discrete.support(Q, 0, 3)],
    "pseudo": [lambda: discrete.smoothed_homozygosity(Q, 5, -1.0, 3)],
    "symbols": [lambda: discrete.smoothed_homozygosity_limit(5, 1.0, 0)],
    "temperature": [
        lambda: discrete.tempered(Q, 0.0, 3),
        lambda: discrete.least_fresh_share(-1.0),
    ],
    "fresh": [lambda: discrete.tempered(Q, 1.0, 3, 1.5)],
    "num_generations": [lambda: discrete.tempered(Q, 1.0, -1)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
