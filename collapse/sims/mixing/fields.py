"""The fields of experiments on mixtures of real and synthetic rows."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from collapse.experiment.fields import Bounds, Shown
from collapse.experiment.study import Study
from collapse.experiment.workflows import ANCHORED, WorkflowSpec, round_share

_MEASURED = ("test_error", "tail_mass_1pct")  # without names
_Rows = Annotated[int, Bounds(0, 10**9)]
_Size = Annotated[float, Bounds(0, 1e9)]


@dataclasses.dataclass(frozen=True)
class MixingFields(Study):
    """The fields of every study and those of a mixture of rows."""

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 99
    """Generations after the first fit, generation 0, which sees real rows only."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 200
    """Independent repetitions."""
    constraint: Literal["budget", "real_count", "price"] = "budget"
    """What is held fixed: the number of all rows, that of real rows (synthetic ones
    come on top), or the number of all rows where real ones have a price."""
    samples_per_generation: Annotated[
        tuple[_Rows, ...], Shown("20 for each row that a fit needs, 100 at least")
    ] = ()
    """Constraints budget and price: all rows n of a generation."""
    real_fraction: Annotated[
        tuple[Annotated[float, Bounds(0, 1)], ...], Shown("0.05 0.1 ... 1")
    ] = ()
    """Constraints budget and price: share of the n rows that is real, above 0."""
    real_rows: Annotated[tuple[_Rows, ...], Shown("20 40 80 160 320")] = ()
    """Constraint real_count: real rows of a generation."""
    synthetic_rows: Annotated[tuple[_Rows, ...], Shown("0 10 20 40 80 160 320")] = ()
    """Constraint real_count: rows that the newest model adds to them."""
    price: Annotated[tuple[_Size, ...], Shown("0 1 3 10 30")] = ()
    """Constraint price: of n real rows, in units of the error of a fit to n of them."""
    anchor: Literal["fresh", "fixed"] = "fresh"
    """Real rows are new in each generation, or those of the first. Generation 0 is
    trained on them alone: results call this workflow anchored. (The workflow mix of a
    family trains generation 0 on as many real rows as the others have in all.)"""
    weight: tuple[Annotated[float, Bounds(0, 1)], ...] = (0.0,)
    """Weight of the real rows' loss, in (0, 1]; 0 takes their share of the rows."""
    bias: tuple[_Size, ...] = (1.0,)
    """Variance of what a model generates (of a language model: temperature), as a
    multiple of its own."""
    late: Annotated[int, Bounds(1, 10**4)] = 30
    """Generations, the last ones, over which long-run values are averaged; by default
    all, if fewer are run."""
    error: Annotated[str, Shown("test_error, or the first error of the model")] = ""
    """Measure whose least long-run value makes a setting the best."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; those that do not apply hold one."""
        return (
            "samples_per_generation",
            "real_rows",
            "synthetic_rows",
            "real_fraction",
            "weight",
            "bias",
            "price",
        )

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values share no random numbers; the others use the same seeds."""
        return ("samples_per_generation", "real_rows")

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The one workflow, whose numbers of rows are axes."""
        return (WorkflowSpec(ANCHORED, (self.anchor,)),)

    def choice(self) -> str:
        """Name of the axis along which the best setting is sought."""
        if len(self.weight) > 1:
            return "weight"
        return "synthetic_rows" if self.constraint == "real_count" else "real_fraction"

    def counts(self, cell: Mapping[str, Any]) -> tuple[int, int]:
        """Numbers of real and synthetic rows in each generation of a cell."""
        if self.constraint == "real_count":
            return cell["real_rows"], cell["synthetic_rows"]
        n = cell["samples_per_generation"]
        real = round_share(cell["real_fraction"], n)
        return real, n - real

    def weight_of(self, cell: Mapping[str, Any]) -> float:
        """Weight of the real rows' loss."""
        real, synthetic = self.counts(cell)
        return cell["weight"] or real / (real + synthetic)

    def errors(self) -> tuple[str, ...]:
        """Names of the metrics of which lower is better."""
        known = [(name, self.quantity(name)) for name in self.known_metrics()]
        return tuple(name for name, q in known if q and q.better == "lower")

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; without a choice, test error, tail and `error`."""
        known = self.known_metrics()
        some = (m for m in (*_MEASURED, self.error) if m in known)
        return self.metrics or tuple(dict.fromkeys(some))

    def derived(self) -> tuple[str, ...]:
        """Names of the long-run values and of the best choice."""
        late = tuple(f"late_{metric}" for metric in self.measured())
        cost = ("cost",) if self.constraint == "price" else ()
        return (*late, "late_ratio", "best", *cost)
