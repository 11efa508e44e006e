"""The Gaussian: three kinds of row, one law, one fit, and a covariance never NaN."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_same_law, assert_tells_apart, detectable_gap
from conftest import SEED, X64
from jaxtyping import TypeCheckError

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.models.gaussian import (
    GaussianParams,
    GaussianStatistics,
    gaussian,
    log_density,
    pool,
    sample_points,
    standard,
    summarise,
)

RTOL = 1e-9 if X64 else 1e-5
NUM_SEEDS = 20_000
KINDS = ["samples", "statistics", "law"]
# with n = d + 1 the law has one degree of freedom left, which is a branch of its own
CASES = pytest.mark.parametrize(("d", "n"), [(1, 6), (3, 4)])
close = np.testing.assert_allclose


def truth_in(d):
    factor = np.diag([2.0, 0.5, 1.5][:d]) + np.tril(np.full((d, d), 0.7), -1)
    return params_of([3.0, -1.0, 0.4][:d], factor)


def params_of(mean, factor):
    return GaussianParams(jnp.asarray(mean, float), jnp.asarray(factor, float))


# The law of a fit


@functools.cache
def fits(kind, d, batch_size, pretended=None):
    """Name -> [seeds]: features of fits to samples of a truth, each from its own key.

    Args:
      pretended: batch size that the fit is told, if not the true one.
    """
    model = gaussian(d, rows=kind, batch_size=batch_size)
    fitting = gaussian(d, rows=kind, batch_size=pretended or batch_size)
    num = batch_size if kind == "samples" else 1
    truth = truth_in(d)

    @jax.jit
    @jax.vmap
    def features(key):
        batch = model.sample(key, truth, num)
        params, _ = fitting.fit(key, None, batch, jnp.ones(num))
        covariance = params.scale @ params.scale.T
        return {
            "mean": params.mean[0],
            "variance": covariance[0, 0],
            "covariance": covariance[-1, 0],
            "log_det": 2 * jnp.sum(jnp.log(jnp.abs(jnp.diagonal(params.scale)))),
        }

    key = jax.random.fold_in(jax.random.key(SEED), KINDS.index(kind))
    keys = jax.random.split(key, NUM_SEEDS)
    return jax.tree.map(np.asarray, features(keys))


@CASES
@pytest.mark.parametrize("kind", ["statistics", "law"])
def test_every_kind_of_row_has_the_law_of_samples(kind, d, n):
    reference = fits("samples", d, n)
    for name, values in fits(kind, d, n).items():
        assert_same_law(values, reference[name])


@CASES
def test_wrong_degrees_of_freedom_are_seen(d, n):
    """Batches of one point more, taken for batches of n."""
    reference, wrong = fits("samples", d, n), fits("statistics", d, n + 1, pretended=n)
    at = np.linspace(0.1, 20, 1000)
    effect = abs(np.diff(scipy.stats.chi2.cdf(at, [[n - 1], [n]]), axis=0)).max()
    assert detectable_gap(NUM_SEEDS, NUM_SEEDS) < effect
    for name in ("variance", "log_det"):
        with pytest.raises(AssertionError):
            assert_same_law(wrong[name], reference[name])


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.statistical
def test_batches_of_traced_sizes_have_their_own_laws(d):
    """Of no point, one, two and more, some fewer than dimensions; pooled as points."""
    sizes = [0, 1, 2, 3, 9]
    truth = truth_in(d)

    @jax.jit
    def many(keys, sizes):
        model = gaussian(d, rows="law", batch_size=sizes)

        def one(key):
            rows = model.sample(key, truth, len(sizes))
            params, _ = model.fit(key, None, rows, jnp.array([1.0, 0.5, 2, 0, 1]))
            return rows.mean, rows.scatter, params.mean, params.scale

        return jax.vmap(one)(keys)

    keys = jax.random.split(jax.random.key(SEED), NUM_SEEDS)
    mean, scatter, fit_mean, scale = map(np.asarray, many(keys, jnp.array(sizes)))
    covariance = np.asarray(truth.scale @ truth.scale.T)
    for i, n in enumerate(sizes[1:], 1):
        centred = mean[:, i] - np.asarray(truth.mean)
        found, right = centred[:, 0] * centred[:, -1], covariance[0, -1] / n
        assert_tells_apart(found, right, 1.3 * right)
        right = (n - 1) * covariance[0]
        wrong = n * covariance[0]
        if n > 1:
            assert_tells_apart(scatter[:, i, 0], right, wrong)
        rank = np.linalg.matrix_rank(scatter[:50, i])
        assert (rank == min(n - 1, d)).all()
    assert (scatter[:, 0] == 0).all() and np.isfinite(mean).all()
    mass = np.array([0, 0.5, 4, 0, 9])
    expected = np.einsum("i,sij->sj", mass / mass.sum(), mean)
    close(fit_mean, expected, rtol=1e-4, atol=1e-5)
    gap = mean - fit_mean[:, None]
    total = np.einsum("i,sijk->sjk", [0, 0.5, 2, 0, 1], scatter)
    total += np.einsum("i,sij,sik->sjk", mass, gap, gap)
    product = scale @ scale.swapaxes(1, 2)
    close(product, total / mass.sum(), rtol=1e-3, atol=1e-4)


@CASES
@pytest.mark.parametrize("kind", KINDS)
def test_expectation_of_a_fit(kind, d, n):
    """(1 - 1/n) of the truth's covariance, and the truth's mean."""
    found, truth = fits(kind, d, n), truth_in(d)
    right = truth.scale @ truth.scale.T
    for name, entry in (("variance", right[0, 0]), ("covariance", right[-1, 0])):
        assert_tells_apart(found[name], (1 - 1 / n) * entry, entry)
    assert_tells_apart(found["mean"], truth.mean[0], truth.mean[0] + 0.1)


def test_moments_of_sampled_points():
    truth, num = truth_in(3), 200_000
    points = np.asarray(sample_points(jax.random.key(SEED), truth, num))
    assert points.shape == (num, 3)
    centred = points - np.asarray(truth.mean)
    assert_tells_apart(points, truth.mean, truth.mean + 0.1)
    products = (centred[:, :, None] * centred[:, None, :])[:, *np.tril_indices(3)]
    right, wrong = truth.scale @ truth.scale.T, truth.scale.T @ truth.scale
    assert_tells_apart(products, *(x[np.tril_indices(3)] for x in (right, wrong)))


@pytest.mark.parametrize("d", [1, 3])
def test_log_density(d):
    truth = truth_in(d)
    points = np.random.default_rng(0).normal(size=(20, d)).astype(truth.mean.dtype)
    right = scipy.stats.multivariate_normal(truth.mean, truth.scale @ truth.scale.T)
    close(log_density(truth, jnp.asarray(points)), right.logpdf(points), rtol=RTOL)


# The fit itself, against NumPy on the points behind the rows


def assert_fit(params, points, counts, ddof):
    """Equal to NumPy's moments of points that count so many times."""
    close(params.mean, np.average(points, axis=0, weights=counts), rtol=RTOL)
    covariance = np.cov(points.T, fweights=counts, ddof=ddof)
    found = np.asarray(params.scale @ params.scale.T)
    close(found, np.atleast_2d(covariance), rtol=RTOL, atol=RTOL)
    assert (np.triu(params.scale, 1) == 0).all()
    assert (np.diagonal(params.scale) > 0).all()


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize(
    ("num_batches", "weights"),
    [(1, [1]), (1, [3]), (4, [1, 1, 1, 1]), (4, [2, 0, 1, 3]), (100, [1, 0] * 50)],
    ids=["one", "one thrice", "all", "weighted", "many"],
)
def test_pooled_statistics_give_the_fit_to_their_points(num_batches, weights, d, ddof):
    """One row is a shortcut, and many take the other branch of the factorisation."""
    size = 5
    points = np.random.default_rng(0).normal(size=(num_batches * size, d)) + 0.5
    points = points.astype(jnp.result_type(float))
    given = jnp.asarray(weights, points.dtype)
    counts = np.repeat(weights, size)
    batch = summarise(jnp.asarray(points), num_batches)
    assert batch.mean.shape == (num_batches, d)
    pooled = pool(batch, given, size, ddof)
    assert_fit(pooled, points, counts, ddof)
    key, start = jax.random.key(SEED), standard(d)
    model = gaussian(d, ddof=ddof, rows="statistics", batch_size=size)
    fitted, info = model.fit(key, start, batch, given)
    jax.tree.map(np.testing.assert_array_equal, fitted, pooled)
    assert info == {}
    weight = jnp.repeat(given, size)
    sampled, _ = gaussian(d, ddof=ddof).fit(key, start, jnp.asarray(points), weight)
    assert_fit(sampled, points, counts, ddof)
    close(sampled.scale, pooled.scale, rtol=10 * RTOL, atol=RTOL)


def test_one_row_of_statistics_is_passed_on_however_small():
    """No factorisation, so that no digit is lost after a deep collapse."""
    factor = jnp.array([[1e-5, 0.0], [3e-5, 1e-30]])
    batch = GaussianStatistics(jnp.array([[1e3, 1e3]]), factor[None], factor @ factor.T)
    scale = pool(batch, jnp.ones(1), 9).scale
    close(scale, np.asarray(factor) / 3, rtol=RTOL)


@pytest.mark.x64
@pytest.mark.parametrize(("num", "keeps"), [(20, True), (21, False)])
def test_few_batches_keep_a_direction_of_1e_12_of_the_largest(num, keeps):
    """A short window collapses, and must not lose digits; a long store does not."""
    turn = scipy.stats.special_ortho_group.rvs(3, random_state=0)
    points = np.random.default_rng(0).normal(size=(num * 50, 3))
    points = points * np.array([1, 1e-4, 1e-12]) @ turn
    found = pool(summarise(jnp.asarray(points), num), jnp.ones(num), 50).scale[2, 2]
    centred = (points - points.mean(0)) / np.sqrt(len(points))
    right = abs(scipy.linalg.qr(centred, mode="r")[0][2, 2])
    assert (abs(float(found) / right - 1) < 0.01) == keeps


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 3])
def test_precision_is_that_of_the_parameters(kind, d):
    """Whatever jax's default is, and without a promotion."""
    model = gaussian(d, rows=kind, batch_size=4)
    params, key = standard(d, jnp.float32), jax.random.key(SEED)

    def everything(key):
        for num in (1, 5):
            batch, weights = model.sample(key, params, num), jnp.ones(num, jnp.float32)
            start = model.init(key, batch, weights)
            yield batch, start, model.fit(key, start, batch, weights)
        yield log_density(params, jnp.ones((2, d), jnp.float32))

    leaves = jax.tree.leaves(jax.eval_shape(lambda key: list(everything(key)), key))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ddof": 2}, "ddof must be 0 or 1, got 2"),
        ({"rows": "points"}, "rows"),
        ({"rows": "law", "batch_size": 3}, "needs more than 3 samples, got 3"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((ValueError, TypeCheckError), match=message):
        gaussian(3, **arguments)
    gaussian(3, rows="law", batch_size=4)


@pytest.mark.x64
def test_the_covariance_never_turns_nan():
    """2 000 generations under replace, where Cholesky fails within a few hundred."""
    d, n, num_generations = 10, 100, 1999
    model, truth = gaussian(d), standard(d)

    def cholesky_exists(key, params):
        del key
        factor = jnp.linalg.cholesky(params.scale @ params.scale.T)
        return jnp.all(jnp.isfinite(factor)).astype(factor.dtype)

    def make_problem(root):
        del root
        metrics = {"cholesky": cholesky_exists}
        return Problem(lambda key, num: model.sample(key, truth, num), model, metrics)

    roots = streams.seeds(SEED, 100)
    state, trace = loop.run_seeds(
        roots, make_problem, workflows.replace(), n, num_generations
    )
    assert trace.finite.shape == (100, 2000) and trace.finite.all()
    assert (
        np.isfinite(state.params.mean).all() and np.isfinite(state.params.scale).all()
    )
    exists = np.asarray(trace.metrics["cholesky"])
    assert exists[:, 0].all()
    assert (exists[:, :1000].min(1) == 0).mean() > 0.9
