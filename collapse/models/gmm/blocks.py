"""Weighted rows as the mixture's iterations read them: transposed, in blocks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

BLOCK_ROWS = 1024  # rows whose intermediates, for a few dozen seeds, stay in cache


class Rows(NamedTuple):
    """Weighted rows, padded with rows of weight 0.

    Attributes:
      points: [blocks, d, block]: the last axis is long, so everything vectorises.
      weights: [blocks, block], sum 1 over everything.
      used: blocks after which all weights are 0, in every seed mapped over.
      spare: scalar, 10 eps of the weight of an average row.
    """

    points: Float[Array, "blocks d block"]
    weights: Float[Array, "blocks block"]
    used: Int[Array, ""]
    spare: Float[Array, ""]


def pack(batch: Float[Array, "rows d"], weights: Float[Array, " rows"]) -> Rows:
    """Transpose, normalise the weights, cut into blocks of equal size: once a fit.

    NaN if every weight is zero.
    """
    num_rows, dimension = batch.shape
    blocks = -(-num_rows // BLOCK_ROWS)
    block = -(-num_rows // blocks)
    extra = blocks * block - num_rows
    points = jnp.pad(batch.T, ((0, 0), (0, extra))).reshape(dimension, blocks, block)
    weights = weights.astype(batch.dtype)
    share = jnp.pad(weights / jnp.sum(weights), (0, extra)).reshape(blocks, block)
    index = jnp.arange(num_rows, dtype=jnp.int32)
    last = jnp.max(jnp.where(weights > 0, index, -1))
    positive = jnp.sum(weights > 0).astype(batch.dtype)
    spare = 10 * jnp.finfo(batch.dtype).eps / positive
    return Rows(points.transpose(1, 0, 2), share, _largest(last // block + 1), spare)


def sum_blocks(
    rows: Rows,
    function: Callable[[Float[Array, "d block"], Float[Array, " block"]], Any],
) -> Any:
    """Sum of `function(points, weights)`, a tree of arrays, over the blocks in use.

    One block after the other, so that no array of components x rows is ever written to
    memory, and nothing is computed for the places an accumulating store has yet to
    fill.
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
    """Sum over the last axis, as a product with ones.

    XLA on CPU vectorises a product but reduces the last axis value by value: this is
    four times faster.
    """
    return terms @ jnp.ones(terms.shape[-1], terms.dtype)


@jax.custom_batching.custom_vmap
def _largest(value: Array) -> Array:
    """The largest value over the seeds mapped over: one number, not one a seed.

    With a bound of its own for each seed, a loop's index would differ from seed to
    seed and every slice would become a gather.
    """
    return value


@_largest.def_vmap
def _largest_of_batch(
    axis_size: int, in_batched: list[bool], value: Array
) -> tuple[Array, bool]:
    del axis_size
    return (jnp.max(value, 0) if in_batched[0] else value), False
