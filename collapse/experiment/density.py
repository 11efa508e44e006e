"""What families of densities share: a Gaussian truth, its metrics, and their names."""

import dataclasses
from typing import Annotated, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Shown
from collapse.measures import catalogue


@dataclasses.dataclass(frozen=True)
class DensityFamily(Family):
    """A family of densities that learns a standard normal, or the user's rows."""

    panels: ClassVar[tuple[str, ...]] = ("variance_ratio", "mean_error", "test_error")
    table: ClassVar[tuple[str, ...]] = panels
    location_error: ClassVar[str] = "mean_error"
    catalogue = catalogue.DENSITY

    dimension: Annotated[
        int, Bounds(0, 10**9), Shown("1; with data, that of the data")
    ] = 0
    """Dimensions d of the data distribution, a standard normal."""

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit: two have a variance."""
        return 2

    def resolved(self, rows: int, dimension: int) -> Self:
        """The family with its sample size and its dimension filled in.

        Raises:
          InputError: for a dimension beside data, which have their own.
        """
        if dimension and self.dimension not in (0, dimension):
            raise InputError(
                f"dimension: the data have {dimension} columns; leave --dimension out"
            )
        own = self.dimension or dimension or 1
        return dataclasses.replace(super().resolved(rows, dimension), dimension=own)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if min(self.samples_per_generation) < self.least_rows():
            raise InputError(
                f"samples_per_generation: {min(self.samples_per_generation)} is too "
                f"few for a fit; give at least {self.least_rows()}"
            )

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        return f"the standard normal, d = {self.dimension}"

    def reference_words(self) -> str:
        """Name of the density that replaces the unknown truth of real data."""
        return "a Gaussian"
