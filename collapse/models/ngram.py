"""N-gram models: for each context, shares of the tokens that follow it.

A row is how often each token follows each context in a batch (counts: all generations
so far cost O(contexts x tokens)), or one n-gram (for workflows that pick single rows).

References:
  Kneser & Ney 1995 (ICASSP), Chen & Goodman 1999 (interpolated, one discount).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import lookup, threefry
from collapse.numerics.multinomial import multinomial
from collapse.numerics.shares import counted, likeliest, tempered, weighted

Smoothing = Callable[[Float[Array, "C V"]], Float[Array, "C V"]]  # counts -> shares
# From so many draws a cell on, a binomial for each cell is faster than single draws.
_DRAWS_PER_CELL = 10


class FollowerCounts(NamedTuple):
    """Rows that each stand for a batch of text: how often v follows c, in it."""

    counts: Float[Array, "rows C V"]

    @property
    def additive(self) -> bool:
        """True: a sum of rows is a row, see `workflows.accumulate_sums`."""
        return True


class Ngrams(NamedTuple):
    """Parameters of an n-gram model.

    Attributes:
      shares: [C, V] of the tokens after each context; 0 after one that is lost.
      contexts: [C] how often each context occurs, as shares.
    """

    shares: Float[Array, "C V"]
    contexts: Float[Array, " C"]


class Chain(NamedTuple):
    """Text generated token by token, many sequences side by side: contexts may die.

    A sequence begins at a context drawn from the model's. Where it comes to one that
    nothing ever followed, it goes on from the context at which it began.

    Attributes:
      leads: [C, V] the context that an n-gram leads to.
      length: tokens of a sequence.
    """

    leads: Int[Array, "C V"]
    length: int


class Fixed(NamedTuple):
    """So many draws of each context in every generation, as in the real text.

    Attributes:
      allotted: number of rows -> the context of each; those of fewer rows come first.
    """

    allotted: Callable[[int], Int[np.ndarray, " num"]]


def ngram(
    shape: tuple[int, int],
    design: Chain | Fixed,
    batch_size: int = 1,
    *,
    rows: Literal["counts", "ngrams"] = "counts",
    smoothing: Smoothing | None = None,
    temperature: Float[Array, ""] | None = None,
    dtype=None,
) -> Model:
    """The `Model` of n-grams, fitted by counting them.

    Without smoothing an n-gram of share 0 is never drawn and so never comes back,
    unless rows in which it occurs are trained on again.

    Args:
      shape: (C, V).
      design: where contexts come from.
      batch_size: n-grams behind one row of counts.
      rows: what a row is: counts, or the number c V + v of an n-gram.
      smoothing: counts -> shares; maximum likelihood if None. Weights count relative
        to rows that all have weight 1, see `shares.weighted`.
      temperature: tokens are drawn in proportion to share^(1 / temperature).
      dtype: of shares fitted to single n-grams; jax's default if None.
    """

    def init(key: Key, batch, weights: Weights) -> Ngrams:
        return fit(key, None, batch, weights)[0]

    def fit(key: Key, params, batch, weights: Weights) -> tuple[Ngrams, Info]:
        del key, params
        own = batch.counts if rows == "counts" else batch
        counts = weighted(own, weights, shape, dtype)
        totals = jnp.sum(counts, axis=1)
        return Ngrams((smoothing or likeliest)(counts), totals / jnp.sum(totals)), {}

    def sample(key: Key, params: Ngrams, num: int):
        if temperature is not None:
            params = params._replace(shares=tempered(params.shares, temperature))
        if rows == "ngrams":
            return _drawn(key, params, design, num)
        if num == 1:
            return FollowerCounts(_batch(key, params, design, batch_size)[None])
        draw = jax.vmap(lambda key: _batch(key, params, design, batch_size))
        return FollowerCounts(draw(_keys(key, num)))

    return Model(init, fit, sample)


def _keys(key: Key, num: int) -> Key:
    """So many keys, made by one piece of code."""
    numbers = jnp.arange(num, dtype=jnp.uint32)
    keys: Key = jax.vmap(lambda number: threefry.fold_in(key, number))(numbers)
    return keys


def _batch(
    key: Key, params: Ngrams, design: Chain | Fixed, num: int
) -> Float[Array, "C V"]:
    """How often each token follows each context in a batch of so many n-grams."""
    shares, (contexts, size) = params.shares, params.shares.shape
    if isinstance(design, Fixed) and num > _DRAWS_PER_CELL * shares.size:
        draws = np.bincount(design.allotted(num), minlength=contexts)
        return jax.vmap(multinomial)(_keys(key, contexts), jnp.asarray(draws), shares)
    drawn = _drawn(key, params, design, num)
    counts = counted(drawn, jnp.ones(num, jnp.int32), (contexts, size))
    return counts.astype(shares.dtype)


def _drawn(
    key: Key, params: Ngrams, design: Chain | Fixed, num: int
) -> Int[Array, " num"]:
    """N-grams that a model generates, as numbers c V + v."""
    upper, size = lookup.bounds(params.shares), np.int32(params.shares.shape[1])
    if isinstance(design, Fixed):
        contexts = jnp.asarray(design.allotted(num))
        tokens = lookup.symbols(upper, contexts, lookup.words(key, num))
        return contexts * size + tokens
    side = -(-num // design.length)
    length = -(-num // side)
    words = lookup.words(key, (length + 1) * side).reshape(-1, side)
    first = lookup.bounds(params.contexts[None])
    starts = lookup.symbols(first, jnp.zeros(side, jnp.int32), words[0])
    leads, alive = design.leads.reshape(-1), jnp.sum(params.shares, axis=1) > 0

    def step(context: Array, word: Array) -> tuple[Array, Array]:
        ngram = context * size + lookup.symbols(upper, context, word)
        after = leads.at[ngram].get(mode="promise_in_bounds")
        lives = alive.at[after].get(mode="promise_in_bounds")
        return jnp.where(lives, after, starts), ngram

    found = jax.lax.scan(step, starts, words[1:])[1]
    return found.T.reshape(-1)[:num]  # sequence by sequence


def additive(pseudo: float) -> Smoothing:
    """Shares with so many occurrences added to each n-gram."""

    def shares(counts: Float[Array, "C V"]) -> Float[Array, "C V"]:
        return likeliest(counts + jnp.asarray(pseudo, counts.dtype))

    return shares


def kneser_ney(discount: float) -> Smoothing:
    """Shares with a discount of each count, given to tokens by what they follow.

    Interpolated: p(v | c) = max(N_cv - D, 0) / N_c + rest * p(v | shorter c), where the
    shorter model counts in how many contexts an n-gram occurs instead of how often. The
    last one is interpolated with equal shares. A context that does not occur has the
    shares of the shorter one. Contexts are all that V tokens make, in their order.

    Args:
      discount: D, in (0, 1].
    """

    def shares(counts: Float[Array, "C V"]) -> Float[Array, "C V"]:
        size = counts.shape[1]
        if counts.shape[0] == 1:
            lower = jnp.full_like(counts, 1 / size)
        else:
            seen = (counts > 0).astype(counts.dtype).reshape(size, -1, size)
            lower = shares(jnp.sum(seen, axis=0))
        kept = jnp.maximum(counts - jnp.asarray(discount, counts.dtype), 0)
        total = jnp.sum(counts, axis=1, keepdims=True)
        kept = kept / jnp.where(total > 0, total, 1)
        rest = 1 - jnp.sum(kept, axis=1, keepdims=True)
        return kept + rest * jnp.tile(lower, (counts.shape[0] // lower.shape[0], 1))

    return shares
