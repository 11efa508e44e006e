"""Mixtures of kernels at the ends of the numbers: bandwidths, distances, weights of 0.

The moments and the law of samples are tested with the model, in `test_kde`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from collapse.models import gaussian
from collapse.numerics.kernels import Kernels, add_kernels, log_density, moments, sample

DTYPES = pytest.mark.parametrize(
    "dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.x64)]
)
BANDWIDTHS = pytest.mark.parametrize("bandwidth", [1e-30, 1e-3, 1.0, 1e30])
DIMENSIONS = pytest.mark.parametrize("d", [1, 2])


def mixture(rows, weights, bandwidth, dtype):
    rows, weights = jnp.asarray(rows, dtype), jnp.asarray(weights, dtype)
    return Kernels(rows, weights / jnp.sum(weights), jnp.asarray(bandwidth, dtype))


def terms(params, points):
    """Logarithms [m, rows] of weighted kernels, by the formula, in float64."""
    rows, weights, h = (np.asarray(part, np.float64) for part in params)
    points, d = np.asarray(points, np.float64), rows.shape[1]
    steps = (points[:, None] - rows) / h
    with np.errstate(divide="ignore", over="ignore"):
        logs = np.log(weights) - (steps**2).sum(2) / 2
    return logs - d * (math.log(h) + math.log(2 * math.pi) / 2)


def rounding(params, points, dtype):
    """Largest error [m] that a last bit of every row and point makes, times four.

    The derivative of a term by a coordinate is its distance over h^2.
    """
    rows, _, h = (np.asarray(part, np.float64) for part in params)
    points, logs = np.asarray(points, np.float64), terms(params, points)
    moved = abs(points[:, None] - rows) / h * (abs(points[:, None]) + abs(rows)) / h
    near = logs >= logs.max(1, keepdims=True) - 100  # all others add nothing
    return 4 * np.finfo(dtype).eps * np.where(near, moved.sum(2), 0).max(1)


def assert_exact(params, points, dtype):
    """The density is the formula's; beyond the range of the type it is -inf."""
    found = np.asarray(log_density(params, jnp.asarray(points, dtype)))
    assert found.dtype == dtype
    right = logsumexp(terms(params, points), axis=1)
    with np.errstate(over="ignore"):
        slack = rounding(params, points, dtype)
    outside = right < float(np.finfo(dtype).min) / 2
    assert (found[outside] == -np.inf).all()
    inside = ~outside
    allowed = slack + 20 * np.finfo(dtype).eps * (abs(right) + 10)
    wrong = ~(abs(found - right)[inside] <= allowed[inside])  # NaN is wrong, too
    assert not wrong.any(), (found[inside][wrong], right[inside][wrong])
    return right, outside


def near_and_far(rows, bandwidth, dtype):
    """Points at the rows, some bandwidths from one of them, and far from all.

    Far away it depends on the last bits of a point which errors a sum makes: many.
    """
    rng = np.random.default_rng(1)
    far = 10 ** rng.uniform(1, 12, (300, 1)) * rng.normal(size=(300, rows.shape[1]))
    ones = np.ones(rows.shape[1])
    steps = bandwidth * np.array([0.5, 3.0, -40.0])
    points = [*rows, *(rows[0] + step * ones for step in steps)]
    points += [size * ones for size in (0.0, -7.0, 1e6, 1e15)]
    return np.asarray(np.concatenate([np.stack(points), far]), dtype)


@DTYPES
@BANDWIDTHS
@DIMENSIONS
def test_density_is_the_formula_at_any_bandwidth(bandwidth, d, dtype):
    rng = np.random.default_rng(d)
    rows = np.asarray(rng.normal(size=(23, d)) * 5, dtype)
    weights = rng.choice([0, 1, 3], size=23)
    params = mixture(rows, weights, bandwidth, dtype)
    points = near_and_far(rows, bandwidth, dtype)
    right, outside = assert_exact(params, points, dtype)
    at_rows = np.flatnonzero(weights > 0)
    assert not outside[at_rows].any()
    if bandwidth == 1e-30:  # of the other kernels nothing is left
        alone = np.log(np.asarray(params.weights, np.float64)[at_rows])
        alone -= d * (math.log(bandwidth) + math.log(2 * math.pi) / 2)
        np.testing.assert_allclose(right[at_rows], alone, rtol=1e-6)
    if bandwidth == 1e30:  # as good as constant
        assert np.ptp(right[at_rows]) < 1e-12


@DTYPES
@BANDWIDTHS
def test_a_single_kernel_is_a_normal(bandwidth, dtype):
    """Also with rows of no weight nearer to the points, and alone."""
    row = np.full((1, 2), 3.0)
    others = np.array([[0.0, 0.0], [1e6, 1e6]])
    points = near_and_far(np.concatenate([row, others]), bandwidth, dtype)
    alone = mixture(row, [1.0], bandwidth, dtype)
    among = mixture(np.concatenate([others, row]), [0, 0, 5.0], bandwidth, dtype)
    for params in (alone, among):
        assert_exact(params, points, dtype)
    peak = -2 * (math.log(bandwidth) + math.log(2 * math.pi) / 2)
    np.testing.assert_allclose(
        log_density(among, jnp.asarray(row, dtype)), [peak], rtol=1e-6, atol=1e-6
    )


@DTYPES
@BANDWIDTHS
def test_kernels_of_no_weight_add_nothing(bandwidth, dtype):
    total = jnp.asarray([-1e4, 0.0, 700.0, -np.inf], dtype)
    rows = jnp.asarray([[0.0], [2.0]], dtype)
    points = jnp.asarray([[0.0], [2.0], [1e6], [2.0]], dtype)
    h, none = jnp.asarray(bandwidth, dtype), jnp.zeros(2, dtype)
    found = add_kernels(total, rows, none, h, points)
    eps = 20 * np.finfo(dtype).eps  # of the total, and of the height of a kernel
    atol = eps * (1 + abs(math.log(bandwidth)))
    np.testing.assert_allclose(found, total, rtol=eps, atol=atol)
    heavy = Kernels(rows, none + 3, h)
    more = add_kernels(total, *heavy[:2], h, points)
    sums = np.column_stack([total, terms(heavy, points)])
    np.testing.assert_allclose(more, logsumexp(sums, axis=1), rtol=1e-6, atol=1e-6)
    assert more[3] > -np.inf == total[3]


@DTYPES
@BANDWIDTHS
def test_points_of_any_bandwidth_are_where_the_kernels_are(bandwidth, dtype):
    """Within six bandwidths of the row that has weight."""
    params = mixture([[1.0], [5.0]], [0.0, 2.0], bandwidth, dtype)
    points = np.asarray(sample(jax.random.key(0), params, 500))
    steps = (points.astype(np.float64) - 5) / bandwidth
    if bandwidth > 1e-7:
        assert 2 < abs(steps).max() < 6 and len(np.unique(points)) > 300
    else:
        assert (points == 5).all()  # the step is less than the last bit


@pytest.mark.x64
@pytest.mark.parametrize("bandwidth", [1e-30, 1e-3, 1e30])
def test_moments_of_equal_rows_are_those_of_the_kernel(bandwidth):
    params = mixture(np.full((4, 2), 7.0), np.ones(4), bandwidth, np.float64)
    mean, factor = moments(params)
    np.testing.assert_allclose(mean, [7, 7], rtol=1e-14)
    np.testing.assert_allclose(factor, bandwidth * np.eye(2), rtol=1e-12)


@DTYPES
@DIMENSIONS
def test_without_width_there_is_no_density_as_of_a_gaussian_without_variance(d, dtype):
    """Equal rows give bandwidth 0 under rules that scale with the rows."""
    rows, points = np.full((3, d), 2.5), np.array([[2.5], [2.0], [-7.0]]) * np.ones(d)
    params = mixture(rows, [1, 2, 5], 0.0, dtype)
    point = gaussian.GaussianParams(params.centres[0], jnp.zeros((d, d), dtype))
    at = jnp.asarray(points, dtype)
    for density in (log_density(params, at), gaussian.log_density(point, at)):
        assert np.isnan(density).all()
    mean, factor = moments(params)
    np.testing.assert_array_equal(mean, point.mean)
    np.testing.assert_array_equal(factor, point.scale)
    found = sample(jax.random.key(0), params, 9)
    np.testing.assert_array_equal(found, jnp.broadcast_to(params.centres[0], (9, d)))
