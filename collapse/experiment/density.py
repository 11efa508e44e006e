"""What families of densities share: a Gaussian truth, its metrics, and their names."""

import dataclasses
from typing import ClassVar

from collapse.experiment.family import Family
from collapse.experiment.fields import Count
from collapse.measures import catalogue


@dataclasses.dataclass(frozen=True)
class DensityFamily(Family):
    """A family of densities that learns a standard normal, or the user's rows."""

    panels: ClassVar[tuple[str, ...]] = ("variance_ratio", "mean_error", "test_error")
    table: ClassVar[tuple[str, ...]] = panels
    location_error: ClassVar[str] = "mean_error"
    catalogue = catalogue.DENSITY

    dimension: Count = 1
    """Dimensions d of the data distribution, a standard normal."""

    def least_rows(self) -> int:
        """Two have a standard deviation."""
        return 2

    def truth_words(self) -> str:
        """The data distribution."""
        return f"the standard normal, d = {self.dimension}"

    def reference_words(self) -> str:
        """What stands in for it with data."""
        return "a Gaussian"
