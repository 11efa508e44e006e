"""Squared distances of rows to others, one row after the other."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

_BLOCK = 64  # rows whose distances to all others are in memory at once

Reduce = Callable[[Int[Array, ""], Float[Array, " others"]], Any]


def for_each(
    rows: Float[Array, "rows d"], others: Float[Array, "others d"], reduce: Reduce
) -> Array:
    """`reduce(index, squared distances to all others)` for each row, [rows].

    By differences, so that the distance to a copy is exactly 0.
    """

    def one(index: Array) -> Array:
        return reduce(index, squared(rows[index], others))

    index = jnp.arange(rows.shape[0], dtype=jnp.int32)
    return lax.map(one, index, batch_size=min(_BLOCK, rows.shape[0]))


def squared(
    row: Float[Array, " d"], others: Float[Array, "others d"]
) -> Float[Array, " others"]:
    """Squared Euclidean distances of a row to others."""
    return jnp.sum((others - row[None]) ** 2, axis=1)


def as_points(batch: Float[Array, "rows ..."]) -> Float[Array, "rows d"]:
    """Rows of an array, each as one vector."""
    return batch.reshape(batch.shape[0], -1)
