"""The store: every row that may be trained on, at one fixed shape, with its author.

A fixed shape lets a whole run be one compiled scan. Slots are written whole.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from collapse.core.types import Batch, Selection, Store, Weights


def allocate(batch: Batch, num_slots: int) -> Store:
    """An empty store for `num_slots` batches like `batch` (leaves [n, ...]).

    Empty places hold zeros, never NaN: a weight of zero must silence them.
    """
    num_rows = jax.tree.leaves(batch)[0].shape[0]
    return Store(
        data=jax.tree.map(
            lambda leaf: jnp.zeros((num_slots, *leaf.shape), leaf.dtype), batch
        ),
        origin=jnp.full((num_slots, num_rows), -1, jnp.int32),
    )


def write(
    store: Store, batch: Batch, origin: Int[Array, " rows"], slot: Int[Array, ""]
) -> Store:
    """Overwrite whole slots from `slot` on.

    Args:
      batch: leaves [k * n, ...], enough for k slots.
      origin: [k * n], who wrote each row.
      slot: first slot to overwrite.
    """
    num_rows = store.origin.shape[1]

    def put(old: Array, new: Array) -> Array:
        blocks = new.reshape(-1, num_rows, *new.shape[1:])
        return jax.lax.dynamic_update_slice_in_dim(old, blocks, slot, axis=0)

    return Store(jax.tree.map(put, store.data, batch), put(store.origin, origin))


def add(
    store: Store, batch: Batch, origin: Int[Array, " rows"], slot: Int[Array, ""]
) -> Store:
    """Add a batch to one slot, row by row; its author is then the newest."""

    def old(leaf: Array) -> Array:
        return jax.lax.dynamic_index_in_dim(leaf, slot, keepdims=False)

    total = jax.tree.map(lambda leaf, new: old(leaf) + new, store.data, batch)
    return write(store, total, origin, slot)


def flatten(store: Store) -> Batch:
    """All rows in order, leaves [slots * n, ...]."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), store.data)


def select(store: Store, selection: Selection) -> tuple[Batch, Weights]:
    """The rows a workflow picked and their weights, in the data's own precision."""
    batch = flatten(store)
    if selection.rows is not None:
        batch = jax.tree.map(lambda leaf: leaf[selection.rows], batch)
    floating = [
        leaf.dtype
        for leaf in jax.tree.leaves(batch)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    dtype = floating[0] if floating else jnp.float32
    return batch, selection.weights.astype(dtype)


def occupied(origin: Int[Array, "slots n"]) -> Bool[Array, "slots n"]:
    """Where a row has been written."""
    return origin >= 0
