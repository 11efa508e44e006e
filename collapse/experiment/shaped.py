"""Densities whose data distribution may be one of scikit-learn's shapes."""

import dataclasses
from typing import Annotated, Literal

from collapse.data.errors import InputError
from collapse.experiment.density import DensityFamily
from collapse.experiment.fields import Only, OnlyIfSet
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity


@dataclasses.dataclass(frozen=True)
class ShapedFamily(DensityFamily):
    """The fields of every density, and the shape of the data distribution."""

    shape: Annotated[
        tuple[Literal["normal", "blobs", "moons", "circles", "swiss_roll"], ...],
        Only("data", ("",)),
        OnlyIfSet(),
    ] = ("normal",)
    """Data distribution: the standard normal, or one of scikit-learn's shapes, on which
    the test error is the whole log-loss."""

    @property
    def is_normal(self) -> bool:
        """Whether the data distribution is the standard normal."""
        return self.shape == ("normal",)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; of a shape, whose density is not known, the error."""
        return super().known_metrics() if self.is_normal else ("test_error",)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit; of a shape the test error is the whole log-loss."""
        found = super().quantity(metric)
        if self.is_normal or found is None:
            return found
        return catalogue.of_data(metric, found)

    def check(self) -> None:
        """Raise InputError for shapes beside others that they cannot stand with."""
        super().check()
        if not self.is_normal and "normal" in self.shape:
            raise InputError("shape: normal has another test error; run it alone")
        sizes = {3 if shape == "swiss_roll" else 2 for shape in self.shape}
        if not self.is_normal and sizes != {self.dimension}:
            raise InputError(
                "shape: swiss_roll has dimension 3 and the others 2; set --dimension, "
                "and run them apart"
            )

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        return super().truth_words() if self.is_normal else ", ".join(self.shape)
