"""Rows that a curator keeps, moved to the positions of the store that they fill."""

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.curation import tally as tally_lib
from collapse.core.curation.tally import Tally
from collapse.core.types import Batch, Curator, Generated, Key, Params, Weights

Span: TypeAlias = tuple[int | Int[Array, ""], int | Int[Array, ""]]


def num_rows(batch: Batch) -> int:
    """Number of rows of a batch."""
    rows: int = jax.tree.leaves(batch)[0].shape[0]
    return rows


def ones(key: Key, batch: Batch, reference: object) -> Weights:
    """Weights of 1 for all rows, the `weigh` of a curator that rejects nothing."""
    del key, reference
    return jnp.ones(num_rows(batch))


def keep_all() -> Curator:
    """The curator that keeps every generated row; it leaves a run bit for bit alone."""
    return Curator(1, ones)


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
    span: Span,
    keep_rate: Float[Array, ""] | None = None,
    rank: Float[Array, " rows"] | None = None,
) -> tuple[Batch, Float[Array, " num"]]:
    """The rows of positive weight at `num` positions, in order, and their weights.

    Positions `first` to `last` are filled, from candidates `c * first` to `c * last`: c
    are looked at for every row kept, and where all are kept and c is 1 each stays where
    it is. All other positions hold zeros and weight 0. If one of each c candidates in a
    row is kept, it goes to the position that these candidates were generated for.

    Args:
      batch: leaves [c * num, ...].
      weights: [c * num], of the curator.
      num: n.
      span: first and last, counted as in `range`.
      keep_rate: share of these candidates, rounded, that may be kept; those of the
        largest rank, and of equal rank the first. None for all.
      rank: [c * num], of the curator; None for the weights.
    """
    return _placed(batch, _admitted(weights, num, span, keep_rate, rank), num, span)


def curate(
    key: Key,
    curator: Curator,
    batch: Batch,
    reference: object,
    num: int,
    span: Span,
    keep_rate: Float[Array, ""] | None = None,
) -> tuple[Batch, Float[Array, " num"], Tally]:
    """Rows of a batch that a curator keeps, their weights, and a count of what it did.

    Consumes the key. `correct` has been applied before, and `reference` is what
    `context` gives, see `Curator`.
    """
    dtype = jnp.result_type(float)
    weights = curator.weigh(key, batch, reference).astype(dtype)
    rank = None
    if curator.rank is not None and keep_rate is not None:
        rank = curator.rank(key, batch, reference).astype(dtype)
    admitted = _admitted(weights, num, span, keep_rate, rank)
    kept, stored = _placed(batch, admitted, num, span)
    return kept, stored, tally_lib.count(admitted, stored, span)


def seen(curator: Curator, params: Params, reference: object) -> object:
    """What a curator sees beside the rows: the problem's reference, or its context."""
    if curator.context is None:
        return reference
    return curator.context(params, reference)


def _admitted(
    weights: Weights,
    num: int,
    span: Span,
    keep_rate: Float[Array, ""] | None,
    rank: Float[Array, " rows"] | None,
) -> Weights:
    """The weights of candidates in the span, 0 for those the keep rate leaves out."""
    total = weights.shape[0]
    first, last = (jnp.asarray(end, jnp.int32) for end in span)
    each = jnp.int32(total // num)
    index = jnp.arange(total, dtype=jnp.int32)
    weights = jnp.where((index >= each * first) & (index < each * last), weights, 0)
    if keep_rate is None:
        return weights
    share = keep_rate * (each * (last - first)).astype(keep_rate.dtype)
    most = jnp.floor(share + 0.5).astype(jnp.int32)
    if rank is not None:
        weighed, rank = weights > 0, jnp.where(jnp.isnan(rank), -jnp.inf, rank)
        # rejected rows last, behind those of rank -inf
        order = jnp.lexsort((-rank, ~weighed))
    else:
        order = jnp.argsort(-weights, stable=True)
    place = jnp.zeros(total, jnp.int32).at[order].set(index)
    return jnp.where(place < most, weights, 0)


def _placed(
    batch: Batch, weights: Weights, num: int, span: Span
) -> tuple[Batch, Float[Array, " num"]]:
    """The rows of positive weight at the positions of the span, and their weights."""
    total = weights.shape[0]
    first, last = (jnp.asarray(end, jnp.int32) for end in span)
    chosen = jnp.nonzero(weights > 0, size=num, fill_value=total)[0].astype(jnp.int32)
    position = jnp.arange(num, dtype=jnp.int32)
    shifted = chosen[jnp.maximum(position - first, 0)]
    inside = (position >= first) & (position < last) & (shifted < total)
    source = jnp.where(inside, shifted, 0)

    def take(leaf: Array) -> Array:
        here = inside.reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(here, leaf[source], jnp.zeros((), leaf.dtype))

    return jax.tree.map(take, batch), take(weights)


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
    info = rows.info
    if info is not None:
        synthetic = rows.origin > 0
        before, after = (jnp.where(synthetic, w, 0) for w in (rows.weight, weight))
        info = tally_lib.thinned(info, before, after)
    batch = jax.tree.map(silenced, rows.batch)
    return Generated(batch, origin, silenced(weight), info)
