"""Experiments on mixtures of real and synthetic rows: results, captions, checks."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment import late, snapshots
from collapse.experiment.base import capped
from collapse.experiment.family import Family
from collapse.experiment.lazy import load
from collapse.experiment.workflows import round_share
from collapse.sims.mixing import checks, tell
from collapse.sims.mixing.constraints import (
    ABSENT,
    ALONE,
    DEFAULTS,
    HELD,
    default_rows,
)
from collapse.sims.mixing.fields import MixingFields

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class Mixing(MixingFields):
    """How much real data is enough: the study of mixtures of rows."""

    name: ClassVar[str] = "mixing"
    description: ClassVar[str] = "How much real data is enough, and for what."
    panels: ClassVar[tuple[str, ...]] = ("test_error", "tail_mass_1pct")
    afterwards: ClassVar[tuple[str, ...]] = ("late", "error")
    refused: ClassVar[Mapping[str, tuple[str, ...]]] = {"linear": ("synthetic_bias",)}

    def real_only(self) -> Mapping[str, Sequence[Any]]:
        """The axes that are free to choose, with their value of real rows alone."""
        axes = self.several()
        return {axis: [value] for axis, value in ALONE.items() if axis in axes}

    # What is shown of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset with long-run values, best choices and confidence sets."""
        found: xr.Dataset = load("collapse.sims.mixing.best").derive(self, dataset)
        return found

    def choices(self, dataset: "xr.Dataset") -> list[dict[str, Any]]:
        """For each setting of other axes, the best choice and its confidence set."""
        if "best" not in dataset:
            return super().choices(dataset)
        found: list[dict[str, Any]]
        found = load("collapse.sims.mixing.best").choices(dataset)
        return found

    def closing(self, dataset: "xr.Dataset") -> str:
        """Text with the best choice of each setting of the other axes."""
        said: str = load("collapse.sims.mixing.best").verdict(self, dataset)
        return said

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Tables `[figure]` of maps and curves over the axes free to choose."""
        return tell.figures(self)

    def caption(self) -> str:
        """The caption of the default figure, with what is held fixed."""
        return tell.caption(self)

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """The study with open fields filled in; InputError if one is forbidden."""
        found = super().resolved(rows, dimension)
        errors = found.errors()
        usual = "test_error" if "test_error" in errors else next(iter(errors), "")
        found = dataclasses.replace(
            found,
            error=self.error or usual,
            late=late.fitted(self, self.num_generations + 1),
        )
        return found._with_axes()

    def _with_axes(self) -> Self:
        """The study with all axes filled in, as the constraint needs them."""
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
        """The study without those default shares that give too few real rows."""
        sizes = self.samples_per_generation
        if self.constraint == "real_count" or min(sizes, default=0) < 1:
            return self
        n, least = min(sizes), self.learner.least_rows()
        enough = tuple(a for a in self.real_fraction if round_share(a, n) >= least)
        return dataclasses.replace(self, real_fraction=enough or (1.0,))

    def quick(self) -> Self:
        """A small version: few values of each axis, with real rows alone among them."""
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
        snapshots.refuse(self, "have no meaning for mixtures; drop them")
        late.check(self, self.num_generations + 1)
        super().check()
        checks.check(self)
        rows = max(sum(self.counts(cell)) for cell in self.cells())
        self._learner_of(rows).check()

    def check_data(self, data: Any) -> None:
        """Raise InputError if more real rows are asked for than the data have."""
        most = max(self.counts(cell)[0] for cell in self.cells())
        self._learner_of(most).check_data(data)

    def _learner_of(self, rows: int) -> Family:
        """The model's family with so many rows, under the workflow `replace`."""
        return dataclasses.replace(
            self.learner, samples_per_generation=(rows,), workflows=("replace",)
        )


def _few(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first, the middle and the last value."""
    if len(values) <= 3:
        return values
    return values[0], values[len(values) // 2], values[-1]
