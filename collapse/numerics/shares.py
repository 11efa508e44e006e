"""Shares of categorical laws: counts of weighted rows, and what is made of them."""

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def weighted(
    rows: Float[Array, "rows *shape"] | Int[Array, "rows *places"],
    weights: Float[Array, " rows"],
    shape: tuple[int, ...],
    dtype: Any = None,
) -> Float[Array, "*shape"]:
    """Counts of the cells of a table [*shape] among rows, each times its weight.

    Weights count relative to rows that all have weight 1: they are divided by
    sum w^2 / sum w first, so that what is added to each count does not depend on their
    scale.

    Args:
      rows: counts of each row, or whole numbers: the cells that it consists of.
      weights: non-negative; not all 0.
      shape: of the table, whose cells are numbered row by row.
      dtype: of counts of whole numbers; jax's default if None.
    """
    weights = weights * (jnp.sum(weights) / jnp.sum(weights**2))
    if jnp.issubdtype(rows.dtype, jnp.floating):
        return jnp.tensordot(weights, rows, 1)
    weights = weights.astype(dtype or jnp.result_type(float))
    if rows.ndim > 1:
        weights = jnp.repeat(weights, math.prod(rows.shape[1:]))
    return counted(rows.reshape(-1), weights, shape)


def counted(cells: Int[Array, " num"], weights: Array, shape: tuple[int, ...]) -> Array:
    """Sum of the weights of each cell [*shape], in their type.

    Args:
      cells: numbers of cells, all in the table.
      weights: [num] of each.
      shape: of the table.
    """
    counts = jnp.zeros(math.prod(shape), weights.dtype)
    return counts.at[cells].add(weights, mode="promise_in_bounds").reshape(shape)


def tempered(
    shares: Float[Array, "C V"], temperature: Float[Array, ""]
) -> Float[Array, "C V"]:
    """Weights of tokens in proportion to shares^(1 / temperature); 0 stays 0.

    At temperatures so small that nothing else is left the largest have all.
    """
    largest = jnp.max(shares, axis=1, keepdims=True)
    power = jnp.log(
        jnp.where(shares > 0, shares / jnp.where(largest > 0, largest, 1), 1)
    )
    # a share next to the largest may round to it: never 0 / 0
    power = jnp.minimum(power, -jnp.finfo(shares.dtype).tiny)
    power = jnp.exp(power / temperature.astype(shares.dtype))
    return jnp.where(shares > 0, jnp.where(shares == largest, 1, power), 0)


def likeliest(counts: Float[Array, "C V"]) -> Float[Array, "C V"]:
    """Shares by maximum likelihood; 0 after a context that does not occur."""
    total = jnp.sum(counts, axis=1, keepdims=True)
    return counts / jnp.where(total > 0, total, 1)
