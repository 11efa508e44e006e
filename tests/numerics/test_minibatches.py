"""The order of rows in a training: in proportion to weights, spread over time."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import SEED

from collapse.numerics.minibatches import order

ordered = jax.jit(order, static_argnums=3)


def used(weights, num, most=None):
    weights = jnp.asarray(weights, jnp.float32)
    most = most or num
    found = ordered(jax.random.key(SEED), weights, jnp.int32(num), most)
    return np.asarray(found)[:num]


def test_whole_passes_use_every_row_once_each():
    passes = used(np.ones(10), 30, 50).reshape(3, 10)
    assert (np.sort(passes, axis=1) == np.arange(10)).all()
    assert (passes[0] != np.arange(10)).any() and (passes[0] != passes[1]).any()


def test_uses_are_in_proportion_to_weights():
    weights = np.array([0, 1, 3, 0.5, 0, 2.25, 0])
    counts = np.bincount(used(weights, 100), minlength=7)
    expected = 100 * weights / weights.sum()
    assert (abs(counts - expected) < 1).all()
    assert not counts[weights == 0].any()


def test_the_last_row_of_weight_0_is_never_used():
    for num in (7, 49, 343):
        assert used([1, 1, 1, 0, 0], num).max() <= 2
