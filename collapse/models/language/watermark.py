"""A watermark of generated text: green tokens, which are made likelier.

The token before the next one, its context, says which tokens are green. Which these are
is a keyed hash of context and token, so that who knows the key can count green tokens
in a text (`data.quality.watermark`).

References:
  Kirchenbauer et al. 2023 (arXiv:2301.10226), algorithm 2: the soft red list.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.data.quality.watermark import num_green
from collapse.numerics import threefry


class Watermark(NamedTuple):
    """How a model marks what it generates.

    Attributes:
      green: [V + 1, V], which tokens are green after each context; see `green_lists`.
      strength: delta, which is added to the logits of green tokens. May be traced.
    """

    green: Bool[Array, "contexts v"]
    strength: float | Float[Array, ""]


def green_lists(key: Key, vocabulary: int, share: float) -> Bool[Array, "contexts v"]:
    """Which tokens are green after each context, [V + 1, V]; consumes the key.

    Context V is the BOS token. Each context has exactly `num_green` green tokens: those
    with the lowest hashes. A hash is the first word of Threefry at the counter
    (context, token). Equal hashes, of which the lower token goes first, have a chance
    below V^2 / 2^33 in a context.

    Args:
      key: of the mark.
      vocabulary: V.
      share: of the tokens that are green.

    Raises:
      ValueError: if none or all of them would be.
    """
    green = num_green(vocabulary, share)
    if not 0 < green < vocabulary:
        raise ValueError(
            f"share: {share:g} of {vocabulary} tokens makes {green} green; give a "
            "share that leaves 1 of them at least green, and 1 not"
        )
    contexts = jnp.arange(vocabulary + 1, dtype=jnp.uint32)[:, None]
    tokens = jnp.arange(vocabulary, dtype=jnp.uint32)[None]
    hashes, _ = threefry.block(key, *jnp.broadcast_arrays(contexts, tokens))
    lowest = jnp.argsort(hashes, 1)[:, :green]
    return jnp.zeros(hashes.shape, bool).at[contexts, lowest].set(True)


def marked(
    logits: Float[Array, "b v"], contexts: Int[Array, " b"], watermark: Watermark | None
) -> Float[Array, "b v"]:
    """Logits with the strength added to those of green tokens, [b, V].

    Args:
      logits: of the next token.
      contexts: [b], the token before it.
      watermark: None leaves them as they are.
    """
    if watermark is None:
        return logits
    strength = jnp.asarray(watermark.strength, logits.dtype)
    return jnp.where(watermark.green[contexts], logits + strength, logits)
