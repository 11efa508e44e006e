"""What an experiment with regular and irregular small models may ask for."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.data.tables import Options
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Only, Positive
from collapse.measures import catalogue

Case = Literal["regular", "uniform", "spiky", "flawed", "selected", "at_random"]
_FLAWED = Only("case", ("flawed",))
_SELECTED = Only("case", ("selected", "at_random"))
_Inside = Annotated[float, Bounds(0.001, 0.999)]


@dataclasses.dataclass(frozen=True)
class Irregular(Family):
    """The fields of every family, and what is wrong with the models."""

    name: ClassVar[str] = "irregular"
    description: ClassVar[str] = (
        "Small models, of which one thing is wrong: is accumulating data safe?"
    )
    panels: ClassVar[tuple[str, ...]] = ("failed", "mean_error", "variance_ratio")
    table: ClassVar[tuple[str, ...]] = panels
    catalogue = catalogue.IRREGULAR
    location_error: ClassVar[str] = "mean_error"
    reads_tables: ClassVar[bool] = False

    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 200
    """Independent repetitions."""
    case: tuple[Case, ...] = (
        "regular",
        "uniform",
        "spiky",
        "flawed",
        "selected",
        "at_random",
    )
    """regular: a Gaussian, fitted by maximum likelihood. uniform: a uniform law on
    [0, theta], fitted by its largest row. spiky: a mean whose wrong fits generate rows
    that a model may copy. flawed: the Gaussian, with a flaw in every row that it
    generates. selected: the Gaussian, of whose generated rows only the nearest to a
    target are kept. at_random: as many are kept, at random."""
    shift: Annotated[float, Bounds(-1e6, 1e6), _FLAWED] = 0.2
    """Added to every generated row, in true standard deviations."""
    kept_variance: Annotated[Positive, _FLAWED] = 1.0
    """Variance of generated rows, as a multiple of the model's."""
    keep: Annotated[_Inside, _SELECTED] = 0.5
    """Share of generated rows that are kept."""
    target: Annotated[float, Bounds(-10, 10), Only("case", ("selected",))] = 1.0
    """What kept rows are near to, in true standard deviations from the true mean."""
    dimension: Annotated[int, Bounds(1, 100), Only("case", ("spiky",))] = 20
    """Coordinates of a mean with spikes."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; cases share seeds."""
        return ("case", "samples_per_generation")

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered: no data are read."""
        return ("data", *Options._fields)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; the log-loss of a uniform law is always infinite."""
        finite = "uniform" not in self.case
        return tuple(m for m in self.catalogue if finite or m != "test_error")

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit: two have a variance."""
        return 2

    def of_one_row(self) -> str:
        """That a single row has no variance."""
        return "has no variance"

    def studied(self) -> Self:
        """With the regular case, since a study takes one."""
        return dataclasses.replace(self, case=("regular",))

    def resolved(self, rows: int, dimension: int) -> Self:
        """With a sample size; its dimension is that of means with spikes alone."""
        del dimension
        return super().resolved(rows, 0)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        if self.data:
            raise InputError("data: the data distributions are known; leave it out")
        super().check()
        if min(self.samples_per_generation) < self.least_rows():
            raise InputError(
                "samples_per_generation: 1 has no variance; give 2 or more"
            )

    def truth_words(self) -> str:
        """The data distributions, for captions."""
        uniform = "uniform" in self.case
        others = self.case != ("uniform",)
        words = ["the standard normal"] * others + ["a uniform law on [0, 1]"] * uniform
        return " or ".join(words)

    def caption_words(self) -> list[str]:
        """Phrases on flaws and selection, for captions."""
        words = []
        if "spiky" in self.case:
            words.append(f"spiky: {self.dimension} coordinates")
        if "flawed" in self.case:
            kept = f", {self.kept_variance:g} of the variance"
            lost = kept if self.kept_variance != 1 else ""
            words.append(f"flawed: rows shifted by {self.shift:g}{lost}")
        if "selected" in self.case:
            nearest = f"the {100 * self.keep:g} % of rows nearest to {self.target:g}"
            words.append(f"selected: {nearest}")
        return words

    def caption(self) -> str:
        """The caption, with what a failed run is."""
        words = super().caption()
        return (
            f"{words} A run has failed if its mean is off by more than half a true "
            "standard deviation, or its standard deviation by more than a factor of 2. "
            "Dashed: theory; that of selected rows is of infinitely many."
        )

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """One figure: a column for each case, a mean over seeds."""
        shown = {"statistic": "mean", "band": "mean", "x_scale": "log"}
        columns = {"columns": "case"} if len(self.case) > 1 else {}
        return (shown | columns,)
