"""What an experiment with kernel density estimates may ask for."""

import dataclasses
from typing import Annotated, ClassVar, Literal

from collapse.data.errors import InputError
from collapse.experiment.base import spelled
from collapse.experiment.density import DensityFamily
from collapse.experiment.fields import Only, OnlyIfSet, Positive
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity


@dataclasses.dataclass(frozen=True)
class Kde(DensityFamily):
    """The fields of every density and those of the kernel density estimate."""

    name: ClassVar[str] = "kde"
    description: ClassVar[str] = "A kernel density estimate trained on its own samples."
    shifts_with_rows: ClassVar[bool] = True

    bandwidth_rule: tuple[Literal["fixed", "scott", "silverman", "std"], ...] = (
        "fixed",
    )
    """What --bandwidth is multiplied by, for n rows: 1; n^(-1/(d+4)), or silverman's
    (n (d+2) / 4)^(-1/(d+4)), both whatever the data's scale, as in scikit-learn; or
    silverman's times the rows' standard deviation."""
    bandwidth: tuple[Positive, ...] = (0.3,)
    """Standard deviation of a kernel, before the rule multiplies it."""

    shape: Annotated[
        tuple[Literal["normal", "blobs", "moons", "circles", "swiss_roll"], ...],
        Only("data", ("",)),
        OnlyIfSet(),
    ] = ("normal",)
    """Data distribution: the standard normal, or one of scikit-learn's shapes, on which
    the test error is the whole log-loss."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; rules and bandwidths share seeds."""
        return ("bandwidth_rule", "bandwidth", "samples_per_generation", "shape")

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit: two have a variance."""
        return 2 if "std" in self.bandwidth_rule else 1

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; of a shape, whose density is not known, the error."""
        return super().known_metrics() if self.is_normal else ("test_error",)

    @property
    def is_normal(self) -> bool:
        """Whether the data distribution is the standard normal."""
        return self.shape == ("normal",)

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

    def caption_words(self) -> list[str]:
        """Phrases on bandwidths and rules, for captions."""
        rules = ", ".join(self.bandwidth_rule)
        return [f"bandwidth {spelled(self.bandwidth)} ({rules})"]
