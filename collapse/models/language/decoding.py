"""Writing text with a network: sampling and beam search over a key-value cache.

Characters are written for many sequences side by side. The cache grows in a few stages,
so that early characters do not pay for places that are still empty.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.models.language.network import Cache, Network
from collapse.numerics import draws, threefry

_STAGES = 4  # sizes of the cache, each compiled
_FEW = 64  # rows
_HIDDEN = -1e9
Tokens = Int[Array, "b t"]
Text = Int[Array, "b num"]


class Rules(NamedTuple):
    """How the next character is chosen.

    Attributes:
      temperature: divides the logits; 0 takes the likeliest. May be traced if above 0.
      top_k: keep the k likeliest; 0 for all.
      top_p: keep the fewest that reach this probability (Holtzman et al. 2020,
        arXiv:1904.09751); 1 for all.
      repetition_penalty: of characters that stand in the text already (after Keskar
        et al. 2019, arXiv:1909.05858): logits above 0 are divided by it, others
        multiplied, as Hugging Face's `generate` does. May be traced.
      beams: above 1, beam search for the likeliest text instead of sampling.
    """

    temperature: float | Float[Array, ""] = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float | Float[Array, ""] = 1.0
    beams: int = 1


def is_greedy(rules: Rules) -> bool:
    """Whether the likeliest character is taken, known before compiling."""
    return isinstance(rules.temperature, int | float) and rules.temperature == 0


def write(
    key: Key, network: Network, weights: dict, prompts: Tokens, num: int, rules: Rules
) -> Text:
    """The next `num` characters of each prompt; consumes the key.

    Args:
      prompts: [b, t] tokens, t at least 1: the opening mark alone, or text.

    Returns:
      [b, num]. Text that would show the opening mark is never written: the network has
      no logit for it.
    """
    if rules.beams > 1:
        return beam_search(network, weights, prompts, num, rules)
    b, begin = prompts.shape
    logits, caches = network.extend(
        weights, prompts, network.blank(b, begin), jnp.int32(0)
    )
    size = logits.shape[-1]
    seen = _marked(jnp.zeros((b, size), bool), prompts)

    def step(carry, i: Array):
        logits, caches, seen = carry
        chosen = choose(threefry.fold_in(key, i), logits, seen, rules)
        seen = _marked(seen, chosen[:, None])
        logits, caches = network.extend(weights, chosen[:, None], caches, begin + i)
        return (logits[:, 0], caches, seen), chosen

    carry, written = (logits[:, -1], caches, seen), []
    for first, last in _stages(num, b):
        logits, caches, seen = carry
        carry = (logits, _grown(caches, begin + last), seen)
        carry, part = lax.scan(step, carry, jnp.arange(first, last, dtype=jnp.int32))
        written.append(part)
    return jnp.concatenate(written).T


def choose(
    key: Key, logits: Float[Array, "b v"], seen: Bool[Array, "b v"], rules: Rules
) -> Int[Array, " b"]:
    """One token for each row of logits; consumes the key."""
    logits = penalised(logits, seen, rules.repetition_penalty)
    if is_greedy(rules):
        return jnp.argmax(logits, -1).astype(jnp.int32)
    chances = chances_of(logits, rules)
    upto = jnp.cumsum(chances, -1)
    u = draws.uniform(key, (logits.shape[0],), logits.dtype)
    chosen = jnp.sum(upto <= u[:, None] * upto[:, -1:], -1)
    # rounding may pass the last one; a cut-off token has no room to be hit
    most = (logits.shape[1] - 1) - jnp.argmax(chances[:, ::-1] > 0, -1)
    return jnp.minimum(chosen, most).astype(jnp.int32)


def chances_of(logits: Float[Array, "b v"], rules: Rules) -> Float[Array, "b v"]:
    """Probabilities that the rules leave, largest cuts last: temperature, k, p."""
    logits = logits / rules.temperature
    if rules.top_k and rules.top_k < logits.shape[-1]:
        ordered = jnp.sort(logits, -1)
        logits = jnp.where(logits < ordered[:, -rules.top_k, None], _HIDDEN, logits)
    chances = jax.nn.softmax(logits)
    if rules.top_p < 1:
        chances = jnp.where(nucleus(chances, rules.top_p), chances, 0)
    return chances


def nucleus(chances: Float[Array, "b v"], share: float) -> Bool[Array, "b v"]:
    """The fewest likeliest tokens that reach `share` together; the likeliest always."""
    order = jnp.argsort(-chances, -1)
    ordered = jnp.take_along_axis(chances, order, -1)
    before = jnp.cumsum(ordered, -1) - ordered
    kept = (before < share).at[:, 0].set(True)
    rank = jnp.argsort(order, -1)
    return jnp.take_along_axis(kept, rank, -1)


def penalised(
    scores: Float[Array, "... v"],
    seen: Bool[Array, "... v"],
    penalty: float | Float[Array, ""],
) -> Float[Array, "... v"]:
    """Scores with those of characters in the text made smaller."""
    if not isinstance(penalty, jax.Array) and penalty == 1:
        return scores
    lower = jnp.where(scores > 0, scores / penalty, scores * penalty)
    return jnp.where(seen, lower, scores)


def beam_search(
    network: Network, weights: dict, prompts: Tokens, num: int, rules: Rules
) -> Text:
    """The likeliest continuation that `beams` partial texts a prompt can find.

    Scores are sums of log-probabilities, penalised as in Hugging Face's `generate`: the
    log-probabilities themselves are multiplied. Temperature and cuts have no effect.

    Returns:
      [b, num]: the best of each prompt's beams.
    """
    b, begin = prompts.shape
    k = rules.beams
    logits, caches = network.extend(
        weights, prompts, network.blank(b, begin), jnp.int32(0)
    )
    size = logits.shape[-1]
    seen = _marked(jnp.zeros((b, size), bool), prompts)
    # all beams begin alike: only the first counts
    scores = jnp.full((b, k), _HIDDEN, logits.dtype).at[:, 0].set(0)
    last, caches, seen = jax.tree.map(
        lambda leaf: jnp.repeat(leaf, k, 0), (logits[:, -1], caches, seen)
    )
    texts = jnp.zeros((b * k, num), jnp.int32)

    def step(carry, i: Array):
        last, caches, seen, scores, texts = carry
        gains = penalised(jax.nn.log_softmax(last), seen, rules.repetition_penalty)
        totals = (scores[:, :, None] + gains.reshape(b, k, size)).reshape(b, -1)
        scores, best = lax.top_k(totals, k)
        row = jnp.arange(b, dtype=best.dtype)[:, None]
        parent = (best // size + k * row).reshape(-1)
        chosen = (best % size).reshape(-1).astype(jnp.int32)
        caches, seen, texts = jax.tree.map(
            lambda leaf: leaf[parent], (caches, seen, texts)
        )
        texts = lax.dynamic_update_slice(texts, chosen[:, None], (jnp.int32(0), i))
        seen = _marked(seen, chosen[:, None])
        logits, caches = network.extend(weights, chosen[:, None], caches, begin + i)
        return (logits[:, 0], caches, seen, scores, texts), None

    carry = (last, _grown(caches, begin + num), seen, scores, texts)
    *_, texts = lax.scan(step, carry, jnp.arange(num, dtype=jnp.int32))[0]
    return texts.reshape(b, k, num)[:, 0]  # top_k puts the best first


def _stages(num: int, rows: int) -> list[tuple[int, int]]:
    """Ranges of characters that are written with a cache of one size.

    One for few rows: they are written faster than more stages would be compiled.
    """
    count = _STAGES if rows > _FEW else 1
    ends = sorted({-(-num * (i + 1) // count) for i in range(count)})
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _grown(caches: list[Cache], places: int) -> list[Cache]:
    def pad(leaf: Array) -> Array:
        return jnp.pad(leaf, ((0, 0), (0, 0), (0, places - leaf.shape[2]), (0, 0)))

    return jax.tree.map(pad, caches)


def _marked(seen: Bool[Array, "b v"], tokens: Tokens) -> Bool[Array, "b v"]:
    """Which characters stand in the text; the opening mark is none."""
    return seen | jnp.any(jax.nn.one_hot(tokens, seen.shape[1], dtype=bool), 1)
