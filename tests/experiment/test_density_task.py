"""The task of a density: how a biased sampler looks, and all else is unbiased."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_cdf, assert_tells_apart, detectable_gap
from conftest import SEED

from collapse.core import streams
from collapse.sims.kde.experiment import Kde

BANDWIDTH = 0.4
# far from 0, in two clusters, and of unequal weights
ROWS = np.array([[2.0, 5.0], [2.5, 4.0], [4.5, 4.2], [5.0, 6.5]])
SHARES = np.array([0.3, 0.4, 0.2, 0.1])
MEAN = SHARES @ ROWS
SPREAD = (SHARES[:, None] * (ROWS - MEAN)).T @ (ROWS - MEAN)
BIASES = pytest.mark.parametrize("bias", [0.25, 1.0, 2.0])


def task():
    """That of a kernel density estimate in two dimensions."""
    experiment = Kde(dimension=2, workflows=("replace",), bandwidth=(BANDWIDTH,))
    experiment = experiment.resolved(0, 0)
    return experiment.task(next(experiment.conditions()), None)


def biased_problem(bias):
    own = task()
    root = streams.seeds(SEED, 1)[0]
    return own.biased(root, jnp.asarray(bias, float), None, *own.values)


@functools.cache
def generated(bias):
    """Points of the biased model of `ROWS`, whose fit itself is not biased."""
    model, key = biased_problem(bias).model, jax.random.key(SEED)
    batch, weights = jnp.asarray(ROWS, float), jnp.asarray(3 * SHARES, float)
    params = model.fit(key, None, batch, weights)[0]
    np.testing.assert_array_equal(params.centres, batch)
    return np.asarray(model.sample(key, params, 200_000), float)


@BIASES
def test_a_biased_sampler_keeps_the_mean_and_a_share_of_the_covariance(bias):
    points, kernel = generated(bias), BANDWIDTH**2 * np.eye(2)
    assert_tells_apart(points, MEAN, MEAN + 0.05)
    if bias != 1:  # towards the mean, and not towards 0
        assert_tells_apart(points, MEAN, np.sqrt(bias) * MEAN)
    below = np.tril_indices(2)
    centred = points - MEAN
    products = (centred[:, :, None] * centred[:, None, :])[:, *below]
    right = bias * (SPREAD + kernel)
    wrong = [bias * SPREAD]
    if bias != 1:
        wrong += [SPREAD + kernel, bias**2 * (SPREAD + kernel), bias * SPREAD + kernel]
    for control in wrong:
        assert_tells_apart(products, right[below], control[below])


@BIASES
def test_rows_and_kernels_of_a_biased_sampler_are_moved_alike(bias):
    """In distribution, in the first coordinate; the control has the same moments."""
    step, mean = np.sqrt(bias), MEAN[0]
    centres = mean + step * (ROWS[:, 0] - mean)

    def cdf(x):
        return scipy.stats.norm.cdf(x[:, None], centres, step * BANDWIDTH) @ SHARES

    draws = generated(bias)[:, 0]
    assert_cdf(draws, cdf)
    wrong = scipy.stats.norm(mean, np.sqrt(bias * (SPREAD[0, 0] + BANDWIDTH**2)))
    at = np.linspace(-2, 9, 500)
    assert detectable_gap(draws.size) < abs(wrong.cdf(at) - cdf(at)).max()
    with pytest.raises(AssertionError, match="CDFs"):
        assert_cdf(draws, wrong.cdf)


def test_real_rows_and_metrics_are_not_biased():
    own, root = task(), streams.seeds(SEED, 1)[0]
    plain, other = own.make_problem(root, *own.values), biased_problem(0.25)
    for key in jax.random.split(jax.random.key(SEED), 2):
        np.testing.assert_array_equal(plain.draw(key, 9), other.draw(key, 9))
    assert plain.metrics.keys() == other.metrics.keys()
    key, batch = jax.random.key(SEED), jnp.asarray(ROWS, float)
    params = plain.model.fit(key, None, batch, jnp.ones(4))[0]
    for name in ("variance_ratio", "test_error"):
        one, same = (p.metrics[name](key, params) for p in (plain, other))
        np.testing.assert_array_equal(one, same)
    one, same = (p.model.sample(key, params, 9) for p in (plain, biased_problem(1.0)))
    np.testing.assert_allclose(one, same, rtol=1e-6)
    assert abs(other.model.sample(key, params, 9) - one).max() > 0.1
