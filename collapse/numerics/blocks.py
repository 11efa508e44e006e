"""Weighted rows laid out for loops that vectorise: transposed, in blocks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

BLOCK_ROWS = 1024  # rows of a block: its intermediate arrays fit into the cache


class PaddedRows(NamedTuple):
    """Weighted rows in blocks of equal size, padded with rows of weight 0.

    Attributes:
      points: [blocks, d, block]; the last axis is long, so that loops vectorise.
      weights: [blocks, block], their sum is 1.
      used: number of blocks; all weights after them are 0, in every seed of a vmap.
      extra_mass: 10 eps times the mean weight of a row; every component gets so much
        more, so that none is divided by 0.
    """

    points: Float[Array, "blocks d block"]
    weights: Float[Array, "blocks block"]
    used: Int[Array, ""]
    extra_mass: Float[Array, ""]


def pack(
    batch: Float[Array, "rows d"], weights: Float[Array, " rows"], most: int = 0
) -> PaddedRows:
    """The rows with weights that sum to 1, transposed and cut into equal blocks.

    Weights are NaN if all of them are zero.

    Args:
      batch: [rows, d].
      weights: [rows], non-negative.
      most: rows of a block; 0 for BLOCK_ROWS.
    """
    num_rows, dimension = batch.shape
    blocks = -(-num_rows // (most or BLOCK_ROWS))
    block = -(-num_rows // blocks)
    extra = blocks * block - num_rows
    points = jnp.pad(batch.T, ((0, 0), (0, extra))).reshape(dimension, blocks, block)
    weights = weights.astype(batch.dtype)
    share = jnp.pad(weights / jnp.sum(weights), (0, extra)).reshape(blocks, block)
    index = jnp.arange(num_rows, dtype=jnp.int32)
    last = jnp.max(jnp.where(weights > 0, index, -1))
    positive = jnp.sum(weights > 0).astype(batch.dtype)
    extra_mass = 10 * jnp.finfo(batch.dtype).eps / positive
    return PaddedRows(
        points.transpose(1, 0, 2), share, _largest(last // block + 1), extra_mass
    )


def sum_blocks(
    rows: PaddedRows,
    function: Callable[[Float[Array, "d block"], Float[Array, " block"]], Any],
) -> Any:
    """Sum of `function(points, weights)`, a tree of arrays, over the blocks in use.

    One block after the other, so that no array of components x rows is stored, and
    nothing is computed for slots that an accumulating store has not filled yet.
    """
    first = (rows.points[0], rows.weights[0])
    if len(rows.points) == 1:
        return function(*first)

    def add(i: Int[Array, ""], total: Any) -> Any:
        part = function(rows.points[i], rows.weights[i])
        return jax.tree.map(jnp.add, total, part)

    shapes = jax.eval_shape(function, *first)
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return lax.fori_loop(0, rows.used, add, zero)


def sum_rows(terms: Float[Array, "*leading m"]) -> Float[Array, "*leading"]:
    """Sum over the last axis, computed as a product with ones.

    On a CPU XLA vectorises products but not sums over the last axis: this is four times
    faster.
    """
    return terms @ jnp.ones(terms.shape[-1], terms.dtype)


@jax.custom_batching.custom_vmap
def _largest(value: Array) -> Array:
    """The largest value over all seeds of a vmap: one number for all of them.

    If each seed had a loop bound of its own, the loop index would differ from seed to
    seed and every slice would become a gather.
    """
    return value


@_largest.def_vmap
def _largest_of_batch(
    axis_size: int, in_batched: list[bool], value: Array
) -> tuple[Array, bool]:
    del axis_size
    return (jnp.max(value, 0) if in_batched[0] else value), False
