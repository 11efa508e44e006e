"""Running the parts of an experiment: in chunks, with checkpoints, interruptible.

A part is one condition for a block of seeds.
"""

import functools
import os
import sys
import threading
import time
import zlib
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from collapse.core import streams
from collapse.core.types import Trace
from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.lab import checkpoint
from collapse.lab.interrupt import Interrupted, PatientInterrupt
from collapse.lab.programs import Program, compiled
from collapse.lab.schedule import boundaries

_STATE_BYTES = 2**29  # of all seeds that are advanced together
_SECONDS_BETWEEN_SAVES = 20.0

Arrays = dict[str, NDArray[Any]]


class Part(NamedTuple):
    """A condition for a block of seeds: the unit of checkpoints."""

    condition: Condition[Any]
    task: Task
    program: Program
    seeds: range
    path: Path


class Watch(NamedTuple):
    """What a run looks at between chunks.

    Attributes:
      bar: of progress.
      interrupted: whether ctrl-C was pressed.
    """

    bar: Any
    interrupted: threading.Event


def simulate(
    experiment: Experiment, data: Any, checkpoints: Path, quiet: bool = True
) -> dict[tuple[Any, ...], Arrays]:
    """Traces of every condition, continuing from checkpoints that are there.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      checkpoints: folder for one file a part.
      quiet: no progress bar; there is none either where stderr is no terminal.

    Returns:
      Key of a condition -> name -> [S, G + 1], as `results.assemble` takes them.

    Raises:
      Interrupted: after ctrl-C, once the state is saved.
    """
    traces: dict[tuple[Any, ...], list[Arrays]] = {}
    programs: dict[Hashable, Program] = {}
    conditions = list(experiment.conditions())
    total = len(conditions) * experiment.num_seeds * (experiment.num_generations + 1)
    silent = quiet or not sys.stderr.isatty()
    with (
        tqdm(total=total, unit=" fits", disable=silent, smoothing=0.1) as bar,
        PatientInterrupt() as interrupted,
    ):
        watch = Watch(bar, interrupted)
        for number, condition in enumerate(conditions):
            bar.set_description(condition.workflow.label)
            task = experiment.task(condition, data)
            # by sizes too, so that no task can name too little
            sizes = (task.num_rows or condition.n, task.batch_size, task.additive)
            what = number if task.program is None else (task.program, sizes)
            if what not in programs:
                bar.set_postfix_str("compiling")  # when it is first called
                programs[what] = compiled(condition, task)
            for seeds in _blocks(condition, task, programs[what]):
                path = checkpoints / f"{number:03d}-{seeds.start:06d}.npz"
                part = Part(condition, task, programs[what], seeds, path)
                traces.setdefault(condition.key, []).append(_run_part(part, watch))
    return {
        key: {
            name: blocks[0][name]
            if name == "samples"
            else np.concatenate([block[name] for block in blocks])
            for name in blocks[0]
        }
        for key, blocks in traces.items()
    }


def _blocks(condition: Condition[Any], task: Task, program: Program) -> Iterator[range]:
    """Blocks of seeds whose states fit into memory."""
    num_seeds = condition.experiment.num_seeds
    # of all seeds: tracing a state takes time, and this trace is used again
    shapes = program.shapes(roots_of(condition), *task.values)
    sizes = (leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    size = -(-sum(sizes) // num_seeds)
    if 2 * size > _memory():  # a step makes the next state beside it
        raise InputError(
            f"samples_per_generation: {program.num_rows} rows in this workflow take "
            f"{size / 1e9:.0f} GB for each seed; give fewer samples, generations or "
            "dimensions"
        )
    num_blocks = min(-(-num_seeds * size // _STATE_BYTES), num_seeds)
    block = -(-num_seeds // num_blocks)
    for start in range(0, num_seeds, block):
        yield range(start, min(start + block, num_seeds))


def _run_part(part: Part, watch: Watch) -> Arrays:
    """Traces and samples of one part, run from its checkpoint or from the start."""
    condition, task, program, seeds, path = part
    experiment = condition.experiment
    roots = roots_of(condition)[seeds.start : seeds.stop]
    final = experiment.num_generations
    progress = checkpoint.Progress(-1, {}, [], None)
    if path.exists():
        progress = checkpoint.load(path, program.shapes(roots, *task.values))
    begun = progress.done >= 0
    state = progress.state if begun else program.blank(roots, *task.values)
    watch.bar.update(len(roots) * (progress.done + 1))
    pieces = [progress.trace] if progress.trace else []
    done, samples, saved = progress.done, list(progress.samples), time.monotonic()
    often = task.observe is not None
    for end in range(final + 1) if often else boundaries(final, experiment.snapshots):
        if end <= done:
            continue
        began = time.monotonic()
        state, entries = program.walk(end - done)(roots, state, *task.values)
        pieces.append(named(entries))  # waits for the device
        spent = time.monotonic() - began
        speed = task.speed(pieces[-1], spent) if task.speed else ""
        watch.bar.set_postfix_str(speed, refresh=False)
        if task.observe is not None:
            seen = task.observe(roots, state)
            pieces[-1] |= {name: value[:, None] for name, value in seen.items()}
        watch.bar.update(len(roots) * (end - done))
        done = end
        samples += _snapshot(condition, task, roots, state, done)
        late = often or time.monotonic() - saved > _SECONDS_BETWEEN_SAVES
        if done == final or late or watch.interrupted.is_set():
            trace = {k: np.concatenate([p[k] for p in pieces], 1) for k in pieces[0]}
            kept = None if done == final else state
            progress = checkpoint.Progress(done, trace, samples, kept)
            checkpoint.save(path, progress)
            pieces, saved = [trace], time.monotonic()
        if watch.interrupted.is_set():
            raise Interrupted("continue with the same command and --resume")
    result = dict(progress.trace)
    if experiment.snapshots and seeds.start == 0:
        result["samples"] = np.stack(samples)
    return result


def roots_of(condition: Condition[Any]) -> Any:
    """Root keys [S] of a condition, other ones for values of an independent axis."""
    experiment = condition.experiment
    own = tuple(_number(condition[axis]) for axis in experiment.independent_axes())
    return _roots(experiment.seed, experiment.num_seeds, own)


@functools.lru_cache(maxsize=1)  # neighbours in a grid often have the same
def _roots(seed: int, num_seeds: int, own: tuple[int, ...]) -> Any:
    return streams.seeds(seed, num_seeds, own)


def _number(value: Any) -> int:
    """A whole number that tells values of an axis apart, for random keys."""
    return value if isinstance(value, int) else zlib.crc32(repr(value).encode())


def _memory() -> int:
    """Bytes of memory that the machine has; a large number where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**60


def named(trace: Trace) -> Arrays:
    """A trace as host arrays by name; the fit's diagnostics begin with `fit_`."""
    named = dict(trace.metrics) | {f"fit_{k}": v for k, v in trace.info.items()}
    return {k: np.asarray(v) for k, v in (named | {"finite": trace.finite}).items()}


def _snapshot(
    condition: Condition[Any], task: Task, roots: Any, state: Any, generation: int
) -> list[NDArray[Any]]:
    """Samples of the first seed's model, if this generation is to be kept."""
    experiment = condition.experiment
    if generation not in experiment.snapshots:
        return []
    assert task.points is not None  # checked with the experiment
    params = jax.tree.map(lambda leaf: leaf[0], state.params)
    key = streams.key(roots[0], generation + 1, streams.Purpose.SAMPLE)
    first = next(experiment.conditions()).n  # all cells show as many samples
    return [np.asarray(task.points(key, params, first))]
