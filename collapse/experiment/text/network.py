"""A family of transformers: the fields of networks and their training."""

import dataclasses
from typing import Annotated, ClassVar, Literal

from collapse.data.errors import InputError
from collapse.experiment.base import spelled
from collapse.experiment.fields import Bounds, Only, OnlyIfSet, Share
from collapse.experiment.text.family import TextFamily


@dataclasses.dataclass(frozen=True)
class NetworkFamily(TextFamily):
    """The fields of text that a model generates, and those of a transformer."""

    group: ClassVar[str] = "network"

    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type; networks run in float32 only."""
    size: tuple[Literal["nano", "micro", "mini"], ...] = ("nano",)
    """Network of 0.1, 0.8 or 3 million weights."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Positional encoding; learned ones do not go with --prompts."""
    untied: bool = False
    """Use an output matrix of its own, not the embedding matrix."""
    activation: Literal["squared_relu", "gelu"] = "squared_relu"
    """Activation function of the MLPs."""
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

    def check_network(self) -> None:
        """Raise InputError for settings of the network that contradict each other."""
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
