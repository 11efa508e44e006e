"""Experiments with Gaussian mixtures: fields, metrics, captions, checks."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np

from collapse.data.errors import InputError
from collapse.data.mixtures import TRUTHS
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Count, NonNegative, Only
from collapse.experiment.row_knowledge import OF_POINTS
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity

# of all mixtures together; what is linear in a density is the mean over models
_OF_ALL = ("test_error", "variance_ratio", "mean_error")
RARE = 0.05  # components of the truth up to this weight are watched


@dataclasses.dataclass(frozen=True)
class Gmm(Family):
    """The fields of every family and those of the mixture."""

    name: ClassVar[str] = "gmm"
    description: ClassVar[str] = (
        "A Gaussian mixture trained on its own samples, again and again."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "tail_mass_1pct",
        "tail_mass_1pct_outcome",
        "hallucinated_mass",
        "survival_3",
        "test_error",
        "variance_ratio",
    )
    table: ClassVar[tuple[str, ...]] = (
        "tail_mass_1pct",
        "survival_3",
        "test_error",
        "variance_ratio",
        "mean_error",
    )
    shifts_with_rows: ClassVar[bool] = True
    catalogue = {
        **catalogue.DENSITY,
        "l2_squared": catalogue.L2_SQUARED,
        **catalogue.pooled({name: catalogue.DENSITY[name] for name in _OF_ALL}),
    }

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 59
    """Generations after the first fit, which is generation 0."""
    truth: Annotated[Literal["rare", "blob"], Only("data", ("",))] = "rare"
    """Data distribution: two components and a rare third, or one standard Gaussian."""
    num_components: Count = 3
    """Components K of every fitted mixture."""
    tol: NonNegative = 1e-3
    """EM stops once an iteration gains less than this, in nats a row."""
    max_iter: Count = 100
    """EM iterations of one fit at the most."""
    reg_covar: NonNegative = 1e-6
    """Added to the diagonal of every covariance."""
    start: Literal["kmeans++", "previous"] = "kmeans++"
    """Where EM starts: afresh, or at the previous generation's parameters."""

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics of EM."""
        names = ("iterations", "converged", "log_likelihood", "gain")
        return tuple(f"fit_{name}" for name in names)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics, also of the survival of rare components."""
        known = super().known_metrics()
        if self.data:
            return known
        weights = TRUTHS[self.truth]().weights
        rare = [f"survival_{k + 1}" for k in np.flatnonzero(weights <= RARE)]
        return (*known, *rare)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric, also of the survival of a component."""
        return catalogue.survival_named(metric) or super().quantity(metric)

    def least_rows(self) -> int:
        """Smallest number of rows of a fit: one for each component."""
        return self.num_components

    def of_one_row(self) -> str:
        """That a single row has no variance."""
        return "has no variance but reg_covar"

    def knows_of_rows(self) -> tuple[str, ...]:
        """All that points of a known truth allow."""
        return () if self.data else OF_POINTS

    def moments_ddof(self, bias: float) -> int | None:
        """The ddof of the whole mixture: 0, or None if the components are biased."""
        return 0 if bias == 1 else None

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        return f"the mixture {self.truth}"

    def reference_words(self) -> str:
        """Name of the density that replaces the unknown truth of real data."""
        return "a mixture"

    def caption_words(self) -> list[str]:
        """Phrases on the settings of EM, for captions."""
        return [
            f"K = {self.num_components}",
            f"tol {self.tol:g}",
            f"start {self.start}",
        ]

    def caption(self) -> str:
        """The caption of the default figure, with what its theory assumes."""
        if self.data:
            return super().caption()
        return (
            f"{super().caption()} Theory: an EM fit has the mean and covariance of its "
            "rows, but for reg_covar. Where a tail starts above 1, already the first "
            "fit has too much mass there: of few rows, and as EM stops early."
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if min(self.samples_per_generation) < self.num_components:
            raise InputError(
                f"samples_per_generation: {min(self.samples_per_generation)} rows are "
                f"too few for {self.num_components} components; give more rows or a "
                "smaller --num-components"
            )

    def check_data(self, data: Any) -> None:
        """Raise InputError for too few held-out rows, or too small a variance."""
        super().check_data(data)
        if len(data.held_out) < 2 * self.num_components:
            raise InputError(
                f"num_components: {self.num_components} are too many for the "
                f"{len(data.held_out)} rows held out for the reference mixture; give "
                "fewer, or more rows"
            )
        least = data.train.var(axis=0).min()
        if least < 1e3 * self.reg_covar:
            raise InputError(
                f"reg_covar: {self.reg_covar:g} would hide a column of variance "
                f"{least:.1g}; give a smaller --reg-covar, or change its unit"
            )

    def quick(self) -> Self:
        """A small version, with at most 50 iterations of EM."""
        return dataclasses.replace(super().quick(), max_iter=min(self.max_iter, 50))
