"""A family that learns text: the fields of decoding, sizes, and checks."""

import dataclasses
from typing import Annotated, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment import snapshots
from collapse.experiment.base import spelled
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds
from collapse.measures.catalogue import OF_WORDS


@dataclasses.dataclass(frozen=True)
class TextFamily(Family):
    """The fields of every family, and those of text that a model generates."""

    group: ClassVar[str] = "generation"
    quick_generations: ClassVar[int] = 2
    bias_of: ClassVar[str] = "temperature"
    reads_tables: ClassVar[bool] = False
    usual_monitor: ClassVar[str] = "loss"
    monitors_in_units: ClassVar[tuple[str, ...]] = ()
    monitor_times: ClassVar[int] = 1  # it takes as long as a generation

    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 2
    """Independent repetitions."""
    temperature: tuple[Annotated[float, Bounds(0, 1000)], ...] = (1.0,)
    """Divides the logits in generation; 0 takes the most likely token. Not with
    --beams."""
    top_k: Annotated[int, Bounds(0, 10**6)] = 0
    """Sample from the k most likely tokens; 0 for all. Not with --beams."""
    top_p: Annotated[float, Bounds(0, 1, above=True)] = 1.0
    """Sample from the most likely tokens that reach this probability. Not with
    --beams."""
    repetition_penalty: tuple[Annotated[float, Bounds(1, 1000)], ...] = (1.0,)
    """Lowers logits of tokens that are in the prompt or the text already; 1 for
    none."""
    beams: Annotated[int, Bounds(1, 100)] = 1
    """Above 1: generate by beam search."""
    measured_rows: Annotated[int, Bounds(8, 10**5)] = 256
    """Generated rows that are measured, and real rows tested on."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        return ("samples_per_generation", "temperature", "repetition_penalty")

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered."""
        return (*super().hidden(), "models", "private_rows")

    def alone_because(self) -> str:
        """That the text of one model is measured."""
        return f"{self.name} measures the text of one model; leave it out"

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; of a text written without spaces, none of words."""
        found = super().measured()
        if self.metrics or not self.load().wordless:
            return found
        return tuple(name for name in found if name not in OF_WORDS)

    def decoding_words(self) -> list[str]:
        """Phrases on how text is generated, for captions."""
        chosen = f"temperature {spelled(self.temperature)}"
        phrases = [f"{self.beams} beams" if self.beams > 1 else chosen]
        cuts = {"top_k": self.top_k, "top_p": self.top_p % 1}
        phrases += [
            f"{name} {getattr(self, name):g}" for name, own in cuts.items() if own
        ]
        if self.repetition_penalty != (1.0,):
            phrases.append(f"repetition penalty {spelled(self.repetition_penalty)}")
        return phrases

    def row_words(self) -> str:
        """What a row is, in words, for messages."""
        return "rows"

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with its numbers of rows, at most all there are."""
        del dimension
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation or (min(2048, rows),),
            measured_rows=min(self.measured_rows, max(rows, 8)),
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        kept = "texts of all generations are kept in texts/; drop it"
        snapshots.refuse(self, kept)
        super().check()

    def check_decoding(self, certain: bool) -> None:
        """Raise InputError for settings of decoding that are repeated or contradict.

        Args:
          certain: whether a model generates the same text each time.
        """
        again = ("replace_multiple", "replace_growing")
        names = [spec.name for spec in self.workflow_specs() if spec.name in again]
        if certain and names:
            raise InputError(
                f"workflows: {names[0]} would generate the same rows again and again "
                "with beams or temperature 0; drop it"
            )
        cut = self.top_k or self.top_p < 1
        if self.beams > 1 and (self.temperature != (1.0,) or cut):
            raise InputError(
                "beams: beam search takes the most likely text, whatever temperature, "
                "top_k and top_p; drop these"
            )

    def check_data(self, data: Any) -> None:
        """Raise InputError if more is asked for than the text has."""
        of_words = [name for name in self.metrics if name in OF_WORDS]
        if data.wordless and of_words:
            raise InputError(
                f"metrics: {of_words[0]} is of words, but of {self.data} "
                f"{data.wordless}; give --metrics without it"
            )
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} {self.row_words()} are needed but "
                f"{self.data} has {rows} to train on; give at most {rows}"
            )
