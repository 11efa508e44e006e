"""N-grams: each context a Wright-Fisher chain, met by a simulation in plain NumPy."""

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import ngram

Q = np.array([[0.5, 0.3, 0.2], [0.9, 0.0, 0.1], [0.2, 0.4, 0.4]])
DRAWS, LAST, SEEDS = np.array([12, 5, 3]), 3, 6000


def stationary(q):
    """Of the bigram chain, whose next context is the token."""
    w = np.linalg.matrix_power(q, 200)[0]
    return w / w.sum()


W = stationary(Q)
# contexts that lead to themselves: text that is generated as a chain sees fewer n-grams
STICKY = np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.2, 0.8]])


def simulated(accumulates):
    """Shares [SEEDS, G + 1, C, V] of a fixed design, refitted to own draws."""
    rng, pool = np.random.default_rng(SEED), np.zeros((SEEDS, *Q.shape))
    shares, found = np.broadcast_to(Q, pool.shape), []
    for _ in range(LAST + 1):
        drawn = rng.multinomial(DRAWS, shares)
        pool = pool * accumulates + drawn
        shares = pool / pool.sum(2, keepdims=True)
        found.append(shares)
    return np.stack(found, 1)


def variance(form):
    return lambda n: form(n, LAST, 0).variance


@pytest.mark.parametrize("way", ["replace", "accumulate"])
def test_heterozygosity_and_support_of_a_fixed_design(way):
    shares = simulated(way == "accumulate")
    forms = {"replace": theory.replace, "accumulate": theory.accumulate}
    supports = {"replace": ngram.support_replace, "accumulate": ngram.support}
    other = "replace" if way == "accumulate" else "accumulate"
    truth = W @ (1 - (Q**2).sum(1))
    found = (1 - (shares**2).sum(3)) @ W / truth
    right, wrong = (
        ngram.heterozygosity(Q, W, DRAWS, variance(forms[w])) for w in (way, other)
    )
    assert_tells_apart(found, right, wrong)
    grams = (shares > 0).sum((2, 3))
    right, wrong = (supports[w](Q, DRAWS, LAST) for w in (way, other))
    assert_tells_apart(grams, right, wrong)


def test_smoothing_is_that_of_each_context():
    """One context is `discrete`; a context that is never drawn has equal shares."""
    own = theory.discrete.smoothed_homozygosity(Q[0], 12, 0.5, LAST)
    one = np.array([1.0, 0.0, 0.0])
    found = ngram.smoothed_heterozygosity(Q, one, DRAWS, 0.5, LAST)
    np.testing.assert_allclose(found * (1 - Q[0] @ Q[0]), 1 - own)
    never = ngram.smoothed_heterozygosity(Q, one, 0 * DRAWS, 0.5, LAST)
    np.testing.assert_allclose(never * (1 - Q[0] @ Q[0]), 2 / 3)


def chains(lengths):
    """Counts [SEEDS, C, V] of n-grams in sequences that begin at its contexts."""
    rng, counts = np.random.default_rng(SEED), np.zeros((SEEDS, *STICKY.shape))
    for length in lengths:
        context = rng.choice(3, size=SEEDS, p=stationary(STICKY))
        for _ in range(length):
            below = rng.random(SEEDS)[:, None] > STICKY.cumsum(1)[context]
            token = below.sum(1)
            counts[np.arange(SEEDS), context, token] += 1
            context = token
    return counts


def test_the_first_sample_of_chains_misses_what_the_taboo_chain_says():
    leads, lengths = np.tile(np.arange(3, dtype=np.int32), (3, 1)), [4, 4, 1]
    counts, w = chains(lengths), stationary(STICKY)
    grams, contexts = ngram.first_support(STICKY, w, leads, lengths)
    independent = [1] * 9  # as if the n-grams were drawn one by one
    wrong, wrong_contexts = ngram.first_support(STICKY, w, leads, independent)
    assert_tells_apart((counts > 0).sum((1, 2)), grams, wrong)
    assert_tells_apart((counts.sum(2) > 0).sum(1), contexts, wrong_contexts)
    joint = w[:, None] * STICKY
    np.testing.assert_allclose(wrong, (1 - (1 - joint) ** 9).sum())
