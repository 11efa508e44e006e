"""The unigram model: its fit, and what drift does to heterozygosity and support."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED, X64
from jaxtyping import TypeCheckError

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.models.discrete import Counts, discrete, tempered

RTOL = 1e-9 if X64 else 1e-5
TRUTH = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
NUM, LAST = 20, 4
KINDS = pytest.mark.parametrize("rows", ["counts", "tokens"])
close = np.testing.assert_allclose


def batch_of(rows, tokens):
    """Rows of one token each, of either kind."""
    tokens = jnp.asarray(tokens, jnp.int32)
    return Counts(jax.nn.one_hot(tokens, 6)) if rows == "counts" else tokens


def fitted(batch, weights, **options):
    key = jax.random.key(SEED)
    return discrete(6, **options).fit(key, None, batch, jnp.asarray(weights, float))[0]


@KINDS
def test_fit_counts_weighted_rows(rows):
    batch = batch_of(rows, [0, 3, 3, 5, 1])
    shares = fitted(batch, [1, 1, 1, 2, 0], rows=rows)
    close(shares, np.array([1, 0, 0, 2, 0, 2]) / 5, rtol=RTOL)
    smooth = fitted(batch, [1, 1, 1, 1, 0], rows=rows, smoothing=0.5)
    close(smooth, np.array([1.5, 0.5, 0.5, 2.5, 0.5, 1.5]) / 7, rtol=RTOL)


@KINDS
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_scale_of_weights_and_rows_without_weight_do_not_count(rows, smoothing):
    weights = np.array([1, 0.5, 3, 2, 0])
    one = {"rows": rows, "smoothing": smoothing}
    right = fitted(batch_of(rows, [0, 3, 3, 5, 1]), weights, **one)
    close(fitted(batch_of(rows, [0, 3, 3, 5, 1]), 2.5 * weights, **one), right, RTOL)
    close(fitted(batch_of(rows, [0, 3, 3, 5, 2]), weights, **one), right, RTOL)
    assert abs(right[0] - right[3]) > 0.1


@KINDS
def test_a_sum_of_rows_is_a_row(rows):
    batch = Counts(jnp.arange(12.0).reshape(2, 6))
    assert batch.additive
    total = Counts(batch.counts.sum(0, keepdims=True))
    for smoothing in (0.0, 0.5):
        apart = fitted(batch, [1, 1], smoothing=smoothing)
        close(fitted(total, [1], smoothing=smoothing), apart, rtol=RTOL)


def samples(rows, batch_size=NUM, num=20_000, **options):
    """Counts [seeds, 6] of batches drawn from the truth."""
    model = discrete(6, batch_size, rows=rows, **options)
    size = 1 if rows == "counts" else NUM

    @jax.jit
    @jax.vmap
    def draw(key):
        batch = model.sample(key, jnp.asarray(TRUTH), size)
        if rows == "tokens":
            return jnp.zeros(6).at[batch].add(1)
        return batch.counts[0]

    return np.asarray(draw(jax.random.split(jax.random.key(SEED), num)))


@KINDS
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_symbols_are_drawn_at_a_temperature(rows, temperature):
    found = samples(rows, temperature=jnp.asarray(temperature))
    right = TRUTH ** (1 / temperature)
    right /= right.sum()
    wrong = TRUTH**temperature if temperature != 1 else TRUTH[::-1]
    assert_tells_apart(found, NUM * right, NUM * wrong / wrong.sum())
    first = found[:, 0] * (found[:, 0] - 1)  # two draws without a memory
    assert_tells_apart(first, NUM * (NUM - 1) * right[0] ** 2, (NUM * right[0]) ** 2)


def test_no_share_at_any_temperature_stays_none():
    shares = jnp.array([0.0, 0.7, 0.3, 0.0])
    for temperature in (1e-3, 0.5, 3.0, 1e3):
        hot = tempered(shares, jnp.asarray(temperature))
        assert (hot[jnp.array([0, 3])] == 0).all() and jnp.isfinite(hot).all()
        close(jnp.sum(hot), 1, rtol=RTOL)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("temperature", [0.0, 1e-320, 1e-300, 1e-45, 1e-38, 1e-5])
def test_at_a_low_temperature_the_largest_share_is_all(temperature, dtype):
    """Also where it is not 1 over itself, as rounding of a reciprocal may have it."""
    shares = jnp.array([0.2, 0.5, 0.3, 0.0], dtype)
    low = jnp.asarray(temperature, shares.dtype)
    for own in (shares, shares * (1 - 1e-7)):
        found = jax.jit(tempered)(own, low)
        assert found.tolist() == [0, 1, 0, 0] and found.dtype == shares.dtype
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jnp, "log", lambda ratio, log=jnp.log: log(ratio * (1 - 1e-7)))
        close(tempered(shares, low), [0, 1, 0, 0], rtol=1e-6)
    even = tempered(jnp.array([0.4, 0.4, 0.2], dtype), low)
    assert even.tolist() == [0.5, 0.5, 0]
    assert jnp.isnan(tempered(jnp.full(2, jnp.nan, dtype), low)).all()


def test_traced_batch_sizes_and_several_rows():
    draw = jax.jit(
        lambda size: discrete(6, size).sample(
            jax.random.key(SEED), jnp.asarray(TRUTH), 5
        )
    )
    for size in (0, 1, 33, 5000):
        counts = np.asarray(draw(jnp.int32(size)).counts)
        assert counts.shape == (5, 6) and (counts.sum(1) == size).all()
        assert size < 33 or np.unique(counts, axis=0).shape[0] > 1


@pytest.mark.parametrize("rows", ["counts", "tokens"])
@pytest.mark.parametrize("dtype", [jnp.float32, None])
def test_precision(rows, dtype):
    """That of the rows; of tokens, which have none, the one asked for."""
    wanted = jnp.dtype(dtype or jnp.result_type(float))
    model, key = discrete(6, 9, rows=rows, dtype=dtype), jax.random.key(SEED)
    truth = jnp.asarray(TRUTH, wanted)

    def everything(key):
        batch = model.sample(key, truth, 7)
        weights = jnp.ones(7, wanted if rows == "counts" else jnp.float32)
        start = model.init(key, batch, weights)
        return batch, start, model.fit(key, start, batch, weights)

    batch, *others = jax.eval_shape(everything, key)
    assert {leaf.dtype for leaf in jax.tree.leaves(others)} == {wanted}
    (leaf,) = jax.tree.leaves(batch)
    assert leaf.dtype == (wanted if rows == "counts" else jnp.int32)


@KINDS
def test_mapped_is_single_and_keys_count(rows):
    model, keys = discrete(6, 9, rows=rows), jax.random.split(jax.random.key(SEED), 3)

    def draw(key):
        return jax.tree.leaves(model.sample(key, jnp.asarray(TRUTH), 8))[0]

    mapped = np.asarray(jax.jit(jax.vmap(draw))(keys))
    for key, own in zip(keys, mapped, strict=True):
        np.testing.assert_array_equal(jax.jit(draw)(key), own)
    assert (mapped[0] != mapped[1]).any()


def test_unknown_rows_are_named():
    with pytest.raises((ValueError, TypeCheckError), match="rows"):
        discrete(6, rows="words")


# Drift: the exact expectation of heterozygosity, and what becomes of the support


def run(way, rows):
    """Shares of all seeds and generations, [S, LAST + 1, 6]."""
    workflow = {
        "replace": workflows.replace(),
        "accumulate": workflows.accumulate(LAST),
        "accumulate_sums": workflows.accumulate_sums(),
        "fixed_budget": workflows.fixed_budget(LAST),
    }[way]
    model, truth = discrete(6, NUM, rows=rows), jnp.asarray(TRUTH)
    shares = {f"{i}": lambda key, params, i=i: params[i] for i in range(TRUTH.size)}
    problem = Problem(lambda key, num: model.sample(key, truth, num), model, shares)
    roots, num = streams.seeds(SEED, 10_000), 1 if rows == "counts" else NUM
    _, trace = loop.run_seeds(roots, lambda root: problem, workflow, num, LAST)
    assert bool(trace.finite.all())
    return np.stack([trace.metrics[f"{i}"] for i in range(TRUTH.size)], axis=2)


def expected_heterozygosity(way):
    """Of the fit in every generation, from that of the data, 1 - sum q^2."""
    start, fits = 1 - np.sum(TRUTH**2), np.arange(1, LAST + 2)
    if way == "replace":
        return start * (1 - 1 / NUM) ** fits
    if way.startswith("accumulate"):
        return start * np.cumprod(1 - 1 / (NUM * fits**2))
    pool = [start * (1 - 1 / NUM)]
    for n in fits[:-1]:
        size = n * NUM
        gain = n**2 + 2 * n + n * (NUM - 1) ** 2 / (NUM * (size - 1))
        pool.append(pool[-1] * gain / (n + 1) ** 2)
    return np.array(pool) * fits * (NUM - 1) / (fits * NUM - 1)


@pytest.mark.parametrize(
    ("way", "rows"),
    [
        ("replace", "counts"),
        ("replace", "tokens"),
        ("accumulate", "counts"),
        ("accumulate_sums", "counts"),
        ("accumulate", "tokens"),
        ("fixed_budget", "tokens"),
    ],
)
def test_heterozygosity_and_support(way, rows):
    shares = run(way, rows)
    found, right = 1 - np.sum(shares**2, axis=2), expected_heterozygosity(way)
    wrong = expected_heterozygosity("accumulate" if way != "accumulate" else "replace")
    if way == "accumulate_sums":
        wrong = expected_heterozygosity("replace")
    assert_mean(found[:, 0], right[0])
    assert_tells_apart(found[:, 1:], right[1:], wrong[1:])
    alive = shares > 0
    lost, back = (alive[:, :-1] & ~alive[:, 1:]), (~alive[:, :-1] & alive[:, 1:])
    assert lost.any() == (not way.startswith("accumulate"))
    assert back.any() == (way == "fixed_budget")
