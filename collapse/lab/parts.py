"""Running the parts of an experiment: in chunks, with checkpoints, interruptible.

A part is one workflow in one cell for a block of seeds. Heavy imports happen inside
functions, after the command line has been understood.
"""

import functools
import itertools
import math
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from collapse.experiment.spec import Experiment, InputError
from collapse.lab.programs import Program, Setup, compiled

_STATE_BYTES = 2**29  # of all seeds that are advanced together
_LONGEST_CHUNK = 50  # generations between two looks at ctrl-C
_SECONDS_BETWEEN_SAVES = 20.0


class Part(NamedTuple):
    """A workflow in a cell for a block of seeds: the unit of checkpoints."""

    cell: dict[str, Any]
    label: str
    seeds: range
    path: Path


class Interrupted(Exception):
    """Ctrl-C was pressed and everything done so far is saved."""


def simulate(
    experiment: Experiment,
    make_setup: Callable[[Mapping[str, Any], str], Setup],
    checkpoints: Path,
    quiet: bool = True,
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Run every part, continuing from checkpoints that are there.

    Args:
      make_setup: (cell, workflow label) -> Setup.
      checkpoints: folder for one file a part.
      quiet: no progress bar; there is none either where stderr is no terminal.

    Returns:
      (axis values..., workflow label) -> name -> [S, G + 1], as `results.assemble`
      takes them.

    Raises:
      Interrupted: after ctrl-C, once the state is saved.
    """
    import numpy as np
    from tqdm import tqdm

    traces: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    programs: dict[Hashable, Program] = {}
    units = [(c, label) for c in experiment.cells() for label in experiment.labels()]
    total = len(units) * experiment.num_seeds * (experiment.num_generations + 1)
    silent = quiet or not sys.stderr.isatty()
    with (
        tqdm(total=total, unit=" fits", disable=silent, smoothing=0.1) as bar,
        _PatientInterrupt() as interrupted,
    ):
        for number, (cell, label) in enumerate(units):
            bar.set_description(label)
            setup = make_setup(cell, label)
            what = number if setup.program is None else setup.program
            if what not in programs:
                bar.set_postfix_str("compiling")  # when it is first called
                programs[what] = compiled(setup)
            for seeds, run in _blocks(experiment, cell, setup, programs[what]):
                path = checkpoints / f"{number:03d}-{seeds.start:06d}.npz"
                done = run(Part(cell, label, seeds, path), bar, interrupted)
                traces.setdefault((*cell.values(), label), []).append(done)
    return {
        key: {
            name: blocks[0][name]
            if name == "samples"
            else np.concatenate([block[name] for block in blocks])
            for name in blocks[0]
        }
        for key, blocks in traces.items()
    }


def boundaries(num_generations: int, snapshots: Sequence[int]) -> list[int]:
    """Generations at which control returns to the host, the last one included.

    Chunks of two lengths at the most, each of which is compiled, however snapshots lie.
    """
    steps = num_generations + 1
    most = min(_LONGEST_CHUNK, max(1, steps // 8))
    length = max(k for k in range(1, most + 1) if steps % k == 0)
    if length < most / 2:  # a prime, say: rather an odd chunk at the end
        length = most
    stops = sorted({-1, *snapshots, num_generations})
    rest = math.gcd(*((b - a) % length for a, b in itertools.pairwise(stops)))
    found = set(stops[1:])
    for start, stop in itertools.pairwise(stops):
        odd = stop - (stop - start) % length
        found |= {*range(start + length, odd + 1, length)}
        found |= {*range(odd + rest, stop, rest)} if rest else set()
    return sorted(found)


def _blocks(
    experiment: Experiment, cell: Mapping[str, Any], setup: Setup, program: Program
) -> Iterator[tuple[range, Callable[..., dict[str, Any]]]]:
    """Blocks of seeds whose states fit into memory, and a function that runs one."""
    import jax

    roots = roots_of(experiment, cell)
    # of all seeds: tracing a state takes time, and this trace is used again
    shapes = program.shapes(roots, *setup.values)
    sizes = (leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    size = -(-sum(sizes) // experiment.num_seeds)
    if 2 * size > _memory():  # a step makes the next state beside it
        raise InputError(
            f"samples_per_generation: {setup.num_rows} rows in this workflow take "
            f"{size / 1e9:.0f} GB for each seed; give fewer samples, generations or "
            "dimensions"
        )
    num_blocks = min(
        -(-experiment.num_seeds * size // _STATE_BYTES), experiment.num_seeds
    )
    block = -(-experiment.num_seeds // num_blocks)

    def run(part: Part, bar: Any, interrupted: threading.Event) -> dict[str, Any]:
        mine = roots[part.seeds.start : part.seeds.stop]
        return _run_part(experiment, setup, part, mine, program, bar, interrupted)

    for start in range(0, experiment.num_seeds, block):
        yield range(start, min(start + block, experiment.num_seeds)), run


def _run_part(
    experiment: Experiment,
    setup: Setup,
    part: Part,
    roots: Any,
    program: Program,
    bar: Any,
    interrupted: threading.Event,
) -> dict[str, Any]:
    """One part from its checkpoint, or from before generation 0, to the end."""
    import numpy as np

    from collapse.lab import checkpoint

    final = experiment.num_generations
    progress = checkpoint.Progress(-1, {}, [], None)
    if part.path.exists():
        like = program.shapes(roots, *setup.values)
        progress = checkpoint.load(part.path, like)
    begun = progress.done >= 0
    state = progress.state if begun else program.blank(roots, *setup.values)
    bar.update(len(roots) * (progress.done + 1))
    pieces = [progress.trace] if progress.trace else []
    done, samples, saved = progress.done, list(progress.samples), time.monotonic()
    often = setup.observe is not None
    for end in range(final + 1) if often else boundaries(final, experiment.snapshots):
        if end <= done:
            continue
        began = time.monotonic()
        state, entries = program.walk(end - done)(roots, state, *setup.values)
        pieces.append(named(entries))  # waits for the device
        spent = time.monotonic() - began
        speed = setup.speed(pieces[-1], spent) if setup.speed else ""
        bar.set_postfix_str(speed, refresh=False)
        if setup.observe is not None:
            seen = setup.observe(roots, state)
            pieces[-1] |= {name: value[:, None] for name, value in seen.items()}
        bar.update(len(roots) * (end - done))
        done = end
        samples += _snapshot(experiment, setup, roots, state, done)
        late = often or time.monotonic() - saved > _SECONDS_BETWEEN_SAVES
        if done == final or late or interrupted.is_set():
            trace = {k: np.concatenate([p[k] for p in pieces], 1) for k in pieces[0]}
            kept = None if done == final else state
            progress = checkpoint.Progress(done, trace, samples, kept)
            checkpoint.save(part.path, progress)
            pieces, saved = [trace], time.monotonic()
        if interrupted.is_set():
            raise Interrupted("continue with the same command and --resume")
    result = dict(progress.trace)
    if experiment.snapshots and part.seeds.start == 0:
        result["samples"] = np.stack(samples)
    return result


def roots_of(experiment: Experiment, cell: Mapping[str, Any]) -> Any:
    """Root keys [S] of a cell, other ones for each value of an independent axis."""
    own = tuple(_number(cell[axis]) for axis in experiment.independent_axes())
    return _roots(experiment.seed, experiment.num_seeds, own)


@functools.lru_cache(maxsize=1)  # neighbours in a grid often have the same
def _roots(seed: int, num_seeds: int, own: tuple[int, ...]) -> Any:
    from collapse.core import streams

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


def named(trace: Any) -> dict[str, Any]:
    """A trace as host arrays by name; the fit's diagnostics begin with `fit_`."""
    import numpy as np

    named = dict(trace.metrics) | {f"fit_{k}": v for k, v in trace.info.items()}
    return {k: np.asarray(v) for k, v in (named | {"finite": trace.finite}).items()}


def _snapshot(
    experiment: Experiment, setup: Setup, roots: Any, state: Any, generation: int
) -> list[Any]:
    """What the first seed's model writes next, if this generation is to be kept."""
    import jax
    import numpy as np

    from collapse.core import streams

    if generation not in experiment.snapshots:
        return []
    params = jax.tree.map(lambda leaf: leaf[0], state.params)
    key = streams.key(roots[0], generation + 1, streams.Purpose.SAMPLE)
    return [np.asarray(setup.points(key, params, experiment.samples_per_generation[0]))]


class _PatientInterrupt:
    """Turns the first ctrl-C into a flag; the second one interrupts at once."""

    def __enter__(self) -> threading.Event:
        self.event = threading.Event()
        self.previous: Any = None
        if threading.current_thread() is threading.main_thread():
            self.previous = signal.signal(signal.SIGINT, self._note)
        return self.event

    def _note(self, *_: object) -> None:
        print("\nstopping at the next save; ctrl-C again: at once", file=sys.stderr)
        self.event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
