"""A decoder-only transformer over characters: the network, in training and in decoding.

Pre-norm blocks without biases: x + attention(norm x), then x + mlp(norm x), with
root-mean-square norms and squared ReLU (So et al. 2021, Primer), whose backward pass is
the cheapest on a CPU. Nothing here knows how the network is trained or what it writes.

References:
  Vaswani et al. 2017 (arXiv:1706.03762); Su et al. 2021 (arXiv:2104.09864), rotary
  positions; Radford et al. 2019, initial scale of residual projections.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key

Positions = Literal["rotary", "learned"]
Activation = Literal["squared_relu", "gelu"]
_WAVELENGTH = 10_000.0  # longest of the rotary positions
_HIDDEN = -1e9  # score of a position that may not be seen


class Size(NamedTuple):
    """Layers, width and heads of a network."""

    num_layers: int
    width: int
    num_heads: int


# about 0.1, 0.8 and 3.2 million parameters with some eighty characters
SIZES = {"nano": Size(2, 64, 2), "micro": Size(4, 128, 4), "mini": Size(4, 256, 8)}


class Config(NamedTuple):
    """What a network is made of.

    Attributes:
      vocabulary: V, characters; token V is the mark that opens a row.
      block: characters of a row, and of what a position sees, itself the last of them.
      size: layers, width, heads.
      positions: rotary (relative, so that a text may go on beyond a block) or learned.
      tied: one matrix embeds characters and predicts them.
      dropout: rate behind attention and mlp, in training.
      activation: of the mlp.
    """

    vocabulary: int
    block: int
    size: Size = SIZES["nano"]
    positions: Positions = "rotary"
    tied: bool = True
    dropout: float = 0.0
    activation: Activation = "squared_relu"


class Cache(NamedTuple):
    """Keys and values of one layer at the positions so far.

    Attributes:
      keys: [sequences, heads, places, width / heads].
      values: the same shape.
    """

    keys: Float[Array, "b h places k"]
    values: Float[Array, "b h places k"]


class Network(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key -> weights, a dict of arrays.
      apply: (weights, tokens [b, t], dropout key or None) -> logits [b, t, V].
      extend: (weights, tokens [b, t], caches, start) -> (logits [b, t, V], caches): t
        more positions from `start` on, which see the cached ones.
      blank: (num, places) -> empty caches for so many sequences, one a layer.
    """

    init: Callable[[Key], dict]
    apply: Callable[..., Float[Array, "b t v"]]
    extend: Callable[..., tuple[Float[Array, "b t v"], list[Cache]]]
    blank: Callable[[int, int], list[Cache]]


def network(config: Config) -> Network:
    """The functions of a network.

    Raises:
      ValueError: if the width is no multiple of the heads.
    """
    layers, width, heads = config.size
    if width % (2 * heads):
        raise ValueError(f"width {width} is no even multiple of {heads} heads")
    module = _Transformer(config)

    def init(key: Key) -> dict:
        row = jnp.zeros((1, config.block), jnp.int32)
        return module.init(key, row)["params"]

    def apply(weights: dict, tokens: Array, dropout_key: Key | None = None) -> Array:
        rngs = None if dropout_key is None else {"dropout": dropout_key}
        steady = dropout_key is None
        return module.apply({"params": weights}, tokens, steady=steady, rngs=rngs)[0]

    def extend(weights: dict, tokens: Array, caches: list[Cache], start: int | Array):
        return module.apply({"params": weights}, tokens, caches, start)

    def blank(num: int, places: int) -> list[Cache]:
        zeros = jnp.zeros((num, heads, places, width // heads), jnp.float32)
        return [Cache(zeros, zeros) for _ in range(layers)]

    return Network(init, apply, extend, blank)


def num_parameters(config: Config) -> int:
    """Weights of a network."""
    shapes = jax.eval_shape(network(config).init, jax.random.key(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


class _Transformer(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, tokens, caches=None, start=0, steady=True):
        config = self.config
        layers, width, _ = config.size
        embed = nn.Embed(
            config.vocabulary + 1, width, embedding_init=_normal(0.02), name="embed"
        )
        x = embed(tokens)
        places = start + jnp.arange(tokens.shape[1], dtype=jnp.int32)
        if config.positions == "learned":
            table = nn.Embed(
                config.block, width, embedding_init=_normal(0.02), name="positions"
            )
            x = x + table(places)[None]
        kept = []
        for i in range(layers):
            cache = None if caches is None else caches[i]
            x, cache = _Block(config, name=f"block_{i}")(x, places, cache, steady)
            kept.append(cache)
        x = _Norm(name="norm")(x)
        if config.tied:
            logits = x @ embed.embedding[: config.vocabulary].T
        else:
            logits = _linear(config.vocabulary, 1.0, "head")(x)
        return logits, kept


class _Block(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, x, places, cache, steady):
        config = self.config
        width, drop = config.size.width, nn.Dropout(config.dropout)
        residual = 1 / (2 * config.size.num_layers)
        y, cache = _Attention(config, name="attention")(
            _Norm(name="norm_1")(x), places, cache
        )
        x = x + drop(y, deterministic=steady)
        y = _linear(4 * width, 1.0, "up")(_Norm(name="norm_2")(x))
        if config.activation == "gelu":
            y = nn.gelu(y)
        else:
            y = jnp.square(nn.relu(y))
        y = _linear(width, residual, "down")(y)
        return x + drop(y, deterministic=steady), cache


class _Attention(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, x, places, cache):
        config = self.config
        layers, width, heads = config.size
        b, t, _ = x.shape
        mixed = _linear(3 * width, 1.0, "qkv")(x).reshape(b, t, 3, heads, -1)
        q, k, v = (mixed[:, :, i].swapaxes(1, 2) for i in range(3))  # [b, h, t, k]
        if config.positions == "rotary":
            q, k = _rotated(q, places), _rotated(k, places)
        if cache is not None:
            k = jax.lax.dynamic_update_slice_in_dim(cache.keys, k, places[0], 2)
            v = jax.lax.dynamic_update_slice_in_dim(cache.values, v, places[0], 2)
            cache = Cache(k, v)
        q = q * q.shape[-1] ** -0.5
        # without a cache the first half never looks at the second
        halves = [t // 2, t] if cache is None and t % 2 == 0 else [t]
        parts, first = [], 0
        for last in halves:
            upto = last if cache is None else k.shape[2]
            own = (q[:, :, first:last], k[:, :, :upto], v[:, :, :upto])
            seen = _visible(places[first:last], upto, config.block)
            parts.append(_attended(*own, seen))
            first = last
        y = jnp.concatenate(parts, 2).swapaxes(1, 2)
        return _linear(width, 1 / (2 * layers), "out")(y.reshape(b, t, width)), cache


def _attended(q: Array, k: Array, v: Array, seen: Bool[Array, "t s"]) -> Array:
    """Mean of the values, weighed by a softmax that is normalised last, on less."""
    scores = jnp.where(seen[None, None], jnp.einsum("bhtk,bhsk->bhts", q, k), _HIDDEN)
    highest = jax.lax.stop_gradient(jnp.max(scores, -1, keepdims=True))
    shares = jnp.exp(scores - highest)
    total = jnp.sum(shares, -1, keepdims=True)
    return jnp.einsum("bhts,bhsk->bhtk", shares, v) / total


def _visible(places: Int[Array, " t"], num: int, block: int) -> Bool[Array, "t num"]:
    """Which of the positions 0..num-1 each place may look at."""
    back = places[:, None] - jnp.arange(num, dtype=jnp.int32)[None]
    return (back >= 0) & (back < block)


def _rotated(x: Float[Array, "b h t k"], places: Int[Array, " t"]) -> Array:
    """Pairs of coordinates turned by angles in proportion to their place."""
    half = x.shape[-1] // 2
    rate = _WAVELENGTH ** (-jnp.arange(half, dtype=x.dtype) / half)
    angle = places.astype(x.dtype)[:, None] * rate[None]
    cos, sin = jnp.cos(angle)[None, None], jnp.sin(angle)[None, None]
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


class _Norm(nn.Module):
    """Divides by the root mean square, then scales."""

    @nn.compact
    def __call__(self, x):
        size = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones, size, jnp.float32)
        power = jnp.mean(jnp.square(x), -1, keepdims=True)
        return x * jax.lax.rsqrt(power + 1e-6) * scale[None, None]


def _linear(width: int, variance: float, name: str) -> nn.Dense:
    """A matrix whose output has `variance` times the variance of its input at first."""
    init = nn.initializers.variance_scaling(variance, "fan_in", "normal")
    return nn.Dense(width, use_bias=False, kernel_init=init, name=name)


def _normal(deviation: float) -> Callable:
    return nn.initializers.normal(deviation)
