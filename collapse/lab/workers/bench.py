"""A run that is open in this process, so that its parts can be computed one by one."""

import contextlib
import platform
from pathlib import Path
from types import TracebackType
from typing import Self

from collapse.data.errors import InputError
from collapse.lab import layout, pinned, session
from collapse.lab.parts import Part, Watch, run_part
from collapse.lab.prepare import Piece, planner
from collapse.lab.workers.description import Description, experiment_of


class Bench:
    """A run in this process, with jax set up for it as long as the block runs."""

    def __init__(self, description: Description, checkpoints: Path) -> None:
        """Nothing is opened yet.

        Args:
          description: of the run.
          checkpoints: folder for the files of its parts.
        """
        self.description, self.checkpoints = description, checkpoints
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """The open run.

        Raises:
          InputError: where this process cannot compute the same bits.
        """
        told = self.description
        layout.impose(told.layout)
        experiment = experiment_of(told)
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                session.configured(experiment.precision, told.keep_programs)
            )
            _check(told)
            self.conditions = list(experiment.conditions())
            own = (self.checkpoints, told.earlier, told.most_seeds)
            self.plan = planner(experiment, told.data, *own)
            self.stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give jax back."""
        self.stack.close()

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
