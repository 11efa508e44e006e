"""The Gaussian mixture as a model: densities, sampling, where a fit starts."""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from calibrated import assert_cdf, assert_mean, assert_tells_apart, detectable_gap
from conftest import SEED, X64
from gmm_cases import KEY, RTOL, assert_same, clusters, guess
from hypothesis import given
from jaxtyping import TypeCheckError

from collapse.models.gmm import kmeans as gmm_start
from collapse.models.gmm.model import (
    GmmParams,
    gmm,
    log_density,
    moments,
    responsibilities,
    sample_points,
)
from collapse.numerics.blocks import pack

close = np.testing.assert_allclose


def mixture(weights, means, covariances):
    return GmmParams(*map(jnp.asarray, (weights, means, covariances)))


# Densities


@pytest.mark.parametrize("dimension", [1, 2, 7])
def test_densities_are_scipys(dimension):
    rng = np.random.default_rng(SEED)
    root = rng.normal(size=(3, dimension, dimension + 2))
    weights, means = rng.dirichlet(np.ones(3)), rng.normal(size=(3, dimension))
    covariances = root @ root.swapaxes(1, 2)
    points = 2 * rng.normal(size=(50, dimension))
    joint = np.stack(
        [
            np.log(w) + scipy.stats.multivariate_normal(m, c).logpdf(points)
            for w, m, c in zip(weights, means, covariances, strict=True)
        ]
    )
    total = scipy.special.logsumexp(joint, axis=0)
    params = mixture(weights, means, covariances)
    rtol = RTOL if X64 else 1e-3  # the covariances are not well conditioned
    close(jax.jit(log_density)(params, jnp.asarray(points)), total, rtol=rtol)
    posterior = jax.jit(responsibilities)(params, jnp.asarray(points))
    close(posterior, np.exp(joint - total), rtol=rtol, atol=rtol)


# Sampling


@functools.partial(jax.jit, static_argnums=1)
def sample(params, num):
    return sample_points(KEY, params, num)


CORRELATED = [[[1.0, 0.8], [0.8, 1.0]], [[0.3, 0], [0, 2.0]], [[2.0, -0.5], [-0.5, 1]]]
THREE = [0.2, 0.5, 0.3], [[3.0, -1.0], [0.0, 0.5], [-2.0, 2.0]], CORRELATED


def test_samples_have_the_moments_of_the_mixture():
    params = mixture(*THREE)
    rows = np.asarray(sample(params, 40_000), np.float64)
    mean, covariance = (np.asarray(m, np.float64) for m in moments(params))
    even, spread = moments(params._replace(weights=jnp.full(3, 1 / 3)))
    assert_tells_apart(rows, mean, even)
    products = (rows - mean)[:, [0, 0, 1]] * (rows - mean)[:, [0, 1, 1]]
    upper = np.triu_indices(2)
    assert_tells_apart(products, covariance[upper], np.asarray(spread)[upper])


def test_samples_follow_the_law_of_the_mixture():
    weights, means, covariances = map(np.array, THREE)
    direction = np.array([0.6, -0.8])
    seen = np.asarray(sample(mixture(*THREE), 40_000)) @ direction

    def law(variances):
        scale = np.sqrt(variances)
        return lambda x: (
            scipy.stats.norm.cdf((x[:, None] - means @ direction) / scale) @ weights
        )

    right = law(covariances @ direction @ direction)
    uncorrelated = law(np.diagonal(covariances, axis1=1, axis2=2) @ direction**2)
    grid = np.linspace(-8, 8, 1000)
    assert detectable_gap(seen.size) < abs(right(grid) - uncorrelated(grid)).max()
    assert_cdf(seen, right)
    with pytest.raises(AssertionError):
        assert_cdf(seen, uncorrelated)


def test_every_row_picks_its_component_for_itself():
    params = mixture([0.3, 0.7], [[-9.0], [9.0]], np.ones((2, 1, 1)))
    keys = jax.random.split(KEY, 4000)
    rows = jax.jit(jax.vmap(lambda key: sample_points(key, params, 20)))(keys)
    left = np.asarray(rows[:, :, 0] < 0, np.float64)
    assert_mean(left[:, [0, -1]], 0.3)
    # fixed counts would have no variance
    assert_tells_apart((left.sum(1) - 6) ** 2, 20 * 0.3 * 0.7, 0.0)
    # and rows written component by component would resemble their neighbours
    assert_tells_apart(left[:, 0] * left[:, 1], 0.09, 0.3)


# Where a fit starts

FIVE = mixture(
    [0.1, 0.3, 0.2, 0.25, 0.15],
    20 * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, 0.0]]),
    [[[1.0, 0.4], [0.4, 0.5]]] * 5,
)
init = gmm(5, dimension=2).init
init_all = jax.jit(jax.vmap(init, (0, None, None)))


def starts(rows, weights):
    """Where 50 fits with different keys start."""
    found = map(np.asarray, init_all(jax.random.split(KEY, 50), rows, weights))
    return [GmmParams(*leaves) for leaves in zip(*found, strict=True)]


def test_kmeans_finds_separated_clusters_and_their_moments():
    """A start fails if all three draws for a seed fall into clusters found already.

    Less than one part in 100 of the squared distance is left there, so this happens in
    less than one of 10^5 starts.
    """
    rows = sample(FIVE, 400)
    weights = jax.random.uniform(jax.random.fold_in(KEY, 1), (400,)) + 0.1
    label = np.argmax(responsibilities(FIVE, rows), 0)
    rtol = RTOL if X64 else 1e-3
    for found in starts(rows, weights):
        apart = np.linalg.norm(found.means[:, None] - FIVE.means[None], axis=-1)
        assert sorted(apart.argmin(1)) == list(range(5))
        for k, place in enumerate(apart.argmin(0)):
            mine, w = np.asarray(rows)[label == k], np.asarray(weights)[label == k]
            exact = np.cov(mine.T, ddof=0, aweights=w) + 1e-6 * np.eye(2)
            one = jax.tree.map(lambda leaf, place=place: leaf[place], found)
            share = w.sum() / weights.sum()
            assert_same(one, (share, np.average(mine, 0, w), exact), rtol)


@given(st.integers(0, 2**31))
def test_kmeans_ends_where_lloyd_stands_still(seed):
    rows = clusters(seed, 3, 2, 400, spread=1.0)
    keys = jax.random.split(jax.random.key(seed), 50)
    many = init_all(keys, jnp.asarray(rows), jnp.ones(400))
    params = jax.tree.map(lambda leaf: leaf[0], many)
    label = np.square(rows[:, None] - params.means[None]).sum(-1).argmin(1)
    for k in range(5):
        close(params.means[k], rows[label == k].mean(0), rtol=1e-4, atol=1e-4)


def test_centres_are_weighted_means_by_hand():
    """Rows 0, 4 and 10 of weights 1, 9 and 1, from centres 0 and 10.

    The second row stays with the first: its centre ends at 3.6, not at 2. Where the
    first centre is -3 it goes to the other side, whose mean is (36 + 10) / 10.
    """
    rows = pack(jnp.array([[0.0], [4.0], [10.0]]), jnp.array([1.0, 9.0, 1.0]))
    found = gmm_start._lloyd(rows, jnp.array([[0.0], [10.0]]))
    close(found, [[3.6], [10.0]], rtol=RTOL)
    found = gmm_start._lloyd(rows, jnp.array([[-3.0], [10.0]]))
    close(found, [[0.0], [46 / 10]], rtol=RTOL)


def test_kmeans_never_looks_at_rows_of_weight_zero():
    rows = sample(FIVE, 400)
    silent = jnp.arange(400) % 7 == 3
    weights = jnp.where(silent, 0.0, 1.0)
    far = jnp.where(silent[:, None], 1e6, rows)
    pairs = zip(starts(rows, weights), starts(far, weights), strict=True)
    for seen, changed in pairs:
        assert_same(seen, changed)


def test_seeds_are_drawn_in_proportion_to_mass():
    rows, share = np.array([1, 2, 44, 45]), np.array([3.0, 1.0, 0.5, 1.5])
    mass = jnp.zeros(50).at[rows].set(jnp.asarray(share))  # whole blocks are empty
    u = jax.random.uniform(KEY, (4000,))
    drawn = np.asarray(jax.jit(gmm_start._draw_rows)(u, mass))
    assert set(drawn) == set(rows)
    hits = (drawn[:, None] == rows).astype(np.float64)
    assert_tells_apart(hits, share / share.sum(), np.full(4, 1 / 4))
    ends = np.array([0, np.nextafter(u.dtype.type(1), u.dtype.type(0))], u.dtype)
    assert gmm_start._draw_rows(jnp.asarray(ends), mass).tolist() == [1, 45]
    # targets that rounding has pushed out of the block are looked up inside it
    outside = jnp.array([-1e-9, 3.0 + 1e-9])
    place, _ = gmm_start._look_up(outside, jnp.array([[0, 2.0, 1.0, 0]] * 2))
    assert place.tolist() == [1, 2]


def test_what_each_start_ignores():
    rows, weights = clusters(1, 2, 2, 80), jnp.ones(80)
    one, other = guess(1, 2, rows), guess(2, 2, rows)
    rows, (first, second) = jnp.asarray(rows), jax.random.split(KEY)
    afresh, onwards = (
        jax.jit(gmm(2, dimension=2, max_iter=2, start=start).fit)
        for start in ("kmeans++", "previous")
    )
    same = afresh(first, one, rows, weights), afresh(first, other, rows, weights)
    assert_same(*same, rtol=0)
    same = onwards(first, one, rows, weights), onwards(second, one, rows, weights)
    assert_same(*same, rtol=0)
    a, b = (onwards(KEY, start, rows, weights)[0].means for start in (one, other))
    assert not np.allclose(a, b)


# The model's manners


@pytest.mark.parametrize(
    "dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.x64)]
)
def test_everything_follows_the_dtype_of_the_rows(dtype):
    rows, weights = jnp.asarray(clusters(0, 2, 2, 30), dtype), jnp.ones(30)
    model = gmm(2, dimension=2)

    @jax.eval_shape
    def floats():
        params, info = model.fit(KEY, model.init(KEY, rows, weights), rows, weights)
        sample = model.sample(KEY, params, 5)
        return params, info["gain"], sample, log_density(params, rows)

    assert {leaf.dtype for leaf in jax.tree.leaves(floats)} == {np.dtype(dtype)}


def test_refusals():
    with pytest.raises(ValueError, match="positive"):
        gmm(0, dimension=2)
    # the type checker, where it is on, is the first to notice
    with pytest.raises((ValueError, TypeCheckError), match="start"):
        gmm(2, dimension=2, start="random")
    with pytest.raises(ValueError, match=r"\[rows, 2\]"):
        gmm(2, dimension=2).init(KEY, jnp.ones((5, 3)), jnp.ones(5))
