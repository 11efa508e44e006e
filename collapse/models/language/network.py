"""A decoder-only transformer over characters: the network, in training and in decoding.

Pre-norm blocks without biases: x + attention(norm x), then x + mlp(norm x), with
root-mean-square norms and squared ReLU (So et al. 2021, Primer), whose backward pass is
the cheapest on a CPU. How a network is trained, and how it generates text, is in
`training` and `decoding`.

References:
  Vaswani et al. 2017 (arXiv:1706.03762); Su et al. 2021 (arXiv:2104.09864), rotary
  positional encoding; Radford et al. 2019, initial scale of residual projections.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.models.language.parallel import Piece

Positions = Literal["rotary", "learned"]
Activation = Literal["squared_relu", "gelu"]
_ROTARY_BASE = 10_000.0  # ratio of the largest angular frequency to the smallest
_MASKED_SCORE = -1e9  # attention score of a position that is masked


class Size(NamedTuple):
    """Layers, width and heads of a network."""

    num_layers: int
    width: int
    num_heads: int


# about 0.1, 0.8 and 3.2 million parameters with some eighty characters
SIZES = {"nano": Size(2, 64, 2), "micro": Size(4, 128, 4), "mini": Size(4, 256, 8)}


class NetworkConfig(NamedTuple):
    """Architecture of a network.

    Attributes:
      vocabulary: V, the number of characters; token V is the BOS token.
      block: characters of a training sequence, and the length of the attention window:
        a position attends to itself and the `block - 1` positions before it.
      size: layers, width, heads.
      positions: positional encoding: rotary (relative, so that a text may be longer
        than a block) or learned (absolute, at most a block).
      tied: use the embedding matrix as the output matrix, too.
      dropout: rate after attention and after the MLP, in training only.
      activation: of the MLP.
    """

    vocabulary: int
    block: int
    size: Size = SIZES["nano"]
    positions: Positions = "rotary"
    tied: bool = True
    dropout: float = 0.0
    activation: Activation = "squared_relu"


class Cache(NamedTuple):
    """Keys and values of one attention layer at the positions read so far.

    Attributes:
      keys: [sequences, heads, positions, width / heads].
      values: the same shape.
    """

    keys: Float[Array, "b h positions k"]
    values: Float[Array, "b h positions k"]


class Network(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key -> weights, a dict of arrays.
      apply: (weights, tokens [b, t], dropout key or None, piece of a microbatch that
        they are, or None) -> logits [b, t, V].
      extend: (weights, tokens [b, t], caches, start) -> (logits [b, t, V], caches): t
        more positions from `start` on, which attend to the cached ones, too.
      empty_cache: (num, length) -> caches of zeros for `num` sequences of at most
        `length` positions, one cache for each layer.
    """

    init: Callable[[Key], dict]
    apply: Callable[..., Float[Array, "b t v"]]
    extend: Callable[..., tuple[Float[Array, "b t v"], list[Cache]]]
    empty_cache: Callable[[int, int], list[Cache]]


def network(config: NetworkConfig) -> Network:
    """The functions of a network with this architecture.

    Raises:
      ValueError: if the width is not a multiple of twice the number of heads.
    """
    layers, width, heads = config.size
    if width % (2 * heads):
        raise ValueError(f"width {width} is no even multiple of {heads} heads")
    module = _Transformer(config)

    def init(key: Key) -> dict:
        tokens = jnp.zeros((1, config.block), jnp.int32)
        return module.init(key, tokens)["params"]

    def apply(
        weights: dict,
        tokens: Array,
        dropout_key: Key | None = None,
        piece: Piece | None = None,
    ) -> Array:
        rngs = None if dropout_key is None else {"dropout": dropout_key}
        return module.apply(
            {"params": weights},
            tokens,
            deterministic=dropout_key is None,
            piece=piece,
            rngs=rngs,
        )[0]

    def extend(weights: dict, tokens: Array, caches: list[Cache], start: int | Array):
        return module.apply({"params": weights}, tokens, caches, start)

    def empty_cache(num: int, length: int) -> list[Cache]:
        zeros = jnp.zeros((num, heads, length, width // heads), jnp.float32)
        return [Cache(zeros, zeros) for _ in range(layers)]

    return Network(init, apply, extend, empty_cache)


def num_parameters(config: NetworkConfig) -> int:
    """Number of weights of a network."""
    shapes = jax.eval_shape(network(config).init, jax.random.key(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


class _Transformer(nn.Module):
    config: NetworkConfig

    @nn.compact
    def __call__(self, tokens, caches=None, start=0, deterministic=True, piece=None):
        config = self.config
        layers, width, _ = config.size
        embed = nn.Embed(
            config.vocabulary + 1, width, embedding_init=_normal(0.02), name="embed"
        )
        x = embed(tokens)
        positions = start + jnp.arange(tokens.shape[1], dtype=jnp.int32)
        if config.positions == "learned":
            table = nn.Embed(
                config.block, width, embedding_init=_normal(0.02), name="positions"
            )
            x = x + table(positions)[None]
        new_caches = []
        for i in range(layers):
            cache = None if caches is None else caches[i]
            block = _Block(config, name=f"block_{i}")
            x, cache = block(x, positions, cache, deterministic, piece)
            new_caches.append(cache)
        x = nn.RMSNorm(name="norm")(x)
        if config.tied:
            logits = x @ embed.embedding[: config.vocabulary].T
        else:
            logits = _linear(config.vocabulary, 1.0, "head")(x)
        return logits, new_caches


class _Block(nn.Module):
    config: NetworkConfig

    @nn.compact
    def __call__(self, x, positions, cache, deterministic, piece):
        config = self.config
        width, dropout = config.size.width, nn.Dropout(config.dropout)
        residual_variance = 1 / (2 * config.size.num_layers)
        y, cache = _Attention(config, name="attention")(
            nn.RMSNorm(name="norm_1")(x), positions, cache
        )
        x = x + _dropped(dropout, y, deterministic, piece)
        y = _linear(4 * width, 1.0, "up")(nn.RMSNorm(name="norm_2")(x))
        if config.activation == "gelu":
            y = nn.gelu(y)
        else:
            y = jnp.square(nn.relu(y))
        y = _linear(width, residual_variance, "down")(y)
        return x + _dropped(dropout, y, deterministic, piece), cache


def _dropped(
    dropout: nn.Dropout, y: Array, deterministic: bool, piece: Piece | None
) -> Array:
    """Activations after dropout, by the mask of the whole microbatch."""
    if piece is None or deterministic:
        return dropout(y, deterministic=deterministic)
    ones = jnp.ones((piece.microbatch, *y.shape[1:]), y.dtype)
    return y * piece.of(dropout(ones, deterministic=False), y.shape[0])


class _Attention(nn.Module):
    config: NetworkConfig

    @nn.compact
    def __call__(self, x, positions, cache):
        config = self.config
        layers, width, heads = config.size
        b, t, _ = x.shape
        qkv = _linear(3 * width, 1.0, "qkv")(x).reshape(b, t, 3, heads, -1)
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
        y = jnp.concatenate(outputs, 2).swapaxes(1, 2)
        return _linear(width, 1 / (2 * layers), "out")(y.reshape(b, t, width)), cache


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


def _linear(width: int, variance: float, name: str) -> nn.Dense:
    """A linear layer whose initial output has `variance` times its input's variance."""
    init = nn.initializers.variance_scaling(variance, "fan_in", "normal")
    return nn.Dense(width, use_bias=False, kernel_init=init, name=name)


def _normal(standard_deviation: float) -> Callable:
    return nn.initializers.normal(standard_deviation)
