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
from collapse.models.language.watermark import Watermark, green_lists
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
      watermark: strength of the mark in what models generate; None for no mark.
    """

    train: Int[Array, "rows block"]
    kept: Bool[Array, " rows"] | None
    asked: Int[Array, "m block"]
    temperature: Float[Array, ""]
    contests: Int[Array, "documents block"]
    pretrained: dict | None
    watermark: Float[Array, ""] | None = None


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
      green_share: of the tokens that a watermark makes likelier.
    """

    network: NetworkConfig
    form: Format
    training: TrainConfig
    top_k: int
    top_p: float
    start: Literal["scratch", "previous"]
    greedy: bool
    green_share: float = 0.5

    def decoding(self, root: Key, values: WorldArrays) -> DecodingConfig:
        """The settings with which the models of a seed generate text.

        All generations of a seed share one mark. Other seeds have others, so that an
        interval over seeds holds for marks, too: under one table of green lists the
        text of all seeds would have too many green tokens, or too few, by chance.

        Args:
          root: key of the seed, which may be used again.
          values: of the condition.
        """
        mark = None
        if values.watermark is not None:
            mark = Watermark(self.green(root), values.watermark)
        temperature = 0.0 if self.greedy else values.temperature
        return DecodingConfig(temperature, self.top_k, self.top_p, watermark=mark)

    def green(self, root: Key) -> Bool[Array, "contexts v"]:
        """Which tokens are green after each context, in the mark of a seed."""
        key = streams.key(root, 0, streams.Purpose.MARK)
        return green_lists(key, self.network.vocabulary, self.green_share)

    def model(
        self, root: Key, values: WorldArrays, real: Int[Array, "n block"]
    ) -> Model:
        """The model of a seed, which answers the prompts of its real documents."""
        return document_model(
            self.network,
            self.form,
            self.training,
            self.decoding(root, values),
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
