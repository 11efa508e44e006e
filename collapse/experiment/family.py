"""A family: what is learned. Its experiments train it under workflows.

A family is one frozen dataclass. It declares its name, its own fields and what it
measures, and overrides what differs from the defaults here.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from collapse.data import tables
from collapse.data.errors import InputError
from collapse.experiment import several_models
from collapse.experiment.base import Experiment, capped, spelled
from collapse.experiment.condition import Condition
from collapse.experiment.fields import Bounds, Count, OnlyIfSet, Share, Shown
from collapse.experiment.lazy import load
from collapse.experiment.table_fields import TableFields
from collapse.experiment.workflows import WorkflowSpec, kinds, specs
from collapse.measures.catalogue import POOLED, Quantity, is_pooled, of_data

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from collapse.experiment.task import Task


@dataclasses.dataclass(frozen=True)
class Family(TableFields):
    """What every family shares; families add their model's own fields."""

    group: ClassVar[str] = "workflow"
    location_error: ClassVar[str] = ""  # the metric that is the error of a location
    bias_of: ClassVar[str] = "variance"  # what a biased sampler has a multiple of
    default_rows: ClassVar[int] = 100  # samples a generation generates, without data
    # whether a model of shifted rows is the shifted one: float32 then centres the data
    shifts_with_rows: ClassVar[bool] = False
    has_batch_law: ClassVar[bool] = False  # whether n costs nothing, without data
    in_studies: ClassVar[bool] = True  # whether a study may ask something of it
    alone: ClassVar[tuple[str, ...]] = ()  # its fields that every study refuses
    usual_monitor: ClassVar[str] = "mean"  # of policies that hold the model
    monitor_times: ClassVar[int] = 10  # rows of a monitor, as a multiple of n
    # those whose drift is in units of the error of a fit to n rows
    monitors_in_units: ClassVar[tuple[str, ...]] = ("mean", "loss")

    workflows: tuple[str, ...] = ("replace", "accumulate", "fixed_budget")
    """What each generation is trained on: replace, accumulate, fixed_budget, window,
    replace_multiple, mix, or with parameters in quotes: "window 5", "mix 0.1 fresh",
    "replace_growing 2"."""
    samples_per_generation: Annotated[
        tuple[Count, ...], Shown("100; with data, all training rows")
    ] = ()
    """Samples n that a generation generates."""
    real_fraction: tuple[Share, ...] = (0.1,)
    """Workflow mix: share of real rows, from generation 1 on; generation 0 is trained
    on n real rows as under every workflow (under mixing, on the real share alone)."""
    anchor: Literal["fresh", "fixed"] = "fresh"
    """Workflow mix: real rows are new in each generation, or those of the first."""
    window: tuple[Annotated[int, Bounds(1)], ...] = (5,)
    """Workflow window: generations of rows kept."""
    models: Annotated[tuple[Count, ...], OnlyIfSet()] = (1,)
    """Models M that share the rows of a generation. All rows that a workflow selects
    are dealt out to them at random, in equal parts; each is fitted to its own and
    generates n / M of the next rows. Metrics are means over models; those named
    pooled_... are of all models together."""
    private_rows: Annotated[int, Bounds(0, 10**9), OnlyIfSet()] = 0
    """Real rows that each model keeps for itself and is trained on in every generation,
    beside its part."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields whose several values become a dimension of the results."""
        return ("samples_per_generation",)

    @classmethod
    def every_axis(cls) -> tuple[str, ...]:
        """The axes of the family, and the number of models, which share seeds."""
        return tuple(dict.fromkeys((*cls.axes(), "models")))

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values share no random numbers: all those that are sizes."""
        return ("samples_per_generation",)

    @classmethod
    def own_fields(cls) -> tuple[str, ...]:
        """Names of the fields of the model and its data, which a study takes, too."""
        of_data = {field.name for field in dataclasses.fields(TableFields)}
        of_data -= {field.name for field in dataclasses.fields(Experiment)}
        shared = {field.name for field in dataclasses.fields(Family)} - of_data
        left = shared.union(cls.hidden())
        every = (field.name for field in dataclasses.fields(cls))
        return tuple(name for name in every if name not in left)

    def parts(self) -> tuple[tuple[Experiment, tuple[str, ...]], ...]:
        """The family with the fields to set."""
        ((part, names),) = super().parts()
        return ((part, tuple(n for n in names if n not in self.hidden())),)

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The workflows with their parameters.

        Raises:
          InputError: for a text that names no workflow.
        """
        return specs(self.workflows, vars(self))

    def load(self) -> Any:
        """The rows that `data` names, all columns treated alike; None without data."""
        if not self.data:
            return None
        how = (self.reading(), self.precision, self.shifts_with_rows)
        return tables.load(self.data, self.seed, *how)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; those of all models together only if several learn."""
        together = several_models.are_asked(self)
        return tuple(m for m in self.catalogue if together or not is_pooled(m))

    def task_of(self, condition: Condition[Any], data: Any) -> "Task":
        """The task of a condition, of several models if these are asked for."""
        task = self.task(condition, data)
        if not several_models.are_asked(self):
            return task
        form = load("collapse.experiment.several_task").of_several
        made: Task = form(task, condition)
        return made

    def theory_of(self, condition: Condition[Any]) -> Mapping[str, "np.ndarray"]:
        """The expected curves; of several models, those of `theory_of_several`."""
        if several_models.learn_in(condition):
            return self.theory_of_several(condition)
        curves = self.theory(condition)
        every = several_models.beside_pooled(self, curves)
        return {name: curves[name.removeprefix(POOLED)] for name in every}

    def theory_of_several(
        self, condition: Condition[Any]
    ) -> Mapping[str, "np.ndarray"]:
        """Metric -> expected curve where several models share rows.

        By default those of mean and covariance, if a fit has these of its rows: see
        `moments_ddof`.
        """
        ddof = condition.cell.get("ddof", self.moments_ddof(1.0))
        if ddof is None or self.data:
            return {}
        return several_models.moments(condition, ddof)

    def default_panels(self, known: "xr.Dataset") -> tuple[str, ...]:
        """The panels; of several models, that of all together before each model's."""
        panels = super().default_panels(known)
        every = several_models.beside_pooled(self, panels)
        return tuple(name for name in every if name in panels or name in known)

    def default_table(self) -> tuple[str, ...]:
        """The metrics of the closing table, in the same order."""
        return several_models.beside_pooled(self, self.table)

    def alone_because(self) -> str:
        """Why several models cannot share its rows, and what to do; "" if they can."""
        return ""

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric; with data, relative to the reference."""
        found = self.catalogue.get(metric)
        return of_data(metric, found) if found and self.data else found

    def real_only(self) -> Mapping[str, Sequence[Any]]:
        """The workflows that mix no generated row into the real ones."""
        sizes = self.samples_per_generation
        specs = self.workflow_specs()
        alone = [s.label for s in specs if all(s.real_rows(n) == n for n in sizes)]
        return {"workflow": alone} if alone else {}

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit."""
        return 1

    def of_one_row(self) -> str:
        """What is wrong with a fit to a single row, in words; "" if nothing is."""
        return ""

    def studied(self) -> Self:
        """The family with the defaults it has in a study, where these are different."""
        return self

    def study_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that a study of this family can measure."""
        return self.known_metrics()

    def knows_of_rows(self) -> tuple[str, ...]:
        """Names of what is known of single rows, see `row_knowledge`."""
        return ()

    def moments_ddof(self, bias: float) -> int | None:
        """The ddof of fits whose moments equal those of their rows, else None.

        Args:
          bias: variance of what models generate, as a multiple of their own.
        """
        del bias
        return None

    def repetitions(self) -> str:
        """The number of seeds in words, behind that of models if several learn."""
        seeds = super().repetitions()
        words = several_models.words(self)
        return f"{words}, {seeds}" if words else seeds

    def truth_words(self) -> str:
        """Name of the data distribution, for captions; only used without data."""
        return "the data distribution"

    def caption(self) -> str:
        """The caption: the data, the sizes, and the number of seeds."""
        truth = f"Truth: {self.truth_words()}."
        if self.data:
            truth = (
                f"Reference: {self.reference_words()} fitted to held-out rows of "
                f"{self.data}. Real rows are drawn without replacement: with all of "
                "them, every seed begins alike. Ratios are to the held-out rows, from "
                "which the training rows differ by chance: look at their change."
            )
        phrases = [f"n = {spelled(self.samples_per_generation)}", *self.caption_words()]
        return f"{truth} {', '.join([*phrases, self.repetitions()])}."

    def reference_words(self) -> str:
        """Name of the density that replaces the unknown truth of real data."""
        return "a density"

    def caption_words(self) -> list[str]:
        """Phrases on the model's own settings, for captions."""
        return []

    def resolved(self, rows: int, dimension: int) -> Self:
        """The family with a sample size: all rows of the data, or the default."""
        del dimension
        sizes = self.samples_per_generation or (rows or self.default_rows,)
        return dataclasses.replace(self, samples_per_generation=sizes)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        if not self.workflows:
            known = ", ".join(kinds())
            raise InputError(f"workflows: empty; name at least one of {known}")
        super().check()
        several_models.check(self)

    def check_data(self, data: Any) -> None:
        """Raise InputError if more rows are asked for than the data have."""
        several_models.check_data(self, len(data.train))
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} rows are needed but {self.data} has "
                f"{rows} to train on (a quarter is held out); give at most {rows}"
            )

    def quick(self) -> Self:
        """The small version of the experiment, with at most about 100 samples."""
        step = math.lcm(*self.models)  # whose multiples all models can share
        sizes = capped(self.samples_per_generation, max(100 // step, 1) * step)
        return dataclasses.replace(super().quick(), samples_per_generation=sizes)
