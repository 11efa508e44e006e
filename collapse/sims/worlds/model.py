"""The language model of a condition, made from the experiment's fields."""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core import streams
from collapse.core.types import Key, Model
from collapse.data.worlds.rows import WorldRows
from collapse.experiment.text.network import network_config
from collapse.experiment.text.networks import train_config
from collapse.experiment.text.pretraining import trained_once
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import Format, document_model, training_loss
from collapse.models.language.training import TrainConfig
from collapse.numerics import draws
from collapse.sims.worlds.experiment import Worlds


class WorldArrays(NamedTuple):
    """Arrays that enter the compiled programs of a condition.

    Attributes:
      train: [rows, block] documents that generations may be trained on.
      kept: [rows] which of them the operator keeps, one at least; None unless it
        judges real ones.
      asked: [m, block] documents whose prompts are unseen.
      temperature: divides the logits; ignored where a program is greedy.
      contests: [documents, block] of which models should find some the likeliest.
      pretrained: weights of a network to start from; None for new ones.
    """

    train: Int[Array, "rows block"]
    kept: Bool[Array, " rows"] | None
    asked: Int[Array, "m block"]
    temperature: Float[Array, ""]
    contests: Int[Array, "documents block"]
    pretrained: dict | None


class WorldDesign(NamedTuple):
    """What is static in the model of a condition.

    Attributes:
      network: its architecture.
      form: how documents are written, and what of them is learned.
      training: how it is trained.
      top_k: see `DecodingConfig`.
      top_p: see there.
      start: weights that training starts from.
      greedy: whether it generates the most likely tokens (temperature 0).
    """

    network: NetworkConfig
    form: Format
    training: TrainConfig
    top_k: int
    top_p: float
    start: Literal["scratch", "previous"]
    greedy: bool

    def decoding(self, temperature: Float[Array, ""]) -> DecodingConfig:
        """The settings with which the model generates text."""
        return DecodingConfig(
            0.0 if self.greedy else temperature, self.top_k, self.top_p
        )

    def model(self, values: WorldArrays, real: Int[Array, "n block"]) -> Model:
        """The model of a seed, which answers the prompts of its real documents."""
        return document_model(
            self.network,
            self.form,
            self.training,
            self.decoding(values.temperature),
            start=self.start,
            pretrained=values.pretrained,
            prompts=real if self.form.learned == "responses" else None,
        )


def real_documents(root: Key, values: WorldArrays, num: int) -> Int[Array, "n block"]:
    """The `num` real documents that all generations of a seed share.

    Where an operator judges them they are chosen among those that it keeps, each once
    as long as there are so many, and else in turn.

    Args:
      root: key of the seed, which may be used again.
      values: of the condition.
      num: at most as many as there are.
    """
    key, rows = streams.key(root, 0, streams.Purpose.DESIGN), values.train.shape[0]
    if values.kept is None:
        return values.train[draws.shuffled(key, rows, num)]
    every = draws.shuffled(key, rows, rows)
    order = jnp.argsort(~values.kept[every], stable=True)  # those that are kept first
    count = jnp.sum(values.kept.astype(jnp.int32))
    return values.train[every[order[jnp.arange(num, dtype=count.dtype) % count]]]


def pretrained(experiment: Worlds, data: WorldRows, size: str) -> dict:
    """Weights trained on all whole documents, once for all seeds and workflows.

    Operators do not judge what a base model learns.
    """
    block = data.train.shape[1]
    config = network_config(experiment, size, len(data.vocabulary), block)
    training = train_config(experiment, config, experiment.pretrain_steps)
    form = Format(data.separator, 0, "documents")
    loss = training_loss(config, form, training.target_shift)
    own = (config, training, experiment.seed, lambda: data.train, loss)
    return trained_once((data.sha256,), *own)
