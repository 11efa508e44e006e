"""Experiments with Gaussians: fields, metrics, captions, checks."""

import dataclasses
from typing import Annotated, ClassVar, Literal, Self

from collapse.core.row_kinds import RowKind
from collapse.data.errors import InputError
from collapse.experiment.base import capped, spelled
from collapse.experiment.condition import Condition
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Count, Shown
from collapse.experiment.row_knowledge import OF_POINTS
from collapse.experiment.several_models import learn_in, rows_of_fit
from collapse.measures import catalogue

_OF_MOMENTS = ("variance_ratio", "mean_error")  # those that a mixture has, too
_NEED_DENSITY = ("test_error", "log_det_ratio", "entropy")  # a covariance of full rank


@dataclasses.dataclass(frozen=True)
class Gaussian(Family):
    """The fields of every family and those of the Gaussian."""

    name: ClassVar[str] = "gaussian"
    description: ClassVar[str] = (
        "A Gaussian trained on its own samples, generation after generation."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "variance_ratio",
        "mean_error",
        "log_det_ratio",
        "tail_mass_1pct",
        "tail_mass_1pct_outcome",
        "test_error",
    )
    table: ClassVar[tuple[str, ...]] = (
        "tail_mass_1pct",
        "test_error",
        "variance_ratio",
        "mean_error",
    )
    shifts_with_rows: ClassVar[bool] = True
    location_error: ClassVar[str] = "mean_error"
    has_batch_law: ClassVar[bool] = True
    catalogue = {
        **catalogue.DENSITY,
        **catalogue.pooled({name: catalogue.DENSITY[name] for name in _OF_MOMENTS}),
        "w2_squared": catalogue.W2_SQUARED,
        "det_ratio": catalogue.DET_RATIO,
        **catalogue.ABSOLUTE,
    }

    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 1000
    """Independent repetitions."""
    dimension: Annotated[
        tuple[Count, ...], Shown("1; with data, that of the data")
    ] = ()
    """Dimensions d."""
    ddof: tuple[Annotated[int, Bounds(0, 1)], ...] = (0,)
    """Divide squares by n - ddof: 0 maximum likelihood, 1 unbiased."""
    rows: Literal["samples", "statistics", "law", "auto"] = "samples"
    """Kept of a generation: its samples, their mean and scatter, or these two drawn
    from their exact law; auto takes the cheapest that each workflow allows (seeds are
    then no longer paired between workflows)."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        return ("dimension", "samples_per_generation", "ddof")

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values share no random numbers; both ddof use the same samples."""
        return ("dimension", "samples_per_generation")

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; those of densities only if n > d in every cell."""
        full = all(rows_of_fit(self, c) > c["dimension"] for c in self.cells())
        known = super().known_metrics()
        return tuple(m for m in known if full or m not in _NEED_DENSITY)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; the determinant, whose logarithm tells more, if named.

        A determinant underflows where its logarithm does not.
        """
        return self.metrics or tuple(
            m for m in self.known_metrics() if m != "det_ratio"
        )

    def least_rows(self) -> int:
        """Smallest number of rows with an invertible covariance, d + 1."""
        return max(self.dimension, default=1) + 1

    def of_one_row(self) -> str:
        """That a single row has no variance."""
        return "has no variance"

    def alone_because(self) -> str:
        """That whole batches cannot be dealt out to several models."""
        if self.rows in ("samples", "auto"):
            return ""
        return f"rows = {self.rows} keeps whole batches; give --rows samples"

    def knows_of_rows(self) -> tuple[str, ...]:
        """All that points of a known truth allow."""
        return () if self.data else OF_POINTS

    def moments_ddof(self, bias: float) -> int | None:
        """The ddof of the fits."""
        del bias
        return self.ddof[0]

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        return "the standard normal"

    def reference_words(self) -> str:
        """Name of the density that replaces the unknown truth of real data."""
        return "a Gaussian"

    def caption(self) -> str:
        """The caption of the default figure; why tails grow in several dimensions."""
        said = super().caption()
        if max(self.dimension) == 1 or self.data:
            return said
        return (
            f"{said} In several dimensions the tail may grow before it is lost: some "
            "directions are stretched while others shrink."
        )

    def caption_words(self) -> list[str]:
        """Phrases on dimension and ddof, for captions."""
        return [f"d = {spelled(self.dimension)}", f"ddof = {spelled(self.ddof)}"]

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with its sample size and its dimension filled in."""
        if dimension and self.dimension not in ((), (dimension,)):
            raise InputError(
                f"dimension: the data have {dimension}; drop --dimension: the data's "
                "columns say it"
            )
        own = self.dimension or (dimension or 1,)
        return dataclasses.replace(super().resolved(rows, dimension), dimension=own)

    def quick(self) -> Self:
        """A small version, with at most eight dimensions unless the data have more."""
        most = max(self.dimension) if self.data else 8
        few = capped(self.dimension, most)
        return dataclasses.replace(super().quick(), dimension=few)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        for metric in self.metrics:
            if metric in _NEED_DENSITY and metric not in self.known_metrics():
                raise InputError(
                    f"metrics: {metric} needs a density, which n <= d samples do not "
                    "give; drop it or give more samples"
                )
        super().check()
        if max(self.ddof) >= min(rows_of_fit(self, cell) for cell in self.cells()):
            raise InputError(
                "samples_per_generation: 1 for a fit leaves no degree of freedom with "
                "ddof = 1; give at least 2"
            )
        if self.rows in ("statistics", "law"):
            self._check_picks()
        if self.rows == "law":
            for condition in self.conditions():
                self._check_law(condition)

    def _check_picks(self) -> None:
        """Raise InputError for a workflow that needs single samples."""
        for spec in self.workflow_specs():
            if spec.kind.picks_single_rows:
                raise InputError(
                    f"rows: {spec.name} picks single samples, which rows = {self.rows} "
                    "does not keep; use rows = samples or auto"
                )

    def _check_law(self, condition: Condition[Self]) -> None:
        """Raise InputError where batches are too small for the law of their scatter."""
        spec, n, d = condition.workflow, condition.n, condition["dimension"]
        batch = spec.batch_size(n)
        if batch <= d:
            raise InputError(
                f"samples_per_generation: rows = law needs more than {d} samples in a "
                f"batch, {spec.label} has {batch} of n = {n}; give more or use rows = "
                "statistics"
            )


def kind_of_rows(condition: Condition[Gaussian]) -> RowKind:
    """The kind of rows that is stored; for `auto` the cheapest one possible."""
    rows, n = condition.experiment.rows, condition.n
    if rows != "auto":
        return rows
    if learn_in(condition):
        return "samples"
    batch = condition.workflow.batch_size(n)
    if condition.workflow.kind.picks_single_rows or batch < min(n, 8):
        return "samples"
    return "law" if batch > condition["dimension"] else "statistics"
