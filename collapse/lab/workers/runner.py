"""A run that is open in a worker's process, in which its parts are computed."""

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.lab import layout, pinned, session
from collapse.lab.parts import Part, Watch, run_part
from collapse.lab.prepare import Piece, Plan, planner
from collapse.lab.workers.description import Description, experiment_of


class Runner(NamedTuple):
    """What computes the parts of one run, one after the other.

    Attributes:
      description: of the run.
      checkpoints: folder for the files of its parts.
      conditions: of the experiment, in their order.
      plan: of `prepare.planner`.
    """

    description: Description
    checkpoints: Path
    conditions: list[Condition[Any]]
    plan: Plan

    def compute(self, piece: Piece, watch: Watch) -> Path:
        """The file of a part, once it is complete.

        Raises:
          InputError: if seeds are divided otherwise here.
          Interrupted: once `watch` says so, and the state is saved.
        """
        condition = self.conditions[piece.number]
        ready = self.plan(piece.number, condition)
        path = self.checkpoints / piece.name
        if (piece.seeds, path) not in ready.blocks:
            raise InputError(f"block_seeds: {piece} is no part of the run here")
        part = Part(condition, ready.task, ready.program, piece.seeds, path)
        run_part(part, watch)
        return path


@contextlib.contextmanager
def runner(description: Description, checkpoints: Path) -> Iterator[Runner]:
    """What computes parts of a run; jax is set up for it as long as the block runs.

    Args:
      description: of the run.
      checkpoints: folder for the files of its parts.

    Raises:
      InputError: where this process cannot compute the same bits.
    """
    layout.impose(description.layout)
    experiment = experiment_of(description)
    with session.configured(experiment.precision, description.keep_programs):
        _check(description)
        own = (checkpoints, description.earlier, description.most_seeds)
        plan = planner(experiment, description.data, *own)
        yield Runner(description, checkpoints, list(experiment.conditions()), plan)


def _check(told: Description) -> None:
    """Raise InputError for devices that would give other bits than those of the run."""
    here, machine = layout.here(), pinned.machine()
    where = f"the worker on {platform.node()}"
    if machine != told.machine:
        raise InputError(
            f"devices: {where} computes on {machine}, the run on {told.machine}; "
            "use the same kind of device"
        )
    if here != told.layout:
        raise InputError(
            f"devices: {where} has {here}, the run {told.layout}, and jax has been "
            "started there already; start the worker again"
        )
