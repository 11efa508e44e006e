"""What an experiment with character-level language models may ask for."""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

from collapse.experiment.spec import Experiment, InputError, capped
from collapse.measures.text import DESCRIPTIONS as TEXT_DESCRIPTIONS

EDGES = tuple(100 ** (i / 40) for i in range(41))  # of perplexities of sequences
HISTOGRAM = "first_histogram"
QUANTILES = (5, 50, 95, 99)  # of generation 0's perplexity on the text of others
LOSSES = {
    "bits_per_character": ("loss on held-out text", "bits a character"),
    "perplexity": ("perplexity on held-out text", "a character"),
    "rare_bits_per_character": ("loss after rare contexts", "bits a character"),
    "rare_perplexity": ("perplexity after rare contexts", "a character"),
    "self_perplexity": ("perplexity on the model's own text", "a character"),
    "first_perplexity": ("generation 0's perplexity on the text", "a character"),
} | {
    f"first_perplexity_q{q:02d}": (
        f"generation 0's perplexity, {q} % of rows below",
        "a character",
    )
    for q in QUANTILES
}
METRICS = (*LOSSES, *TEXT_DESCRIPTIONS)
_QUICK_ROWS, _QUICK_STEPS = 64, 10


@dataclasses.dataclass(frozen=True)
class CharlmExperiment(Experiment):
    """The fields of every experiment and those of a language model."""

    quick_generations: ClassVar[int] = 2
    num_generations: int = 5
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: tuple[int, ...] = ()
    """Sequences that a generation generates; 2048, or all real ones, if not given."""
    num_seeds: int = 2
    """Independent repetitions."""
    data: str = "shakespeare"
    """Text: 'shakespeare', a UTF-8 file, or a folder of .txt files."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type; networks run in float32."""
    size: Literal["nano", "micro", "mini"] = "nano"
    """Network of 0.1, 0.8 or 3 million weights."""
    block: int = 128
    """Characters of a sequence, and of the network's attention window."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Positional encoding: rotary or learned."""
    untied: bool = False
    """Use an output matrix of its own, not the embedding matrix."""
    activation: Literal["squared_relu", "gelu"] = "squared_relu"
    """Activation function of the MLPs."""
    dropout: float = 0.0
    """Dropout rate in training."""
    epochs: float = 2.0
    """Passes over the training data, so that more data get more steps."""
    steps: int = 0
    """Optimiser steps instead of epochs, whatever the amount of data; 0 for epochs."""
    batch_size: int = 8
    """Sequences of a step."""
    learning_rate: float = 3e-3
    """Maximum, after a linear rise; then half a cosine down to a tenth."""
    warm_up: float = 0.1
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = 0.1
    """Weight decay of AdamW, for matrices."""
    keep: Literal["last", "best"] = "last"
    """Weights kept: the last, or those of the lowest validation loss."""
    start: Literal["scratch", "previous"] = "scratch"
    """Weights that training starts from: new, or the previous generation's."""
    pretrain: str = ""
    """Text (as --data) to pretrain on; every generation is then fine-tuned."""
    pretrain_steps: int = 1000
    """Optimiser steps of the pretraining."""
    prompts: bool = False
    """Continue blocks of the real training text instead of starting from nothing."""
    temperature: tuple[float, ...] = (1.0,)
    """Divides the logits in generation; 0 takes the most likely character."""
    top_k: int = 0
    """Sample from the k most likely characters; 0 for all."""
    top_p: float = 1.0
    """Sample from the most likely characters that reach this probability."""
    repetition_penalty: tuple[float, ...] = (1.0,)
    """Lowers logits of characters that are in the sequence already; 1 for none."""
    beams: int = 1
    """Above 1: generate by beam search, which needs --prompts."""
    measured_rows: int = 256
    """Generated sequences that are measured, and real sequences tested on."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        return ("samples_per_generation", "temperature", "repetition_penalty")

    def describe(self, metric: str) -> tuple[str, str] | None:
        """Long name and unit of a metric."""
        if metric == HISTOGRAM:
            return "generation 0's perplexity on what is written", "share of rows"
        found = LOSSES.get(metric) or TEXT_DESCRIPTIONS.get(metric)
        return (found[0], found[1]) if found else None

    def more_dims(self, name: str) -> dict[str, Sequence[float]]:
        """Perplexities at the middles of the histogram's bins, on a log scale."""
        if name != HISTOGRAM:
            return {}
        return {"row_perplexity": [math.sqrt(a * b) for a, b in pairwise(EDGES)]}

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics of training."""
        return ("fit_loss", "fit_steps", "fit_kept")

    def known_metrics(self) -> tuple[str, ...]:
        """Names of all metrics."""
        return METRICS

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with numbers of sequences filled in, at most all there are."""
        del dimension
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation or (min(2048, rows),),
            measured_rows=min(self.measured_rows, max(rows, 8)),
        )

    def quick(self) -> Self:
        """The experiment with few sequences and steps, which learns next to nothing."""
        few = min(self.measured_rows, _QUICK_ROWS)
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            samples_per_generation=capped(self.samples_per_generation, _QUICK_ROWS),
            size="nano",
            steps=min(self.steps, _QUICK_STEPS),
            epochs=min(self.epochs, 2.0),
            batch_size=min(self.batch_size, 8),
            beams=min(self.beams, 5),
            pretrain_steps=min(self.pretrain_steps, _QUICK_STEPS),
            measured_rows=few,
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if not self.data:
            raise InputError("data: empty; give shakespeare, a file or a folder")
        if self.precision != "float32":
            raise InputError("precision: networks run in float32; drop --precision")
        if self.snapshots:
            raise InputError(
                "snapshots: texts of all generations are kept in texts/; drop it"
            )
        for field, smallest in (("steps", 0), ("pretrain_steps", 1)):
            _number(self, field, smallest, 10**6)
        for field, low, high in _RANGES:
            _number(self, field, low, high)
        for field in ("temperature", "repetition_penalty"):
            if not getattr(self, field):
                raise InputError(f"{field}: empty; give at least one value")
            for value in getattr(self, field):
                _number(self, field, 0 if field == "temperature" else 1, 1000, value)
        if self.top_p <= 0:
            raise InputError("top_p: 0 leaves no character; give a number in (0, 1]")
        if not self.steps and self.epochs <= 0:
            raise InputError("epochs: 0 trains nothing; give more, or --steps")
        if self.learning_rate <= 0:
            raise InputError("learning_rate: 0 learns nothing; give a positive number")
        if self.prompts and self.positions == "learned":
            raise InputError(
                "prompts: learned positions end with a block; use positions = rotary"
            )
        if self.beams > 1 and not self.prompts:
            raise InputError(
                "beams: without prompts all rows would be alike; add --prompts"
            )
        certain = self.beams > 1 or 0 in self.temperature
        if certain and "replace_multiple" in self.workflows:
            raise InputError(
                "workflows: replace_multiple would generate the same rows again and "
                "again with beams or temperature 0; drop it"
            )
        cut = self.top_k or self.top_p < 1
        if self.beams > 1 and (self.temperature != (1.0,) or cut):
            raise InputError(
                "beams: beam search takes the most likely text, whatever temperature, "
                "top_k and top_p; drop these"
            )
        if 0 in self.temperature and not self.prompts:
            raise InputError(
                "temperature: at 0 all rows would be alike without prompts; add "
                "--prompts or give a temperature above 0"
            )

    def check_data(self, data: Any) -> None:
        """Raise InputError if more rows are asked for than there are."""
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} rows of {self.block} characters are "
                f"needed but {self.data} has {rows} to train on; give at most {rows}"
            )


_RANGES = (
    ("block", 1, 4096),
    ("batch_size", 1, 4096),
    ("beams", 1, 100),
    ("measured_rows", 8, 10**5),
    ("dropout", 0, 0.9),
    ("epochs", 0, 10**4),
    ("learning_rate", 0, 10),
    ("warm_up", 0, 1),
    ("weight_decay", 0, 10),
    ("top_k", 0, 10**6),
    ("top_p", 0, 1),
)


def _number(
    experiment: CharlmExperiment, field: str, low: float, high: float, value: Any = None
) -> None:
    """Raise InputError unless the value is in [low, high]; NaN is not."""
    value = getattr(experiment, field) if value is None else value
    if not low <= value <= high:
        raise InputError(f"{field}: {value:g}; give {low:g} to {high:g}")
