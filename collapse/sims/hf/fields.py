"""The fields of an experiment with a pretrained causal language model."""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from collapse.experiment.fields import Bounds, Count, Only, OnlyIfSet, Share, Shown
from collapse.experiment.text.family import TextFamily
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity

EDGES = tuple(1000 ** (i / 60) for i in range(61))  # of perplexities of rows
LINES = (".jsonl", ".ndjson")
HISTOGRAM = "first_token_histogram"


@dataclasses.dataclass(frozen=True)
class HfFields(TextFamily):
    """The fields of every family and those of a pretrained language model."""

    in_studies: ClassVar[bool] = False  # which have a field `model` of their own
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers", "peft")
    catalogue = {**catalogue.TOKENS, **catalogue.TEXT}

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 5
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: Annotated[
        tuple[Count, ...], Shown("2048, or all training ones where there are fewer")
    ] = ()
    """Rows n that a generation generates: blocks of text, or responses."""
    model: Annotated[str, Shown("none")] = ""
    """Folder of a causal language model and its tokenizer, as save_pretrained writes
    it, or its name on the hub where there is a network."""
    data: str = "shakespeare"
    """Text: 'shakespeare', a UTF-8 file, or a folder of .txt and .md files; or a .jsonl
    file of instructions and responses (or a folder with train.jsonl and
    validation.jsonl). Files may be packed as .gz."""
    learn: Literal["auto", "text", "responses"] = "auto"
    """Blocks of running text, or responses to prompts, on which alone the loss is then
    taken. auto: responses of .jsonl files, text of all others."""
    field: Annotated[str, OnlyIfSet()] = "text"
    """With --learn text, of .jsonl files: field of each record that holds its text."""
    prompt_field: str = "prompt"
    """Field of each record that holds the instruction."""
    response_field: str = "response"
    """Field of each record that holds the response."""
    template: str = "{prompt}\n\n"
    """What a response follows, with {prompt} for the instruction; chat for the chat
    template of the tokenizer."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type of what the lab computes; float32 only."""
    block: Annotated[int, Bounds(4, 10**6)] = 64
    """Of text: tokens of a row. Each real block is continued by as many tokens."""
    length: Annotated[int, Bounds(8, 10**6)] = 512
    """Of responses: tokens of a row at most, prompt and end token included; what is
    longer is cut off."""
    lora_rank: Annotated[int, Bounds(0, 10**4)] = 0
    """Rank of low-rank adapters on all linear layers (needs peft), which are trained in
    place of the weights; 0 trains all weights."""
    lora_alpha: Annotated[float, Bounds(0, 10**6), Only("lora_rank")] = 16.0
    """Scale of the adapters, which is divided by their rank."""
    start: Literal["base", "previous"] = "base"
    """Weights that training starts from: the model's, or the previous generation's."""
    keep: Literal["last", "best"] = "last"
    """Weights kept: the last, or those of the pass with the lowest validation loss."""
    epochs: Annotated[float, Bounds(0, 10**4), Only("steps", (0,))] = 1.0
    """Passes over the training rows, so that more data get more steps; without --steps
    only."""
    steps: Annotated[int, Bounds(0, 10**7)] = 0
    """Optimiser steps instead of epochs, whatever the amount of data; 0 for epochs."""
    batch_size: Annotated[int, Bounds(1, 10**5)] = 8
    """Rows that are in memory at once in training."""
    accumulation: Annotated[int, Bounds(1, 10**5)] = 1
    """Batches whose gradient makes one step."""
    learning_rate: Annotated[float, Bounds(0, 10, above=True)] = 2e-5
    """Maximum, after a linear rise."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """The learning rate after its rise."""
    last_rate: Annotated[Share, Only("schedule", ("linear", "cosine"))] = 0.0
    """With --schedule linear or cosine: the last learning rate over the maximum."""
    warm_up: Share = 0.05
    """Share of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Bounds(0, 10)] = 0.0
    """Weight decay of AdamW, for matrices."""
    clip: Annotated[float, Bounds(0)] = 1.0
    """Largest norm of a gradient; 0 for any."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of products: with bfloat16 mixed precision, weights stay in float32."""
    gradient_checkpointing: Annotated[bool, OnlyIfSet()] = False
    """Compute activations twice in training, which takes less memory and more time."""
    device: Annotated[str, OnlyIfSet()] = "auto"
    """Device of torch, such as cpu, cuda or cuda:1; auto for a GPU if there is one;
    split to spread the layers over all GPUs (needs accelerate)."""
    new_tokens: Annotated[int, Bounds(0, 10**6), OnlyIfSet()] = 0
    """Of responses: tokens that are generated at most; 0 for what --length leaves."""
    generation_batch: Annotated[int, Bounds(1, 10**5)] = 32
    """Rows that are generated, or measured, at once."""

    @property
    def of_responses(self) -> bool:
        """Whether responses are learned, not running text."""
        if self.learn != "auto":
            return self.learn == "responses"
        folder = Path(self.data)
        names = [self.data, *(p.name for p in folder.glob("train.*"))]
        return any(name.lower().removesuffix(".gz").endswith(LINES) for name in names)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric, also of the histogram of perplexities."""
        if metric == HISTOGRAM:
            return Quantity("generation 0's perplexity on the text", "share of rows")
        return self.catalogue.get(metric)

    def more_dims(self, name: str) -> dict[str, Sequence[float]]:
        """The middles of the histogram's bins, perplexities on a log scale."""
        if name != HISTOGRAM:
            return {}
        return {"row_perplexity": [math.sqrt(a * b) for a, b in pairwise(EDGES)]}

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics of training."""
        return ("fit_loss", "fit_steps", "fit_kept", "fit_tokens")
