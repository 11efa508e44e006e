"""The store: slots are written whole, empty places are silent zeros."""

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core import store as store_lib
from collapse.core.types import Selection

BATCH = {"x": jnp.arange(6.0).reshape(3, 2), "n": jnp.array([1, 2, 3])}
ORIGIN = jnp.array([0, 0, 4], jnp.int32)


def test_an_empty_store_holds_zeros_written_by_nobody():
    store = store_lib.allocate(BATCH, 4)
    assert store.data["x"].shape == (4, 3, 2)
    assert not store.data["x"].any()
    assert (store.origin == -1).all()
    assert not store_lib.occupied(store.origin).any()


def test_write_replaces_one_slot_and_no_other():
    store = store_lib.write(store_lib.allocate(BATCH, 4), BATCH, ORIGIN, jnp.int32(2))
    np.testing.assert_array_equal(store.data["x"][2], BATCH["x"])
    np.testing.assert_array_equal(store.origin[2], ORIGIN)
    others = jnp.array([0, 1, 3])
    assert (store.origin[others] == -1).all()
    assert not store.data["n"][others].any()


def test_add_sums_rows_in_one_slot_and_keeps_the_newest_author():
    store = store_lib.write(store_lib.allocate(BATCH, 2), BATCH, ORIGIN, jnp.int32(1))
    store = store_lib.add(store, BATCH, ORIGIN + 3, jnp.int32(1))
    np.testing.assert_array_equal(store.data["n"], [[0, 0, 0], [2, 4, 6]])
    np.testing.assert_array_equal(store.data["x"][1], 2 * BATCH["x"])
    np.testing.assert_array_equal(store.origin, [[-1, -1, -1], [3, 3, 7]])


def test_a_batch_of_several_slots_fills_them_in_order():
    twice = jax.tree.map(lambda leaf: jnp.concatenate([leaf, leaf + 9]), BATCH)
    origin = jnp.concatenate([ORIGIN, ORIGIN])
    store = store_lib.write(store_lib.allocate(BATCH, 3), twice, origin, jnp.int32(0))
    np.testing.assert_array_equal(store.data["n"][:2], [[1, 2, 3], [10, 11, 12]])
    assert (store.origin[2] == -1).all()


def test_select_picks_rows_by_flat_number_in_the_precision_of_the_data():
    store = store_lib.write(store_lib.allocate(BATCH, 2), BATCH, ORIGIN, jnp.int32(1))
    weights = jnp.ones(2, jnp.float32)
    picked = Selection(weights, jnp.array([5, 3], jnp.int32))
    rows, weights = store_lib.select(store, picked)
    np.testing.assert_array_equal(rows["n"], [3, 1])
    assert weights.dtype == rows["x"].dtype
    everything = store_lib.select(store, Selection(jnp.ones(6)))[0]
    np.testing.assert_array_equal(everything["n"], [0, 0, 0, 1, 2, 3])
