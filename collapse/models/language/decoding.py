"""Generating text with a network: sampling and beam search with a key-value cache.

Many sequences are generated in parallel, one character of each at a time. The cache
grows in a few stages, so that early characters do not pay for positions that are still
empty.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.models.language.attention import Cache
from collapse.models.language.network import Network
from collapse.models.language.parallel import Piece
from collapse.models.language.watermark import Watermark, marked
from collapse.numerics import draws, threefry

_STAGES = 4  # sizes of the cache; each is compiled separately
_FEW_SEQUENCES = 64  # up to here one cache size is faster than compiling more
_MASKED_LOGIT = -1e9
Tokens = Int[Array, "b t"]
Text = Int[Array, "b num"]


class DecodingConfig(NamedTuple):
    """How the next character is chosen.

    Attributes:
      temperature: divides the logits; 0 takes the most likely character, as do
        temperatures so small that a quotient overflows. May be traced if above 0.
      top_k: keep the k most likely characters; 0 for all.
      top_p: keep the smallest set of most likely characters that reaches this
        probability (Holtzman et al. 2020, arXiv:1904.09751); 1 for all.
      repetition_penalty: of characters that are in the sequence already (after Keskar
        et al. 2019, arXiv:1909.05858): logits above 0 are divided by it, others
        multiplied, as Hugging Face's `generate` does. May be traced.
      beams: above 1, beam search for the most likely text instead of sampling.
      watermark: that sampled text carries; None for none. Its strength is added to
        the logits (Kirchenbauer et al. 2023, arXiv:2301.10226, algorithm 2), after the
        penalty and before the temperature divides them: the most likely character of
        temperature 0 is marked, too. Beam search has none.
    """

    temperature: float | Float[Array, ""] = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float | Float[Array, ""] = 1.0
    beams: int = 1
    watermark: Watermark | None = None


def is_greedy(config: DecodingConfig) -> bool:
    """Whether the temperature is a Python 0, so that no random number is needed."""
    return isinstance(config.temperature, int | float) and config.temperature == 0


def generate(
    key: Key,
    network: Network,
    weights: dict,
    prompts: Tokens,
    num: int,
    config: DecodingConfig,
    sequences: int = 0,
    piece: Piece | None = None,
    given: Int[Array, "b num"] | None = None,
) -> Text:
    """The next `num` characters of each prompt, [b, num]; consumes the key.

    The BOS token is never generated: the network has no logit for it.

    Args:
      network: its functions.
      weights: its weights.
      prompts: [b, t] tokens, t at least 1: the BOS token alone, or text.
      num: characters to generate for each prompt.
      config: how each is chosen.
      sequences: of all calls of the compiled function, if more than b; they decide
        whether several sizes of the cache are compiled.
      piece: of a group that shares the key, which these prompts are; None for all of
        it. Pieces get the random numbers that the whole group would.
      given: [b, num], characters that are not generated but read, such as prompts of
        different lengths; -1 where they are generated. Not with beams.
    """
    if config.beams > 1:
        return beam_search(network, weights, prompts, num, config)
    b, begin = prompts.shape
    logits, caches = network.extend(
        weights, prompts, network.empty_cache(b, begin), jnp.int32(0)
    )
    size = logits.shape[-1]
    seen = _add_seen(jnp.zeros((b, size), bool), prompts)

    def step(carry, i: Array):
        logits, caches, seen, last = carry
        own = (logits, seen, config, piece, last)
        chosen = choose(threefry.fold_in(key, i), *own)
        if given is not None:
            read = lax.dynamic_index_in_dim(given, i, 1, keepdims=False)
            chosen = jnp.where(read < 0, chosen, read)
        seen = _add_seen(seen, chosen[:, None])
        logits, caches = network.extend(weights, chosen[:, None], caches, begin + i)
        last = None if last is None else chosen
        return (logits[:, 0], caches, seen, last), chosen

    last = None if config.watermark is None else prompts[:, -1].astype(jnp.int32)
    carry, generated = (logits[:, -1], caches, seen, last), []
    for first, end in _stages(num, max(b, sequences)):
        logits, caches, seen, last = carry
        carry = (logits, _resize(caches, begin + end), seen, last)
        carry, part = lax.scan(step, carry, jnp.arange(first, end, dtype=jnp.int32))
        generated.append(part)
    return jnp.concatenate(generated).T


def choose(
    key: Key,
    logits: Float[Array, "b v"],
    seen: Bool[Array, "b v"],
    config: DecodingConfig,
    piece: Piece | None = None,
    last: Int[Array, " b"] | None = None,
) -> Int[Array, " b"]:
    """One token for each sequence, [b]; consumes the key.

    Args:
      logits: [b, v] of the next character.
      seen: [b, v], which characters are in the sequence already.
      config: how the character is chosen.
      piece: of a group, as for `generate`.
      last: [b], the token before; needed for a watermark alone.
    """
    logits = penalised(logits, seen, config.repetition_penalty)
    if last is not None:
        logits = marked(logits, last, config.watermark)
    if is_greedy(config):
        return jnp.argmax(logits, -1).astype(jnp.int32)
    probs = token_probs(logits, config)
    cumulative = jnp.cumsum(probs, -1)
    num = logits.shape[0]
    u = draws.uniform(key, (piece.microbatch if piece else num,), logits.dtype)
    u = piece.of(u, num) if piece else u
    chosen = jnp.sum(cumulative <= u[:, None] * cumulative[:, -1:], -1)
    # rounding may pass the last token of positive probability
    last = (logits.shape[1] - 1) - jnp.argmax(probs[:, ::-1] > 0, -1)
    return jnp.minimum(chosen, last).astype(jnp.int32)


def token_probs(
    logits: Float[Array, "b v"], config: DecodingConfig
) -> Float[Array, "b v"]:
    """Probabilities after temperature, top-k and top-p, in this order, [b, v].

    After top-p they are not normalised: those that are left sum to less than 1.
    """
    logits = _divided(logits, config.temperature)
    if config.top_k and config.top_k < logits.shape[-1]:
        ordered = jnp.sort(logits, -1)
        lowest = ordered[:, -config.top_k, None]
        logits = jnp.where(logits < lowest, -jnp.inf, logits)
    probs = jax.nn.softmax(logits)
    if config.top_p < 1:
        probs = jnp.where(nucleus(probs, config.top_p), probs, 0)
    return probs


def _divided(
    logits: Float[Array, "b v"], temperature: float | Float[Array, ""]
) -> Float[Array, "b v"]:
    """Logits over the temperature, [b, v]; those of the limit 0 where this overflows.

    In the limit all but the largest are -inf; equal largest ones share the probability.
    """
    divided = logits / jnp.asarray(temperature, logits.dtype)
    # logits that are not finite themselves stay so: the loss tells of them
    overflows = jnp.isfinite(logits) & ~jnp.isfinite(divided)
    largest = logits == jnp.max(logits, -1, keepdims=True)
    limit = jnp.where(largest, 0, -jnp.inf)
    return jnp.where(jnp.any(overflows, -1, keepdims=True), limit, divided)


def nucleus(probs: Float[Array, "b v"], top_p: float) -> Bool[Array, "b v"]:
    """Mask of the smallest set of most likely tokens whose probability is `top_p`.

    The most likely token is always in it.
    """
    order = jnp.argsort(-probs, -1)
    ordered = jnp.take_along_axis(probs, order, -1)
    before = jnp.cumsum(ordered, -1) - ordered
    kept = (before < top_p).at[:, 0].set(True)
    rank = jnp.argsort(order, -1)
    return jnp.take_along_axis(kept, rank, -1)


def penalised(
    scores: Float[Array, "... v"],
    seen: Bool[Array, "... v"],
    penalty: float | Float[Array, ""],
) -> Float[Array, "... v"]:
    """Scores, lowered for the characters that are in the sequence already.

    Of a penalty so large or small that they overflow they are the largest finite ones:
    where all were infinite, no character could be chosen.
    """
    if not isinstance(penalty, jax.Array) and penalty == 1:
        return scores
    most = jnp.finfo(scores.dtype).max
    lower = jnp.where(scores > 0, scores / penalty, scores * penalty)
    lower = jnp.clip(lower, -most, most)
    return jnp.where(seen, lower, scores)


def beam_search(
    network: Network, weights: dict, prompts: Tokens, num: int, config: DecodingConfig
) -> Text:
    """The most likely continuation of each prompt that beam search finds, [b, num].

    Scores are sums of log-probabilities, penalised as in Hugging Face's `generate`: the
    log-probabilities themselves are multiplied. Temperature, top-k and top-p have no
    effect.

    Raises:
      ValueError: if the text should carry a watermark.
    """
    if config.watermark is not None:
        raise ValueError("watermark: beam search has none; give beams = 1")
    b, begin = prompts.shape
    k = config.beams
    logits, caches = network.extend(
        weights, prompts, network.empty_cache(b, begin), jnp.int32(0)
    )
    size = logits.shape[-1]
    seen = _add_seen(jnp.zeros((b, size), bool), prompts)
    # at first all beams of a prompt are equal: only one of them may be extended
    scores = jnp.full((b, k), _MASKED_LOGIT, logits.dtype).at[:, 0].set(0)
    last, caches, seen = jax.tree.map(
        lambda leaf: jnp.repeat(leaf, k, 0), (logits[:, -1], caches, seen)
    )
    texts = jnp.zeros((b * k, num), jnp.int32)

    def step(carry, i: Array):
        last, caches, seen, scores, texts = carry
        gains = penalised(jax.nn.log_softmax(last), seen, config.repetition_penalty)
        totals = (scores[:, :, None] + gains.reshape(b, k, size)).reshape(b, -1)
        scores, best = lax.top_k(totals, k)
        prompt = jnp.arange(b, dtype=best.dtype)[:, None]
        parent = (best // size + k * prompt).reshape(-1)
        chosen = (best % size).reshape(-1).astype(jnp.int32)
        caches, seen, texts = jax.tree.map(
            lambda leaf: leaf[parent], (caches, seen, texts)
        )
        texts = lax.dynamic_update_slice(texts, chosen[:, None], (jnp.int32(0), i))
        seen = _add_seen(seen, chosen[:, None])
        logits, caches = network.extend(weights, chosen[:, None], caches, begin + i)
        return (logits[:, 0], caches, seen, scores, texts), None

    carry = (last, _resize(caches, begin + num), seen, scores, texts)
    *_, texts = lax.scan(step, carry, jnp.arange(num, dtype=jnp.int32))[0]
    return texts.reshape(b, k, num)[:, 0]  # top_k puts the best first


def _stages(num: int, sequences: int) -> list[tuple[int, int]]:
    """Ranges of characters that are generated with a cache of one size."""
    count = _STAGES if sequences > _FEW_SEQUENCES else 1
    ends = sorted({-(-num * (i + 1) // count) for i in range(count)})
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _resize(caches: list[Cache], length: int) -> list[Cache]:
    """The caches, padded with zeros to `length` positions."""

    def pad(leaf: Array) -> Array:
        return jnp.pad(leaf, ((0, 0), (0, 0), (0, length - leaf.shape[2]), (0, 0)))

    return jax.tree.map(pad, caches)


def _add_seen(seen: Bool[Array, "b v"], tokens: Tokens) -> Bool[Array, "b v"]:
    """`seen` with entries of `tokens` set to true; the BOS token has no entry."""
    return seen | jnp.any(jax.nn.one_hot(tokens, seen.shape[1], dtype=bool), 1)
