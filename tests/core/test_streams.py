"""Named random streams: a key says what it is for, and nothing else enters it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import streams
from collapse.core.streams import Purpose

GENERATIONS, SEEDS = 40, 12


def words(key):
    return np.asarray(jax.random.key_data(key))


def all_keys(seed, num_seeds=SEEDS):
    """Words of every key, [seeds, generations, purposes, 2]."""

    def of_seed(root):
        generations = jnp.arange(GENERATIONS, dtype=jnp.int32)
        return jax.vmap(
            lambda t: jnp.stack(
                [jax.random.key_data(streams.key(root, t, p)) for p in Purpose]
            )
        )(generations)

    return np.asarray(jax.jit(jax.vmap(of_seed))(streams.seeds(seed, num_seeds)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.sampled_from(list(Purpose)))
def test_same_name_same_key(seed, generation, purpose):
    first = streams.key(jax.random.key(seed), generation, purpose)
    again = streams.key(jax.random.key(seed), jnp.int32(generation), purpose)
    assert first.shape == () and jnp.issubdtype(first.dtype, jax.dtypes.prng_key)
    np.testing.assert_array_equal(words(first), words(again))


def test_traced_generation_gives_the_key_of_the_concrete_one(root):
    scanned = jax.jit(
        lambda: jax.lax.map(
            lambda t: jax.random.key_data(streams.key(root, t, Purpose.SAMPLE)),
            jnp.arange(5, dtype=jnp.int32),
        )
    )()
    concrete = [words(streams.key(root, t, Purpose.SAMPLE)) for t in range(5)]
    np.testing.assert_array_equal(scanned, concrete)


def test_different_names_different_keys():
    flat = all_keys(0).reshape(-1, 2)
    assert len(flat) == SEEDS * GENERATIONS * len(Purpose)
    assert len(np.unique(flat, axis=0)) == len(flat)
    both = np.concatenate([flat, all_keys(1).reshape(-1, 2)])
    assert len(np.unique(both, axis=0)) == len(both)


def test_root_keys_are_not_stream_keys():
    roots = words(streams.seeds(0, SEEDS))
    flat = np.concatenate([roots, all_keys(0).reshape(-1, 2)])
    assert len(np.unique(flat, axis=0)) == len(flat)


@pytest.mark.parametrize("num_seeds", [1, 2, 100])
def test_a_seed_does_not_depend_on_how_many_there_are(num_seeds):
    many = words(streams.seeds(7, 1000))
    np.testing.assert_array_equal(words(streams.seeds(7, num_seeds)), many[:num_seeds])
    assert len(np.unique(many, axis=0)) == 1000


def test_seed_numbers_give_different_roots():
    roots = np.concatenate([words(streams.seeds(seed, 50)) for seed in range(20)])
    assert len(np.unique(roots, axis=0)) == len(roots)


def test_purposes_keep_their_numbers():
    # Update this only together with every published result: a number is part of them.
    # A new purpose takes the next free number.
    frozen = ["DATA", "INIT", "FIT", "SAMPLE", "WEIGH", "MEASURE", "HELD_OUT"]
    frozen += ["TRUTH", "DESIGN", "CURATE", "CORRECT", "MONITOR", "PRIVATE", "MARK"]
    assert [purpose.name for purpose in Purpose] == frozen
    assert [int(purpose) for purpose in Purpose] == list(range(len(frozen)))


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**33 + 5, 2**63 - 1])
@pytest.mark.parametrize("wide", [True, False])
def test_large_seeds_do_not_wrap_round_without_64_bit_numbers(seed, wide):
    with jax.enable_x64(True):
        of_jax = words(jax.random.key(seed, impl="threefry2x32"))
    with jax.enable_x64(wide):
        np.testing.assert_array_equal(words(streams.root(seed)), of_jax)
        roots = [words(streams.seeds(s, 3)) for s in (seed, seed + 2**32)]
    assert not (roots[0] == roots[1]).all(axis=-1).any()


def test_seeds_of_more_than_64_bits_are_refused():
    with pytest.raises(ValueError, match="seed: 18446744073709551616; give a number"):
        streams.root(2**64)


@pytest.mark.parametrize("generator", ["rbg", "unsafe_rbg"])
def test_the_default_generator_changes_no_key_and_another_one_is_refused(generator):
    """There fold_in commutes: real rows of generation 3 are those of model 3."""
    usual = words(streams.key(streams.seeds(4, 2)[1], 3, Purpose.SAMPLE))
    with jax.default_prng_impl(generator):
        found = words(streams.key(streams.seeds(4, 2)[1], 3, Purpose.SAMPLE))
        np.testing.assert_array_equal(found, usual)
        with pytest.raises(
            ValueError, match=f"root: a key of the generator {generator}"
        ):
            streams.key(jax.random.key(4), 3, Purpose.SAMPLE)
