"""A family of transformers: the fields of networks and their training."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.experiment.base import spelled
from collapse.experiment.fields import Bounds, Only, OnlyIfSet, Share
from collapse.experiment.lazy import load
from collapse.experiment.spelling import once
from collapse.experiment.text.family import TextFamily
from collapse.models.language import architecture
from collapse.models.language.architecture import SIZES, NetworkConfig, size_of

_NETWORK = "collapse.models.language.network"


@dataclasses.dataclass(frozen=True)
class NetworkFamily(TextFamily):
    """The fields of text that a model generates, and those of a transformer."""

    group: ClassVar[str] = "network"

    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type; networks run in float32 only."""
    size: tuple[str, ...] = ("nano",)
    """Network: nano, micro or mini, of 0.1, 0.8 or 3 million weights; or layers x width
    x heads, as in 2x64x2."""
    positions: architecture.Positions = "rotary"
    """Positional encoding; learned ones do not go with --prompts."""
    untied: bool = False
    """Use an output matrix of its own, not the embedding matrix."""
    activation: Annotated[architecture.Activation, Only("mlp", ("own",))] = (
        "squared_relu"
    )
    """Activation function of the MLPs."""
    embedding: Annotated[architecture.Embedding, OnlyIfSet()] = "full"
    """repeated: embeddings of a quarter of the width, repeated four times; with
    --untied."""
    attention: Annotated[architecture.Attention, OnlyIfSet()] = "own"
    """permuted: rows of one small matrix make queries, keys and values, without an
    output projection."""
    mlp: Annotated[architecture.Mlp, OnlyIfSet()] = "own"
    """shared: gated MLPs whose matrix that leads out leads in, too."""
    layer_groups: Annotated[int, Bounds(0, 10**4), OnlyIfSet()] = 0
    """Groups of layers that share one attention and one MLP; 0 for each layer its
    own."""
    target_shift: Annotated[Literal[1, 2], OnlyIfSet()] = 1
    """What a position learns to predict: the next token, or the one after it; models
    are measured, and generate, as if it were the next."""
    dropout: Annotated[float, Bounds(0, 0.9)] = 0.0
    """Dropout rate in training."""
    epochs: Annotated[
        tuple[Annotated[float, Bounds(0, 10**4)], ...], Only("steps", (0,))
    ] = (5.0,)
    """Passes over the training data, so that more data get more steps; without --steps
    only."""
    steps: tuple[Annotated[int, Bounds(0, 10**6)], ...] = (0,)
    """Optimiser steps instead of epochs, whatever the amount of data; 0 for epochs."""
    batch_size: Annotated[int, Bounds(1, 4096)] = 4
    """Sequences of a step."""
    model_devices: Annotated[int, Bounds(1, 1024), OnlyIfSet()] = 1
    """Devices that train one model together, each on a share of the sequences of every
    step; the seeds are divided among groups of so many. 1 for a device a seed."""
    learning_rate: Annotated[float, Bounds(0, 10, above=True)] = 3e-3
    """Maximum, after a linear rise; then half a cosine down to a tenth."""
    warm_up: Share = 0.1
    """Share of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Bounds(0, 10)] = 0.1
    """Weight decay of AdamW, for matrices."""
    start: Literal["scratch", "previous"] = "scratch"
    """Weights that training starts from: new ones (with --pretrain: the pretrained), or
    the previous generation's."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        return (*super().axes(), "size", "epochs", "steps")

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics of training."""
        return ("fit_loss", "fit_steps", "fit_kept")

    def length_words(self) -> str:
        """How long a model is trained, for captions."""
        steps = [f"{spelled(s for s in self.steps if s)} steps"]
        epochs = [f"{spelled(self.epochs)} epochs"]
        told = epochs * (0 in self.steps) + steps * any(self.steps)
        return " or ".join(told)

    def architecture_words(self) -> list[str]:
        """Phrases for captions: what of the network is not as by default."""
        told = ["untied"] if self.untied else []
        told += [f"{self.embedding} embedding"] if self.embedding != "full" else []
        told += [f"{self.attention} attention"] if self.attention != "own" else []
        told += [f"{self.mlp} MLP"] if self.mlp != "own" else []
        told += [f"{self.layer_groups} groups of layers"] if self.layer_groups else []
        if self.target_shift != 1:
            told.append("trained on the token after the next")
        return [", ".join(told)] if told else []

    def told_by(self, data: Any) -> dict[str, Any]:
        """The number of weights of each size, in all and without embeddings."""
        if data is None:
            return {}
        block, count = data.train.shape[1], load(_NETWORK).num_parameters
        configs = [
            network_config(self, size, len(data.vocabulary), block)
            for size in self.size
        ]
        found = [count(config) for config in configs]
        return {
            "parameters": [one.total for one in found],
            "non_embedding_parameters": [one.non_embedding for one in found],
        }

    def quick(self) -> Self:
        """A small version, of the smallest network, with as many groups as it has."""
        groups = min(self.layer_groups, SIZES["nano"].num_layers)
        return dataclasses.replace(super().quick(), size=("nano",), layer_groups=groups)

    def every_size(self) -> tuple[str, ...]:
        """Sizes of all networks."""
        return self.size

    def check_network(self) -> None:
        """Raise InputError for settings of the network that contradict each other."""
        once("size", self.size, size_of)
        for size in self.every_size():
            architecture.check(network_config(self, size, vocabulary=1, block=1))
        if self.precision != "float32":
            raise InputError("precision: networks run in float32; drop --precision")
        if 0 in self.steps and min(self.epochs) <= 0:
            raise InputError("epochs: 0 trains nothing; give more, or --steps")
        if self.batch_size % self.model_devices:
            raise InputError(
                f"model_devices: {self.model_devices} cannot share the "
                f"{self.batch_size} sequences of a step evenly; give a divisor of "
                "--batch-size"
            )


def network_config(
    e: NetworkFamily, size: str, vocabulary: int, block: int
) -> NetworkConfig:
    """The network of a size that an experiment asks for.

    Args:
      e: the experiment.
      size: its name, or layers x width x heads.
      vocabulary: number of tokens.
      block: tokens of a sequence.

    Raises:
      InputError: if there is no such size.
    """
    return NetworkConfig(
        vocabulary=vocabulary,
        block=block,
        size=size_of(size),
        positions=e.positions,
        tied=not e.untied,
        dropout=e.dropout,
        activation=e.activation,
        embedding=e.embedding,
        attention=e.attention,
        mlp=e.mlp,
        layer_groups=e.layer_groups,
    )
