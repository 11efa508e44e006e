"""What an experiment with unigrams may ask for."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np

from collapse.data.errors import InputError
from collapse.data.words import WordLaw, load_words
from collapse.experiment import several_models
from collapse.experiment.base import spelled
from collapse.experiment.condition import Condition
from collapse.experiment.family import Family
from collapse.experiment.fields import (
    Bounds,
    NonNegative,
    Only,
    OnlyIfSet,
    Positive,
    Shown,
)
from collapse.experiment.lazy import load
from collapse.experiment.row_knowledge import OF_SYMBOLS
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity

if TYPE_CHECKING:
    import xarray as xr

# of all models together; a mass is the mean over models
_OF_ALL = ("heterozygosity", "support", "entropy", "total_variation")
_THEORY = "collapse.sims.discrete.theory"
WITHOUT_DATA, OF_ZIPF = Only("data", ("",)), Only("law", ("zipf",))


@dataclasses.dataclass(frozen=True)
class Discrete(Family):
    """The fields of every family and those of the unigram."""

    name: ClassVar[str] = "discrete"
    description: ClassVar[str] = "Unigrams refitted to their own text: words die out."
    panels: ClassVar[tuple[str, ...]] = (
        "heterozygosity",
        "support",
        "tail_mass_10pct",
        "tail_mass_10pct_outcome",
    )
    table: ClassVar[tuple[str, ...]] = (*panels[:3], "first_extinction")
    catalogue = {
        **catalogue.SYMBOLS,
        "share_error": catalogue.SHARE_ERROR,
        **catalogue.pooled({name: catalogue.SYMBOLS[name] for name in _OF_ALL}),
    }
    location_error: ClassVar[str] = "share_error"
    default_rows: ClassVar[int] = 1000
    bias_of: ClassVar[str] = "temperature"
    reads_tables: ClassVar[bool] = False

    data: Annotated[str, Shown("none")] = ""
    """Text whose words are the symbols: 'shakespeare', a UTF-8 file, or a folder, whose
    .txt and .md files are all read. Files may be .jsonl, or packed as .gz."""
    field: Annotated[str, Only("data"), OnlyIfSet()] = "text"
    """Of files of JSON lines (.jsonl): field of each record that holds its text."""
    law: Annotated[Literal["zipf", "uniform"], WITHOUT_DATA] = "zipf"
    """True shares of symbols without data: a power of the rank i, or all alike."""
    num_symbols: Annotated[int, Bounds(2, 10**6), WITHOUT_DATA] = 1000
    """Symbols M without data."""
    exponent: Annotated[NonNegative, OF_ZIPF, WITHOUT_DATA] = 1.0
    """Of --law zipf: shares in proportion to (i + offset)^-exponent."""
    offset: Annotated[NonNegative, OF_ZIPF, WITHOUT_DATA] = 0.0
    """Of --law zipf."""
    smoothing: Annotated[float, Bounds(0, 10**9)] = 0.0
    """Occurrences added to each symbol in a fit."""
    temperature: Positive = 1.0
    """Models generate in proportion to share^(1 / temperature)."""

    def load(self) -> WordLaw | None:
        """The words of the text that `data` names; None without."""
        return load_words(self.data, self.field) if self.data else None

    def theory_of_several(self, condition: Condition[Any]) -> Mapping[str, np.ndarray]:
        """Heterozygosity of several models, and of all of them together."""
        found: Mapping[str, np.ndarray] = load(_THEORY).of_several(condition)
        return found

    def shares(self) -> np.ndarray:
        """True shares [M], falling."""
        if (words := self.load()) is not None:
            return words.train[:, 0]
        rank = np.arange(1.0, self.num_symbols + 1)
        own = (
            (rank + self.offset) ** -self.exponent
            if self.law == "zipf"
            else np.ones_like(rank)
        )
        return own / own.sum()

    def quantity(self, metric: str) -> Quantity | None:
        """Also with data: their distribution is known."""
        return self.catalogue.get(metric)

    def knows_of_rows(self) -> tuple[str, ...]:
        """What single symbols allow, which are in no order but that of their shares."""
        return OF_SYMBOLS

    def of_one_row(self) -> str:
        """That a single draw leaves one symbol, unless all are smoothed."""
        return "" if self.smoothing else "leaves one symbol"

    def derived(self) -> tuple[str, ...]:
        """When the first symbol is lost."""
        return ("first_extinction",)

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """With each seed's first generation in which some symbol has no share."""
        # of several models, all together: some symbol is always missing in one of them
        together = several_models.are_asked(self)
        name = "pooled_support" if together else "support"
        if name not in dataset:
            return dataset
        lost = dataset[name] < len(self.shares())
        never = lost.sizes["generation"]
        first = lost.argmax("generation").where(lost.any("generation"), never)
        first.attrs = {"long_name": "first extinction", "units": "generations"}
        first.attrs["more_than"] = self.num_generations
        return dataset.assign(first_extinction=first)

    def resolved(self, rows: int, dimension: int) -> Self:
        """With a sample size, whatever the number of words."""
        return super().resolved(0, dimension)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if self.data or self.law != "zipf":
            return
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            shares = self.shares()
        if not 1 - shares @ shares > 0:  # not for NaN either
            where = f"exponent {self.exponent:g} and offset {self.offset:g}"
            raise InputError(
                f"exponent: with {where} rounding leaves fewer than two symbols; give "
                "a smaller one"
            )

    def check_data(self, data: Any) -> None:
        """Nothing: words are drawn from their shares."""

    def truth_words(self) -> str:
        """The data distribution, for captions."""
        law = f"{self.num_symbols} symbols, {self.law}"
        if self.law == "zipf":
            law += f", exponent {self.exponent:g}, offset {self.offset:g}"
        return f"the words of {self.data}" if self.data else law

    def caption_words(self) -> list[str]:
        """How models are fitted and generate, for captions."""
        fit, drawn = f"{self.smoothing:g}", f"{self.temperature:g}"
        return [f"smoothing {fit}", f"temperature {drawn}"]

    def caption(self) -> str:
        """The data distribution, sizes, and how models generate."""
        phrases = [f"n = {spelled(self.samples_per_generation)}", *self.caption_words()]
        return (
            f"Truth: {self.truth_words()}. {', '.join([*phrases, self.repetitions()])}."
        )
