"""The store: every row that may be trained on, at one fixed shape, with its origin.

A fixed shape lets a whole run be one compiled scan. Slots are written whole.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Batch, Generated, Selection, Store, Weights


def allocate(batch: Batch, num_slots: int, curated: bool = False) -> Store:
    """An empty store for `num_slots` batches like `batch` (leaves [n, ...]).

    Empty positions hold zeros, never NaN: a fit multiplies them by a weight of 0.

    Args:
      batch: leaves [n, ...].
      num_slots: batches that it can hold.
      curated: keep the curator's weight of each row, too.
    """
    num_rows = jax.tree.leaves(batch)[0].shape[0]
    return Store(
        data=jax.tree.map(
            lambda leaf: jnp.zeros((num_slots, *leaf.shape), leaf.dtype), batch
        ),
        origin=jnp.full((num_slots, num_rows), -1, jnp.int32),
        weight=jnp.zeros((num_slots, num_rows)) if curated else None,
    )


def write(store: Store, rows: Generated, slot: Int[Array, ""]) -> Store:
    """The store with whole slots overwritten, from `slot` on.

    Args:
      rows: leaves [k * n, ...], enough for k slots.
      slot: first slot to overwrite.

    Raises:
      ValueError: if rows have weights of a curator and the store does not keep them, or
        the other way round.
    """
    if (store.weight is None) != (rows.weight is None):
        raise ValueError(
            "curated rows need a store that keeps their weights, and no others do: "
            "give `init` and `generate` the same curator"
        )
    num_rows = store.origin.shape[1]

    def put(old: Array, new: Array) -> Array:
        blocks = new.reshape(-1, num_rows, *new.shape[1:])
        return jax.lax.dynamic_update_slice_in_dim(old, blocks, slot, axis=0)

    return jax.tree.map(put, store, Store(rows.batch, rows.origin, rows.weight))


def add(store: Store, rows: Generated, slot: Int[Array, ""]) -> Store:
    """The store with a batch added to one slot, row by row; the newest origin counts.

    A curator's weights multiply the rows that are added, since a sum has one weight; a
    rejected row adds nothing and leaves the origin as it was.
    """

    def old(leaf: Array) -> Array:
        return jax.lax.dynamic_index_in_dim(leaf, slot, keepdims=False)

    def scaled(leaf: Array) -> Array:
        if rows.weight is None:
            return leaf
        return leaf * rows.weight.reshape(-1, *[1] * (leaf.ndim - 1)).astype(leaf.dtype)

    batch = jax.tree.map(lambda x, new: old(x) + scaled(new), store.data, rows.batch)
    if rows.weight is None:
        return write(store, Generated(batch, rows.origin), slot)
    origin = jnp.where(rows.origin >= 0, rows.origin, old(store.origin))
    weight = (origin >= 0).astype(rows.weight.dtype)
    return write(store, Generated(batch, origin, weight), slot)


def flatten(store: Store) -> Generated:
    """All rows in order, leaves [slots * n, ...]."""
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), store)
    return Generated(*flat)


def select(
    store: Store,
    selection: Selection,
    real_weight: Float[Array, ""] | None = None,
) -> tuple[Batch, Weights]:
    """The rows a workflow picked and their weights, in the data's own precision.

    All weights of a fit come from here. In a curated store the curator's weights
    multiply the workflow's, and a position of origin -1, rejected or empty, has weight
    0 under every workflow. In other stores nothing is rejected and only slots that have
    not been filled are empty, which workflows leave out themselves: a mask would be the
    same numbers, compiled to other roundings.

    Args:
      selection: of the workflow.
      real_weight: factor for rows of origin 0; None for 1.
    """
    rows = flatten(store)
    if selection.rows is not None:
        rows = jax.tree.map(lambda leaf: leaf[selection.rows], rows)
    batch, origin, kept, _ = rows
    dtype = weights_dtype(batch)
    weights = selection.weights.astype(dtype)
    if kept is not None:
        weights = jnp.where(occupied(origin), weights * kept.astype(dtype), 0)
    if real_weight is not None:
        weights = weights * jnp.where(origin == 0, real_weight.astype(dtype), 1)
    return batch, weights


def weights_dtype(batch: Batch) -> Any:
    """The floating-point type of a fit's weights: that of its rows, or float32."""
    leaves = jax.tree.leaves(batch)
    floating = [x.dtype for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]
    return floating[0] if floating else jnp.float32


def occupied(origin: Int[Array, "*positions"]) -> Bool[Array, "*positions"]:
    """Mask of the positions that hold a row, neither empty nor rejected."""
    return origin >= 0
