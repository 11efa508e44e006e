"""All parts of a run, or of a shard, computed by workers of one kind."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import jax

from collapse.data.errors import InputError
from collapse.lab import extend, room, stopwatch
from collapse.lab.command import Call
from collapse.lab.interrupt import PatientInterrupt
from collapse.lab.prepare import Piece, Programs, planner
from collapse.lab.progress import progress
from collapse.lab.workers import cluster, local, parts
from collapse.lab.workers.description import Description, describe
from collapse.lab.workers.watching import Watching


def compute(
    call: Call,
    data: Any,
    checkpoints: Path,
    locks: Sequence[TextIO],
    chosen: Sequence[Piece] | None = None,
    record: str = stopwatch.SECONDS,
    programs: Programs | None = None,
) -> None:
    """Compute parts until the file of each is complete.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
      checkpoints: folder of one file a part.
      locks: of the folder of the run.
      chosen: the parts; None for all.
      record: file among the checkpoints that holds the seconds.
      programs: of the experiment that are traced already.

    Raises:
      Interrupted: after ctrl-C, once what can be kept is saved.
      InputError: for workers that cannot be had, or that cannot compute the same.
      ChildProcessError: if a worker is lost for good.
    """
    experiment, options = call.experiment, call.options
    earlier = extend.earlier_seeds(checkpoints)
    described = _described(call, data, checkpoints, earlier)
    plan = planner(experiment, data, checkpoints, earlier, programs=programs)
    every = parts.pieces(experiment, plan) if chosen is None else iter(chosen)
    runs = len(list(experiment.conditions())) * experiment.num_seeds
    if chosen is not None:
        runs = sum(len(piece.seeds) for piece in chosen)
    steps = experiment.num_generations + 1
    with (
        contextlib.closing(progress(runs * steps, options.quiet)) as shown,
        PatientInterrupt() as interrupted,
    ):
        note = stopwatch.Stopwatch(checkpoints, record).note
        watching = Watching(
            shown, interrupted, note, lambda piece: parts.words(piece, experiment)
        )

        def todo() -> Iterator[Piece]:
            for piece in every:
                if parts.is_done(piece, experiment, checkpoints):
                    shown.skip(len(piece.seeds) * steps)
                else:
                    yield piece

        if options.scheduler:
            cluster.Cluster(described, checkpoints, options, watching).compute(todo())
        else:
            crew = local.Crew(described, checkpoints, options.jobs, watching, locks)
            crew.compute(todo())
        note()


def _described(call: Call, data: Any, checkpoints: Path, earlier: int) -> Description:
    """The run as its workers get it.

    Raises:
      InputError: for processes that would share a GPU, or source that none can load.
    """
    options, kind = call.options, jax.default_backend()
    if not options.scheduler and kind != "cpu":
        raise InputError(
            f"jobs: seeds run side by side on this {kind} already; drop --jobs"
        )
    field = "scheduler" if options.scheduler else "jobs"
    kept = (not options.no_cache, room.recorded(checkpoints))
    return describe(call.experiment, data, field, earlier, *kept)
