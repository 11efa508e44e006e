"""Probabilistic context-free grammars, refitted by counting the rules of known trees.

Each non-terminal is a categorical model of its alternatives. Sentences are generated as
leftmost derivations, many side by side, so that non-terminals die with the rules that
lead to them. Where each is drawn as often as in the truth, they are the contexts of
`models.ngram` and their alternatives its tokens: nothing else is needed.

A row is how often each rule occurs in a batch of sentences (counts), or one sentence.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import lookup, threefry
from collapse.numerics.shares import likeliest, tempered, weighted

_PENDING = 24  # non-terminals of a sentence that wait for their turn, at most


class RuleCounts(NamedTuple):
    """Rows that each stand for a batch of sentences: how often they use each rule."""

    counts: Float[Array, "rows A W"]

    @property
    def additive(self) -> bool:
        """True: a sum of rows is a row, see `workflows.accumulate_sums`."""
        return True


class Rules(NamedTuple):
    """Parameters of a grammar.

    Attributes:
      shares: [A, W] of the alternatives of each non-terminal; 0 of one that is lost.
    """

    shares: Float[Array, "A W"]


class Trees(NamedTuple):
    """How sentences are generated.

    Attributes:
      children: [A, W, K] the non-terminals of each alternative, from the left; A stands
        for none.
      start: the non-terminal that sentences begin with.
      length: rules of a sentence; a longer derivation is cut off, and so is one in
        which more than 24 non-terminals wait for their turn.
    """

    children: Int[Array, "A W K"]
    start: int
    length: int


def grammar(
    trees: Trees,
    num_sentences: int = 1,
    *,
    rows: Literal["counts", "sentences"] = "counts",
    known: Bool[Array, "A W"] | None = None,
    add: float = 0.0,
    temperature: Float[Array, ""] | None = None,
    dtype=None,
) -> Model:
    """The `Model` of a grammar whose trees are known, fitted by counting rules.

    Without pseudo-counts a rule of share 0 is never used and so never comes back,
    unless sentences in which it occurs are trained on again.

    Args:
      trees: how sentences are generated.
      num_sentences: behind one row of counts.
      rows: what a row is: counts, or the rules of a sentence [length] as numbers
        a W + w, in the order of its leftmost derivation, A W where it is over.
      known: the alternatives that there are, which `add` is added to.
      add: occurrences added to each of them. Weights count relative to rows that all
        have weight 1.
      temperature: rules are drawn in proportion to share^(1 / temperature).
      dtype: of shares fitted to sentences; jax's default if None.
    """
    shape, wide = trees.children.shape[:2], trees.children.shape[1]
    longer = (shape[0] + 1, wide)  # with a row for what stands behind a derivation

    def init(key: Key, batch, weights: Weights) -> Rules:
        return fit(key, None, batch, weights)[0]

    def fit(key: Key, params, batch, weights: Weights) -> tuple[Rules, Info]:
        del key, params
        if rows == "counts":
            counts = weighted(batch.counts, weights, shape)
        else:
            counts = weighted(batch, weights, longer, dtype)[:-1]
        if known is not None:
            more = jnp.asarray(add, counts.dtype)
            counts = counts + jnp.where(known, more, 0)
        return Rules(likeliest(counts)), {}

    def sample(key: Key, params: Rules, num: int):
        shares = params.shares
        if temperature is not None:
            shares = tempered(shares, temperature)
        if rows == "sentences":
            return derived(key, shares, trees, num)

        if num == 1:
            return RuleCounts(_used(key, shares, trees, num_sentences)[None])
        draw = jax.vmap(lambda key: _used(key, shares, trees, num_sentences))
        return RuleCounts(draw(jnp.stack(threefry.split(key, num))))

    return Model(init, fit, sample)


def derived(
    key: Key, shares: Float[Array, "A W"], trees: Trees, num: int
) -> Int[Array, "num length"]:
    """Leftmost derivations, as numbers a W + w of rules and A W where they are over.

    Consumes the key. A non-terminal without any share ends a derivation.
    """
    start, step = _derivation(key, shares, trees, num)
    return jax.lax.scan(step, start, _steps(trees))[1].T


def _used(
    key: Key, shares: Float[Array, "A W"], trees: Trees, num: int
) -> Float[Array, "A W"]:
    """How often so many sentences use each rule, without keeping the sentences."""
    start, step = _derivation(key, shares, trees, num)

    def count(carry: tuple[Array, Array], number: Array) -> tuple[Any, None]:
        waiting, cell = step(carry[0], number)
        return (waiting, carry[1].at[cell].add(1, mode="promise_in_bounds")), None

    none = jnp.zeros(shares.size + 1, jnp.int32)  # with what stands behind a derivation
    counts = jax.lax.scan(count, (start, none), _steps(trees))[0][1]
    return counts[:-1].reshape(shares.shape).astype(shares.dtype)


def _steps(trees: Trees) -> Array:
    return jnp.arange(trees.length, dtype=jnp.uint32)


def _derivation(
    key: Key, shares: Float[Array, "A W"], trees: Trees, num: int
) -> tuple[Array, Callable[[Array, Array], tuple[Array, Array]]]:
    """The non-terminals that wait at the start, and what a rule makes of them."""
    num_names, wide = shares.shape
    end = num_names * wide
    upper = lookup.bounds(jnp.pad(shares, ((0, 1), (0, 0))))
    alive = jnp.pad(jnp.sum(shares, axis=1) > 0, (0, 1))
    rules = trees.children.reshape(end, -1)
    rules = jnp.pad(rules, ((0, 1), (0, 0)), constant_values=num_names)
    rules = rules.astype(jnp.int32)
    arity = jnp.sum((rules < num_names).astype(jnp.int32), axis=1)

    def step(waiting: Array, number: Array) -> tuple[Array, Array]:
        own = waiting[0]
        word = lookup.words(threefry.fold_in(key, number), num)
        chosen = own * np.int32(wide) + lookup.symbols(upper, own, word)
        cell = jnp.where(alive.at[own].get(mode="promise_in_bounds"), chosen, end)
        children = rules.at[cell].get(mode="promise_in_bounds").T  # [K, num]
        arities = arity.at[cell].get(mode="promise_in_bounds")
        after = waiting[1:]
        found = jnp.concatenate([after, jnp.full_like(own[None], num_names)])
        for k in range(1, len(children) + 1):
            shifted = jnp.concatenate([children[:k], after])[:_PENDING]
            found = jnp.where((arities == k)[None], shifted, found)
        return found, cell

    waiting = jnp.full((_PENDING, num), num_names, jnp.int32)
    return waiting.at[0].set(trees.start), step
