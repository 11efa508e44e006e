"""Estimators: what weights mean, never NaN, and formulas against NumPy and SciPy."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED, X64
from hypothesis import given
from strategies import weighted_batches

from collapse.numerics import draws, estimators

RTOL = 1e-9 if X64 else 1e-5
close = np.testing.assert_allclose


@jax.jit
def fit(rows, weights):
    """Mean and covariance (the factor of a singular one is not unique)."""
    mean, factor = estimators.weighted_moments(rows, weights)
    return mean, factor @ factor.T


def assert_same_fit(one, other, size):
    """Equal up to roundings of rows of that size; never NaN."""
    for power, (ours, theirs) in enumerate(zip(one, other, strict=True), 1):
        assert np.isfinite(ours).all()
        close(ours, theirs, rtol=RTOL, atol=RTOL * size**power)


def size_of(batch):
    return 1 + abs(batch.rows).max()


# What weights mean


@given(weighted_batches(), st.floats(-100, 100, width=16))
def test_a_row_of_weight_zero_has_no_effect(batch, value):
    silent = (batch.weights == 0)[:, None]
    changed = np.where(silent, np.asarray(value, batch.rows.dtype), batch.rows)
    one, other = fit(batch.rows, batch.weights), fit(changed, batch.weights)
    assert_same_fit(one, other, max(size_of(batch), abs(value)))


@given(weighted_batches(), st.randoms())
def test_order_does_not_matter(batch, random):
    order = list(range(len(batch.rows)))
    random.shuffle(order)
    other = fit(batch.rows[order], batch.weights[order])
    assert_same_fit(fit(*batch), other, size_of(batch))


@given(weighted_batches(), st.integers(0, 11))
def test_weight_two_is_the_row_twice(batch, row):
    row %= len(batch.rows)
    rows = np.concatenate([batch.rows, batch.rows[[row]]])
    twice = fit(rows, np.append(batch.weights, batch.weights[row]))
    doubled = batch.weights * np.where(np.arange(len(batch.rows)) == row, 2, 1)
    assert_same_fit(twice, fit(batch.rows, doubled), size_of(batch))


@given(weighted_batches(), st.sampled_from([1e-6, 0.3, 7, 1e6]))
def test_scaling_all_weights_changes_nothing(batch, factor):
    scaled = (factor * batch.weights).astype(batch.weights.dtype)
    assert_same_fit(fit(*batch), fit(batch.rows, scaled), size_of(batch))


@given(weighted_batches(), st.floats(-100, 100, width=16))
def test_shifting_all_rows_shifts_the_mean_alone(batch, shift):
    mean, covariance = fit(*batch)
    moved = fit(batch.rows + np.asarray(shift, batch.rows.dtype), batch.weights)
    assert_same_fit(moved, (mean + shift, covariance), size_of(batch) + abs(shift))


@given(weighted_batches(), st.sampled_from([-3, 0, 1e-3, 20]))
def test_scaling_all_rows_scales_the_fit(batch, factor):
    mean, covariance = fit(*batch)
    scaled = fit((factor * batch.rows).astype(batch.rows.dtype), batch.weights)
    expected = factor * mean, factor**2 * covariance
    assert_same_fit(scaled, expected, size_of(batch) * (1e-3 + abs(factor)))


@given(weighted_batches())
def test_moments_are_those_of_numpy(batch):
    mean, covariance = fit(*batch)
    right = np.cov(batch.rows.T, aweights=batch.weights, ddof=0)
    expected = np.average(batch.rows, axis=0, weights=batch.weights)
    right = expected, np.atleast_2d(right)
    assert_same_fit((mean, covariance), right, size_of(batch))
    close(jax.jit(estimators.weighted_mean)(*batch), mean, rtol=RTOL)


@pytest.mark.parametrize("ddof", [0, 1])
def test_integer_weights_are_counts(ddof):
    rng = np.random.default_rng(0)
    rows, counts = rng.normal(size=(9, 2)), np.array([1, 0, 2, 1, 3, 1, 1, 0, 1])
    mean, factor = estimators.weighted_moments(
        jnp.asarray(rows), jnp.asarray(counts, float), ddof
    )
    close(mean, np.repeat(rows, counts, axis=0).mean(0), rtol=RTOL)
    covariance = np.cov(rows.T, fweights=counts, ddof=ddof)
    close(factor @ factor.T, covariance, rtol=RTOL)


# Triangular factors

SHAPES = [(1, 1), (9, 1), (2, 5), (5, 5), (40, 5)]


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_triangular_factor(shape, rank):
    """Lower triangular, diagonal not negative, L L' = rows' rows, and never NaN."""
    rows = np.random.default_rng(0).normal(size=shape).astype(jnp.result_type(float))
    rows[:, rank:] = rows[:, :1] if rank else 0  # columns that depend on the others
    gram = rows.T @ rows
    for factor in (
        np.asarray(estimators.triangular_factor(jnp.asarray(rows))),
        np.asarray(estimators.factor_of_gram(jnp.asarray(gram), 1)),
    ):
        assert factor.dtype == rows.dtype and np.isfinite(factor).all()
        assert (np.triu(factor, 1) == 0).all() and (np.diagonal(factor) >= 0).all()
        close(factor @ factor.T, gram, rtol=0, atol=RTOL * (1 + abs(gram).max()))
        if rank >= shape[1] < shape[0]:  # then it is unique: the Cholesky factor
            close(factor, np.linalg.cholesky(gram), rtol=RTOL, atol=RTOL)


@pytest.mark.parametrize("d", [2, 10, 100])
@pytest.mark.parametrize("num", [21, 1000])
def test_factor_of_a_singular_sum_is_finite(d, num):
    """Also where rows have scales 1e-4 to 1e4, and columns other scales again."""
    rng, dtype = np.random.default_rng(0), jnp.result_type(float)
    for rank in (1, d // 2, d - 1):
        base = rng.normal(size=(rank, d)) * 10.0 ** rng.uniform(-3, 3, d)
        base *= 10.0 ** rng.uniform(-4, 4, (rank, 1))
        gram = np.zeros((d, d), dtype)
        for _ in range(num):
            rows = (rng.normal(size=(rank, rank)) @ base).astype(dtype)
            gram += rows.T @ rows
        factor = np.asarray(estimators.factor_of_gram(jnp.asarray(gram), num))
        assert np.isfinite(factor).all()
        unit = np.sqrt(np.outer(gram.diagonal(), gram.diagonal()))
        raised = 8 * (d + num**0.5) * jnp.finfo(dtype).eps
        close(factor @ factor.T / unit, gram / unit, rtol=0, atol=1.5 * raised)


def test_log_det():
    factor = np.tril(np.random.default_rng(0).normal(size=(4, 4)))
    found = estimators.log_det(jnp.asarray(factor))
    close(found, np.linalg.slogdet(factor @ factor.T)[1], rtol=RTOL)
    assert estimators.log_det(jnp.zeros((2, 2))) == -jnp.inf
    tiny = estimators.log_det(jnp.eye(3) * 1e-30)  # its determinant underflows
    close(tiny, 6 * np.log(1e-30), rtol=RTOL)


# Distances


def gaussians(seed, d):
    rng = np.random.default_rng(seed)
    mean, factor = rng.normal(size=d), np.tril(rng.normal(size=(d, d)))
    dtype = jnp.result_type(float)
    return mean.astype(dtype), factor.astype(dtype)


def w2_by_square_roots(mean_a, factor_a, mean_b, factor_b):
    """The formula of the books."""
    mean_a, factor_a, mean_b, factor_b = (
        np.asarray(x, float) for x in (mean_a, factor_a, mean_b, factor_b)
    )
    a, b = factor_a @ factor_a.T, factor_b @ factor_b.T
    root = scipy.linalg.sqrtm(a)
    cross = scipy.linalg.sqrtm(root @ b @ root).real
    return ((mean_a - mean_b) ** 2).sum() + np.trace(a + b - 2 * cross)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_w2_is_the_formula_with_matrix_square_roots(d):
    for seed in range(5):
        a, b = gaussians(2 * seed, d), gaussians(2 * seed + 1, d)
        found = estimators.w2_squared(*map(jnp.asarray, (*a, *b)))
        close(found, w2_by_square_roots(*a, *b), rtol=RTOL)
        close(found, estimators.w2_squared(*map(jnp.asarray, (*b, *a))), rtol=RTOL)
        size = 1 + (a[1] ** 2).sum()
        close(estimators.w2_squared(*map(jnp.asarray, (*a, *a))), 0, atol=RTOL * size)


def test_w2_of_singular_covariances():
    mean, factor = map(jnp.asarray, gaussians(0, 3))
    point = jnp.zeros((3, 3))
    spread = estimators.w2_squared(mean, factor, mean, point)
    close(spread, jnp.sum(factor**2), rtol=RTOL)  # to a point: the trace
    assert estimators.w2_squared(mean, point, mean, point) == 0


def test_w2_in_one_dimension():
    """(3 - 1)^2 + (2 - 0.5)^2; the sign of a factor means nothing."""
    one = [jnp.array([3.0]), jnp.array([[-2.0]]), jnp.array([1.0]), jnp.array([[0.5]])]
    close(estimators.w2_squared(*one), 6.25, rtol=RTOL)


@pytest.mark.parametrize("d", [1, 3])
def test_divergence_is_the_formula_of_covariances(d):
    for seed in range(3):
        (m, f), (n, g) = gaussians(2 * seed, d), gaussians(2 * seed + 1, d)
        a, b = f @ f.T, g @ g.T
        gap, inverse = m - n, np.linalg.inv(b)
        right = np.trace(inverse @ a) + gap @ inverse @ gap - d
        right += np.linalg.slogdet(b)[1] - np.linalg.slogdet(a)[1]
        found = estimators.gaussian_divergence(*map(jnp.asarray, (m, f, n, g)))
        close(found, right / 2, rtol=1e-6 if X64 else 1e-2)
        same = estimators.gaussian_divergence(*map(jnp.asarray, (m, f, m, f)))
        close(same, 0, atol=1e-9 if X64 else 1e-4)


def test_divergence_by_hand():
    """Of N(0, 1) from N(1, 4): log 2 + (1 + 1) / 8 - 1 / 2, and the other way round."""
    one = jnp.zeros(1), jnp.ones((1, 1))
    two = jnp.ones(1), jnp.full((1, 1), 2.0)
    close(estimators.gaussian_divergence(*one, *two), 0.4431471806, rtol=1e-6)
    close(estimators.gaussian_divergence(*two, *one), 1.3068528194, rtol=1e-6)


MIXTURES = (
    ([0.3, 0.7], [-1.0, 2.0], [0.5, 2.0]),
    ([0.2, 0.5, 0.3], [-2.0, 0.0, 3.0], [1.0, 0.1, 4.0]),
)


def test_mixture_distance_is_the_integral():
    grid = np.linspace(-40, 40, 20_001)
    densities = [
        sum(
            weight * scipy.stats.norm.pdf(grid, mean, np.sqrt(variance))
            for weight, mean, variance in zip(*mixture, strict=True)
        )
        for mixture in MIXTURES
    ]
    a, b = (
        (jnp.array(w), jnp.array(m)[:, None], jnp.array(v)[:, None, None])
        for w, m, v in MIXTURES
    )
    distance = jax.jit(estimators.mixture_l2_squared)
    right = np.trapezoid((densities[0] - densities[1]) ** 2, grid)
    close(distance(*a, *b), right, rtol=RTOL)
    close(distance(*a, *a), 0, atol=RTOL)


def test_mixture_distance_in_the_plane():
    """Two single Gaussians: integrals of squares and of the product, written out."""
    a, b = np.array([[2, 0.5], [0.5, 1]]), np.array([[1, -0.2], [-0.2, 3]])
    mean = np.array([0.5, -1])
    pdf = scipy.stats.multivariate_normal.pdf
    right = pdf([0, 0], cov=2 * a) + pdf([0, 0], cov=2 * b) - 2 * pdf(mean, cov=a + b)
    arrays = [np.ones(1), mean[None], a[None], np.ones(1), 0 * mean[None], b[None]]
    found = jax.jit(estimators.mixture_l2_squared)(*map(jnp.asarray, arrays))
    close(found, right, rtol=RTOL)


# Masses


@pytest.mark.parametrize("d", [1, 2, 3, 4, 9, 10, 20, 21])
def test_chi_cdf(d):
    radius = np.array([-np.inf, -2, 0, 1e-3, 0.5, 1, 2, 3.7, 6, 1e15, np.inf])
    found = estimators.chi_cdf(jnp.asarray(radius), d)
    close(found, scipy.stats.chi.cdf(radius, d), rtol=0, atol=RTOL)
    assert (found >= 0).all() and (found <= 1).all()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_ball_mass_of_a_collapsed_model(d):
    """Everything or nothing, by where the mean is; squares of the scale underflow."""
    ball_mass = jax.jit(estimators.ball_mass)
    for scale in (0.0, 1e-30, 1e-200, 1e-310, 1e-3):
        for at, expected in ((0.0, 1), (1.9, 1), (2.1, 0)):
            mean = jnp.zeros(d).at[-1].set(at)
            found = ball_mass(mean, scale * jnp.eye(d), jnp.array(1.96), jnp.eye(d))
            close(found, expected, rtol=RTOL)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_ball_mass_in_one_dimension_is_exact(sign):
    ball_mass = jax.jit(estimators.ball_mass)
    for mean, scale, radius in ((0, 1, 1.96), (1.5, 0.3, 2), (-4, 2, 1), (9, 5, 3)):
        law = scipy.stats.norm(mean, scale)
        arrays = jnp.full(1, mean, float), jnp.full((1, 1), scale, float)
        found = ball_mass(*arrays, jnp.array(radius, float), jnp.array([[sign]]))
        close(found, law.cdf(radius) - law.cdf(-radius), rtol=RTOL)


def masses(mean, factor, radius, num_directions=8):
    """[seeds] estimates, each from its own directions."""

    @jax.jit
    @jax.vmap
    def estimate(key):
        z = draws.normal(key, (num_directions, len(mean)))
        u = z / jnp.linalg.norm(z, axis=1, keepdims=True)
        return estimators.ball_mass(*map(jnp.asarray, (mean, factor, radius)), u)

    return np.asarray(estimate(jax.random.split(jax.random.key(SEED), 4000)))


@pytest.mark.parametrize("d", [2, 3])
def test_ball_mass_is_unbiased_for_round_gaussians(d):
    """The squared radius has a noncentral chi-squared law."""
    mean, radius, scale = np.arange(1.0, d + 1) / 2, 2.0, 0.8

    def exact(centre):
        shift = (np.asarray(centre) ** 2).sum() / scale**2
        return scipy.stats.ncx2.cdf(radius**2 / scale**2, d, shift)

    found = masses(mean, scale * np.eye(d), radius)
    assert_tells_apart(found, exact(mean), exact(0.9 * mean))


def test_ball_mass_is_what_counting_finds():
    mean, factor = np.array([0.5, -1.0]), np.array([[1.0, 0.0], [1.5, 0.5]])
    points = mean + np.random.default_rng(SEED).normal(size=(400_000, 2)) @ factor.T
    counted = (np.linalg.norm(points, axis=1) < 1.5).reshape(4000, -1).mean(1)
    assert_mean(masses(mean, factor, 1.5, 64) - counted, 0)
    mistaken = masses(mean, factor.T, 1.5, 64) - counted  # z along the wrong axes
    assert detectable(mistaken) < abs(mistaken.mean())
    with pytest.raises(AssertionError):
        assert_mean(mistaken, 0)
