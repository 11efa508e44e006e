"""Metrics of n-gram models, exact, of their parameters `models.ngram.Ngrams`."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core.types import Metric, Params
from collapse.measures.catalogue import UNIFORM_SHARE
from collapse.measures.symbols import TAIL
from collapse.numerics.threefry import Key


def ngram_metrics(
    truth: Float[np.ndarray, "C V"],
    contexts: Float[np.ndarray, " C"],
    held: Int[np.ndarray, "held 2"],
    counts: Float[np.ndarray, " held"],
    smooths: bool = True,
) -> dict[str, Metric]:
    """Every metric of `catalogue.NGRAMS`, by name.

    * bits_per_token_floored: see `floored_bits`.
    * heterozygosity: chance that two draws after one context differ, 1 - sum p^2, mean
      over contexts in the shares of the real text, over the truth's; 0 of a lost one.
    * support: number of n-grams whose share is not 0.
    * contexts_left: how many of the real text's contexts occur, as a share.
    * entropy_rate: -sum p log2 p after a context, mean over the model's own contexts.
    * tail_mass_10pct: see `rare_mass`.
    * excess_loss: see `excess_loss`.

    Args:
      truth: [C, V] shares of the tokens after each context.
      contexts: [C] shares of contexts.
      held: [held, 2] context and token of each held-out n-gram; context C is none.
      counts: [held] how often each occurs.
      smooths: whether models give a share to n-grams that the truth does not have; if
        not, nothing is looked at but the truth's, which are few.
    """
    size, real = truth.shape[1], contexts > 0
    level = float(contexts @ (1 - (truth**2).sum(1)))
    cells = np.flatnonzero(np.ones_like(truth) if smooths else truth)

    def heterozygosity(key: Key, p: Params) -> Float[Array, ""]:
        del key
        weights = jnp.asarray(contexts / level, p.shares.dtype)
        alive = (jnp.sum(p.shares, axis=1) > 0).astype(weights.dtype)
        return weights @ alive - weights[cells // size] @ seen(p) ** 2

    def entropy_rate(key: Key, p: Params) -> Float[Array, ""]:
        del key
        some = jnp.where(seen(p) > 0, seen(p), 1)
        return -p.contexts[cells // size] @ (some * jnp.log2(some))

    def seen(p: Params) -> Float[Array, " cells"]:
        shares: Array = p.shares.reshape(-1)[cells]
        return shares

    def left(key: Key, p: Params) -> Float[Array, ""]:
        del key
        occurs = (p.contexts > 0) & real
        return jnp.sum(occurs.astype(p.contexts.dtype)) / float(real.sum())

    return {
        "bits_per_token_floored": floored_bits(held, counts, truth.shape),
        "heterozygosity": heterozygosity,
        "support": lambda key, p: jnp.sum((seen(p) > 0).astype(p.shares.dtype)),
        "contexts_left": left,
        "entropy_rate": entropy_rate,
        "tail_mass_10pct": rare_mass(truth, contexts),
        "excess_loss": excess_loss(truth, contexts, smooths),
    }


def floored_bits(
    held: Int[np.ndarray, "held 2"],
    counts: Float[np.ndarray, " held"],
    shape: tuple[int, int],
) -> Metric:
    """The metric that is the mean of -log2 p over the n-grams of held-out text.

    p is 99 % of the model's share and 1 % of 1/V, since the loss of a model that has
    lost an n-gram is infinite. After a context that is lost, or that the real text does
    not have, no token has a share: the loss of a context is that of all its n-grams.
    These p do not sum to 1; with equal shares there the loss would fall as contexts
    die.

    Args:
      held: [held, 2] context and token of each held-out n-gram; context C is none.
      counts: [held] how often each occurs.
      shape: (C, V).
    """
    known, least = held[:, 0] < shape[0], UNIFORM_SHARE / shape[1]
    cells, weights = held[known] @ [shape[1], 1], counts[known] / counts.sum()
    of_unknown = float(-counts[~known].sum() / counts.sum() * np.log2(least))

    def bits(key: Key, p: Params) -> Float[Array, ""]:
        del key
        share = p.shares.reshape(-1)[cells]
        loss = -jnp.log2((1 - UNIFORM_SHARE) * share + least)
        return jnp.asarray(weights, loss.dtype) @ loss + of_unknown

    return bits


def excess_loss(
    truth: Float[np.ndarray, "C V"],
    contexts: Float[np.ndarray, " C"],
    smooths: bool = True,
) -> Metric:
    """The metric that is the divergence of the truth from the model, in nats a token.

    The Kullback-Leibler divergence sum q log(q / p) after a context, mean over contexts
    in the shares of the real text: by so much the model's log-loss of real text is
    above the truth's. Both have equal shares mixed in, as in `floored_bits`, so that it
    is finite: 0 for the truth and above 0 for any other model.

    Args:
      truth: [C, V] shares of the tokens after each context.
      contexts: [C] shares of contexts.
      smooths: whether models give a share to n-grams that the truth does not have; of
        the others the terms are 0.
    """
    size = truth.shape[1]
    real = np.broadcast_to(contexts[:, None] > 0, truth.shape)
    cells = np.flatnonzero(real if smooths else real & (truth > 0))
    best = (1 - UNIFORM_SHARE) * truth.ravel()[cells] + UNIFORM_SHARE / size
    weights = contexts[cells // size] * best

    def excess(key: Key, p: Params) -> Float[Array, ""]:
        del key
        share = p.shares.reshape(-1)[cells]
        own = (1 - UNIFORM_SHARE) * share + UNIFORM_SHARE / size
        log_ratio = jnp.asarray(np.log(best), own.dtype) - jnp.log(own)
        return jnp.asarray(weights, own.dtype) @ log_ratio

    return excess


def rare_mass(
    truth: Float[np.ndarray, "C V"], contexts: Float[np.ndarray, " C"]
) -> Metric:
    """The metric that is the mass of the truth's rarest n-grams over their true mass.

    They are as many as carry at most a tenth of it, one at least.

    Args:
      truth: [C, V] shares of the tokens after each context.
      contexts: [C] shares of contexts.
    """
    joint = (contexts[:, None] * truth).ravel()
    order = np.flatnonzero(joint)
    order = order[np.argsort(joint[order], kind="stable")]
    within = np.cumsum(joint[order]) <= TAIL
    rare, size = order[: max(within.sum(), 1)], truth.shape[1]

    def mass(key: Key, p: Params) -> Float[Array, ""]:
        del key
        found = p.shares.reshape(-1)[rare] * p.contexts[rare // size]
        return jnp.sum(found) / float(joint[rare].sum())

    return mass
