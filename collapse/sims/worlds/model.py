"""The language model of a condition, made from the experiment's fields."""

from typing import Literal, NamedTuple

from jaxtyping import Array, Float, Int

from collapse.core import streams
from collapse.core.types import Key, Model
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import Format, document_model
from collapse.models.language.network import NetworkConfig
from collapse.models.language.training import TrainConfig
from collapse.numerics import draws


class Values(NamedTuple):
    """Arrays that enter the compiled programs of a condition.

    Attributes:
      train: [rows, block] documents that generations may be trained on.
      asked: [m, block] documents whose prompts are unseen.
      temperature: divides the logits; ignored where a program is greedy.
    """

    train: Int[Array, "rows block"]
    asked: Int[Array, "m block"]
    temperature: Float[Array, ""]


class Design(NamedTuple):
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

    def model(self, values: Values, real: Int[Array, "n block"]) -> Model:
        """The model of a seed, which answers the prompts of its real documents."""
        return document_model(
            self.network,
            self.form,
            self.training,
            self.decoding(values.temperature),
            start=self.start,
            prompts=real if self.form.learned == "responses" else None,
        )


def real_documents(root: Key, train: Int[Array, "rows block"], num: int) -> Array:
    """The `num` real documents [num, block] that all generations of a seed share.

    Args:
      root: key of the seed, which may be used again.
      train: what they are chosen from.
      num: at most as many as there are.
    """
    key = streams.key(root, 0, streams.Purpose.DESIGN)
    return train[draws.shuffled(key, train.shape[0], num)]
