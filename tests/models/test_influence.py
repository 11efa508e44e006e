"""Gains by one step: exact where they are known, and the two ways to have them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from collapse.models.language.architecture import NetworkConfig, Size
from collapse.models.language.documents import Format
from collapse.models.language.influence import document_losses, first_order, one_step
from collapse.models.language.network import network

END, SEPARATOR, BLOCK, LETTERS = 0, 1, 8, 6
FORM = Format(SEPARATOR, END, "responses")
CONFIG = NetworkConfig(LETTERS, BLOCK, Size(1, 16, 1))


def squares(weights, rows):
    """Half the squared error of a linear prediction; the last column is the label."""
    return (rows[:, :-1] @ weights - rows[:, -1]) ** 2 / 2


def test_gains_of_a_linear_prediction_are_exact():
    """Known in closed form: the probes' loss is a quadratic function of the weights."""
    rng, rate = np.random.default_rng(0), 0.3
    rows, probes = rng.normal(size=(150, 4)), rng.normal(size=(5, 4))
    weights = rng.normal(size=3)
    own = (squares, jnp.asarray(weights), jnp.asarray(rows), jnp.asarray(probes), rate)
    errors = rows[:, :-1] @ weights - rows[:, -1]
    slopes = errors[:, None] * rows[:, :-1]  # of each row
    inputs, left = probes[:, :-1], probes[:, :-1] @ weights - probes[:, -1]
    first = rate * slopes @ (inputs.T @ left) / len(probes)
    second = rate**2 * ((slopes @ inputs.T) ** 2).mean(1) / 2
    np.testing.assert_allclose(first_order(*own), first, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one_step(*own), first - second, rtol=1e-9, atol=1e-12)
    assert abs(second).max() > 0.1  # the two can be told apart


@functools.cache
def trained():
    """A model of repeated letters, after a few steps, with documents to judge.

    Right documents answer `a|` by `aaa`; the others are answered by random letters.
    """
    rng = np.random.default_rng(1)
    right = np.array([[a, SEPARATOR, a, a, a, END, END, END] for a in range(2, 6)])
    noise = right[rng.integers(4, size=40)]
    noise[:, 2:5] = rng.integers(2, 6, (40, 3))
    rows = jnp.asarray(np.concatenate([np.tile(right, (10, 1)), noise]), jnp.int32)
    net = network(CONFIG)
    losses, weights = document_losses(net, FORM), jax.jit(net.init)(jax.random.key(2))
    slope = jax.jit(jax.grad(lambda own: jnp.mean(losses(own, rows))))
    for _ in range(30):
        weights = jax.tree.map(lambda w, g: w - 0.1 * g, weights, slope(weights))
    is_right = (np.asarray(rows)[:, 2:5] == np.asarray(rows)[:, :1]).all(1)
    return losses, weights, rows, jnp.asarray(right, jnp.int32), is_right


def gains(way, rate, rows=None):
    losses, weights, every, probes, _ = trained()
    compiled = jax.jit(functools.partial(way, losses, rate=rate))
    return np.asarray(compiled(weights, every if rows is None else rows, probes=probes))


@pytest.fixture
def single_precision():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.usefixtures("single_precision")
def test_a_probe_helps_more_than_noise_and_both_ways_rank_alike():
    """By a small step; by a large one they do not, which is the control."""
    is_right = trained()[-1]
    first, small, far = (
        gains(way, rate)
        for way, rate in ((first_order, 1e-3), (one_step, 1e-3), (one_step, 1.0))
    )
    assert first[:4].min() > 0 and first.shape == small.shape == (80,)
    for found in (first, small):
        assert found[is_right].mean() > found[~is_right].mean()
        assert np.median(found[is_right]) > np.quantile(found[~is_right], 0.75)
    assert scipy.stats.spearmanr(first, small).statistic > 0.99
    assert scipy.stats.spearmanr(first, far).statistic < 0.9


@pytest.mark.usefixtures("single_precision")
def test_a_document_of_which_nothing_is_learned_gains_nothing():
    no_separator = jnp.full((3, BLOCK), 2, jnp.int32)
    np.testing.assert_array_equal(gains(first_order, 0.1, no_separator), 0)
    far = gains(one_step, 0.1, no_separator)  # up to the rounding of a loss
    np.testing.assert_allclose(far, 0, atol=1e-6)
