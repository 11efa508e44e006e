"""EM for the Gaussian mixture: against scikit-learn, closed forms and what it keeps."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from gmm_cases import KEY, RTOL, assert_same, clusters, em, guess
from hypothesis import given
from sklearn.mixture import GaussianMixture
from strategies import weighted_batches

from collapse.models.gmm import em as gmm_em
from collapse.models.gmm.model import GmmParams, gmm, log_density, moments
from collapse.numerics import blocks as gmm_rows

close = np.testing.assert_allclose
SHAPES = ((1, 1), (12, 2), (12, 3))
REG = 0.05  # large, so that toy batches with ties are well conditioned


def scikit_learn(start, rows, **options):
    return GaussianMixture(
        len(start.weights),
        weights_init=np.asarray(start.weights, np.float64),
        means_init=np.asarray(start.means, np.float64),
        precisions_init=np.linalg.inv(np.asarray(start.covariances, np.float64)),
        **options,
    ).fit(np.asarray(rows, np.float64))


def toy_start(d):
    """Two components around which no batch of halves and ties is symmetric."""
    means = jnp.stack([jnp.full(d, -0.83), jnp.full(d, 1.37)])
    spreads = jnp.stack([jnp.eye(d), 2.1 * jnp.eye(d)])
    return GmmParams(jnp.array([0.4, 0.6]), means, spreads)


def small(batch):
    """The batch, shrunk to a few units so that few posteriors under- or overflow."""
    return batch.rows / (1 + abs(batch.rows).max() / 4), batch.weights


def three_steps(start, rows, weights, reg_covar=REG):
    return em(start, rows, weights, 0.0, 3, reg_covar)


def weighted_covariance(rows, weights):
    d = rows.shape[1]
    return np.cov(rows.T, ddof=0, aweights=weights).reshape(d, d) + REG * np.eye(d)


# Against independent implementations


@pytest.mark.x64
@pytest.mark.parametrize(
    ("num_components", "dimension", "num_rows"),
    [(3, 1, 300), (4, 2, 500), (3, 5, 500), (2, 8, 300), (3, 2, 2500)],
)
def test_em_is_scikit_learns(num_components, dimension, num_rows):
    """One dimension to more than are unrolled, one block and several."""
    assert dimension in range(gmm_em.UNROLLED_DIMENSIONS + 3)
    rows = clusters(num_rows, num_components, dimension, num_rows)
    start = guess(num_rows, num_components, rows)
    for tol in (1e-3, 1e-5):
        theirs = scikit_learn(start, rows, tol=tol, max_iter=500)
        params, info = em(start, rows, np.ones(num_rows), tol, 500)
        assert info["iterations"] == theirs.n_iter_
        assert info["converged"] and theirs.converged_
        close(info["log_likelihood"], theirs.lower_bound_, rtol=0, atol=1e-6)
        assert -1e-12 < info["gain"] < tol
        found = (theirs.weights_, theirs.means_, theirs.covariances_)
        assert_same(params, found, rtol=1e-6)


def test_a_fit_cut_short_says_so():
    rows = clusters(5, 5, 2, 1000)
    start = guess(5, 5, rows)
    with pytest.warns(match="did not converge"):
        theirs = scikit_learn(start, rows, tol=1e-6, max_iter=7)
    _, info = em(start, rows, np.ones(1000), 1e-6, 7)
    assert info["iterations"] == 7 and not info["converged"]
    assert info["gain"] > 1e-6
    close(info["log_likelihood"], theirs.lower_bound_, rtol=1e-6 if X64 else 1e-4)


@given(weighted_batches(SHAPES))
def test_one_component_is_the_weighted_gaussian(batch):
    rows, weights = small(batch)
    d = rows.shape[1]
    start = GmmParams(jnp.ones(1), jnp.ones((1, d)), 3 * jnp.eye(d)[None])
    params, _ = three_steps(start, rows, weights)
    exact = np.average(rows, axis=0, weights=weights)[None]
    covariance = weighted_covariance(rows, weights)[None]
    assert_same(params, (np.ones(1), exact, covariance))


# What EM keeps


@jax.jit
def trajectory(start, rows):
    """Iterations, log-likelihood and gain of fits of 1 to 25 steps, reg_covar 0."""

    def fit(max_iter):
        return em(start, rows, jnp.ones(len(rows)), 0.0, max_iter, 0.0)[1]

    info = jax.vmap(fit)(jnp.arange(1, 26))
    return info["iterations"], info["log_likelihood"], info["gain"]


@given(st.integers(0, 2**31))
def test_the_likelihood_never_falls(seed):
    rows = clusters(seed, 3, 2, 100, spread=1.5)
    iterations, log_likelihood, gain = trajectory(guess(seed, 3, rows), rows)
    assert iterations.tolist() == list(range(1, 26))
    assert (np.diff(log_likelihood) > -RTOL).all()
    close(gain[1:], np.diff(log_likelihood), rtol=0, atol=RTOL)


@given(weighted_batches(SHAPES))
def test_the_mixture_has_the_moments_of_the_rows(batch):
    rows, weights = small(batch)
    params, _ = three_steps(toy_start(rows.shape[1]), rows, weights)
    mean = np.average(rows, axis=0, weights=weights)
    assert_same(moments(params), (mean, weighted_covariance(rows, weights)))


# What weights and units mean


@pytest.mark.x64
@given(weighted_batches(SHAPES), st.floats(-100, 100, width=16))
def test_a_row_of_weight_zero_has_no_effect(batch, value):
    rows, weights = small(batch)
    start = toy_start(rows.shape[1])
    changed = np.where((weights == 0)[:, None], value, rows)
    expected = three_steps(start, rows, weights)
    assert_same(three_steps(start, changed, weights), expected)
    padded = np.concatenate([rows, np.zeros_like(rows)])
    longer = np.concatenate([weights, np.zeros_like(weights)])
    assert_same(three_steps(start, padded, longer), expected)


@pytest.mark.x64
@given(weighted_batches(SHAPES), st.integers(0, 11), st.randoms())
def test_weight_two_is_the_row_twice_in_any_order(batch, row, random):
    rows, weights = small(batch)
    start, row = toy_start(rows.shape[1]), row % len(rows)
    order = [*range(len(rows)), row]
    random.shuffle(order)
    twice = three_steps(start, rows[order], weights[order])
    weights[row] *= 2
    assert_same(twice, three_steps(start, rows, weights))


@pytest.mark.x64
@given(weighted_batches(SHAPES), st.floats(-50, 50), st.floats(0.01, 100))
def test_other_units_give_the_same_fit(batch, shift, scale):
    rows, weights = small(batch)
    d = rows.shape[1]
    start = toy_start(d)
    moved = start._replace(
        means=scale * start.means + shift, covariances=scale**2 * start.covariances
    )
    params, info = three_steps(start, rows, weights)
    other, there = three_steps(
        moved, scale * rows + shift, weights / scale, REG * scale**2
    )
    back = other._replace(
        means=(other.means - shift) / scale, covariances=other.covariances / scale**2
    )
    # the largest shift over the smallest scale, squared, costs 7 digits
    assert_same(back, params, rtol=1e-7)
    moved_by = d * np.log(scale)
    assert_same(there["log_likelihood"] + moved_by, info["log_likelihood"], rtol=1e-7)


def test_a_far_origin_costs_no_digits():
    rows = np.float32(clusters(0, 1, 2, 500) + 1e4)
    exact = np.cov(rows.T.astype(np.float64), ddof=0)
    naive = np.mean(rows[:, 0] ** 2) - np.mean(rows[:, 0]) ** 2
    assert abs(naive - exact[0, 0]) > 0.5  # negative control: E[xx'] - mm'
    rows, weights = jnp.asarray(rows), jnp.ones(500, jnp.float32)
    model = gmm(1, dimension=2)

    @jax.jit
    def start_and_fit():
        start = model.init(KEY, rows, weights)
        return start, model.fit(KEY, start, rows, weights)[0]

    for params in start_and_fit():
        close(params.covariances[0], exact, rtol=0, atol=1e-3)


# Collapse

COLLAPSED = {
    "equal": np.full((30, 2), 3.7),
    "two places": np.repeat([[0.0, 1.0], [5.0, 1.0]], 15, 0),
    "a line": np.linspace(0, 1e3, 30)[:, None] * [1.0, 1 / 3],
    "one row": clusters(0, 2, 2, 30),
}
afresh, onwards = (
    jax.jit(
        lambda params, rows, weights, reg_covar, start=start: gmm(
            4, dimension=2, tol=1e-9, reg_covar=reg_covar, start=start
        ).fit(KEY, params, rows, weights)
    )
    for start in ("kmeans++", "previous")
)


@pytest.mark.parametrize("reg_covar", [1e-6, 0.0])
@pytest.mark.parametrize("fit", [afresh, onwards])
@pytest.mark.parametrize("name", COLLAPSED)
def test_collapsed_rows_give_finite_parameters(name, fit, reg_covar):
    rows = jnp.asarray(COLLAPSED[name])
    weights = jnp.asarray(np.eye(30)[4] if name == "one row" else np.ones(30))
    means = jnp.asarray(np.arange(8.0).reshape(4, 2))
    before = GmmParams(jnp.full(4, 0.25), means, jnp.stack([jnp.eye(2)] * 4))
    params, info = fit(before, rows, weights, reg_covar)
    draws = gmm(4, dimension=2).sample(KEY, params, 10)
    for leaf in jax.tree.leaves((params, info, draws, log_density(params, rows))):
        assert np.isfinite(leaf).all()
    smallest = np.linalg.eigvalsh(np.asarray(params.covariances, np.float64))[:, 0]
    rounding = 10 * np.finfo(rows.dtype).eps * float(abs(rows).max()) ** 2
    assert (smallest > reg_covar - rounding).all()


def test_a_component_without_rows_stays_where_it_was():
    start = GmmParams(
        jnp.array([0.5, 0.5]),
        jnp.array([[0.0, 0.0], [1e3, -2e3]]),
        jnp.stack([9 * jnp.eye(2), jnp.array([[2.0, 1.0], [1.0, 4.0]])]),
    )
    params, _ = em(start, clusters(0, 2, 2, 50), np.ones(50), 0.0, 10)
    close(params.weights, [1, 0], rtol=0, atol=1e-6)
    close(params.means[1], start.means[1], rtol=RTOL)
    close(params.covariances[1], start.covariances[1], rtol=RTOL)


def test_factors_of_indefinite_matrices():
    wrong = jnp.array([[[1.0, 1.0], [1.0, 0.999]], [[2.0, 1.0], [1.0, 3.0]]])
    factor = gmm_em.factorise(wrong, gmm_em.pivot_floor(jnp.asarray(1e-2)))
    product = factor.root @ factor.inverse
    close(product, np.stack([np.eye(2)] * 2), rtol=0, atol=RTOL)
    close((factor.root @ factor.root.swapaxes(1, 2))[1], wrong[1], rtol=RTOL)
    close(factor.root[0, 1, 1], 0.1, rtol=RTOL)


# Many seeds, swept numbers


def test_mapped_over_seeds_is_one_by_one():
    """Also where the seeds fill different numbers of blocks."""
    num_rows = 3 * gmm_rows.BLOCK_ROWS
    rows = jnp.stack([jnp.asarray(clusters(i, 2, 2, num_rows)) for i in range(3)])
    last = np.array([num_rows, num_rows // 3, 5])
    weights = (jnp.arange(num_rows)[None] < last[:, None]).astype(rows.dtype)
    model = gmm(2, dimension=2)
    fit = jax.jit(lambda *args: (model.init(*args), em(toy_start(2), *args[1:])))
    keys = jax.random.split(KEY, 3)
    mapped = jax.jit(jax.vmap(fit))(keys, rows, weights)
    for i in range(3):
        mine = jax.tree.map(lambda leaf, i=i: leaf[i], mapped)
        assert_same(mine, fit(keys[i], rows[i], weights[i]), 1e-12 if X64 else 1e-3)


def test_tol_may_be_swept():
    rows = clusters(3, 3, 2, 200)
    start, weights = guess(3, 3, rows), jnp.ones(200)
    tols = jnp.array([10.0, 1e-2, 0.0])

    def iterations(tol):
        return em(start, rows, weights, tol, 20)[1]["iterations"]

    swept = jax.vmap(iterations)(tols).tolist()
    assert swept == [int(iterations(tol)) for tol in tols]
    # the first gain is infinite, and no gain is below 0
    assert swept[0] == 2 and swept[2] == 20
