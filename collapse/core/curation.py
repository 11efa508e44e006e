"""Curation: which generated rows are kept, before they enter the store."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Batch, Curator, Generated, Key, Weights


def _ones(key: Key, batch: Batch, reference: object) -> Weights:
    del key, reference
    return jnp.ones(jax.tree.leaves(batch)[0].shape[0])


def keep_all() -> Curator:
    """The curator that keeps every generated row; it leaves a run bit for bit alone."""
    return Curator(1, _ones)


KEEP_ALL = keep_all()


def keeps_all(curator: Curator) -> bool:
    """Whether a curator keeps every row, so that stores need no weights of it."""
    return curator == KEEP_ALL


def check(curator: Curator) -> None:
    """Raise ValueError if a curator asks for less than one candidate a row."""
    if curator.candidates < 1:
        raise ValueError(f"candidates must be at least 1, got {curator.candidates}")


def keep(
    batch: Batch,
    weights: Weights,
    num: int,
    span: tuple[int | Int[Array, ""], int | Int[Array, ""]],
    keep_rate: Float[Array, ""] | None = None,
) -> tuple[Batch, Float[Array, " num"]]:
    """The rows of positive weight at `num` positions, in order, and their weights.

    Positions `first` to `last` are filled, from candidates `c * first` to `c * last`: c
    are looked at for every row kept, and where all are kept and c is 1 each stays where
    it is. All other positions hold zeros and weight 0.

    Args:
      batch: leaves [c * num, ...].
      weights: [c * num], of the curator.
      num: n.
      span: first and last, counted as in `range`.
      keep_rate: share of these candidates, rounded, that may be kept; those of the
        largest weights, and of equal weights the first. None for all.
    """
    total = weights.shape[0]
    first, last = (jnp.asarray(end, jnp.int32) for end in span)
    each = jnp.int32(total // num)
    index = jnp.arange(total, dtype=jnp.int32)
    weights = jnp.where((index >= each * first) & (index < each * last), weights, 0)
    if keep_rate is not None:
        share = keep_rate * (each * (last - first)).astype(keep_rate.dtype)
        most = jnp.floor(share + 0.5).astype(jnp.int32)
        order = jnp.argsort(-weights, stable=True)
        rank = jnp.zeros(total, jnp.int32).at[order].set(index)
        weights = jnp.where(rank < most, weights, 0)
    chosen = jnp.nonzero(weights > 0, size=num, fill_value=total)[0].astype(jnp.int32)
    position = index[:num]
    shifted = chosen[jnp.maximum(position - first, 0)]
    inside = (position >= first) & (position < last) & (shifted < total)
    source = jnp.where(inside, shifted, 0)

    def take(leaf: Array) -> Array:
        here = inside.reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(here, leaf[source], jnp.zeros((), leaf.dtype))

    return jax.tree.map(take, batch), take(weights)


def curate(
    key: Key,
    curator: Curator,
    batch: Batch,
    reference: object,
    num: int,
    span: tuple[int | Int[Array, ""], int | Int[Array, ""]],
    keep_rate: Float[Array, ""] | None = None,
) -> tuple[Batch, Float[Array, " num"]]:
    """Rows of a batch that a curator keeps, and their weights. Uses the key."""
    weights = curator.weigh(key, batch, reference).astype(jnp.result_type(float))
    return keep(batch, weights, num, span, keep_rate)


def reject(rows: Generated, weights: Weights) -> Generated:
    """The same rows curated once more, by weights that the host has found.

    Real rows are left alone; a generated row of weight 0 is rejected.

    Args:
      rows: of `generate` with a curator, whose weights are multiplied.
      weights: [rows], non-negative.

    Raises:
      ValueError: if the rows have no weights, since their store has none either.
    """
    if rows.weight is None:
        raise ValueError("give `init` and `generate` a curator to reject rows")
    factor = jnp.where(rows.origin == 0, 1, weights.astype(rows.weight.dtype))
    weight = rows.weight * factor

    def silenced(leaf: Array) -> Array:
        here = (weight > 0).reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(here, leaf, jnp.zeros((), leaf.dtype))

    origin = jnp.where(weight > 0, rows.origin, -1)
    return Generated(jax.tree.map(silenced, rows.batch), origin, silenced(weight))
