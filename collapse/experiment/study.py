"""A study: one question, asked of the models of any suitable family."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from collapse.data.errors import InputError, hint
from collapse.experiment import registry, several_models
from collapse.experiment.base import Experiment
from collapse.experiment.family import Family
from collapse.experiment.fields import declared, told
from collapse.experiment.source import source_digest
from collapse.experiment.toml import plain_from_table
from collapse.measures.catalogue import Quantity


@dataclasses.dataclass(frozen=True)
class Study(Experiment):
    """The fields of every experiment, and a family with its own.

    On the command line the model's fields follow those of the study; in a TOML file
    they stand in a table `[model]` with its name, or among those of the study.
    """

    sweeps_model: ClassVar[bool] = False  # whether the model's fields may be axes
    # model -> those of its fields that the study refuses, whatever their value
    refused: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    model: str = "gaussian"
    """What learns: a family by name, or a Python file that defines one. Its own options
    follow those of the study; see --model NAME --help."""
    family: Family | None = None

    def __post_init__(self) -> None:
        """Take the defaults of the model's family if no family is given.

        Raises:
          InputError: for a field of the model that has the name of one of the study.
        """
        if self.family is None:
            own = registry.family(self.model)().studied()
            object.__setattr__(self, "family", own)
        names = {field.name for field in dataclasses.fields(self)}
        for name in self.learner.own_fields():
            if name in names:
                raise InputError(
                    f"model: {self.model} has a field {name}, as {self.name} has; "
                    "rename that of the model"
                )

    @property
    def learner(self) -> Family:
        """The family whose model learns."""
        assert self.family is not None  # see __post_init__
        return self.family

    # How its fields are set

    def parts(self) -> tuple[tuple[Experiment, tuple[str, ...]], ...]:
        """The study and the family of its model, each with the fields to set.

        Without those of the model that are refused, and those that only go with them.
        """
        hidden = ("family", "snapshots", "snapshot_seeds")
        own = [f.name for f in dataclasses.fields(self) if f.name not in hidden]
        refused = {*self.learner.alone, *self.refused.get(self.model, ())}
        known = declared(type(self.learner))
        learnt = [
            name
            for name in self.learner.own_fields()
            if name not in refused
            and not any(o.field in refused and not o.values for o in known[name].only)
        ]
        return (self, tuple(own)), (self.learner, tuple(learnt))

    def before_parsing(self, arguments: Sequence[str]) -> Self:
        """The study with the model that the arguments name, in its precision."""
        for flag, value in zip(arguments, [*arguments, ""][1:], strict=True):
            name = flag.removeprefix("--model=") if "=" in flag else value
            if flag.split("=")[0] == "--model" and name and name != self.model:
                precision = registry.family(name)().precision
                return dataclasses.replace(
                    self, model=name, family=None, precision=precision
                )
        return self

    def idle(self) -> Mapping[str, str]:
        """Fields that have no effect with what the others say -> what would take them.

        Beside those of which their declaration says so; see `fields.Only`.
        """
        return {}

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The study with new values of its own fields and of the model's."""
        own = {n: v for n, v in values.items() if n in self.learner.own_fields()}
        rest = {n: v for n, v in values.items() if n not in own}
        family = dataclasses.replace(self.learner, **own)
        return dataclasses.replace(self, **rest, family=family)

    def to_table(self) -> dict[str, Any]:
        """The study's fields as a TOML table, with one of the model's fields in it."""
        table, learnt = told(self), told(self.learner)
        own = {n: learnt[n] for n in self.learner.own_fields() if n in learnt}
        del table["family"], table["model"]
        return {**table, "model": {"name": self.model, **own}}

    @classmethod
    def from_table(cls, table: Mapping[str, Any], origin: Path | str) -> Self:
        """The study of a TOML table; its model is a name, or a table with a name.

        The model's own fields may also stand among those of the study.

        Raises:
          InputError: for an unknown key or a value of the wrong type.
        """
        rest = dict(table)
        model = rest.pop("model", cls.model)
        own = dict(model) if isinstance(model, Mapping) else {"name": model}
        name = own.pop("name", cls.model)
        if not isinstance(name, str):
            raise InputError(f"{origin}: model must be a name, got {name!r}")
        kind = registry.family(name)
        own |= {k: rest.pop(k) for k in kind.own_fields() if k in rest}
        for key in own:
            if key not in kind.own_fields():
                known = ", ".join(kind.own_fields())
                raise InputError(
                    f"{origin}: unknown key {key} of model {name}; known are {known}"
                    f"{hint(key, kind.own_fields())}"
                )
        if "family" in rest:
            raise InputError(f"{origin}: unknown key family; use a table [model]")
        rest = {"precision": kind().precision} | rest
        given = plain_from_table(own, kind, origin)
        values = {key: getattr(given, key) for key in own}
        study = plain_from_table(rest | {"model": name}, cls, origin)
        family = dataclasses.replace(study.learner, **values)
        return dataclasses.replace(study, family=family)

    def digest(self, data: str = "") -> str:
        """The experiment's digest, which also depends on the file of a user's model."""
        return super().digest(data + source_digest(type(self.learner)))

    def made_of(self) -> tuple[Any, ...]:
        """Classes and functions whose source may be a user's own."""
        return (*super().made_of(), type(self.learner))

    def load(self) -> Any:
        """The data that the model names, split by the study's seed."""
        own = dataclasses.replace(
            self.learner, seed=self.seed, precision=self.precision
        )
        return own.load()

    def reads_less(self) -> Self:
        """The study on a part of its model's data, if that is enough."""
        names = ("samples_per_generation", "real_rows", "synthetic_rows")
        rows = [max(getattr(self, name, ()), default=0) for name in names]
        own = self.learner.samples_per_generation
        asked = dataclasses.replace(
            self.learner, samples_per_generation=(sum(rows),) if any(rows) else own
        )
        less = asked.reads_less()
        family = dataclasses.replace(less, samples_per_generation=own)
        return dataclasses.replace(self, family=family)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that the model's family has in a study."""
        return self.learner.study_metrics()

    def quantity(self, metric: str) -> Quantity | None:
        """Long name, unit and reference level of a metric, from the model's family."""
        return self.learner.quantity(metric)

    def resolved(self, rows: int, dimension: int) -> Self:
        """The study with the model's open fields filled in.

        Raises:
          InputError: for several values of a field of the model.
        """
        family = dataclasses.replace(
            self.learner,
            metrics=(),
            seed=self.seed,
            precision=self.precision,
            num_seeds=self.num_seeds,
            num_generations=self.num_generations,
        ).resolved(rows, dimension)
        for axis in family.axes():
            several = len(getattr(family, axis)) > 1 and axis in family.own_fields()
            if several and not self.sweeps_model:
                raise InputError(f"{axis}: several values; give one to a study")
        if several_models.are_asked(family):
            raise InputError(f"models: {self.name} is of one model; leave it out")
        return dataclasses.replace(self, family=family)
