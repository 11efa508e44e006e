"""The store: slots are written whole, empty positions hold zeros."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import store as store_lib
from collapse.core.types import Generated, Selection

BATCH = {"x": jnp.arange(6.0).reshape(3, 2), "n": jnp.array([1, 2, 3])}
ORIGIN = jnp.array([0, 0, 4], jnp.int32)
ROWS = Generated(BATCH, ORIGIN)


def test_an_empty_store_holds_zeros_written_by_nobody():
    store = store_lib.allocate(BATCH, 4)
    assert store.data["x"].shape == (4, 3, 2)
    assert not store.data["x"].any()
    assert (store.origin == -1).all()
    assert not store_lib.occupied(store.origin).any()


def test_write_replaces_one_slot_and_no_other():
    store = store_lib.write(store_lib.allocate(BATCH, 4), ROWS, jnp.int32(2))
    np.testing.assert_array_equal(store.data["x"][2], BATCH["x"])
    np.testing.assert_array_equal(store.origin[2], ORIGIN)
    others = jnp.array([0, 1, 3])
    assert (store.origin[others] == -1).all()
    assert not store.data["n"][others].any()


def test_add_sums_rows_in_one_slot_and_keeps_the_newest_author():
    store = store_lib.write(store_lib.allocate(BATCH, 2), ROWS, jnp.int32(1))
    store = store_lib.add(store, Generated(BATCH, ORIGIN + 3), jnp.int32(1))
    np.testing.assert_array_equal(store.data["n"], [[0, 0, 0], [2, 4, 6]])
    np.testing.assert_array_equal(store.data["x"][1], 2 * BATCH["x"])
    np.testing.assert_array_equal(store.origin, [[-1, -1, -1], [3, 3, 7]])


def test_a_batch_of_several_slots_fills_them_in_order():
    twice = jax.tree.map(lambda leaf: jnp.concatenate([leaf, leaf + 9]), BATCH)
    origin = jnp.concatenate([ORIGIN, ORIGIN])
    store = store_lib.write(
        store_lib.allocate(BATCH, 3), Generated(twice, origin), jnp.int32(0)
    )
    np.testing.assert_array_equal(store.data["n"][:2], [[1, 2, 3], [10, 11, 12]])
    assert (store.origin[2] == -1).all()


def test_select_picks_rows_by_flat_number_in_the_precision_of_the_data():
    store = store_lib.write(store_lib.allocate(BATCH, 2), ROWS, jnp.int32(1))
    weights = jnp.ones(2, jnp.float32)
    picked = Selection(weights, jnp.array([5, 3], jnp.int32))
    rows, weights = store_lib.select(store, picked)
    np.testing.assert_array_equal(rows["n"], [3, 1])
    assert weights.dtype == rows["x"].dtype
    everything = store_lib.select(store, Selection(jnp.ones(6)))[0]
    np.testing.assert_array_equal(everything["n"], [0, 0, 0, 1, 2, 3])


# Curated rows

CURATED = Generated(BATCH, jnp.array([0, -1, 4], jnp.int32), jnp.array([1.0, 0.0, 2.5]))


def test_weights_of_the_curator_and_of_real_rows_multiply_those_of_the_workflow():
    empty = store_lib.allocate(BATCH, 2, curated=True)
    store = store_lib.write(empty, CURATED, jnp.int32(1))
    selection = Selection(jnp.full(6, 3.0))
    weights = store_lib.select(store, selection)[1]
    np.testing.assert_array_equal(weights, [0, 0, 0, 3, 0, 7.5])
    picked = Selection(jnp.full(2, 3.0), jnp.array([5, 3], jnp.int32))
    weights = store_lib.select(store, picked, jnp.array(0.5))[1]
    np.testing.assert_array_equal(weights, [7.5, 1.5])


def test_a_rejected_row_adds_nothing_to_a_sum_and_leaves_its_origin():
    empty = store_lib.allocate(BATCH, 1, curated=True)
    full = Generated(BATCH, jnp.array([0, 0, -1], jnp.int32), jnp.array([1.0, 1.0, 0]))
    store = store_lib.add(empty, full, jnp.int32(0))
    store = store_lib.add(store, CURATED, jnp.int32(0))
    np.testing.assert_array_equal(store.origin, [[0, 0, 4]])
    np.testing.assert_array_equal(store.weight, [[1, 1, 1]])
    factors = np.array([2.0, 1.0, 2.5])[:, None]
    np.testing.assert_array_equal(store.data["x"][0], BATCH["x"] * factors)


def test_rows_and_store_are_curated_both_or_neither():
    with pytest.raises(ValueError, match="the same curator"):
        store_lib.write(store_lib.allocate(BATCH, 2), CURATED, jnp.int32(0))
    with pytest.raises(ValueError, match="the same curator"):
        store_lib.write(store_lib.allocate(BATCH, 2, True), ROWS, jnp.int32(0))
