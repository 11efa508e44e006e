"""The fields of an experiment with language models."""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from collapse.data.byte_pairs import MOST
from collapse.experiment.fields import Bounds, Count, Only, OnlyIfSet, Shown
from collapse.experiment.text.network import NetworkFamily
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity

EDGES = tuple(100 ** (i / 40) for i in range(41))  # of perplexities of sequences
# of byte pairs: up to more than any vocabulary has, which a uniform model would reach
EDGES_OF_PAIRS = tuple(10 ** (5 * i / 40) for i in range(41))
HISTOGRAM = "first_histogram"
# Lower ones generate the most likely characters, as 0 does: logits that differ by a
# hundred-thousandth of a nat are then e^10 apart.
LEAST_TEMPERATURE = 1e-6


@dataclasses.dataclass(frozen=True)
class CharlmFields(NetworkFamily):
    """The fields of every family and those of a language model."""

    catalogue = {
        **catalogue.LANGUAGE,
        **catalogue.TEXT,
        catalogue.EXCESS_LOSS: catalogue.BEYOND_FIRST,
    }

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 3
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: Annotated[
        tuple[Count, ...], Shown("2048, or all training ones where there are fewer")
    ] = ()
    """Sequences n that a generation generates."""
    data: str = "shakespeare"
    """Text: 'shakespeare', a UTF-8 file, or a folder, whose .txt and .md files are all
    read, also those in its folders. Files may be .jsonl, or packed as .gz."""
    field: Annotated[str, OnlyIfSet()] = "text"
    """Of files of JSON lines (.jsonl): field of each record that holds its text."""
    unknown: Annotated[Literal["error", "replace"], OnlyIfSet()] = "error"
    """Held-out characters that the training part lacks: refuse them, or replace them by
    an unknown token, which is measured like any other."""
    characters: Annotated[
        int, Bounds(1000, or_zero=True), Shown("all"), OnlyIfSet()
    ] = 0
    """Characters of a text that are used, from the beginning of each part; 0 for all
    (with --quick: enough for its sequences)."""
    tokens: Annotated[Literal["characters", "byte_pairs"], OnlyIfSet()] = "characters"
    """What a model predicts one after the other: characters, or strings of characters
    that the training part often has (byte-pair encoding; needs the extra 'tokens')."""
    vocabulary: Annotated[
        int, Bounds(2, MOST), Only("tokens", ("byte_pairs",)), OnlyIfSet()
    ] = 512
    """Number of byte-pair tokens; above that of the text's distinct characters."""
    block: Annotated[int, Bounds(8, 4096)] = 128
    """Tokens (characters by default) of a sequence, and of the network's attention
    window."""
    keep: Literal["last", "best"] = "last"
    """Weights kept: the last, or those of the lowest validation loss."""
    pretrain: Annotated[str, Shown("none")] = ""
    """Text (as --data) to pretrain on; every generation is then fine-tuned."""
    pretrain_steps: Annotated[int, Bounds(1, 10**6), Only("pretrain")] = 1000
    """With --pretrain: optimiser steps of the pretraining."""
    prompts: bool = False
    """Continue blocks of the real training text instead of starting from nothing."""
    temperature: tuple[Annotated[float, Bounds(0, 1000)], ...] = (1.0,)
    """Divides the logits in generation; 0, or below 1e-6, takes the most likely token,
    which needs --prompts. Not with --beams."""
    beams: Annotated[int, Bounds(1, 100)] = 1
    """Above 1: generate by beam search, which needs --prompts."""

    def how(self) -> tuple[Literal["error", "replace"], str, int]:
        """How texts are read, as `texts.load_text` takes it."""
        return self.unknown, self.field, self.characters

    @property
    def size_of_pairs(self) -> int:
        """Number of byte-pair tokens; 0 where tokens are characters."""
        return self.vocabulary if self.tokens == "byte_pairs" else 0

    def row_words(self) -> str:
        """What a row is, in words, for messages."""
        return f"rows of {self.block} {self.unit}"

    @property
    def unit(self) -> str:
        """What tokens are, in words."""
        return "byte-pair tokens" if self.size_of_pairs else "characters"

    @property
    def edges(self) -> tuple[float, ...]:
        """Edges of the bins of the histogram of perplexities."""
        return EDGES_OF_PAIRS if self.size_of_pairs else EDGES

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; the excess loss, which studies need, if named."""
        found = super().measured()
        if self.metrics:
            return found
        return tuple(name for name in found if name != catalogue.EXCESS_LOSS)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric, also of the histogram of perplexities.

        Perplexities are of a token, losses in bits always of a character.
        """
        if metric == HISTOGRAM:
            return Quantity("generation 0's perplexity on the text", "share of rows")
        found = self.catalogue.get(metric)
        if found and self.size_of_pairs and found.unit == catalogue.A_CHARACTER:
            return found._replace(unit="a byte-pair token")
        return found

    def more_dims(self, name: str) -> dict[str, Sequence[float]]:
        """The middles of the histogram's bins, perplexities on a log scale."""
        if name != HISTOGRAM:
            return {}
        return {"row_perplexity": [math.sqrt(a * b) for a, b in pairwise(self.edges)]}
