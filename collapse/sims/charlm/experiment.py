"""Experiments with language models of text: caption, files, checks."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.data.text.blocks import TextRows, fingerprinted, text_rows
from collapse.experiment.base import capped
from collapse.experiment.lazy import load
from collapse.experiment.text import pages
from collapse.sims.charlm import checks, texts
from collapse.sims.charlm.fields import CharlmFields

if TYPE_CHECKING:
    import xarray as xr

_QUICK_ROWS, _QUICK_STEPS, _QUICK_CHARACTERS = 64, 10, 200_000
# Characters that a quick run reads for each byte-pair token of its sequences, more than
# one has on average, and for each of the vocabulary, as its pairs must occur twice.
_A_TOKEN, _A_PAIR = 8, 100


@dataclasses.dataclass(frozen=True)
class Charlm(CharlmFields):
    """A transformer over characters or byte pairs, trained on text of earlier ones."""

    name: ClassVar[str] = "charlm"
    description: ClassVar[str] = (
        "A language model trained on text that earlier ones generated."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "bits_per_character",
        "tail_mass_10pct",
        "word_survival",
    )
    table: ClassVar[tuple[str, ...]] = (*panels, "hallucinated_share")

    def load(self) -> TextRows:
        """The text that `data` names, cut into sequences.

        Raises:
          InputError: if the text, or the one for pretraining, cannot be used.
        """
        if not self.data:
            raise InputError("data: empty; give shakespeare, a file or a folder")
        data = text_rows(self.data, self.block, *self.how(), self.size_of_pairs)
        if not self.pretrain:
            return data
        return fingerprinted(data, self.pretrain, self.unknown, self.field)

    def reads_less(self) -> Self:
        """The experiment on the beginning of its text, enough for all its sequences."""
        rows = max((_QUICK_ROWS, *self.samples_per_generation))
        each = _A_TOKEN if self.size_of_pairs else 1
        enough = max(_QUICK_CHARACTERS, 2 * rows * self.block * each)
        enough = max(enough, _A_PAIR * self.size_of_pairs)
        return dataclasses.replace(self, characters=self.characters or enough)

    # What is shown of it

    def caption_words(self) -> list[str]:
        """Phrases on the network, its training and its decoding, for captions."""
        return texts.settings(self)

    def caption(self) -> str:
        """The caption of the default figure, with the metrics of new real text."""
        return texts.caption(self, self._real_level(), texts.tested(self, self.load()))

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset, with the metrics of new real text, and what n-grams reach."""
        measures, n = load("collapse.sims.charlm.measures"), self.samples_per_generation
        reached = measures.ngram_levels(self.load(), max(n), self.measured_rows)
        told = pages.with_real_level(dataset, self._real_level())
        return texts.with_levels(told, reached)

    def _real_level(self) -> dict[str, float]:
        found: dict[str, float]
        measures = load("collapse.sims.charlm.measures")
        found = measures.real_level(self.load(), self.measured_rows)
        return found

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write all generated text, and a page of continuations of one prompt."""
        texts.leave(self, data, traces, folder)

    # Whether it can be run

    def quick(self) -> Self:
        """A small version with few sequences and steps, in which little is learned."""
        shared = self.model_devices
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            samples_per_generation=capped(self.samples_per_generation, _QUICK_ROWS),
            steps=capped(self.steps, _QUICK_STEPS),
            epochs=capped(self.epochs, 2.0),
            batch_size=min(self.batch_size, shared * max(1, 8 // shared)),
            beams=min(self.beams, 5),
            pretrain_steps=min(self.pretrain_steps, _QUICK_STEPS),
            measured_rows=min(self.measured_rows, _QUICK_ROWS),
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        checks.check(self)
