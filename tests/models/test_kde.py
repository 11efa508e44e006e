"""The kernel density estimate: SciPy's and scikit-learn's density, and its own law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_cdf, assert_mean, assert_tells_apart, detectable_gap
from conftest import SEED, X64
from sklearn.neighbors import KernelDensity

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.models.kde import kde
from collapse.numerics import blocks, kernels
from collapse.numerics.kernels import (
    Kernels,
    add_kernels,
    log_density,
    moments,
    sample,
)

RTOL = 1e-9 if X64 else 1e-4
RULES = ["fixed", "scott", "silverman", "std"]
DIMENSIONS = pytest.mark.parametrize("d", [1, 3])
close = np.testing.assert_allclose


def given(d, num=40, seed=0):
    """Points and unequal weights, some of them 0."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(num, d)) * np.arange(1, d + 1) + 0.5
    weights = rng.choice([0, 0.5, 1, 3], size=num)
    return jnp.asarray(points, float), jnp.asarray(weights, float)


def fitted(rule, points, weights, bandwidth=0.7):
    model = kde(points.shape[1], rule, bandwidth)
    return model.fit(jax.random.key(SEED), None, points, weights)[0]


# The density, against other people's


def test_density_is_that_of_scipy():
    """In one dimension, with unequal weights; SciPy's factor multiplies the sd."""
    points, weights = given(1)
    at = np.linspace(-4, 5, 50)
    right = scipy.stats.gaussian_kde(points.T, "silverman", weights)
    params = fitted("std", points, weights, 1.0)
    close(log_density(params, jnp.asarray(at[:, None])), right.logpdf(at), rtol=RTOL)
    wrong = scipy.stats.gaussian_kde(points.T, "silverman")
    assert abs(wrong.logpdf(at) - right.logpdf(at)).max() > 0.05


@DIMENSIONS
@pytest.mark.parametrize("rule", ["fixed", "scott", "silverman"])
def test_density_is_that_of_scikit_learn(rule, d):
    points, weights = given(d)
    at = given(d, 50, seed=1)[0]
    params = fitted(rule, points, jnp.ones(40), 0.7 if rule == "fixed" else 1.0)
    right = KernelDensity(bandwidth=0.7 if rule == "fixed" else rule).fit(points)
    close(log_density(params, at), right.score_samples(at), rtol=RTOL, atol=RTOL)
    if rule == "fixed":
        keep = np.asarray(weights) > 0
        right.fit(points[keep], sample_weight=weights[keep])
        params = fitted(rule, points, weights)
        close(log_density(params, at), right.score_samples(at), rtol=RTOL, atol=RTOL)
    else:
        assert abs(params.bandwidth - 0.7) > 0.01


@DIMENSIONS
def test_std_rule_takes_the_root_mean_variance(d):
    points, _ = given(d)
    factor = 0.7 * (40 * (d + 2) / 4) ** (-1 / (d + 4))
    root = np.sqrt(np.var(points, axis=0, ddof=1).mean())
    close(fitted("std", points, jnp.ones(40)).bandwidth, factor * root, rtol=RTOL)


def test_density_is_exact_far_from_all_rows():
    """Where every kernel underflows, and with a nearer row of no weight."""
    params = Kernels(
        jnp.array([[0.0], [999.0]]), jnp.array([1.0, 0.0]), jnp.asarray(0.1)
    )
    right = scipy.stats.norm(0, 0.1).logpdf(1000)
    close(log_density(params, jnp.array([[1000.0]])), [right], rtol=1e-6)


def test_rows_that_are_not_numbers_are_seen():
    """A NaN is not lost on the way to the largest term, wherever it stands."""
    ones, at = jnp.ones(3), jnp.zeros((2, 1))
    for place in range(3):
        centres = jnp.zeros((3, 1)).at[place].set(jnp.nan)
        params = Kernels(centres, ones / 3, jnp.asarray(0.5))
        assert jnp.isnan(log_density(params, at)).all()
    params = Kernels(jnp.zeros((3, 1)), ones / 3, jnp.asarray(0.5))
    found = log_density(params, at.at[0].set(jnp.nan))
    assert jnp.isnan(found).tolist() == [True, False]


@DIMENSIONS
@pytest.mark.parametrize("num_empty", [0, 1500])
def test_blocks_give_the_density_of_one(d, num_empty, monkeypatch):
    points, weights = given(d, 900)
    points = jnp.concatenate([points, jnp.zeros((num_empty, d))])
    weights = jnp.concatenate([weights, jnp.zeros(num_empty)])
    params, at = fitted("fixed", points, weights), given(d, 9, seed=1)[0]
    monkeypatch.setattr(kernels, "_BLOCK", 3000)
    assert len(blocks.pack(points, weights, kernels._BLOCK).points) == 1
    whole = log_density(params, at)
    monkeypatch.setattr(kernels, "_BLOCK", 128)
    assert len(blocks.pack(points, weights, kernels._BLOCK).points) > 7
    close(log_density(params, at), whole, rtol=RTOL)
    several = Kernels(*(jnp.stack([leaf, leaf]) for leaf in params))
    close(jax.vmap(log_density, (0, None))(several, at)[1], whole, rtol=RTOL)


def test_running_sum_of_kernels_is_the_density_of_the_pool():
    (first, ones), (second, _) = given(2, 30), given(2, 30, seed=1)
    at, ones, h = given(2, 20, seed=2)[0], jnp.ones_like(ones), jnp.asarray(0.3)
    running = jnp.full(20, -jnp.inf)
    running = add_kernels(running, first, jnp.zeros(30), h, at)
    assert (running == -jnp.inf).all()
    for points in (first, second):
        running = add_kernels(running, points, ones, h, at)
    pool = fitted("fixed", jnp.concatenate([first, second]), jnp.ones(60), 0.3)
    close(running - jnp.log(60), log_density(pool, at), rtol=RTOL)


def test_density_integrates_to_one():
    points, weights = given(1)
    params = fitted("fixed", points, weights)
    at = jnp.linspace(-15, 15, 3001)[:, None]
    density = jnp.exp(log_density(params, at))
    close(jnp.sum(density) * 0.01, 1, rtol=1e-5)


# Weights, precision, keys


@DIMENSIONS
@pytest.mark.parametrize("rule", RULES)
def test_only_relative_weights_of_rows_that_have_one_count(rule, d):
    points, weights = given(d)
    at = given(d, 9, seed=1)[0]

    def results(points, weights):
        params = fitted(rule, points, weights)
        some = sample(jax.random.key(SEED), params, 50)
        return log_density(params, at), *moments(params), params.bandwidth, some

    found = results(points, weights)
    jax.tree.map(
        lambda a, b: close(a, b, rtol=RTOL, atol=RTOL),
        found,
        results(points, 2.5 * weights),
    )
    elsewhere = jnp.where(weights[:, None] > 0, points, 1e6)
    assert not (elsewhere == points).all()
    jax.tree.map(
        lambda a, b: close(a, b, rtol=RTOL, atol=RTOL),
        found,
        results(elsewhere, weights),
    )


@pytest.mark.parametrize("rule", RULES)
def test_precision_is_that_of_the_rows(rule):
    model, key = kde(2, rule, 0.5), jax.random.key(SEED)
    points, weights = jnp.ones((5, 2), jnp.float32), jnp.ones(5, jnp.float32)

    def everything(key):
        params, info = model.fit(key, model.init(key, points, weights), points, weights)
        density = log_density(params, points)
        return params, info, model.sample(key, params, 3), density, moments(params)

    leaves = jax.tree.leaves(jax.eval_shape(everything, key))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("rule", RULES)
def test_mapped_is_single_and_bandwidths_may_be_traced(rule):
    points, weights = given(2)
    at, roots = given(2, 9, seed=1)[0], jax.random.split(jax.random.key(SEED), 3)

    @jax.jit
    def one(key, bandwidth):
        params = fitted(rule, points, weights, bandwidth)
        return sample(key, params, 20), log_density(params, at)

    mapped = jax.vmap(one)(roots, jnp.array([0.1, 0.5, 2.0]))
    for i, bandwidth in enumerate([0.1, 0.5, 2.0]):
        single = one(roots[i], bandwidth)
        jax.tree.map(lambda a, b, i=i: close(a[i], b, rtol=RTOL), mapped, single)


def test_keys_give_other_points_and_the_same_key_the_same():
    params = fitted("fixed", *given(2))
    first, again, other = (
        sample(jax.random.key(SEED + i), params, 9) for i in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


# Laws


def test_points_have_the_law_of_the_density():
    points, weights = given(1)
    params = fitted("fixed", points, weights, 0.3)
    draws = np.asarray(sample(jax.random.key(SEED), params, 100_000))[:, 0]
    centres, shares = np.asarray(points)[:, 0], np.asarray(params.weights)

    def cdf(x, shares=shares, h=0.3):
        return scipy.stats.norm.cdf(x[:, None], centres, h) @ shares

    assert_cdf(draws, cdf)
    at, equal = np.linspace(-4, 4, 200), np.ones(40) / 40
    for wrong in ({"shares": equal}, {"h": 0.9}):
        assert detectable_gap(draws.size) < abs(cdf(at, **wrong) - cdf(at)).max()
        with pytest.raises(AssertionError):
            assert_cdf(draws, lambda x, wrong=wrong: cdf(x, **wrong))


def test_moments_are_those_of_points():
    params = fitted("fixed", *given(3))
    mean, factor = map(np.asarray, moments(params))
    covariance = factor @ factor.T
    points = np.asarray(sample(jax.random.key(SEED), params, 200_000))
    assert_tells_apart(points, mean, mean + 0.1)
    centred = points - mean
    products = (centred[:, :, None] * centred[:, None, :])[:, *np.tril_indices(3)]
    right, wrong = covariance, covariance - 0.49 * np.eye(3)
    assert_tells_apart(products, *(x[np.tril_indices(3)] for x in (right, wrong)))


NUM, BANDWIDTH, LAST = 12, 0.5, 4


def expected_variance(way):
    """E of the variance of the pool (ddof 0) after every fit to standard normal data.

    Given a pool, new rows have its mean and its variance plus h^2, and are independent
    of each other: the law of total variance does the rest.
    """
    found, h2 = [1 - 1 / NUM], BANDWIDTH**2
    for t in range(1, LAST + 1):
        c = found[-1]
        if way == "replace":
            found.append((1 - 1 / NUM) * (c + h2))
        else:  # a mean over t + 1 sets, whose newest has its own
            k = t + 1
            found.append(c * (1 - 1 / (NUM * k**2)) + h2 * (1 / k - 1 / (NUM * k**2)))
    return np.array(found)


@pytest.mark.parametrize("way", ["replace", "accumulate"])
def test_variance_of_the_pool_has_its_exact_expectation(way):
    """And is not that of a kernel without width: smoothing feeds the variance."""
    model = kde(1, "fixed", BANDWIDTH)

    def draw(key, num):
        return jax.random.normal(key, (num, 1))

    def variance(key, params):
        return moments(params)[1][0, 0] ** 2 - params.bandwidth**2

    problem = Problem(draw, model, {"variance": variance})
    workflow = {
        "replace": workflows.replace(),
        "accumulate": workflows.accumulate(LAST),
    }[way]
    roots = streams.seeds(SEED, 20_000)
    _, trace = loop.run_seeds(roots, lambda root: problem, workflow, NUM, LAST)
    assert bool(trace.finite.all())
    right = expected_variance(way)
    found = np.asarray(trace.metrics["variance"])
    assert_mean(found[:, 0], right[0])
    shrinks = right[0] * (1 - 1 / NUM) ** np.arange(1, LAST + 1)
    assert_tells_apart(found[:, 1:], right[1:], shrinks)
