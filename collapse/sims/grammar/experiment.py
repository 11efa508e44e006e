"""What an experiment with grammars may ask for."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.data.grammars import WrittenGrammar, load_grammar
from collapse.experiment.base import spelled
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Count, Only, Shown
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity
from collapse.sims.grammar import sentences

OF_PAIRS = ("pairs_right", "pairs_learnable")


@dataclasses.dataclass(frozen=True)
class Grammar(Family):
    """The fields of every family and those of a grammar."""

    name: ClassVar[str] = "grammar"
    description: ClassVar[str] = "A grammar refitted to its own sentences: rules die."
    panels: ClassVar[tuple[str, ...]] = (
        *OF_PAIRS,
        "support",
        "heterozygosity",
    )
    table: ClassVar[tuple[str, ...]] = (*panels, "sentences_left")
    catalogue = catalogue.GRAMMAR
    default_rows: ClassVar[int] = 300
    bias_of: ClassVar[str] = "temperature"
    reads_tables: ClassVar[bool] = False

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 20
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: Annotated[tuple[Count, ...], Shown("300")] = ()
    """Sentences n that a generation generates."""
    data: str = "english"
    """The grammar: 'english', or a UTF-8 file of rules such as
    S -> NP VP [0.7] | VP [0.3], with words in quotes. A line
    %pair NAME: RIGHT / WRONG is a template of minimal pairs."""
    nonterminals: tuple[Literal["fixed", "free"], ...] = ("fixed", "free")
    """fixed: each is used as often as n sentences of the truth do on average, in every
    generation; free: sentences are generated, so that non-terminals die."""
    length: Annotated[int, Bounds(1, 10**6), Only("nonterminals", ("free",))] = 64
    """With --nonterminals free: rules of a sentence; longer derivations are cut off."""
    num_pairs: Annotated[int, Bounds(1, 10**5)] = 40
    """Minimal pairs made of a template, at most."""
    add: Annotated[float, Bounds(0, 10**9)] = 0.0
    """Occurrences added to each rule of the grammar in a fit."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; both designs share seeds."""
        return ("nonterminals", "samples_per_generation")

    def load(self) -> WrittenGrammar:
        """The grammar that `data` names.

        Raises:
          InputError: if it cannot be used.
        """
        if not self.data:
            raise InputError("data: empty; give english or a file")
        return load_grammar(self.data, self.num_pairs)

    def quantity(self, metric: str) -> Quantity | None:
        """Also with data: the truth is known."""
        return self.catalogue.get(metric)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; without minimal pairs, none of them."""
        found = super().measured()
        if self.metrics or self.load().pairs.names:
            return found
        return tuple(name for name in found if name not in OF_PAIRS)

    def derived(self) -> tuple[str, ...]:
        """When the first rule is lost."""
        return ("first_extinction",)

    def derive(self, dataset: Any) -> Any:
        """With each seed's first generation in which some rule has no share."""
        if "support" not in dataset:
            return dataset
        lost = dataset.support < (self.load().train > 0).sum()
        first = lost.argmax("generation").where(
            lost.any("generation"), lost.sizes["generation"]
        )
        first.attrs = {"long_name": "first extinction", "units": "generations"}
        first.attrs["more_than"] = self.num_generations
        return dataset.assign(first_extinction=first)

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write the sentences that snapshots are of."""
        sentences.leave(self, data, traces, folder)

    def of_one_row(self) -> str:
        """That a single sentence leaves its own rules, unless all are smoothed."""
        return "" if self.add else "leaves the rules of one sentence"

    def alone_because(self) -> str:
        """That fixed non-terminals cannot be dealt out to several models."""
        if "fixed" not in self.nonterminals:
            return ""
        return "fixed non-terminals cannot be dealt out; give --nonterminals free"

    def studied(self) -> Self:
        """With sentences that are generated, since a study takes one design."""
        return dataclasses.replace(self, nonterminals=("free",))

    def resolved(self, rows: int, dimension: int) -> Self:
        """With a sample size, whatever the number of non-terminals."""
        return super().resolved(0, dimension)

    def check_data(self, data: WrittenGrammar) -> None:
        """Raise InputError for a measure of minimal pairs that there are not."""
        of_pairs = [name for name in self.metrics if name in OF_PAIRS]
        if of_pairs and not data.pairs.names:
            raise InputError(
                f"metrics: {of_pairs[0]}, but {self.data} has no minimal pairs; add "
                "lines %pair NAME: RIGHT / WRONG"
            )

    def truth_words(self) -> str:
        """The data distribution, for captions."""
        return f"the grammar {self.data}"

    def caption_words(self) -> list[str]:
        """How models are fitted and generate, for captions."""
        design = f"{' and '.join(self.nonterminals)} non-terminals"
        if "free" in self.nonterminals:
            design += f" (sentences of at most {self.length} rules)"
        fit = f"{self.add:g} added to each count" if self.add else "maximum likelihood"
        return [design, fit]

    def caption(self) -> str:
        """The data distribution, sizes, and how models are fitted."""
        sizes = f"n = {spelled(self.samples_per_generation)} sentences"
        phrases = [sizes, *self.caption_words(), self.repetitions()]
        return f"Truth: {self.truth_words()}. {', '.join(phrases)}."
