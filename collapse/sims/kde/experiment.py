"""What an experiment with kernel density estimates may ask for."""

import dataclasses
from typing import ClassVar, Literal

from collapse.experiment.base import spelled
from collapse.experiment.fields import Positive
from collapse.experiment.row_knowledge import OF_POINTS
from collapse.experiment.shaped import ShapedFamily


@dataclasses.dataclass(frozen=True)
class Kde(ShapedFamily):
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

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; rules and bandwidths share seeds."""
        return ("bandwidth_rule", "bandwidth", "samples_per_generation", "shape")

    def knows_of_rows(self) -> tuple[str, ...]:
        """All that points of a standard normal allow; nothing of other shapes."""
        return OF_POINTS if self.shape == ("normal",) and not self.data else ()

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit: two have a variance."""
        return 2 if "std" in self.bandwidth_rule else 1

    def caption_words(self) -> list[str]:
        """Phrases on bandwidths and rules, for captions."""
        rules = ", ".join(self.bandwidth_rule)
        return [f"bandwidth {spelled(self.bandwidth)} ({rules})"]
