"""A decoder-only transformer over characters: the network, in training and in decoding.

Pre-norm blocks without biases: x + attention(norm x), then x + mlp(norm x), with
root-mean-square norms and squared ReLU (So et al. 2021, Primer), whose backward pass is
the cheapest on a CPU. Which parts there are to choose from is in `architecture`. How a
network is trained, and how it generates text, is in `training` and `decoding`.

Reference:
  Radford et al. 2019, initial scale of residual projections.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from collapse.core.types import Key
from collapse.models.language.architecture import NetworkConfig, check
from collapse.models.language.attention import Cache, CausalAttention
from collapse.models.language.layers import linear, normal
from collapse.models.language.parallel import Piece
from collapse.models.language.savings import RepeatedEmbedding, SharedMlp

# parts of the weights that are tables, by their names there
_EMBEDDINGS = ("embed", "positions", "head")


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
      InputError: for parts that do not fit each other, see `architecture.check`.
    """
    layers, width, heads = config.size
    check(config)
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


class NumParameters(NamedTuple):
    """Number of weights of a network.

    Attributes:
      total: all of them.
      non_embedding: without the tables of tokens and positions, and without an output
        matrix of its own.
    """

    total: int
    non_embedding: int


def num_parameters(config: NetworkConfig) -> NumParameters:
    """Number of weights of a network: of all, and of those that are no embeddings."""
    shapes = jax.eval_shape(network(config).init, jax.random.key(0))
    counts = {
        name: sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(part))
        for name, part in shapes.items()
    }
    total = sum(counts.values())
    tables = sum(counts.get(name, 0) for name in _EMBEDDINGS)
    return NumParameters(total, total - tables)


class _Transformer(nn.Module):
    config: NetworkConfig

    @nn.compact
    def __call__(self, tokens, caches=None, start=0, deterministic=True, piece=None):
        config = self.config
        embed = _embedding(config)
        x = embed(tokens)
        positions = start + jnp.arange(tokens.shape[1], dtype=jnp.int32)
        if config.positions == "learned":
            table = nn.Embed(
                config.block,
                config.size.width,
                embedding_init=normal(0.02),
                name="positions",
            )
            x = x + table(positions)[None]
        new_caches: list[Cache | None] = []
        blocks: list[_Block] = []
        for i in range(config.size.num_layers):
            cache = None if caches is None else caches[i]
            first = config.first_of_group(i)
            own = first == i  # else it has norms of its own alone
            blocks.append(_Block(config, name=f"block_{i}") if own else blocks[first])
            norms = None if own else (_norm(f"norm_1_{i}"), _norm(f"norm_2_{i}"))
            x, cache = blocks[i](x, positions, cache, deterministic, piece, norms)
            new_caches.append(cache)
        x = _norm("norm")(x)
        if config.tied:
            logits = x @ embed.embedding[: config.vocabulary].T
        else:
            logits = linear(config.vocabulary, 1.0, "head")(x)
        return logits, new_caches


class _Block(nn.Module):
    config: NetworkConfig

    @nn.compact
    def __call__(self, x, positions, cache, deterministic, piece, norms=None):
        config = self.config
        width, dropout = config.size.width, nn.Dropout(config.dropout)
        residual_variance = 1 / (2 * config.size.num_layers)
        norm_1, norm_2 = norms or (_norm("norm_1"), _norm("norm_2"))
        attention = CausalAttention(config, name="attention")
        y, cache = attention(norm_1(x), positions, cache)
        x = x + _dropped(dropout, y, deterministic, piece)
        y = norm_2(x)
        if config.mlp == "shared":
            y = SharedMlp(residual_variance, name="mlp")(y)
        else:
            y = linear(4 * width, 1.0, "up")(y)
            if config.activation == "gelu":
                y = nn.gelu(y)
            else:
                y = jnp.square(nn.relu(y))
            y = linear(width, residual_variance, "down")(y)
        return x + _dropped(dropout, y, deterministic, piece), cache


def _embedding(config: NetworkConfig) -> nn.Module:
    """The table of tokens; only a full one can be the output matrix, too."""
    num, width = config.vocabulary + 1, config.size.width
    if config.embedding == "repeated":
        return RepeatedEmbedding(num, width, name="embed")
    return nn.Embed(num, width, embedding_init=normal(0.02), name="embed")


def _norm(name: str) -> nn.RMSNorm:
    return nn.RMSNorm(name=name)


def _dropped(
    dropout: nn.Dropout, y: Array, deterministic: bool, piece: Piece | None
) -> Array:
    """Activations after dropout, by the mask of the whole microbatch."""
    if piece is None or deterministic:
        return dropout(y, deterministic=deterministic)
    ones = jnp.ones((piece.microbatch, *y.shape[1:]), y.dtype)
    return y * piece.of(dropout(ones, deterministic=False), y.shape[0])
