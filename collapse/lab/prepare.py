"""Conditions made ready to run, in threads, while earlier ones are running.

Making a program takes longer than many a run: it is traced by Python, which one thread
at a time can do, and compiled by XLA, which leaves Python to the others.
"""

import collections
import functools
import threading
from collections.abc import Callable, Collection, Generator, Hashable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.lab import room
from collapse.lab.programs import Program, compiled, roots_of
from collapse.lab.schedule import lengths, stops
from collapse.lab.stored import settings

_AHEAD = 2  # conditions that are made ready at once, while another one runs
_STATE_BYTES = 2**29  # of all seeds that are advanced together


Plan = Callable[[int, Condition[Any]], "Ready"]
Programs = dict[Hashable, Program]  # of one experiment, by what tells them apart


class Piece(NamedTuple):
    """A part of an experiment by its place: a condition for a block of seeds.

    Attributes:
      number: of the condition, in their order.
      seeds: of the block.
    """

    number: int
    seeds: range

    @property
    def name(self) -> str:
        """The name of the file that its progress is kept in."""
        return f"{self.number:03d}-{self.seeds.start:06d}.npz"


class Ready(NamedTuple):
    """A condition that can be run.

    Attributes:
      condition: what is asked.
      task: what is learned.
      program: compiled.
      blocks: of seeds, with the file that each one's progress is kept in.
    """

    condition: Condition[Any]
    task: Task
    program: Program
    blocks: list[tuple[range, Path]]

    @property
    def lengths(self) -> list[int]:
        """Generations of its chunks: each length once, in the order of their use."""
        experiment, often = self.condition.experiment, self.task.observe is not None
        when = (experiment.num_generations, experiment.snapshots, often)
        return lengths(stops(*when, experiment.recorded().step))


def planner(
    experiment: Experiment,
    data: Any,
    checkpoints: Path,
    earlier: int = 0,
    most_seeds: int | None = None,
    programs: Programs | None = None,
) -> Plan:
    """(number, condition) -> what it is run by, not compiled yet.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      checkpoints: folder of the files in which progress is kept.
      earlier: seeds of a shorter run that this one extends, in blocks of their own.
      most_seeds: of a block, 0 for the usual blocks; None for what is noted among the
        checkpoints.
      programs: of this experiment that other planners have made; those of this one are
        added. Tracing a program takes longer than many a run.
    """
    if most_seeds is None:
        most_seeds = room.recorded(checkpoints)
    programs = {} if programs is None else programs
    one_at_a_time = threading.Lock()

    def plan(number: int, condition: Condition[Any]) -> Ready:
        with one_at_a_time:  # a task often shares its parts with the next one
            task = experiment.task_of(condition, data)
            # by sizes too, so that no task can name too little
            sizes = (task.num_rows or condition.n, task.batch_size, task.additive)
            what = number if task.program is None else (task.program, sizes)
            if what not in programs:
                programs[what] = compiled(condition, task)
        program = programs[what]
        blocks = [
            (seeds, checkpoints / Piece(number, seeds).name)
            for seeds in _blocks(condition, task, program, earlier, most_seeds)
        ]
        return Ready(condition, task, program, blocks)

    return plan


def prepared(
    experiment: Experiment,
    data: Any,
    checkpoints: Path,
    stopping: threading.Event,
    earlier: int = 0,
    chosen: Collection[Piece] | None = None,
    programs: Programs | None = None,
) -> Generator[Ready, None, None]:
    """The conditions of an experiment in their order, each ready to run.

    The next ones are made ready in threads of their own, unless the caller has changed
    settings of jax for its thread alone. Closing the iterator waits for what XLA is
    compiling then; nothing more is begun, and neither is after an error.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      checkpoints: folder of the files in which progress is kept.
      stopping: set to compile nothing more.
      earlier: seeds of a shorter run that this one extends, in blocks of their own.
      chosen: the parts that are wanted; None for all.
      programs: see `planner`.

    Raises:
      InputError: if a condition does not fit into memory; and whatever its task raises.
    """
    plan = planner(experiment, data, checkpoints, earlier, programs=programs)
    over = threading.Event()
    names = None if chosen is None else {piece.name for piece in chosen}
    numbers = None if chosen is None else {piece.number for piece in chosen}

    def made(number: int, condition: Condition[Any]) -> Ready:
        ready = plan(number, condition)
        if names is not None:
            few = [block for block in ready.blocks if block[1].name in names]
            ready = ready._replace(blocks=few)
        if not all(path.exists() for _, path in ready.blocks):
            for compile_one in _programs(ready):
                if not (stopping.is_set() or over.is_set()):
                    compile_one()
        return ready

    every = enumerate(experiment.conditions())
    wanted = (one for one in every if numbers is None or one[0] in numbers)
    return _ahead(made, wanted, over)


def _ahead(
    made: Callable[[int, Condition[Any]], Ready],
    numbered: Iterator[tuple[int, Condition[Any]]],
    over: threading.Event,
) -> Generator[Ready, None, None]:
    """Results of `made` in order, of which the next ones are begun in threads.

    `over` is set once there is no use for more: after an error, or at the end.
    """
    here = settings()

    def begin(number: int, condition: Condition[Any]) -> Ready:
        if over.is_set():
            raise CancelledError
        try:
            return made(number, condition)
        except BaseException:
            over.set()
            raise

    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="compile") as pool:
        if pool.submit(settings).result() != here:
            yield from (made(*one) for one in numbered)
            return
        begun: collections.deque[Future[Ready]] = collections.deque()
        try:
            for one in numbered:
                begun.append(pool.submit(begin, *one))
                if len(begun) > _AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            over.set()


def _programs(ready: Ready) -> Iterator[Callable[[], None]]:
    """Functions that compile what the first block is run by, one program each."""
    condition, task, program, ((seeds, _), *_) = ready
    roots = roots_of(condition)[seeds.start : seeds.stop]
    for length in ready.lengths:
        yield functools.partial(program.prepare, length, roots, *task.values)


def _blocks(
    condition: Condition[Any],
    task: Task,
    program: Program,
    earlier: int,
    most_seeds: int,
) -> Iterator[range]:
    """Blocks of seeds whose states fit into memory, the first `earlier` by themselves.

    Raises:
      InputError: if one seed's do not.
    """
    num_seeds = condition.experiment.num_seeds
    # of all seeds: tracing a state takes time, and this trace is used again
    shapes = program.shapes(roots_of(condition), *task.values)
    sizes = (leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    size = -(-sum(sizes) // num_seeds)
    if 2 * size > room.total():  # a step makes the next state beside it
        raise InputError(
            f"samples_per_generation: {program.num_rows} rows in this workflow take "
            f"{size / 1e9:.0f} GB for each seed; give fewer samples, generations or "
            "dimensions"
        )
    for seeds in (range(earlier), range(earlier, num_seeds)):
        num_blocks = -(-len(seeds) * size // _STATE_BYTES)
        if wanted := most_seeds or condition.experiment.block_seeds:
            num_blocks = max(num_blocks, -(-len(seeds) // wanted))
        num_blocks = min(num_blocks, len(seeds))
        block = -(-len(seeds) // max(num_blocks, 1))
        for start in range(seeds.start, seeds.stop, max(block, 1)):
            yield range(start, min(start + block, seeds.stop))
