"""Metrics of grammars, exact, of the shares of their rules."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core.types import Metric, Params
from collapse.measures.symbols import TAIL
from collapse.numerics.threefry import Key

_ROUNDS, _NEAR = 10_000, 1e-12  # of the share of sentences, until it changes no more


def grammar_metrics(
    truth: Float[np.ndarray, "A W"],
    uses: Float[np.ndarray, " A"],
    children: Int[np.ndarray, "A W K"],
    start: int,
) -> dict[str, Metric]:
    """The metrics of `catalogue.GRAMMAR` that are not of minimal pairs, by name.

    * sentences_left: see `coverage`.
    * heterozygosity: chance that two uses of a non-terminal differ, 1 - sum p^2, mean
      over non-terminals by their uses in the truth, over the truth's; 0 of a lost one.
    * support: number of rules whose share is not 0.
    * nonterminals_left: how many of the truth's still have a rule, as a share.
    * chi_square: sum of (p - q)^2 / q, mean over non-terminals by uses.
    * tail_mass_10pct: mass of the truth's rarest rules over their true mass; they are
      as many as carry at most a tenth of all uses, one at least.

    Args:
      truth: [A, W] shares q.
      uses: [A] of the non-terminals in a sentence of the truth.
      children: [A, W, K] as in `models.grammar.Trees`.
      start: the non-terminal of sentences.
    """
    of, cells = uses / uses.sum(), np.flatnonzero(truth)
    place, known = cells // truth.shape[1], truth.ravel()[cells]
    level = float(of @ (1 - (truth**2).sum(1)))
    rare = _rarest(of[place] * known) * of[place]

    def seen(p: Params) -> Float[Array, " cells"]:
        shares: Array = p.shares.reshape(-1)[cells]
        return shares

    def alive(p: Params) -> Float[Array, " A"]:
        return (jnp.sum(p.shares, axis=1) > 0).astype(p.shares.dtype)

    def heterozygosity(key: Key, p: Params) -> Float[Array, ""]:
        del key
        weights = jnp.asarray(of / level, p.shares.dtype)
        return weights @ alive(p) - weights[place] @ seen(p) ** 2

    def chi_square(key: Key, p: Params) -> Float[Array, ""]:
        del key
        weights = jnp.asarray(of[place] / known, p.shares.dtype)
        return weights @ (seen(p) - jnp.asarray(known, p.shares.dtype)) ** 2

    return {
        "sentences_left": coverage(truth, children, start),
        "heterozygosity": heterozygosity,
        "support": lambda key, p: jnp.sum((seen(p) > 0).astype(p.shares.dtype)),
        "nonterminals_left": lambda key, p: jnp.mean(alive(p)),
        "chi_square": chi_square,
        "tail_mass_10pct": lambda key, p: jnp.asarray(rare, p.shares.dtype) @ seen(p),
    }


def pair_metrics(
    pairs: Int[np.ndarray, "P 2 derivations rules"],
    telling: Int[np.ndarray, "P telling"],
    none: int,
) -> dict[str, Metric]:
    """The metrics of minimal pairs, by name; none where there are no pairs.

    * pairs_right: see `judged_right`.
    * pairs_learnable: share of pairs of which a telling rule is left.

    Args:
      pairs: of `MinimalPairs.table`.
      telling: of `MinimalPairs.telling_table`.
      none: the number that stands for no rule, A W.
    """

    def learnable(key: Key, p: Params) -> Float[Array, ""]:
        del key
        every = jnp.append(p.shares.reshape(-1), jnp.zeros(1, p.shares.dtype))
        return jnp.mean(jnp.any(every[telling] > 0, axis=1).astype(every.dtype))

    if not len(pairs):
        return {}
    return {"pairs_right": judged_right(pairs, none), "pairs_learnable": learnable}


def _rarest(joint: Float[np.ndarray, " cells"]) -> Float[np.ndarray, " cells"]:
    """Weight of the rarest cells that carry a tenth, 1 over their mass; else 0."""
    order = np.argsort(joint, kind="stable")
    within = np.cumsum(joint[order]) <= TAIL
    rare = np.zeros_like(joint)
    rare[order[: max(within.sum(), 1)]] = 1
    return rare / float(rare @ joint)


def coverage(
    truth: Float[np.ndarray, "A W"], children: Int[np.ndarray, "A W K"], start: int
) -> Metric:
    """The metric that is the share of the truth's sentences that a model may generate.

    The chance that a derivation of the truth has no rule that the model has lost: the
    least solution y of y_a = sum_w q_aw alive_aw prod_k y_child, by iteration from 0.

    Args:
      truth: [A, W] shares q.
      children: [A, W, K] as in `models.grammar.Trees`.
      start: the non-terminal of sentences.
    """
    rounds, last = 0, np.zeros(len(truth))
    while rounds < _ROUNDS and (rounds == 0 or 1 - last.min() > _NEAR):
        last = (truth * np.append(last, 1.0)[children].prod(-1)).sum(1)
        rounds += 1

    def share(key: Key, p: Params) -> Float[Array, ""]:
        del key
        kept = jnp.where(p.shares > 0, jnp.asarray(truth, p.shares.dtype), 0)
        kids = jnp.asarray(children)

        def again(_: Array, y: Array) -> Array:
            every = jnp.append(y, jnp.ones(1, y.dtype))
            return jnp.sum(kept * jnp.prod(every[kids], axis=-1), axis=1)

        zero = jnp.zeros_like(kept[:, 0])
        found: Array = jax.lax.fori_loop(0, rounds, again, zero)[start]
        return found

    return share


def judged_right(pairs: Int[np.ndarray, "P 2 derivations rules"], none: int) -> Metric:
    """The metric that is the share of pairs whose right sentence is the more probable.

    A sentence's probability is the sum over its derivations of the product of the
    shares of their rules. Where both have none, the pair is not judged right.

    Args:
      pairs: numbers a W + w of the rules of every derivation.
      none: A W, behind the last cell, which stands for no rule.
    """
    exists = (pairs < none).any(-1)

    def share(key: Key, p: Params) -> Float[Array, ""]:
        del key
        every = jnp.append(p.shares.reshape(-1), jnp.ones(1, p.shares.dtype))
        log = jnp.sum(jnp.log(every)[pairs], axis=-1)
        total = jax.scipy.special.logsumexp(log, axis=-1, where=jnp.asarray(exists))
        return jnp.mean((total[:, 0] > total[:, 1]).astype(p.shares.dtype))

    return share
