"""How many seeds are computed together: the usual number, or as many as there is room.

Seeds that are computed together may differ in their last digits from the same seeds by
themselves. So the usual blocks depend on the experiment alone, smaller ones are chosen
only where the usual ones do not fit, and a run keeps what it was begun with.
"""

import math
from pathlib import Path
from typing import Any

import jax

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.files import write_once
from collapse.lab import room
from collapse.lab.prepare import Plan, Programs, Ready, planner
from collapse.lab.programs import roots_of

_SHARE = 0.9  # of the free memory: the host needs some for itself
# Programs take less than this, so that only larger ones are compiled to be weighed.
_TIMES_THE_STATE, _BESIDE_IT = 32, 4 * 2**30


def choose(
    experiment: Experiment,
    data: Any,
    checkpoints: Path,
    processes: int = 1,
    shared: bool = False,
    programs: Programs | None = None,
) -> str:
    """A remark if seeds run in smaller blocks than usual, else ""; see `room.recorded`.

    What the largest condition takes is asked of the compiler. A run that has begun
    stays as it is.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      checkpoints: folder of the run's parts, in which a choice is noted.
      processes: that compute parts at the same time on this machine.
      shared: other commands compute parts of this run: the first one decides for all.
      programs: of this experiment; the one that is weighed is added.

    Raises:
      InputError: if the largest condition does not fit, with the size it needs.
    """
    noted = checkpoints / room.MOST_SEEDS
    if noted.exists() or any(checkpoints.glob("*.npz")):
        return ""
    plan = planner(experiment, data, checkpoints, programs=programs)
    most, words = _fitting(experiment, plan, processes)
    if most or shared:
        write_once(noted, str(most))
    return words


def _fitting(experiment: Experiment, plan: Plan, processes: int) -> tuple[int, str]:
    """The most seeds of a block, 0 for the usual ones; and what to say of it."""
    conditions = enumerate(experiment.conditions())
    number, largest = max(conditions, key=lambda one: _extent(one[1]))
    ready = plan(number, largest)
    free = int(_SHARE * room.free() / processes)
    usual = max(len(seeds) for seeds, _ in ready.blocks)
    shapes = ready.program.shapes(roots_of(largest), *ready.task.values)
    state = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    state = state * usual // experiment.num_seeds
    if _TIMES_THE_STATE * state + _BESIDE_IT < free:
        return 0, ""
    block, needed = usual, _needed(ready, usual)
    whole = needed
    if whole > free and (least := _needed(ready, 1)) > free:
        raise InputError(_too_large(ready, least, free, processes))
    while needed > free:
        block = max(1, min(block - 1, int(block * free / needed)))
        needed = _needed(ready, block)
    if block == usual:
        return 0, ""
    sizes = f"{usual} seeds together take {_gb(whole)}, and {_gb(free)} are free"
    if experiment.block_seeds:
        raise InputError(f"block_seeds: {sizes}; give at most {block}")
    return block, f"{sizes}: in blocks of {block}"


def _extent(condition: Condition[Any]) -> float:
    """A number that grows with the memory a condition takes."""
    sizes = [v for v in condition.cell.values() if isinstance(v, int) and v > 0]
    batches = condition.workflow.batches(condition.num_generations)
    return math.prod([batches, *sizes])


def _needed(ready: Ready, seeds: int) -> int:
    """Bytes that so many seeds of a condition take, together."""
    roots, values = roots_of(ready.condition)[:seeds], ready.task.values
    return room.taken(ready.program.prepare(max(ready.lengths), roots, *values))


def _too_large(ready: Ready, least: int, free: int, processes: int) -> str:
    """What is said of a condition that does not fit with a single seed."""
    devices = jax.local_device_count()
    shared = f", or --devices 1 instead of {devices}" if devices > 1 else ""
    shared += f", or fewer --jobs than {processes}" if processes > 1 else ""
    return (
        f"samples_per_generation: {ready.program.num_rows} rows in this workflow take "
        f"{_gb(least)} with one seed at a time, and {_gb(free)} are free; "
        f"give fewer samples, generations or dimensions{shared}"
    )


def _gb(size: float) -> str:
    """`1.5 GB`."""
    return f"{size / 1e9:.2g} GB" if size < 1e10 else f"{size / 1e9:.0f} GB"
