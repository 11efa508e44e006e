"""Running the parts of an experiment: in chunks, with checkpoints, interruptible.

A part is one condition for a block of seeds.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from collapse.core import streams
from collapse.core.devices import from_first, leads, on_host
from collapse.core.types import State, Trace
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.lab import checkpoint, extend, stopwatch
from collapse.lab.interrupt import Interrupted, PatientInterrupt
from collapse.lab.prepare import Piece, Programs, prepared
from collapse.lab.programs import Program, roots_of
from collapse.lab.progress import Progress, progress
from collapse.lab.schedule import stops

_SECONDS_BETWEEN_SAVES = 20.0
_MOST_KEPT = 2**25  # bytes of the last state of a part, kept for a longer run

Arrays = dict[str, NDArray[Any]]


class Part(NamedTuple):
    """A condition for a block of seeds: the unit of checkpoints."""

    condition: Condition[Any]
    task: Task
    program: Program
    seeds: range
    path: Path


class Flag(Protocol):
    """What says whether a run is to stop; a `threading.Event`, for example."""

    def is_set(self) -> bool:
        """Whether it is."""


class Watch(NamedTuple):
    """What a run looks at between chunks.

    Attributes:
      progress: that is told.
      interrupted: whether ctrl-C was pressed.
      note: called at each save, to write down the seconds so far.
      extends: whether files may be those of a shorter run, from which a part goes on
        if it can.
    """

    progress: Progress
    interrupted: Flag
    note: Callable[[], None]
    extends: bool


def simulate(
    experiment: Experiment,
    data: Any,
    checkpoints: Path,
    quiet: bool = True,
    chosen: Collection[Piece] | None = None,
    record: str = stopwatch.SECONDS,
    programs: Programs | None = None,
) -> dict[tuple[Any, ...], Arrays]:
    """Traces of every condition, continuing from checkpoints that are there.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      checkpoints: folder for one file a part.
      quiet: say nothing of its progress.
      chosen: the parts that are run; None for all.
      record: file among the checkpoints that holds the seconds of this run.
      programs: of this experiment that are traced already; see `prepare.planner`.

    Returns:
      Key of a condition -> name -> [S, G + 1], as `results.assemble` takes them.

    Raises:
      Interrupted: after ctrl-C, once the state is saved.
    """
    traces: dict[tuple[Any, ...], list[Arrays]] = {}
    num_runs = len(list(experiment.conditions())) * experiment.num_seeds
    if chosen is not None:
        num_runs = sum(len(piece.seeds) for piece in chosen)
    note = stopwatch.Stopwatch(checkpoints, record).note
    earlier = extend.earlier_seeds(checkpoints)
    total = num_runs * (experiment.num_generations + 1)

    with (
        contextlib.closing(progress(total, quiet)) as told,
        PatientInterrupt() as interrupted,
        contextlib.closing(
            prepared(
                experiment, data, checkpoints, interrupted, earlier, chosen, programs
            )
        ) as conditions,
    ):
        watch = Watch(told, interrupted, note, earlier > 0)
        for condition, task, program, blocks in conditions:
            told.name(condition.workflow.label)
            for seeds, path in blocks:
                part = Part(condition, task, program, seeds, path)
                traces.setdefault(condition.key, []).append(run_part(part, watch))
    centre = np.asarray(getattr(data, "centre", 0.0))  # that rows were shifted by
    note()
    return {
        key: {
            name: _shifted(_samples(blocks), centre)
            if name == "samples"
            else np.concatenate([block[name] for block in blocks])
            for name in blocks[0]
        }
        for key, blocks in traces.items()
    }


def _samples(blocks: list[Arrays]) -> NDArray[Any]:
    """Samples [snapshots, rows, d] of the first seed, or [snapshots, runs, rows, d]."""
    every = [block["samples"] for block in blocks if "samples" in block]
    return every[0] if every[0].ndim == 3 else np.concatenate(every, axis=1)


def _shifted(samples: NDArray[Any], centre: NDArray[Any]) -> NDArray[Any]:
    """Samples [..., d] where the user's rows are; in the precision of the centre."""
    return samples + centre if centre.any() else samples


def run_part(part: Part, watch: Watch) -> Arrays:
    """Traces and samples of one part, run from its checkpoint or from the start."""
    condition, task, program, seeds, path = part
    experiment = condition.experiment
    roots = roots_of(condition)[seeds.start : seeds.stop]
    final = experiment.num_generations
    progress = _agreed(_begun(part, roots, watch), part, roots)
    state = progress.state
    if progress.done < final:
        blank = program.blank(roots, *task.values)
        state = _placed(state, blank) if progress.done >= 0 else blank
    watch.progress.skip(len(roots) * (progress.done + 1))
    pieces = [progress.trace] if progress.trace else []
    done, samples, saved = progress.done, list(progress.samples), time.monotonic()
    often = task.observe is not None
    every = experiment.recorded().step
    for end in stops(final, experiment.snapshots, often, every):
        if end <= done:
            continue
        began = time.monotonic()
        advance = _advancing(part, end - done)
        state, entries = advance(roots, state, *task.values)
        pieces.append(named(entries))  # waits for the device
        spent = time.monotonic() - began
        speed = task.speed(pieces[-1], spent) if task.speed else ""
        watch.progress.remark(speed)
        if task.observe is not None:
            seen = task.observe(roots, state)
            pieces[-1] |= {name: value[:, None] for name, value in seen.items()}
        if often and end % every:  # looked at, and not recorded
            del pieces[-1]
        watch.progress.add(len(roots) * (end - done))
        done = end
        samples += _snapshot(condition, task, seeds.start, roots, state, done)
        late = often or time.monotonic() - saved > _SECONDS_BETWEEN_SAVES
        stopping, late = _any(watch.interrupted.is_set(), late)
        if done == final or late or stopping:
            trace = {k: np.concatenate([p[k] for p in pieces], 1) for k in pieces[0]}
            small = checkpoint.num_bytes(state) <= _MOST_KEPT
            kept = on_host(state) if done < final or small else None
            progress = checkpoint.Progress(done, trace, samples, kept)
            if leads():
                checkpoint.save(path, progress)
                watch.note()
            pieces, saved = [trace], time.monotonic()
            (stopping,) = _any(stopping or watch.interrupted.is_set())  # in the save
        if stopping:
            raise Interrupted("continue with the same command and --resume")
    result = dict(progress.trace)
    if samples:
        result["samples"] = np.stack(samples)
    return result


def _advancing(part: Part, length: int) -> Callable[..., Any]:
    """A function of keys, states and values, with the host's curator where it acts."""
    advance, curator = part.program.walk(length), part.task.host_curator
    return advance if curator is None else functools.partial(advance, curator)


def _begun(part: Part, roots: Any, watch: Watch) -> checkpoint.Progress:
    """How far a part has come, in an earlier stretch or in a run that it extends."""
    nothing = checkpoint.Progress(-1, {}, [], None)
    if not part.path.exists():
        return nothing
    try:
        shapes = part.program.shapes(roots, *part.task.values)
        found = checkpoint.load(part.path, shapes)
    except checkpoint.Damaged:
        if watch.extends:  # a longer run has a larger store: from the beginning
            return nothing
        raise
    final = part.condition.experiment.num_generations
    whole = all(len(values) == len(roots) for values in found.trace.values())
    lost = found.state is None and found.done < final
    return nothing if watch.extends and (lost or not whole) else found


def _agreed(own: checkpoint.Progress, part: Part, roots: Any) -> checkpoint.Progress:
    """How far a part has come, as the first of several processes has read it.

    Others have the state alone: they write no traces.
    """
    if jax.process_count() == 1:
        return own
    done = int(from_first(np.int32(own.done)))
    if done < 0 or done == part.condition.experiment.num_generations:
        return own if leads() else checkpoint.Progress(done, {}, [], None)
    shapes = part.program.shapes(roots, *part.task.values)
    blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    state = from_first(own.state if leads() else blank)
    return (
        own._replace(state=state) if leads() else own._replace(done=done, state=state)
    )


def _any(*flags: bool) -> list[bool]:
    """Each flag, set if it is so in any of the processes that compute together."""
    if jax.process_count() == 1:
        return list(flags)
    every = on_host(np.array([flags]))
    return [bool(flag) for flag in every.any(0)]


def _placed(state: State | None, blank: State) -> State:
    """A state from a file on the devices of a blank one: the same program runs it."""

    def placed(leaf: Any, where: Any) -> Any:
        if isinstance(where, np.ndarray):  # of a model that is run on the host
            return leaf
        return jax.device_put(leaf, where.sharding)

    found: State = jax.tree.map(placed, state, blank)
    return found


def named(trace: Trace) -> Arrays:
    """A trace as host arrays by name; the fit's diagnostics begin with `fit_`."""
    trace = on_host(trace)
    named = dict(trace.metrics) | {f"fit_{k}": v for k, v in trace.info.items()}
    return {k: np.asarray(v) for k, v in (named | {"finite": trace.finite}).items()}


def _snapshot(
    condition: Condition[Any],
    task: Task,
    first: int,
    roots: Any,
    state: Any,
    generation: int,
) -> list[NDArray[Any]]:
    """Samples of the first seeds' models, if this generation is to be kept."""
    experiment = condition.experiment
    wanted = experiment.snapshot_seeds - first
    if wanted < 1 or generation not in experiment.snapshots:
        return []
    assert task.points is not None  # checked with the experiment
    num = next(experiment.conditions()).n  # all cells show as many samples
    clouds, own = [], on_host(state.params)
    for seed, root in enumerate(roots[:wanted]):
        params = jax.tree.map(lambda leaf, seed=seed: leaf[seed], own)
        key = streams.key(root, generation + 1, streams.Purpose.SAMPLE)
        clouds.append(np.asarray(task.points(key, params, num)))
    return clouds if experiment.snapshot_seeds == 1 else [np.stack(clouds)]
