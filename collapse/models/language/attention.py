"""Causal attention of a network: projections, rotary positions, mask and cache.

References:
  Vaswani et al. 2017 (arXiv:1706.03762); Su et al. 2021 (arXiv:2104.09864), rotary
  positional encoding; Radford et al. 2019, initial scale of residual projections.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.layers import linear
from collapse.models.language.savings import PermutedProjections

_ROTARY_BASE = 10_000.0  # ratio of the largest angular frequency to the smallest
_MASKED_SCORE = -1e9  # attention score of a position that is masked


class Cache(NamedTuple):
    """Keys and values of one attention layer at the positions read so far.

    Attributes:
      keys: [sequences, heads, positions, width / heads].
      values: the same shape.
    """

    keys: Float[Array, "b h positions k"]
    values: Float[Array, "b h positions k"]


class CausalAttention(nn.Module):
    """Attention of each position to itself and the positions before it, in a window.

    Attributes:
      config: of the network.
    """

    config: NetworkConfig

    @nn.compact
    def __call__(
        self, x: Array, positions: Int[Array, " t"], cache: Cache | None
    ) -> tuple[Array, Cache | None]:
        """The attention's output [b, t, width], and the cache with its keys, values.

        Args:
          x: [b, t, width].
          positions: where the t vectors stand in their sequence.
          cache: of the positions before; None where x begins the sequence.
        """
        config = self.config
        layers, width, heads = config.size
        b, t, _ = x.shape
        if config.attention == "permuted":
            qkv = PermutedProjections(name="qkv")(x)
        else:
            qkv = linear(3 * width, 1.0, "qkv")(x)
        qkv = qkv.reshape(b, t, 3, heads, -1)
        q, k, v = (qkv[:, :, i].swapaxes(1, 2) for i in range(3))  # [b, h, t, k]
        if config.positions == "rotary":
            q, k = _rotary(q, positions), _rotary(k, positions)
        if cache is not None:
            k = jax.lax.dynamic_update_slice_in_dim(cache.keys, k, positions[0], 2)
            v = jax.lax.dynamic_update_slice_in_dim(cache.values, v, positions[0], 2)
            cache = Cache(k, v)
        q = q * q.shape[-1] ** -0.5
        # without a cache the queries of the first half need no keys of the second half
        ends = [t // 2, t] if cache is None and t % 2 == 0 else [t]
        outputs, first = [], 0
        for last in ends:
            num_keys = last if cache is None else k.shape[2]
            mask = _attention_mask(positions[first:last], num_keys, config.block)
            outputs.append(
                _attend(
                    q[:, :, first:last], k[:, :, :num_keys], v[:, :, :num_keys], mask
                )
            )
            first = last
        y = jnp.concatenate(outputs, 2).swapaxes(1, 2).reshape(b, t, width)
        if config.attention == "own":
            y = linear(width, 1 / (2 * layers), "out")(y)
        return y, cache


def _attend(q: Array, k: Array, v: Array, mask: Bool[Array, "t s"]) -> Array:
    """Mean of the values, weighted by the softmax of the scores, [b, h, t, k].

    The sum is divided by the softmax's normaliser at the end: that is a division of
    [t, k] numbers instead of [t, s].
    """
    scores = jnp.where(
        mask[None, None], jnp.einsum("bhtk,bhsk->bhts", q, k), _MASKED_SCORE
    )
    highest = jax.lax.stop_gradient(jnp.max(scores, -1, keepdims=True))
    unnormalised = jnp.exp(scores - highest)
    total = jnp.sum(unnormalised, -1, keepdims=True)
    return jnp.einsum("bhts,bhsk->bhtk", unnormalised, v) / total


def _attention_mask(
    positions: Int[Array, " t"], num_keys: int, block: int
) -> Bool[Array, "t num_keys"]:
    """Which of the positions 0..num_keys-1 each query position may attend to."""
    distance = positions[:, None] - jnp.arange(num_keys, dtype=jnp.int32)[None]
    return (distance >= 0) & (distance < block)


def _rotary(x: Float[Array, "b h t k"], positions: Int[Array, " t"]) -> Array:
    """Pairs of coordinates rotated by angles proportional to their position."""
    half = x.shape[-1] // 2
    rate = _ROTARY_BASE ** (-jnp.arange(half, dtype=x.dtype) / half)
    angle = positions.astype(x.dtype)[:, None] * rate[None]
    cos, sin = jnp.cos(angle)[None, None], jnp.sin(angle)[None, None]
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)
