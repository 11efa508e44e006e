"""Categorical, binomial and multinomial draws: exact laws, and zeros that stay zero."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import (
    NUM_CHECKS,
    SUITE_FALSE_ALARM,
    assert_mean,
    assert_tells_apart,
    count,
)
from conftest import SEED, X64

from collapse.numerics import multinomial as module
from collapse.numerics.multinomial import binomial, categorical, multinomial

SHARES = np.array([0.0, 0.4, 0.25, 0.0, 0.15, 0.1, 0.06, 0.04, 0.0])
NUM_SEEDS = 20_000


def frequencies_differ(draws, law):
    """Whether a chi-squared test rejects a law of whole numbers.

    Numbers expected less than 50 times are counted as one, so that chi-squared holds
    in its far tail.
    """
    seen = np.bincount(draws, minlength=law.size)
    assert seen.size == law.size, "impossible values"
    expected = law * draws.size
    rare = expected < 50
    seen = np.append(seen[~rare], seen[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 50:  # of the rare ones together, too: join with the last
        seen = np.append(seen[:-2], seen[-2:].sum())
        expected = np.append(expected[:-2], expected[-2:].sum())
    chi2 = np.sum((seen - expected) ** 2 / expected)
    level = SUITE_FALSE_ALARM / NUM_CHECKS
    differ = scipy.stats.chi2.sf(chi2, seen.size - 1) < level
    count(not differ)
    return differ


@pytest.mark.statistical
@pytest.mark.parametrize("scale", [1.0, 37.5])
def test_categorical_has_its_shares(scale):
    weights = jnp.asarray(SHARES * scale)
    found = np.asarray(categorical(jax.random.key(SEED), weights, 200_000))
    assert (SHARES[found] > 0).all()
    assert not frequencies_differ(found, SHARES)
    assert frequencies_differ(found, np.roll(SHARES, 1) * 0.05 + SHARES * 0.95)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 1000])
def test_categorical_of_any_size_reaches_first_and_last(size):
    for at in {0, size // 2, size - 1}:
        weights = jnp.zeros(size).at[at].set(1e-3)
        assert (categorical(jax.random.key(SEED), weights, 100) == at).all()
    found = categorical(jax.random.key(SEED), jnp.ones(size), 20 * size + 10)
    if size <= 8:
        assert set(found.tolist()) == set(range(size))


def test_a_million_symbols_without_weight_are_never_drawn():
    """A smallest probability for each of them would be seen."""
    weights = jnp.zeros(2**20).at[7].set(1.0)
    assert (categorical(jax.random.key(SEED), weights, 100_000) == 7).all()


@pytest.mark.x64
def test_rare_symbols_do_not_add_up():
    """A million of them have no more than their sum, which is 2e-12 here."""
    weights = (jnp.arange(10.0**6) + 1) ** -4.0
    found = categorical(jax.random.key(SEED), weights, 200_000)
    assert found.max() < 5000


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("trials", "probability"),
    [(1, 0.3), (7, 0.8), (60, 0.1), (100, 0.99), (40, 0.5), (300, 0.7), (50_000, 0.02)],
)
def test_binomial_has_its_law(trials, probability):
    """By inversion, by rejection, and mirrored."""
    key = jax.random.fold_in(jax.random.key(SEED), trials)
    size = 200_000
    found = np.asarray(
        jax.jit(binomial)(
            key, jnp.full(size, trials, jnp.int32), jnp.full(size, probability)
        )
    )
    at = np.arange(trials + 1)
    assert not frequencies_differ(found, scipy.stats.binom.pmf(at, trials, probability))
    wrong = probability * 0.95
    assert frequencies_differ(found, scipy.stats.binom.pmf(at, trials, wrong))
    assert_tells_apart(found, trials * probability, trials * wrong)
    assert found.dtype == np.int32


def test_binomial_knows_none_and_all():
    trials = jnp.array([0, 0, 5, 5, 400, 400], jnp.int32)
    probability = jnp.array([0.3, 1, 0, 1, 0, 1])
    found = binomial(jax.random.key(SEED), trials, probability)
    np.testing.assert_array_equal(found, [0, 0, 0, 5, 0, 400])


def test_nothing_succeeds_without_a_probability(monkeypatch):
    """A draw that is never accepted would hang a run instead of being reported."""
    rejected = []

    def never(key, n, p, done):
        rejected.append(~done)
        return n

    monkeypatch.setattr(module, "_rejection", never)
    trials, probability = jnp.array([1000, 3, 1000]), jnp.array([jnp.nan, jnp.nan, 0.5])
    found = binomial(jax.random.key(SEED), trials.astype(jnp.int32), probability)
    assert found[:2].tolist() == [0, 0]
    assert rejected[0].tolist() == [False, False, True]


def many(trials, shares, num=NUM_SEEDS):
    """Counts [num, M], each from its own key."""
    keys = jax.random.split(jax.random.key(SEED), num)
    draw = jax.jit(jax.vmap(lambda key: multinomial(key, trials, shares)))
    return np.asarray(draw(keys))


@pytest.mark.parametrize("way", ["tokens", "chain"])
@pytest.mark.parametrize("trials", [6, 60])
def test_multinomial_has_its_moments(way, trials):
    """Means, variances and covariances; drawn as tokens and as binomials."""
    asked = trials if way == "tokens" else jnp.int32(trials)
    found = many(asked, jnp.asarray(SHARES))
    assert (found[:, SHARES == 0] == 0).all()
    assert (found.sum(1) == trials).all() and (found >= 0).all()
    alive, p = found[:, SHARES > 0], SHARES[SHARES > 0]
    assert_tells_apart(alive, trials * p, trials * np.full(p.size, 1 / p.size))
    centred = alive - trials * p
    products = centred[:, :, None] * centred[:, None, :]
    lower = np.tril_indices(p.size)
    right = trials * (np.diag(p) - np.outer(p, p))
    poisson = trials * np.diag(p)
    assert_mean(products[:, *lower], right[lower])
    first = (np.array([1, 1, 2]), np.array([0, 1, 0]))  # of the common symbols
    assert_tells_apart(products[:, *first], right[first], poisson[first])


@pytest.mark.statistical
@pytest.mark.parametrize("way", ["tokens", "chain"])
def test_counts_of_a_few_symbols_have_the_multinomial_law(way):
    """Every possible outcome of 4 trials of 3 symbols, by its probability."""
    shares = np.array([0.5, 0.3, 0.2])
    found = many(4 if way == "tokens" else jnp.int32(4), jnp.asarray(shares), 100_000)
    code = (found @ [1, 5, 0]).astype(int)
    law, wrong = np.zeros(25), np.zeros(25)
    for i in range(5):
        for j in range(5 - i):
            outcome = [i, j, 4 - i - j]
            law[i + 5 * j] = scipy.stats.multinomial.pmf(outcome, 4, shares)
            other = np.array([0.51, 0.29, 0.2])
            wrong[i + 5 * j] = scipy.stats.multinomial.pmf(outcome, 4, other)
    assert (law[code] > 0).all()
    assert not frequencies_differ(code, law)
    assert frequencies_differ(code, wrong)


@pytest.mark.parametrize("size", [1, 2, 32, 33])
def test_counts_are_those_of_categorical_draws(size, root):
    """By comparisons with every bound for few symbols, by a look-up for more."""
    weights = jnp.asarray(np.arange(size) + (size == 1), float)
    for key in jax.random.split(root, 20):
        drawn = np.bincount(categorical(key, weights, 3 * size), minlength=size)
        found = multinomial(key, 3 * size, weights)
        np.testing.assert_array_equal(found, drawn)


@pytest.mark.parametrize("trials", [30, 5000], ids=["tokens", "chain"])
def test_precision_is_that_of_the_shares(trials):
    assert (trials > module._TRIALS_PER_SYMBOL * SHARES.size) == (trials == 5000)
    shares = jnp.asarray(SHARES, jnp.float32)
    found = jax.eval_shape(lambda key: multinomial(key, trials, shares), key())
    assert found.dtype == jnp.float32


def key():
    return jax.random.key(SEED)


@pytest.mark.parametrize("trials", [30, 500], ids=["tokens", "chain"])
def test_mapped_is_single_and_keys_count(trials):
    keys = jax.random.split(key(), 3)
    draw = jax.jit(lambda key: multinomial(key, trials, jnp.asarray(SHARES)))
    mapped = np.asarray(jax.vmap(draw)(keys))
    for own, row in zip(keys, mapped, strict=True):
        np.testing.assert_array_equal(draw(own), row)
    assert (mapped[0] != mapped[1]).any()


def test_other_generators_work_too():
    shares, own = jnp.asarray(SHARES), jax.random.key(SEED, impl="rbg")
    for trials in (30, 500):
        assert multinomial(own, trials, shares).sum() == trials


@pytest.mark.x64
def test_stirling_terms_meet_the_logarithm_of_a_factorial():
    assert X64
    k = np.arange(0, 200.0)
    right = scipy.special.gammaln(k + 1) - (k + 0.5) * np.log(k + 1) + k + 1
    right -= np.log(2 * np.pi) / 2
    np.testing.assert_allclose(module._stirling(jnp.asarray(k)), right, atol=1e-10)
