"""Running the parts of an experiment: in chunks, with checkpoints, interruptible.

A part is one condition for a block of seeds.
"""

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from collapse.core import streams
from collapse.core.types import State, Trace
from collapse.experiment.base import Experiment
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.lab import checkpoint
from collapse.lab.interrupt import Interrupted, PatientInterrupt
from collapse.lab.prepare import prepared
from collapse.lab.programs import Program, roots_of
from collapse.lab.schedule import stops

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
    num_conditions = sum(1 for _ in experiment.conditions())
    total = num_conditions * experiment.num_seeds * (experiment.num_generations + 1)
    silent = quiet or not sys.stderr.isatty()
    with (
        tqdm(total=total, unit=" fits", disable=silent, smoothing=0.1) as bar,
        PatientInterrupt() as interrupted,
        contextlib.closing(
            prepared(experiment, data, checkpoints, interrupted)
        ) as conditions,
    ):
        watch = Watch(bar, interrupted)
        bar.set_postfix_str("compiling")
        for condition, task, program, blocks in conditions:
            bar.set_description(condition.workflow.label)
            for seeds, path in blocks:
                part = Part(condition, task, program, seeds, path)
                traces.setdefault(condition.key, []).append(_run_part(part, watch))
    centre = np.asarray(getattr(data, "centre", 0.0))  # that rows were shifted by
    return {
        key: {
            name: _shifted(blocks[0][name], centre)
            if name == "samples"
            else np.concatenate([block[name] for block in blocks])
            for name in blocks[0]
        }
        for key, blocks in traces.items()
    }


def _shifted(samples: NDArray[Any], centre: NDArray[Any]) -> NDArray[Any]:
    """Samples [..., d] where the user's rows are; in the precision of the centre."""
    return samples + centre if centre.any() else samples


def _run_part(part: Part, watch: Watch) -> Arrays:
    """Traces and samples of one part, run from its checkpoint or from the start."""
    condition, task, program, seeds, path = part
    experiment = condition.experiment
    roots = roots_of(condition)[seeds.start : seeds.stop]
    final = experiment.num_generations
    progress = checkpoint.Progress(-1, {}, [], None)
    if path.exists():
        progress = checkpoint.load(path, program.shapes(roots, *task.values))
    state = progress.state
    if progress.done < final:
        blank = program.blank(roots, *task.values)
        state = _placed(state, blank) if progress.done >= 0 else blank
    watch.bar.update(len(roots) * (progress.done + 1))
    pieces = [progress.trace] if progress.trace else []
    done, samples, saved = progress.done, list(progress.samples), time.monotonic()
    often = task.observe is not None
    for end in stops(final, experiment.snapshots, often):
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


def _placed(state: State | None, blank: State) -> State:
    """A state from a file on the devices of a blank one: the same program runs it."""
    found: State = jax.tree.map(
        lambda leaf, where: jax.device_put(leaf, where.sharding), state, blank
    )
    return found


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
