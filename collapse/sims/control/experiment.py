"""Experiments on policies that hold a model: results, captions, checks."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment import snapshots
from collapse.experiment.base import capped
from collapse.experiment.lazy import load
from collapse.measures.catalogue import Aspect, Quantity
from collapse.sims.control import checks, tell
from collapse.sims.control.fields import DRIFT, MONITOR, NOISE, ControlFields

if TYPE_CHECKING:
    import xarray as xr

_HELD = 100  # generations that results hold at least, if there are as many
_USUAL_RATE = 0.02  # share of real rows where no budget is given
_REACHED = (
    *("mean_drift", "largest_drift", "real_rows", "passed", "failure"),
    *("gain", "gain_best", "gain_none", "kept_share", "mean_kept"),
    *("spent", "drift_sum", "drift_max", "alarms", "false_alarms", "real_share"),
)


@dataclasses.dataclass(frozen=True)
class Control(ControlFields):
    """Can a model be held for ever: the study of policies, budgets and monitors."""

    name: ClassVar[str] = "control"
    description: ClassVar[str] = (
        "Can measured drift and real rows hold a model for ever, and at what price?"
    )
    panels: ClassVar[tuple[str, ...]] = (DRIFT, "spent")
    afterwards: ClassVar[tuple[str, ...]] = ("settle",)
    sweeps_model: ClassVar[bool] = True
    refused: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "kde": ("shape",),
        "linear": ("synthetic_bias",),
    }

    def quantity(self, metric: str) -> Quantity | None:
        """Long name, unit and reference level of a metric."""
        if metric not in (DRIFT, MONITOR, NOISE):
            return super().quantity(metric)
        own = super().quantity(self.error or next(iter(self.errors()), ""))
        unit = own.unit if own else ""
        names = {
            DRIFT: f"drift ({own.long_name if own else self.error})",
            MONITOR: f"monitor ({self.monitor})",
            NOISE: "noise in place of the monitor",
        }
        aspect: Aspect = "drift" if metric == DRIFT else ""
        return Quantity(names[metric], unit, 0.0, better="lower", aspect=aspect)

    def derived(self) -> tuple[str, ...]:
        """Names of what policies reached."""
        return _REACHED

    def load(self) -> Any:
        """The data that the model names, some held-out rows set apart to watch."""
        data = super().load()
        if self.monitor_data and not hasattr(data, "watching"):
            raise InputError(
                "monitor_data: only beside a table; name one by --data, or drop it"
            )
        if self.monitor_data:
            own = dataclasses.replace(self.learner, data=self.monitor_data)
            other = dataclasses.replace(self, family=own, monitor_data="")
            return data.watching(super(Control, other).load(), "monitor_data")
        return data.with_watched() if hasattr(data, "with_watched") else data

    # What is shown of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset with what policies reached, and gains at equal spending."""
        found: xr.Dataset = load("collapse.sims.control.held").derive(self, dataset)
        return found

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Tables `[figure]` of drift against budgets, or over generations."""
        return tell.figures(self)

    def told_by(self, data: Any) -> dict[str, Any]:
        """The number of real rows that the monitor had: data may have fewer."""
        return {tell.WATCHED: self.monitor_sizes(data)[0]}

    def caption_of(self, dataset: "xr.Dataset") -> str:
        """The caption of the default figure."""
        return tell.caption(self, dataset)

    def closing(self, dataset: "xr.Dataset") -> str:
        """A table of what policies reached, and the answer in a sentence."""
        return tell.closing(self, dataset)

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """The study with open fields filled in."""
        found = super().resolved(rows, dimension)
        alone = set(self.workflows) == {"replace"}  # else single samples are kept
        cheap = self.learner.has_batch_law and alone and not rows
        usual = (1000,) if cheap else found.learner.samples_per_generation
        sizes = self.samples_per_generation or usual
        many = self.learner.monitor_times * max(sizes, default=1)
        budgets = self.budget or (_USUAL_RATE * min(sizes, default=0),)
        errors = found.errors()
        located = self.learner.location_error
        first = located if located in errors else next(iter(errors), "")
        found = dataclasses.replace(
            found,
            samples_per_generation=sizes,
            budget=budgets,
            error=self.error or first,
            monitor=self.monitor or self.learner.usual_monitor,
            monitor_rows=self.monitor_rows or many,
            monitor_samples=self.monitor_samples or many,
            every=self.every or _every(self.num_generations),
            overdraft=self.overdraft or self._overdraft(sizes, budgets),
        )
        metrics = dict.fromkeys((found.error, *found.metrics))
        own = tuple(name for name in metrics if name in found.of_model())
        family = dataclasses.replace(found.learner, metrics=own)
        return dataclasses.replace(found, family=family)

    def _overdraft(self, sizes: Sequence[int], budgets: Sequence[float]) -> float:
        """The usual overdraft: 2 generations, less where the whole budget is small."""
        least = min(budgets, default=0.0) / max(*sizes, 1)  # 0 is refused later
        return min(2.0, least * self.num_generations / 4)

    def quick(self) -> Self:
        """A small version: two budgets and a hundred rows at most."""
        sizes = capped(self.samples_per_generation, 100)
        most = float(min(sizes, default=100))
        return dataclasses.replace(
            super().quick(),
            samples_per_generation=sizes,
            budget=capped(self.budget, most)[:2],
            monitor_rows=min(self.monitor_rows, 1000),
            monitor_samples=min(self.monitor_samples, 1000),
            every=1,
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        snapshots.refuse(self, "are not kept under policies; drop them")
        super().check()
        checks.check(self)
        self._learner_of(max(self.samples_per_generation)).check()

    def check_data(self, data: Any) -> None:
        """Raise InputError if more is asked of the data than they have."""
        checks.check_floor(self, *self.monitor_sizes(data))
        self._learner_of(max(self.samples_per_generation)).check_data(data)

    def _learner_of(self, rows: int) -> Any:
        """The model's family with so many rows."""
        if not self.workflows:
            raise InputError("workflows: empty; name one, such as replace")
        return dataclasses.replace(
            self.learner, samples_per_generation=(rows,), workflows=self.workflows
        )


def _every(num_generations: int) -> int:
    """Generations between two that are held: a divisor that leaves 100 or more."""
    most = max(1, num_generations // _HELD)
    return max(k for k in range(1, most + 1) if num_generations % k == 0)
