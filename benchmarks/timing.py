"""What the benchmarks share: equal cores, fair turns, and the lab's side of a row.

Import this first: it keeps NumPy to one thread a process. All peers run in processes of
their own (`crew`), one for each core, kept on that core; the lab has one device for
each of the same cores. While one works the others wait.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import functools
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from crew import Crew
from numpy.typing import NDArray

from collapse.core import loop, streams
from collapse.core.devices import use_all_cores
from collapse.core.types import Problem, Workflow

Ends = NDArray[np.float64]  # one number a seed, compared between lab and peer


class Spread(NamedTuple):
    """Median, smallest and largest of several turns."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """`24.1 (22.9 to 25.0)`."""
        return f"{_short(self.median)} ({_short(self.low)} to {_short(self.high)})"

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Setting(NamedTuple):
    """How a benchmark is run here.

    Attributes:
      quick: few and rough.
      cores: how many the lab and its peers have.
      crew: processes of the peers, one a core.
      seconds: that the turns of a row may take, about.
      turns: at least and at most.
    """

    quick: bool
    cores: int
    crew: Crew
    seconds: float
    turns: tuple[int, int]

    @property
    def where(self) -> str:
        """`1` or `all 2`."""
        return "1" if self.cores == 1 else f"all {self.cores}"


def begin(quick: bool, one_core: bool) -> Setting:
    """The setting, once jax is set up for it; before the first array is made.

    Args:
      quick: few and rough.
      one_core: keep everything on the last core that this process may use.
    """
    cores = sorted(os.sched_getaffinity(0))
    if one_core:
        cores = cores[-1:]
        os.sched_setaffinity(0, cores)
    jax.config.update("jax_enable_x64", True)
    use_all_cores()
    jax.block_until_ready(jax.jit(lambda x: x + 1)(np.zeros(3)))  # its first compile
    budget = (0.3, (2, 3)) if quick else (2.5, (3, 9))
    return Setting(quick, len(cores), Crew(cores), *budget)


class Timed(NamedTuple):
    """Of each candidate the seconds of every turn, and what all its calls returned."""

    seconds: dict[str, list[float]]
    found: dict[str, list[Any]]

    def ratio(self, of: str, to: str, factor: float = 1.0) -> Spread:
        """Seconds of one candidate over those of another, turn by turn."""
        pairs = zip(self.seconds[of], self.seconds[to], strict=True)
        return Spread.of([factor * a / b for a, b in pairs])


def interleave(candidates: Mapping[str, Callable[[], Any]], setting: Setting) -> Timed:
    """Seconds of each candidate, turn by turn after one warm-up, in a time budget."""
    found = {name: [call()] for name, call in candidates.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    least, most = setting.turns
    began = time.perf_counter()
    for turn in range(most):
        if turn >= least and time.perf_counter() - began > setting.seconds:
            break
        for name, call in candidates.items():
            begin = time.perf_counter()
            found[name].append(call())
            seconds[name].append(time.perf_counter() - begin)
    return Timed(seconds, found)


def compile_timed(program: Any, *arguments: Any) -> tuple[Any, float]:
    """The compiled program and the seconds that tracing and compiling took."""
    begin = time.perf_counter()
    compiled = program.lower(*arguments).compile()
    return compiled, time.perf_counter() - begin


def lab(
    problem_of: Callable[[jax.Array], Problem],
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
    num_seeds: int,
    read: Callable[[Any], Any] | None = None,
) -> tuple[Callable[[], Ends], float]:
    """A call that runs all seeds, and the seconds that compiling it took.

    The call returns a number for each seed [S].

    Args:
      problem_of: root key -> what is learned.
      workflow: of the run.
      num_rows: a generation.
      num_generations: after generation 0.
      num_seeds: S.
      read: trace -> numbers [S]; by default the problem's one metric at the end.
    """

    def one(root: jax.Array) -> Any:
        problem = problem_of(root)
        return loop.run(root, problem, workflow, num_rows, num_generations)[1]

    roots = streams.seeds(0, num_seeds)
    compiled, seconds = compile_timed(loop.over_seeds(one), roots)

    def call() -> Ends:
        trace = jax.block_until_ready(compiled(roots))
        assert bool(trace.finite.all()), "the lab's result is not finite"
        if read is not None:
            return np.asarray(read(trace), np.float64)
        (found,) = trace.metrics.values()
        return np.asarray(found[:, -1], np.float64)

    return call, seconds


def peer(setting: Setting, module: str, function: str, **arguments: Any):
    """A call that lets every process of the crew run a function of a module.

    Each call has seeds of its own. It returns the numbers of all processes.
    """
    return functools.partial(setting.crew.call, module, function, arguments)
