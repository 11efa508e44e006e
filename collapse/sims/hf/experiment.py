"""Experiments with pretrained language models: data, caption, files, checks."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment.base import capped
from collapse.experiment.lazy import load
from collapse.sims.hf import checks, extra, texts
from collapse.sims.hf.fields import HfFields

if TYPE_CHECKING:
    import xarray as xr

_QUICK_ROWS, _QUICK_STEPS = 16, 4


@dataclasses.dataclass(frozen=True)
class Hf(HfFields):
    """A pretrained language model, fine-tuned on text that earlier ones generated."""

    name: ClassVar[str] = "hf"
    description: ClassVar[str] = (
        "A pretrained language model (Hugging Face), fine-tuned on its own text."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "test_loss",
        "tail_mass_10pct",
        "first_token_perplexity",
    )
    table: ClassVar[tuple[str, ...]] = (*panels, "hallucinated_share")

    def load(self) -> Any:
        """The text that `data` names, as rows of the model's tokens.

        Raises:
          InputError: if a package or the model is missing, or the text cannot be used.
        """
        if not self.data:
            raise InputError("data: empty; give shakespeare, a file or a folder")
        extra.check_folder(self.model)
        extra.check_packages(self.lora_rank > 0, self.device == "split")
        extra.leave_gpu_to_torch()
        load("collapse.sims.hf.network").check(self)
        return load("collapse.sims.hf.data").load(self)

    # What is shown of it

    def caption_words(self) -> list[str]:
        """Phrases on the model, its training and its decoding, for captions."""
        return texts.settings(self)

    def caption(self) -> str:
        """The caption of the default figure, with the metrics of new real text."""
        return texts.caption(self, self._real_level())

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset, with the metrics of new real text and the device of torch."""
        device: str = load("collapse.sims.hf.network").device_words(self.device)
        return texts.with_attributes(dataset, self._real_level(), device)

    def _real_level(self) -> dict[str, float]:
        found: dict[str, float]
        measures = load("collapse.sims.hf.measures")
        found = measures.real_level(self.load(), self.measured_rows, self.model)
        return found

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write all generated text, and a page of continuations of one prompt."""
        tokenizer = load("collapse.sims.hf.data").tokenizer_of(self.model)
        texts.leave(self, data, traces, folder, tokenizer)

    # Whether it can be run

    def quick(self) -> Self:
        """A small version with few rows and steps, in which little is learned."""
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            samples_per_generation=capped(self.samples_per_generation, _QUICK_ROWS),
            steps=min(self.steps, _QUICK_STEPS),
            epochs=min(self.epochs, 1.0),
            batch_size=min(self.batch_size, 8),
            accumulation=min(self.accumulation, 2),
            measured_rows=min(self.measured_rows, _QUICK_ROWS),
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        checks.check(self)
