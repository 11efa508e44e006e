"""A language model over characters: a transformer that learns sequences of text.

A sequence is a block of consecutive characters after a BOS token (beginning of
sequence). Models generate from the BOS token on (unconditionally), or continue blocks
of real text, as in Shumailov et al. 2024 (doi 10.1038/s41586-024-07566-y); then the
synthetic text is as long as the real one.
"""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.devices import one_fills_a_device
from collapse.core.types import Info, Key, Metric, Model, Weights
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.decoding import DecodingConfig, generate
from collapse.models.language.groups import in_groups
from collapse.models.language.losses import (
    cross_entropy,
    cross_entropy_in_groups,
    predicting,
)
from collapse.models.language.network import Network, network
from collapse.models.language.parallel import Piece
from collapse.models.language.training import Loss, TrainConfig, train
from collapse.numerics import draws, threefry

GENERATION_BATCH = 128  # sequences that share a key in generation
# So many of them at a time on a core, whose caches hold their keys and values: 32 are
# 1.6 times as fast as 128 with 0.8 million weights.
_FEWEST_AT_A_TIME, _MOST_AT_A_TIME = 16, 32
_BEAM_COST = 3  # of a beam, in caches of sampling: it is copied from beam to beam
_SHARE_WITHOUT_BOS = 0.5  # of training sequences, where texts go on beyond a block
BITS_PER_NAT = 1.4426950408889634


class Blocks(NamedTuple):
    """Sequences of text.

    Attributes:
      tokens: [rows, block], indices of characters in the vocabulary, without BOS token.
    """

    tokens: Int[Array, "rows block"]


class LanguageParams(NamedTuple):
    """A language model.

    Attributes:
      weights: of the network.
    """

    weights: dict


def language_model(
    config: NetworkConfig,
    train_config: TrainConfig = TrainConfig(),  # noqa: B008 - immutable
    decoding_config: DecodingConfig = DecodingConfig(),  # noqa: B008
    *,
    start: Literal["scratch", "previous"] = "scratch",
    pretrained: dict | None = None,
    prompts: Int[Array, "num block"] | None = None,
    validation: Int[Array, "held block"] | None = None,
) -> Model:
    """A transformer that is trained on blocks of text.

    Its info is `loss` (nats per character at the end of training), `steps`, and `kept`
    (the step whose weights were kept).

    Args:
      config: architecture of the network.
      train_config: how it is trained.
      decoding_config: how it generates text.
      start: weights that training starts from: new ones, or those of the previous
        generation.
      pretrained: weights to start from instead of new ones.
      prompts: blocks that are continued: the i-th generated sequence continues the
        i-th, from the beginning again where they are fewer. None to generate from the
        BOS token.
      validation: blocks whose loss selects the best weights, with keep = best.

    Raises:
      ValueError: for prompts with learned positions, which are defined for one block
        only, and for beam search without prompts, which would generate the same text
        for all rows.
    """
    _check(config, decoding_config, prompts)
    net, devices = network(config), train_config.devices
    dropout, continues = bool(config.dropout), prompts is not None
    shift = train_config.target_shift
    loss = functools.partial(_training_loss, net, dropout, continues, shift)
    validate = _validator(net, validation, devices, shift)
    init, fit = learner(net, loss, train_config, start, pretrained, validate)

    def sample(key: Key, params: LanguageParams, num: int) -> Blocks:
        begin = _beginnings(prompts, num, config.vocabulary)
        own = (params.weights, begin, config, decoding_config, devices)
        return generated(key, net, *own)

    return Model(init, fit, sample)


def learner(
    net: Network,
    loss: Loss,
    train_config: TrainConfig,
    start: Literal["scratch", "previous"],
    pretrained: dict | None,
    validate: Callable[[dict], Float[Array, ""]] | None = None,
) -> tuple[Callable[..., LanguageParams], Callable[..., tuple[LanguageParams, Info]]]:
    """`init` and `fit` of a model that is trained on blocks, see `language_model`.

    Args:
      net: the network's functions.
      loss: of a minibatch, as for `training.train`.
      train_config: how it is trained.
      start: weights that training starts from.
      pretrained: weights to start from instead of new ones.
      validate: weights -> loss that selects the best ones, with keep = best.
    """

    def init(key: Key, batch: Blocks, weights: Weights) -> LanguageParams:
        del batch, weights
        begin = _first_weights(key, net, start) if pretrained is None else pretrained
        return LanguageParams(begin)

    def fit(
        key: Key, params: LanguageParams, batch: Blocks, weights: Weights
    ) -> tuple[LanguageParams, Info]:
        init_key, key = threefry.split(key)
        begin = params.weights
        if start == "scratch":
            begin = net.init(init_key) if pretrained is None else pretrained
        end = train(key, begin, batch.tokens, weights, loss, train_config, validate)
        info = {"loss": end.loss, "steps": end.steps, "kept": end.kept}
        return LanguageParams(end.weights), info

    return init, fit


def _check(
    config: NetworkConfig,
    decoding_config: DecodingConfig,
    prompts: Int[Array, "num block"] | None,
) -> None:
    """Raise ValueError for settings that contradict each other."""
    if prompts is not None and config.positions == "learned":
        raise ValueError(
            "prompts need positions = rotary: learned ones end with a block"
        )
    if prompts is None and decoding_config.beams > 1:
        raise ValueError("beams need prompts: from the BOS token all rows are alike")


def _first_weights(key: Key, net: Network, start: str) -> dict:
    """New weights; zeros where each fit draws its own, and only shapes are used."""
    if start == "previous":
        return net.init(key)
    shapes = jax.eval_shape(net.init, key)
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def _beginnings(
    prompts: Int[Array, "given block"] | None, num: int, bos: int
) -> Int[Array, "num begun"]:
    """What `num` sequences begin with: a prompt each, or the BOS token."""
    if prompts is None:
        return jnp.full((num, 1), bos, jnp.int32)
    return prompts[jnp.arange(num) % prompts.shape[0]]


def generated(
    key: Key,
    net: Network,
    weights: dict,
    begin: Int[Array, "num begun"],
    config: NetworkConfig,
    decoding_config: DecodingConfig,
    devices: int,
    given: Int[Array, "num block"] | None = None,
) -> Blocks:
    """Blocks that go on from beginnings, some rows at a time; consumes the key.

    Args:
      net: the network's functions.
      weights: its weights.
      begin: what each sequence begins with.
      config: of the network.
      decoding_config: how each token is chosen.
      devices: of the model.
      given: tokens that are read and not generated, as for `decoding.generate`.
    """
    own, begun = (config.block, decoding_config, len(begin)), begin.shape[1]
    rows = begin if given is None else jnp.concatenate([begin, given], 1)

    def group(key: Key, rows: Array, piece: Piece | None) -> Array:
        read = None if given is None else rows[:, begun:]
        return generate(key, net, weights, rows[:, :begun], *own, piece, read)

    beams, size, on_core = decoding_config.beams, GENERATION_BATCH, one_fills_a_device()
    if beams > 1 and on_core:
        # beams draw no numbers, so that groups of any size generate the same
        size = max(1, size // (beams * _BEAM_COST))
    size = min(size, len(begin))
    cuts = _cuts(size) if on_core and beams == 1 else 1
    return Blocks(in_groups(group, size, rows, key, devices, cuts))


def _cuts(size: int) -> int:
    """Pieces of a group that are generated one after the other: as few as suffice.

    One piece, if no number of equal pieces leaves 16 to 32 sequences in each.
    """
    for cuts in range(1, size + 1):
        within = _FEWEST_AT_A_TIME <= size // cuts <= _MOST_AT_A_TIME
        if size % cuts == 0 and within:
            return cuts
    return 1


def _validator(
    net: Network, rows: Int[Array, "held block"] | None, devices: int, shift: int
) -> Callable[[dict], Float[Array, ""]] | None:
    """A function of weights: mean loss on the rows, in nats; None without rows.

    It selects weights and is no measurement, so that its target is that of training.
    """
    if rows is None:
        return None

    def validate(weights: dict) -> Float[Array, ""]:
        losses = cross_entropy_in_groups(net, weights, rows, devices, shift)
        return jnp.mean(predicting(losses, shift))

    return validate


def _training_loss(
    net: Network,
    dropout: bool,
    continues: bool,
    shift: int,
    weights: dict,
    rows: Array,
    key: Key,
    piece: Piece | None = None,
) -> Float[Array, ""]:
    """Mean loss of a minibatch, in nats per predicted character.

    If models continue blocks, half of the sequences are read without their BOS token,
    as a continuation is.

    Of a piece of a minibatch: its part of that mean, times the number of pieces.
    """
    bos_key, dropout_key = threefry.split(key)
    drop = dropout_key if dropout else None
    if not continues:
        losses = cross_entropy(net, weights, rows, None, drop, piece, shift)
        return jnp.mean(predicting(losses, shift))
    num, block = rows.shape
    total = num if piece is None else piece.microbatch
    every = draws.uniform(bos_key, (total,)) < _SHARE_WITHOUT_BOS
    without_bos = every if piece is None else piece.of(every, num)
    losses = cross_entropy(net, weights, rows, without_bos, drop, piece, shift)
    predicted = (total * (block - shift + 1) - jnp.sum(every)).astype(losses.dtype)
    return jnp.sum(losses) / predicted * (total // num)


def bits_per_character(net: Network, rows: Int[Array, "rows block"]) -> Metric:
    """A metric: mean loss on held-out blocks of text, in bits per character."""
    return lambda key, params: (
        BITS_PER_NAT * jnp.mean(cross_entropy_in_groups(net, params.weights, rows))
    )
