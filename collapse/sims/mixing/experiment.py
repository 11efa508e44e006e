"""What an experiment on mixtures of real and synthetic rows may ask for."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.experiment.base import capped
from collapse.experiment.condition import Condition
from collapse.experiment.fields import Bounds, Shown
from collapse.experiment.lazy import load
from collapse.experiment.study import Study
from collapse.experiment.workflows import WorkflowSpec, round_share
from collapse.sims.mixing import checks, tell
from collapse.sims.mixing.constraints import (
    ABSENT,
    ALONE,
    DEFAULTS,
    HELD,
    MIXED,
    default_rows,
)

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from collapse.experiment.task import Task

_MEASURED = ("test_error", "tail_mass_1pct")  # without names
_Rows = Annotated[int, Bounds(0, 10**9)]
_Size = Annotated[float, Bounds(0, 1e9)]


@dataclasses.dataclass(frozen=True)
class Mixing(Study):
    """The fields of every experiment and those of a mixture of rows."""

    name: ClassVar[str] = "mixing"
    description: ClassVar[str] = "How much real data is enough, and for what."
    panels: ClassVar[tuple[str, ...]] = ("test_error", "tail_mass_1pct")

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
    """Real rows are new in each generation, or those of the first."""
    weight: tuple[Annotated[float, Bounds(0, 1)], ...] = (0.0,)
    """Weight of the real rows' loss, in (0, 1]; 0 takes their share of the rows."""
    bias: tuple[_Size, ...] = (1.0,)
    """Variance of what a model generates, as a multiple of its own: below 1 it samples
    like a language model at a low temperature."""
    late: Annotated[int, Bounds(1, 10**4)] = 30
    """Generations, the last ones, over which long-run values are averaged; all, if
    fewer are run."""
    error: Annotated[str, Shown("test_error, or the first error of the model")] = ""
    """Measure whose least long-run value makes a setting the best."""
    # What is run

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """What may hold several values; what has no meaning has one value."""
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
        """What is chosen, and its bias or price, are compared on the same seeds."""
        return ("samples_per_generation", "real_rows")

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The one workflow: its shares are axes."""
        return (WorkflowSpec(MIXED, (self.anchor,)),)

    def choice(self) -> str:
        """The axis along which the best setting is looked for."""
        if len(self.weight) > 1:
            return "weight"
        return "synthetic_rows" if self.constraint == "real_count" else "real_fraction"

    def counts(self, cell: Mapping[str, Any]) -> tuple[int, int]:
        """Real and synthetic rows of a cell's generations."""
        if self.constraint == "real_count":
            return cell["real_rows"], cell["synthetic_rows"]
        n = cell["samples_per_generation"]
        real = round_share(cell["real_fraction"], n)
        return real, n - real

    def weight_of(self, cell: Mapping[str, Any]) -> float:
        """Weight of the real rows' loss."""
        real, synthetic = self.counts(cell)
        return cell["weight"] or real / (real + synthetic)

    def task(self, condition: Condition[Any], data: Any) -> "Task":
        """A mixture of rows, ready to run."""
        found: Task = load("collapse.sims.mixing.task").task(condition, data)
        return found

    def theory(self, condition: Condition[Any]) -> Mapping[str, "np.ndarray"]:
        """Exact mean error and variance of fits that match their rows' moments."""
        found: Mapping[str, np.ndarray]
        found = load("collapse.sims.mixing.theory").curves(condition)
        return found

    # What it measures

    def errors(self) -> tuple[str, ...]:
        """Metrics that are least where a model is best."""
        known = [(name, self.quantity(name)) for name in self.known_metrics()]
        return tuple(name for name, q in known if q and q.better == "lower")

    def measured(self) -> tuple[str, ...]:
        """Without names the test error and the tail, and the error that is sought."""
        known = self.known_metrics()
        some = (m for m in (*_MEASURED, self.error) if m in known)
        return self.metrics or tuple(dict.fromkeys(some))

    def derived(self) -> tuple[str, ...]:
        """Long-run values, and what is the best choice."""
        late = tuple(f"late_{metric}" for metric in self.measured())
        cost = ("cost",) if self.constraint == "price" else ()
        return (*late, "late_ratio", "best", *cost)

    # What is told of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """With long-run values, and the best choice with its confidence set."""
        found: xr.Dataset = load("collapse.sims.mixing.best").derive(self, dataset)
        return found

    def choices(self, dataset: "xr.Dataset") -> list[dict[str, Any]]:
        """A line for each circumstance: the best choice, and its confidence set."""
        if "best" not in dataset:
            return super().choices(dataset)
        found: list[dict[str, Any]]
        found = load("collapse.sims.mixing.best").choices(dataset)
        return found

    def closing(self, dataset: "xr.Dataset") -> str:
        """The best choice in each circumstance."""
        said: str = load("collapse.sims.mixing.best").verdict(self, dataset)
        return said

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Maps and curves of what the constraint leaves to choose."""
        return tell.figures(self)

    def caption(self) -> str:
        """What a reader of the default figure must know, the constraint above all."""
        return tell.caption(self)

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """With what the constraint needs; refuses what contradicts it."""
        found = super().resolved(rows, dimension)
        errors = found.errors()
        usual = "test_error" if "test_error" in errors else next(iter(errors), "")
        found = dataclasses.replace(
            found,
            error=self.error or usual,
            late=min(self.late, self.num_generations + 1),
        )
        return found._with_axes()

    def _with_axes(self) -> Self:
        """With the axes that the constraint holds, or leaves to choose."""
        held = HELD[self.constraint]
        defaults = DEFAULTS | {"samples_per_generation": default_rows(self.learner)}
        values: dict[str, Any] = {}
        for axis, nothing in ABSENT.items():
            given = getattr(self, axis)
            if axis in held:
                values[axis] = given or defaults[axis]
            elif given not in ((), nothing):
                raise InputError(
                    f"{axis}: the constraint {self.constraint} holds "
                    f"{' and '.join(held)}; drop it or choose another --constraint"
                )
            else:
                values[axis] = nothing
        found = dataclasses.replace(self, **values)
        family = dataclasses.replace(self.learner, metrics=found.measured())
        found = dataclasses.replace(found, family=family)
        return found if self.real_fraction else found._without_too_few()

    def _without_too_few(self) -> Self:
        """Without shares that nobody asked for and that cannot be run."""
        sizes = self.samples_per_generation
        if self.constraint == "real_count" or min(sizes, default=0) < 1:
            return self
        n, least = min(sizes), self.learner.least_rows()
        enough = tuple(a for a in self.real_fraction if round_share(a, n) >= least)
        return dataclasses.replace(self, real_fraction=enough or (1.0,))

    def quick(self) -> Self:
        """Also few values of each axis, those of real rows alone among them."""
        axes: dict[str, Any] = {axis: _few(getattr(self, axis)) for axis in ABSENT}
        axes |= {axis: _few(getattr(self, axis)) for axis in ("weight", "bias")}
        for axis, value in ALONE.items():
            if value in getattr(self, axis) and value not in axes[axis]:
                axes[axis] = (*axes[axis], value)
        for axis in ("samples_per_generation", "real_rows", "synthetic_rows"):
            axes[axis] = capped(axes[axis], 100, keep=3)
        small = dataclasses.replace(super().quick(), **axes, late=min(self.late, 5))
        least = self.learner.least_rows()
        enough = {  # the others would be refused with so few rows
            cell["real_fraction"]: None
            for cell in small.cells()
            if small.constraint == "real_count" or small.counts(cell)[0] >= least
        }
        return dataclasses.replace(small, real_fraction=tuple(enough) or (1.0,))

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        if self.snapshots:
            raise InputError("snapshots: have no meaning for mixtures; drop them")
        super().check()
        checks.check(self)

    def check_data(self, data: Any) -> None:
        """Also: as many real rows as are asked for."""
        most = max(self.counts(cell)[0] for cell in self.cells())
        asked = dataclasses.replace(self.learner, samples_per_generation=(most,))
        asked.check_data(data)


def _few(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first, the middle and the last."""
    if len(values) <= 3:
        return values
    return values[0], values[len(values) // 2], values[-1]
