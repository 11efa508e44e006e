"""A language model of documents: prompts that end with a separator, and responses.

The network, its training and its decoding are those of `model`. What differs: documents
have different lengths, so that rows are padded with the token that ends them, which a
model learns to generate; and it may be trained on responses alone, as in supervised
fine-tuning, and answer prompts that it is given.
"""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Key, Model
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.losses import (
    cross_entropy,
    cross_entropy_in_groups,
    predicting,
)
from collapse.models.language.model import (
    Blocks,
    LanguageParams,
    generated,
    learner,
)
from collapse.models.language.network import Network, network
from collapse.models.language.parallel import Piece
from collapse.models.language.training import TrainConfig
from collapse.numerics import draws, threefry


class Format(NamedTuple):
    """How documents are written as rows of tokens.

    Attributes:
      separator: the token with which a prompt ends, its first occurrence.
      end: the token that ends a document, and fills its row behind it.
      learned: what the loss is of: whole documents, or responses alone. In both the
        first `end` is part of it, and what follows is not.
    """

    separator: int
    end: int
    learned: Literal["documents", "responses"] = "documents"


def document_model(
    config: NetworkConfig,
    form: Format,
    train_config: TrainConfig = TrainConfig(),  # noqa: B008 - immutable
    decoding_config: DecodingConfig = DecodingConfig(),  # noqa: B008
    *,
    start: Literal["scratch", "previous"] = "scratch",
    pretrained: dict | None = None,
    prompts: Int[Array, "num block"] | None = None,
) -> Model:
    """A transformer that learns documents, or responses to prompts.

    Its info is that of `model.language_model`. The loss of a minibatch is the mean over
    its documents of each one's mean loss of a token, in nats, so that long and short
    ones count alike. A document of which nothing is learned (one without separator,
    where responses are) adds 0.

    Args:
      config: architecture of the network.
      form: how documents are written.
      train_config: how it is trained.
      decoding_config: how it generates text; beams are not known here.
      start: as in `model.language_model`.
      pretrained: as there.
      prompts: documents whose prompts are answered, all equally often where a multiple
        of so many is generated. None to generate whole documents.
    """
    net, devices = network(config), train_config.devices
    loss = training_loss(config, form, train_config.target_shift)
    init, fit = learner(net, loss, train_config, start, pretrained)

    def sample(key: Key, params: LanguageParams, num: int) -> Blocks:
        given = None
        if prompts is not None:  # in random order: the first k are a sample of k
            order_key, key = threefry.split(key)
            given = prompts[draws.shuffled(order_key, num, num) % len(prompts)]
        own = (params.weights, given, num, config, form, decoding_config, devices)
        return Blocks(answered(key, net, *own))

    return Model(init, fit, sample)


def training_loss(
    config: NetworkConfig, form: Format, shift: int = 1
) -> Callable[..., Array]:
    """The loss of a minibatch, see `document_model`, as `training.train` takes it.

    Args:
      config: architecture of the network.
      form: how documents are written, and what of them is learned.
      shift: the `target_shift` of its training.
    """
    own = (network(config), form, bool(config.dropout), shift)
    return functools.partial(_training_loss, *own)


def total_losses(
    net: Network, weights: dict, rows: Int[Array, "rows block"], form: Format
) -> Float[Array, " rows"]:
    """Loss of each document, summed over its learned tokens, in nats."""
    losses = cross_entropy_in_groups(net, weights, rows)
    return jnp.sum(losses * learned(rows, form).astype(losses.dtype), 1)


def _training_loss(
    net: Network,
    form: Format,
    dropout: bool,
    shift: int,
    weights: dict,
    rows: Array,
    key: Key,
    piece: Piece | None = None,
) -> Float[Array, ""]:
    """Mean loss of a minibatch, see `document_model`."""
    drop = key if dropout else None
    losses = cross_entropy(net, weights, rows, None, drop, piece, shift)
    return jnp.mean(of_documents(losses, rows, form, shift))


def answered(
    key: Key,
    net: Network,
    weights: dict,
    prompts: Int[Array, "num block"] | None,
    num: int,
    config: NetworkConfig,
    form: Format,
    decoding_config: DecodingConfig,
    devices: int = 1,
) -> Int[Array, "num block"]:
    """Documents [num, block] that a network generates; consumes the key.

    Args:
      net: its functions.
      weights: its weights.
      prompts: documents whose prompts are answered; None for documents of its own.
      num: of documents, as many as there are prompts.
      config: of the network.
      form: how documents are written.
      decoding_config: how each token is chosen.
      devices: of the model.
    """
    given = None
    if prompts is not None:
        given = jnp.where(in_prompt(prompts, form), prompts, -1).astype(jnp.int32)
    own = (given, num, config, form, decoding_config, devices)
    return written(key, net, weights, *own)


def written(
    key: Key,
    net: Network,
    weights: dict,
    given: Int[Array, "num block"] | None,
    num: int,
    config: NetworkConfig,
    form: Format,
    decoding_config: DecodingConfig,
    devices: int = 1,
) -> Int[Array, "num block"]:
    """Documents [num, block] that a network writes; consumes the key.

    Args:
      key: consumed.
      net: its functions.
      weights: its weights.
      given: tokens that are read and not generated, -1 where it writes; None for none.
      num: of documents.
      config: of the network.
      form: how documents are written.
      decoding_config: how each token is chosen.
      devices: of the model.
    """
    bos = jnp.full((num, 1), config.vocabulary, jnp.int32)
    own = (bos, config, decoding_config, devices, given)
    tokens = generated(key, net, weights, *own).tokens
    return jnp.where(_before(tokens == form.end) > 0, form.end, tokens)


def of_documents(
    losses: Float[Array, "rows block"],
    tokens: Int[Array, "rows block"],
    form: Format,
    shift: int = 1,
) -> Float[Array, " rows"]:
    """Mean loss of the tokens that are learned, of each document; 0 where none are.

    Args:
      losses: as `losses.cross_entropy` gives them with this shift.
      tokens: of the documents.
      form: how they are written.
      shift: the first `shift - 1` tokens are not predicted.
    """
    losses, counts = predicting(losses, shift), learned(tokens, form)[:, shift - 1 :]
    counts = counts.astype(losses.dtype)
    return jnp.sum(losses * counts, 1) / jnp.maximum(jnp.sum(counts, 1), 1)


def mean_loss(
    net: Network, weights: dict, rows: Int[Array, "rows block"], form: Format
) -> Float[Array, ""]:
    """Mean loss of documents, each one's mean over its learned tokens, in nats."""
    return jnp.mean(mean_losses(net, weights, rows, form))


def mean_losses(
    net: Network, weights: dict, rows: Int[Array, "rows block"], form: Format
) -> Float[Array, " rows"]:
    """Loss of each document, the mean over its learned tokens, in nats."""
    return of_documents(cross_entropy_in_groups(net, weights, rows), rows, form)


def learned(tokens: Int[Array, "rows block"], form: Format) -> Array:
    """Mask [rows, block] of the tokens whose loss counts."""
    inside = _before(tokens == form.end) == 0
    if form.learned == "documents":
        return inside
    return inside & (_before(tokens == form.separator) > 0)


def in_prompt(tokens: Int[Array, "rows block"], form: Format) -> Array:
    """Mask [rows, block] of prompts, each up to its separator."""
    return _before(tokens == form.separator) == 0


def _before(marks: Array) -> Int[Array, "rows block"]:
    """How many marks there are before each position of its row."""
    marks = marks.astype(jnp.int32)
    return jnp.cumsum(marks, 1) - marks
