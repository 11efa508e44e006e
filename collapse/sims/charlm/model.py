"""The language model of a condition, made from the experiment's fields."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core import streams
from collapse.core.types import Key, Model
from collapse.data.text.blocks import TextRows, pretraining_rows
from collapse.experiment.text.network import network_config
from collapse.experiment.text.networks import train_config
from collapse.experiment.text.pretraining import trained_once
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.losses import cross_entropy, predicting
from collapse.models.language.model import language_model
from collapse.models.language.network import network
from collapse.models.language.parallel import Piece
from collapse.models.language.training import TrainConfig
from collapse.numerics import draws
from collapse.sims.charlm.experiment import Charlm


class Values(NamedTuple):
    """Arrays that enter the compiled programs of a condition.

    Attributes:
      train: [rows, block] tokens that generations may be trained on.
      test: [m, block] tokens whose loss is measured.
      validation: [held, block] tokens whose loss selects the best weights.
      temperature: divides the logits; ignored where a program is greedy.
      repetition_penalty: of characters that are in the sequence already.
      pretrained: weights of a network to start from; None for new ones.
    """

    train: Int[Array, "rows block"]
    test: Int[Array, "m block"]
    validation: Int[Array, "held block"]
    temperature: Float[Array, ""]
    repetition_penalty: Float[Array, ""]
    pretrained: dict | None


class Design(NamedTuple):
    """What is static in the model of a condition.

    Attributes:
      experiment: that asks for it.
      network: its architecture.
      training: how it is trained.
      greedy: whether it generates the most likely tokens (temperature 0).
    """

    experiment: Charlm
    network: NetworkConfig
    training: TrainConfig
    greedy: bool

    def decoding(self, values: Values) -> DecodingConfig:
        """The settings with which the model generates text."""
        e = self.experiment
        plain = e.repetition_penalty == (1.0,)
        return DecodingConfig(
            temperature=0.0 if self.greedy else values.temperature,
            top_k=e.top_k,
            top_p=e.top_p,
            repetition_penalty=1.0 if plain else values.repetition_penalty,
            beams=e.beams,
        )

    def model(self, values: Values, real: Int[Array, "n block"]) -> Model:
        """The model of a seed.

        Args:
          values: arrays that it depends on.
          real: the seed's real sequences, which it continues if the experiment has
            prompts.
        """
        e = self.experiment
        return language_model(
            self.network,
            self.training,
            self.decoding(values),
            start=e.start,
            pretrained=values.pretrained,
            prompts=real if e.prompts else None,
            validation=values.validation if e.keep == "best" else None,
        )


def real_sequences(root: Key, train: Int[Array, "rows block"], num: int) -> Array:
    """The `num` real sequences [num, block] that all generations of a seed share.

    Args:
      root: key of the seed, which may be used again.
      train: what they are chosen from.
      num: at most as many as there are.
    """
    return subset(streams.key(root, 0, streams.Purpose.DESIGN), train, num)


def subset(key: Key, rows: Int[Array, "rows block"], num: int) -> Array:
    """`num` different sequences [num, block], in random order; consumes the key."""
    return rows[draws.shuffled(key, rows.shape[0], num)]


def network_of(experiment: Charlm, data: TextRows, size: str) -> NetworkConfig:
    """The network of a size that an experiment asks for, for the tokens of its text."""
    return network_config(experiment, size, len(data.vocabulary), experiment.block)


def pretrained(experiment: Charlm, data: TextRows, size: str) -> dict:
    """Weights trained on another text, once for all seeds and workflows."""
    config = network_of(experiment, data, size)
    training = train_config(experiment, config, experiment.pretrain_steps)
    net, shift = network(config), training.target_shift

    def rows() -> Int[np.ndarray, "rows block"]:
        own = (experiment.pretrain, config.block, data.text.vocabulary)
        return pretraining_rows(*own, *experiment.how(), data.pairs)

    def loss(
        weights: dict, rows: Array, key: Key, piece: Piece | None = None
    ) -> Float[Array, ""]:
        drop = key if config.dropout else None
        losses = cross_entropy(net, weights, rows, None, drop, piece, shift)
        return jnp.mean(predicting(losses, shift))

    name = (experiment.pretrain, data.sha256)
    return trained_once(name, config, training, experiment.seed, rows, loss)
