"""What an experiment with n-grams may ask for."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.data.ngrams import NgramText, load_ngrams
from collapse.experiment.base import spelled
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Only, OnlyIfSet, Shown
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity


@dataclasses.dataclass(frozen=True)
class Ngram(Family):
    """The fields of every family and those of n-gram models."""

    name: ClassVar[str] = "ngram"
    description: ClassVar[str] = "N-grams refitted to their own text: contexts die."
    panels: ClassVar[tuple[str, ...]] = (
        "support",
        "heterozygosity",
        "contexts_left",
        "bits_per_token_floored",
    )
    table: ClassVar[tuple[str, ...]] = panels
    catalogue = catalogue.NGRAMS
    default_rows: ClassVar[int] = 10_000
    usual_monitor: ClassVar[str] = "loss"
    monitors_in_units: ClassVar[tuple[str, ...]] = ()
    bias_of: ClassVar[str] = "temperature"
    reads_tables: ClassVar[bool] = False

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 20
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: Annotated[
        tuple[Annotated[int, Bounds(1, 10**7)], ...], Shown("10000")
    ] = ()
    """N-grams n that a generation generates."""
    data: str = "shakespeare"
    """Text whose n-grams are the truth: 'shakespeare', a UTF-8 file, or a folder, whose
    .txt and .md files are all read. Files may be .jsonl, or packed as .gz."""
    field: Annotated[str, OnlyIfSet()] = "text"
    """Of files of JSON lines (.jsonl): field of each record that holds its text."""
    order: Literal[2, 3] = 3
    """Tokens of an n-gram: 2 for bigrams, 3 for trigrams."""
    tokens: Literal["characters", "words"] = "characters"
    """What a token is."""
    vocabulary_size: Annotated[int, Bounds(1, 10**6), Only("tokens", ("words",))] = 200
    """With --tokens words: words that are told apart, the most frequent; all others are
    one unknown word."""
    contexts: tuple[Literal["fixed", "free"], ...] = ("fixed", "free")
    """fixed: each context is drawn as often as in the real text, in every generation
    (in proportion); free: text is generated token by token, so that contexts die."""
    length: Annotated[int, Bounds(1, 10**6), Only("contexts", ("free",))] = 50
    """With --contexts free: tokens of a sequence, which begins at one of the model's
    contexts."""
    smoothing: Literal["additive", "kneser_ney"] = "additive"
    """How tokens that a context never had get a share."""
    add: Annotated[float, Bounds(0, 10**9), Only("smoothing", ("additive",))] = 0.0
    """With --smoothing additive: occurrences added to each n-gram; 0 for none."""
    discount: Annotated[
        float, Bounds(0, 1, above=True), Only("smoothing", ("kneser_ney",))
    ] = 0.75
    """With --smoothing kneser_ney: taken off the count of each n-gram."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; both designs share seeds."""
        return ("contexts", "samples_per_generation")

    @property
    def smooths(self) -> bool:
        """Whether n-grams that were never seen have a share."""
        return self.smoothing == "kneser_ney" or self.add > 0

    def load(self) -> NgramText:
        """The n-grams of the text that `data` names.

        Raises:
          InputError: if it cannot be used.
        """
        if not self.data:
            raise InputError("data: empty; give shakespeare, a file or a folder")
        how = (self.order, self.tokens, self.vocabulary_size, self.smooths, self.field)
        return load_ngrams(self.data, *how)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; the excess loss, which studies need, if named."""
        return self.metrics or tuple(
            m for m in self.known_metrics() if m != catalogue.EXCESS_LOSS
        )

    def quantity(self, metric: str) -> Quantity | None:
        """Also with data: their distribution is known."""
        return self.catalogue.get(metric)

    def of_one_row(self) -> str:
        """That a single draw leaves one n-gram, unless all are smoothed."""
        return "" if self.smooths else "leaves one n-gram"

    def alone_because(self) -> str:
        """That fixed contexts cannot be dealt out to several models."""
        if "fixed" not in self.contexts:
            return ""
        return "fixed contexts cannot be dealt out; give --contexts free"

    def studied(self) -> Self:
        """With free contexts, since a study takes one design."""
        return dataclasses.replace(self, contexts=("free",))

    def resolved(self, rows: int, dimension: int) -> Self:
        """With a sample size, whatever the number of contexts."""
        return super().resolved(0, dimension)

    def check_data(self, data: Any) -> None:
        """Nothing: n-grams are drawn from their shares."""

    def truth_words(self) -> str:
        """The data distribution, for captions."""
        return f"the n-grams of {self.data}"

    def caption_words(self) -> list[str]:
        """How models are fitted and generate, for captions."""
        what = {2: "bigrams", 3: "trigrams"}[self.order]
        of = {"characters": "", "words": f"the {self.vocabulary_size} most frequent "}
        contexts = f"{' and '.join(self.contexts)} contexts"
        if "free" in self.contexts:
            contexts += f" (in sequences of {self.length} tokens)"
        fit = f"{self.add:g} added to each count" if self.add else "maximum likelihood"
        if self.smoothing == "kneser_ney":
            fit = f"Kneser-Ney smoothing, discount {self.discount:g}"
        return [f"{what} of {of[self.tokens]}{self.tokens}", contexts, fit]

    def caption(self) -> str:
        """The data distribution, sizes, and how models are fitted."""
        sizes = f"n = {spelled(self.samples_per_generation)} n-grams"
        phrases = [sizes, *self.caption_words(), self.repetitions()]
        return f"Truth: {self.truth_words()}. {', '.join(phrases)}."
