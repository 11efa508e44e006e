"""Draws from many laws at once: each from its own, and none of weight 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.numerics import lookup

WEIGHTS = np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.5, 0.25, 0.25]])


@pytest.mark.x64
def test_each_draw_is_from_its_own_law():
    num = 20_000
    words = lookup.words(jax.random.key(SEED), 3 * num)
    laws = jnp.tile(jnp.arange(3, dtype=jnp.int32), num)
    upper = lookup.bounds(jnp.asarray(WEIGHTS))
    found = np.asarray(jax.jit(lookup.symbols)(upper, laws, words)).reshape(num, 3)
    seen = found[..., None] == np.arange(3)
    assert not seen[:, WEIGHTS == 0].any()
    shares = WEIGHTS / WEIGHTS.sum(1, keepdims=True)
    assert_tells_apart(seen[:, [0, 2]], shares[[0, 2]], shares[[2, 0]])


@pytest.mark.parametrize("size", [1, 2, 3, 64, 65])
def test_the_first_and_the_last_word_are_within_the_law(size):
    """Of any number of symbols, at the ends of the range, and without weight."""
    weights = np.zeros((2, size))
    weights[0] = 1 + np.arange(size) % 3
    first = size > 1  # a symbol without weight has not even the first word
    weights[0, 0] = not first
    ends = jnp.asarray([0, 2**31 - 1] * 2, jnp.uint32)
    laws = jnp.asarray([0, 0, 1, 1], jnp.int32)
    found = lookup.symbols(lookup.bounds(jnp.asarray(weights)), laws, ends)
    np.testing.assert_array_equal(found, [first, size - 1, 0, 0])
