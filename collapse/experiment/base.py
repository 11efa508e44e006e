"""An experiment: its fields, its conditions, and what is shown of its results.

An experiment is a frozen dataclass of plain values. Fields that are tuples and named by
`axes` are axes: every combination of their values is run. The class of an experiment is
either a family (what is learned: `experiment.family`) or a study of a family (what is
asked of it). Its task and its closed forms stand in the modules `task` and `theory`
beside the one that declares the class, which are loaded once the command line is
understood; an experiment in one file overrides the methods of these names instead.
Nothing here imports jax, so that the command line answers before it is loaded.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.experiment import fields, snapshots
from collapse.experiment.condition import Condition
from collapse.experiment.derived import source
from collapse.experiment.fields import Bounds, OnlyIfSet, Shown
from collapse.experiment.lazy import exists, load, package_of
from collapse.experiment.source import source_digest
from collapse.experiment.spelling import capped as capped
from collapse.experiment.spelling import spelled as spelled
from collapse.experiment.workflows import WorkflowSpec
from collapse.measures.catalogue import Quantity

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from collapse.experiment.task import Task


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The fields that every experiment has, and the questions that are asked of it."""

    name: ClassVar[str] = ""  # of its command
    description: ClassVar[str] = ""  # first lines of --help, title of figures
    panels: ClassVar[tuple[str, ...]] = ()  # metrics of the default figure
    table: ClassVar[tuple[str, ...]] = ()  # metrics of the closing table
    catalogue: ClassVar[Mapping[str, Quantity]] = {}  # metrics that may be measured
    quick_generations: ClassVar[int] = 6  # at most, of a quick run
    afterwards: ClassVar[tuple[str, ...]] = ()  # fields that the runs do not depend on
    packages: ClassVar[tuple[str, ...]] = ()  # of others that compute, to be recorded
    group: ClassVar[str] = "run"  # title of these fields in --help

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 50
    """Generations after the first fit, which is generation 0."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 64
    """Independent repetitions."""
    block_seeds: Annotated[int, Bounds(0, 10**8 - 1), OnlyIfSet()] = 0
    """Seeds computed together, at most, and so the most of one part for a worker; 0 for
    all that fit into 512 MB. Other blocks change the last digits."""
    seed: Annotated[int, Bounds(0, 2**63 - 1)] = 0
    """Root of all randomness."""
    precision: Literal["float64", "float32"] = "float64"
    """Floating-point type of data, models and metrics."""
    metrics: Annotated[
        tuple[str, ...], Shown("all that are known here", may_be_empty=True)
    ] = ()
    """Measurements to take."""
    snapshots: Annotated[
        tuple[Annotated[int, Bounds(0)], ...], Shown("none", may_be_empty=True)
    ] = ()
    """Generations whose model's samples are kept with the results."""
    snapshot_seeds: Annotated[int, Bounds(1, 100), OnlyIfSet()] = 1
    """Seeds of which they are kept: the first ones; several only with --snapshots."""

    # What is run

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields whose several values become a dimension of the results."""
        return ()

    @classmethod
    def every_axis(cls) -> tuple[str, ...]:
        """The axes of the class and those that all experiments of its kind have."""
        return cls.axes()

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values do not share random numbers; along others runs are paired.

        Where they did, all curves of a figure would deviate from theory together.
        """
        return ()

    def cells(self) -> Iterator[dict[str, Any]]:
        """Every combination of the axes' values, as axis -> value."""
        values = {axis: getattr(self, axis) for axis in self.every_axis()}
        for combination in itertools.product(*values.values()):
            yield dict(zip(values, combination, strict=True))

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The workflows with their parameters."""
        raise NotImplementedError

    def labels(self) -> tuple[str, ...]:
        """The workflows as results name them: `window 5`, `mix 0.1 fresh`."""
        return tuple(spec.label for spec in self.workflow_specs())

    def conditions(self) -> Iterator[Condition[Self]]:
        """Every cell under every workflow."""
        specs = self.workflow_specs()
        for cell in self.cells():
            for spec in specs:
                yield Condition(self, spec, cell)

    def several(self) -> tuple[str, ...]:
        """Axes with several values."""
        return tuple(axis for axis in self.every_axis() if len(getattr(self, axis)) > 1)

    def recorded(self) -> range:
        """The generations that results hold: all of them, or one of so many."""
        return range(self.num_generations + 1)

    def load(self) -> Any:
        """The data of the experiment, with `train` and `held_out`, or None."""
        return None

    def reads_less(self) -> Self:
        """The experiment for a quick run, if a part of its data is enough for one."""
        return self

    def task(self, condition: Condition[Any], data: Any) -> "Task":
        """The task of a condition, from the module `task` in the class's package."""
        name = f"{package_of(type(self))}.task"
        if not exists(name):
            raise InputError(f"{self.name}: defines no task; add a method task")
        found: Task = load(name).task(condition, data)
        return found

    def theory(self, condition: Condition[Any]) -> Mapping[str, "np.ndarray"]:
        """Metric -> expected curve, from the module `theory` in the package, if any."""
        name = f"{package_of(type(self))}.theory"
        if not exists(name):
            return {}
        curves: Mapping[str, np.ndarray] = load(name).curves(condition)
        return curves

    def task_of(self, condition: Condition[Any], data: Any) -> "Task":
        """The task that is run: `task`, or what an experiment makes of it."""
        return self.task(condition, data)

    def theory_of(self, condition: Condition[Any]) -> Mapping[str, "np.ndarray"]:
        """The expected curves of the task that is run."""
        return self.theory(condition)

    # How its fields are set

    def parts(self) -> tuple[tuple["Experiment", tuple[str, ...]], ...]:
        """The experiment, and its family if it is a study, with the fields to set."""
        return ((self, tuple(field.name for field in dataclasses.fields(self))),)

    def before_parsing(self, arguments: Sequence[str]) -> Self:
        """The experiment whose fields the command line offers, given its arguments."""
        del arguments
        return self

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The experiment with new values of some fields."""
        return dataclasses.replace(self, **values)

    def to_table(self) -> dict[str, Any]:
        """The fields of the experiment as a TOML table."""
        return fields.told(self)

    # What it measures

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that this experiment can measure."""
        return tuple(self.catalogue)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics that are measured."""
        return self.metrics or self.known_metrics()

    def quantity(self, metric: str) -> Quantity | None:
        """Long name, unit and reference level of a metric; None if it is not known."""
        return self.catalogue.get(metric)

    def more_dims(self, name: str) -> dict[str, Sequence[float]]:
        """Dimensions of a metric beyond seed and generation, with their coordinates."""
        del name
        return {}

    def diagnostics(self) -> tuple[str, ...]:
        """Names `fit_<name>` of the fits' diagnostics, which figures may show."""
        return ()

    def derived(self) -> tuple[str, ...]:
        """Names of what `derive` adds to the metrics; figures may show them, too."""
        return ()

    def real_only(self) -> Mapping[str, Sequence[Any]]:
        """Coordinate -> its values at which all models are trained on real rows alone.

        Coordinates are axes, or `workflow`, whose values are labels.
        """
        return {}

    # What is shown of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset of all seeds, with variables computed from the metrics added."""
        return dataset

    def default_panels(self, known: "xr.Dataset") -> tuple[str, ...]:
        """The panels of a figure that names none, of the metrics that are known."""
        return tuple(m for m in self.panels if source(m)[0] in known)

    def default_table(self) -> tuple[str, ...]:
        """The metrics of the closing table, if none are named."""
        return self.table

    def note(self, cell: Mapping[str, Any]) -> str:
        """A warning of a few words for the panel of a cell; "" if there is none."""
        del cell
        return ""

    def caption(self) -> str:
        """The caption of the default figure."""
        return f"{self.repetitions()}."

    def caption_of(self, dataset: "xr.Dataset") -> str:
        """The caption, with what only the results tell (see `told_by`)."""
        del dataset
        return self.caption()

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Tables `[figure]` of the figures that are drawn if no file declares any."""
        return ({},)

    def closing(self, dataset: "xr.Dataset") -> str:
        """The last text printed; if empty, a table of the last generation is."""
        del dataset
        return ""

    def choices(self, dataset: "xr.Dataset") -> list[dict[str, Any]]:
        """For each setting of the other axes, the best choice and its confidence set.

        Raises:
          InputError: where there is nothing to choose.
        """
        raise InputError(
            "best: there is nothing to choose from; give mixing several values of a "
            "field, and two seeds or more"
        )

    def told_by(self, data: Any) -> dict[str, Any]:
        """Attributes of the results: what only the data (see `load`) tell."""
        del data
        return {}

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write the files of a run that hold no numbers, such as generated text."""

    def repetitions(self) -> str:
        """The number of seeds in words: `64 seeds`, or `1 seed`."""
        return f"{self.num_seeds} seed{'s' * (self.num_seeds != 1)}"

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with every field that was left open filled in.

        Args:
          rows: training rows of the data, 0 without data.
          dimension: of the data, 0 without data.
        """
        del rows, dimension
        return self

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        fields.check(self)
        fields.check_names("metrics", self.metrics, self.known_metrics())
        snapshots.check(self)
        if len(set(labels := self.labels())) < len(labels):
            raise InputError("workflows: one is repeated; name each once")

    def check_data(self, data: Any) -> None:
        """Raise InputError if the experiment asks more of its data than they give."""

    def quick(self) -> Self:
        """A small version that runs in seconds, to see that the experiment works."""
        generations = min(self.num_generations, self.quick_generations)
        return dataclasses.replace(
            self,
            num_generations=generations,
            num_seeds=min(self.num_seeds, 8),
            snapshots=capped(self.snapshots, generations),
            snapshot_seeds=min(self.snapshot_seeds, 2),
        )

    def made_of(self) -> tuple[Any, ...]:
        """Classes and functions whose source may be a user's own."""
        kinds = [spec.kind for spec in self.workflow_specs()]
        parts = [(k.maker, k.additive_maker, k.moments) for k in kinds]
        return (type(self), *itertools.chain(*parts))

    def digest(self, data: str = "") -> str:
        """Twelve hexadecimal digits, different for different experiments.

        Args:
          data: fingerprint of the data file, which counts instead of its name.
        """
        table = {"kind": self.name, **self.to_table()} | {"data": data}
        table["source"] = source_digest(*Experiment.made_of(self))
        text = json.dumps(table, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
