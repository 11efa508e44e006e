"""N-gram models: their fits, fixed and free contexts, and what sampling leaves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED, X64

from collapse.models.ngram import (
    Chain,
    Fixed,
    FollowerCounts,
    Ngrams,
    additive,
    kneser_ney,
    ngram,
)
from collapse.numerics.shares import likeliest
from collapse.theory.ngram import first_support

RTOL = 1e-9 if X64 else 1e-5
# bigrams of three tokens, whose next context is the token
STICKY = np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.2, 0.8]])
W = np.linalg.matrix_power(STICKY, 500)[0]
LEADS = np.tile(np.arange(3, dtype=np.int32), (3, 1))
ORDER = np.array([0, 1, 2, 1, 0, 1], np.int32)  # of contexts in a fixed design
FIXED, CHAIN = Fixed(lambda num: np.resize(ORDER, num)), Chain(jnp.asarray(LEADS), 4)
TRUTH = Ngrams(jnp.asarray(STICKY, float), jnp.asarray(W, float))
close = np.testing.assert_allclose


def key(number=0):
    return jax.random.key(SEED + number)


def fitted(batch, weights, **options):
    model = ngram((3, 3), FIXED, **options)
    return model.fit(key(), None, batch, jnp.asarray(weights, float))[0]


@pytest.mark.parametrize("rows", ["counts", "ngrams"])
def test_a_fit_counts_weighted_rows(rows):
    batch = jnp.asarray([0, 1, 1, 5, 8], jnp.int32)
    if rows == "counts":
        batch = FollowerCounts(jax.nn.one_hot(batch, 9).reshape(-1, 3, 3))
    found = fitted(batch, [1, 1, 1, 2, 0], rows=rows)
    close(found.shares, [[1 / 3, 2 / 3, 0], [0, 0, 1], [0, 0, 0]], rtol=RTOL)
    close(found.contexts, [3 / 5, 2 / 5, 0], rtol=RTOL)
    smooth = fitted(batch, [3, 3, 3, 3, 0], rows=rows, smoothing=additive(0.5))
    expected = [[1.5 / 4.5, 2.5 / 4.5, 0.5 / 4.5], [0.2, 0.2, 0.6], [1 / 3] * 3]
    close(smooth.shares, expected, rtol=RTOL)


def kneser_ney_by_hand(counts, discount):
    """Share of v after a context (a, ...), by the formulas of Chen & Goodman."""
    size = counts.shape[-1]

    def share(context, v, table):
        if table.ndim == 0:
            return 1 / size
        after, lower = table[context], (table > 0).sum(0)
        if not after.sum():
            return share(context[1:], v, lower)
        rest = np.minimum(after, discount).sum() / after.sum()
        own = max(after[v] - discount, 0) / after.sum()
        if table.ndim == 1:
            return own + rest / size
        return own + rest * share(context[1:], v, lower)

    every = np.ndindex(*counts.shape)
    found = [share(place[:-1], place[-1], counts) for place in every]
    return np.reshape(found, (-1, size))


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("discount", [0.75, 1.0])
def test_kneser_ney_is_that_of_the_formulas(order, discount):
    counts = np.random.default_rng(SEED).poisson(0.7, [4] * order).astype(float)
    counts[0] = 0  # a context that never occurs
    found = kneser_ney(discount)(jnp.asarray(counts.reshape(-1, 4)))
    close(found, kneser_ney_by_hand(counts, discount), rtol=RTOL)
    close(np.sum(found, axis=1), 1, rtol=RTOL)
    assert (found > 0).all()


def test_a_fixed_design_draws_each_context_so_often():
    for size in (60, 600):  # draws one by one, and binomials
        model = ngram((3, 3), FIXED, size)
        found = model.sample(key(), TRUTH, 2).counts
        close(found.sum(2), np.outer([1, 1], [size / 3, size / 2, size / 6]))
        assert not np.asarray(found)[:, STICKY == 0].any()
        assert (found[0] != found[1]).any()


@pytest.mark.x64
@pytest.mark.parametrize("size", [6, 120])
def test_tokens_of_a_fixed_design_have_their_contexts_shares(size):
    model = ngram((3, 3), FIXED, size)
    keys = jax.random.split(key(), 4000)
    found = jax.jit(jax.vmap(lambda k: model.sample(k, TRUTH, 1).counts[0]))(keys)
    draws = size * np.array([1 / 3, 1 / 2, 1 / 6])
    some = STICKY > 0
    right, wrong = (draws[:, None] * q for q in (STICKY, STICKY[::-1]))
    assert_tells_apart(np.asarray(found)[:, some], right[some], wrong[some])


@pytest.mark.x64
def test_the_first_sample_of_text_has_its_exact_number_of_ngrams():
    """Ten tokens as sequences of 4, 4 and 2 have fewer than ten single n-grams."""
    model, keys = ngram((3, 3), CHAIN, 10), jax.random.split(key(), 20_000)
    found = jax.jit(jax.vmap(lambda k: model.sample(k, TRUTH, 1).counts[0]))(keys)
    assert (found.sum((1, 2)) == 10).all()
    lengths = [4, 4, 2]
    right, wrong = (first_support(STICKY, W, LEADS, x) for x in (lengths, [1] * 10))
    seen = np.stack([(found > 0).sum((1, 2)), (found.sum(2) > 0).sum(1)], 1)
    assert_tells_apart(seen, right, wrong)
    joint = W[:, None] * STICKY  # n-grams are as frequent as in the truth
    some = joint > 0
    reverse = (10 * W[::-1, None] * STICKY)[some]
    assert_tells_apart(np.asarray(found)[:, some], 10 * joint[some], reverse)


def test_text_goes_from_context_to_context_and_begins_again_at_a_lost_one():
    """After token 2 nothing is known: the sequence goes on from where it began."""
    shares = jnp.asarray([[0, 1, 0], [0, 0, 1], [0, 0, 0]], float)
    params = Ngrams(shares, jnp.asarray([0.5, 0.5, 0]))
    model = ngram((3, 3), Chain(jnp.asarray(LEADS), 5), rows="ngrams")
    found = np.asarray(model.sample(key(), params, 40)).reshape(8, 5)
    begun = found[:, 0] // 3
    assert set(begun) == {0, 1}
    for first, sequence in zip(begun, found, strict=True):
        cycle = [1, 5] if first == 0 else [5]
        np.testing.assert_array_equal(sequence, np.resize(cycle, 5))


@pytest.mark.x64
def test_a_temperature_is_of_the_tokens_after_a_context():
    model = ngram((3, 3), FIXED, rows="ngrams", temperature=jnp.asarray(0.5))
    found = np.asarray(model.sample(key(), TRUTH, 60_000))
    seen = (found[ORDER[np.arange(60_000) % 6] == 2] % 3)[:, None] == [1, 2]
    squares = STICKY[2, 1:] ** 2
    assert_tells_apart(seen, squares / squares.sum(), STICKY[2, 1:])


def test_shares_of_a_lost_context_are_zero():
    found = likeliest(jnp.asarray([[1.0, 3.0], [0.0, 0.0]]))
    close(found, [[0.25, 0.75], [0, 0]], rtol=RTOL)
