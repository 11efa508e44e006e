"""The order of rows in a training: in proportion to weights, spread over time."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import SEED

from collapse.numerics.minibatches import num_steps, order

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


def test_steps_grow_with_the_weights_up_to_the_most_rows():
    def steps(weights, fixed=0, epochs=1.5):
        found, most = num_steps(fixed, epochs, 4, jnp.asarray(weights), 10)
        return int(found), most

    assert steps(np.ones(8)) == (3, 4)  # 12 uses of 4 a step; at most 15
    assert steps(np.full(8, 0.5)) == (2, 4)
    assert steps(np.ones(30)) == (4, 4)
    assert steps(np.zeros(8)) == (1, 4)
    assert steps(np.ones(8), fixed=7, epochs=0.0) == (7, 7)
