"""The generator written out: every key and word is that of jax.random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.numerics import threefry

IMPLS = ["threefry2x32", "rbg", "unsafe_rbg"]


def data(key):
    return np.asarray(jax.random.key_data(key))


@pytest.mark.parametrize("impl", IMPLS)
def test_folded_keys_are_those_of_jax_random(impl):
    key = jax.random.key(SEED, impl=impl)
    for number in (0, 1, 7, 2**31 - 1):
        ours, theirs = threefry.fold_in(key, number), jax.random.fold_in(key, number)
        assert ours.dtype == theirs.dtype and ours.shape == ()
        np.testing.assert_array_equal(data(ours), data(theirs))


def test_folded_keys_are_the_same_when_compiled_and_mapped(root):
    numbers = jnp.arange(50, dtype=jnp.int32)
    ours = jax.jit(jax.vmap(lambda i: threefry.fold_in(root, i)))(numbers)
    theirs = [data(jax.random.fold_in(root, i)) for i in range(50)]
    np.testing.assert_array_equal(data(ours), theirs)
    keys = jax.random.split(root, 50)
    ours = jax.jit(jax.vmap(threefry.fold_in))(keys, numbers)
    theirs = jax.vmap(jax.random.fold_in)(keys, numbers)
    np.testing.assert_array_equal(data(ours), data(theirs))


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("num", [1, 2, 5])
def test_split_is_a_list_of_distinct_keys(impl, num):
    key = jax.random.key(SEED, impl=impl)
    ours = [tuple(data(part).tolist()) for part in threefry.split(key, num)]
    assert len(set(ours)) == num
    if impl == "threefry2x32":
        np.testing.assert_array_equal(ours, data(jax.random.split(key, num)))


def test_words_are_the_bits_of_jax_random(root):
    high, low = jax.jit(lambda key: threefry.words(key, 1001))(root)
    bits = jax.random.bits(root, (1001,), jnp.uint32)
    np.testing.assert_array_equal(np.asarray(high) ^ np.asarray(low), bits)


@pytest.mark.x64
def test_words_are_the_halves_of_64_bits(root):
    high, low = (np.asarray(word, np.uint64) for word in threefry.words(root, 100))
    bits = jax.random.bits(root, (100,), jnp.uint64)
    np.testing.assert_array_equal(high << np.uint64(32) | low, bits)


def test_it_knows_when_it_does_not_apply(root):
    assert threefry.applies(root)
    assert not threefry.applies(jax.random.key(0, impl="rbg"))
    assert not threefry.applies(jax.random.PRNGKey(0))
    with jax.threefry_partitionable(False):
        assert not threefry.applies(jax.random.key(0))
