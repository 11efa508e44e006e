"""A condition: one workflow and one cell of an experiment's grid."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from collapse.experiment.workflows import WorkflowSpec


class _Runs(Protocol):
    """The fields of an experiment that a condition reads."""

    @property
    def num_generations(self) -> int: ...


E = TypeVar("E", bound=_Runs, covariant=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Condition(Generic[E]):
    """One workflow in one cell of the grid: the setting of a run of many seeds.

    Attributes:
      experiment: what it belongs to; has every field that does not vary.
      workflow: what each generation is trained on.
      cell: axis -> its value here.
    """

    experiment: E
    workflow: WorkflowSpec
    cell: Mapping[str, Any]

    def __getitem__(self, axis: str) -> Any:
        """The value of an axis."""
        return self.cell[axis]

    @property
    def n(self) -> int:
        """Number of samples that each generation generates."""
        return int(self.cell["samples_per_generation"])

    @property
    def models(self) -> int:
        """Number of models that share the rows of a generation; 1 in a study."""
        return int(self.cell.get("models", 1))

    @property
    def num_generations(self) -> int:
        """Number of generations after the first fit."""
        return self.experiment.num_generations

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of the axes, followed by the workflow's label."""
        return (*self.cell.values(), self.workflow.label)
