"""What the benchmarks share: fair turns, the machine, and how numbers are printed.

Import this first: it sets the peers to one thread before NumPy starts its own.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import platform
import statistics
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from collapse.core import loop, streams
from collapse.core.devices import seed_devices, use_all_cores
from collapse.core.types import Problem, Workflow


def interleave(
    candidates: Mapping[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds a call of each candidate, turn by turn after one warm-up.

    Returns:
      name -> seconds, and name -> what the warm-up returned.
    """
    note = {name: call() for name, call in candidates.items()}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(t) for name, t in times.items()}, note


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
) -> tuple[Callable[[], float], float]:
    """A call that runs all seeds, and the seconds that compiling it took.

    The call returns the mean over seeds of the problem's one metric at the end.
    """

    def one(root: jax.Array) -> Any:
        problem = problem_of(root)
        return loop.run(root, problem, workflow, num_rows, num_generations)[1]

    roots = streams.seeds(0, num_seeds)
    compiled, seconds = compile_timed(loop.over_seeds(one), roots)

    def call() -> float:
        trace = jax.block_until_ready(compiled(roots))
        assert bool(trace.finite.all())
        (found,) = trace.metrics.values()
        return float(found[:, -1].mean())

    return call, seconds


def begin(
    description: str | None, ratios: str, *switches: tuple[str, str]
) -> Namespace:
    """The command line's options, once jax is set up and the head is printed.

    Args:
      description: of the benchmark.
      ratios: what its ratios compare.
      switches: see `options`.
    """
    arguments = options(description, *switches)
    jax.config.update("jax_enable_x64", True)
    use_all_cores()
    print(f"{machine()}\n\nRatios: lab / {ratios}\n")
    return arguments


def row(*cells: str) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def print_table(heads: str, rows: Iterable[str]) -> None:
    """A table in Markdown, row by row as they come; heads are parted by |."""
    names = heads.split("|")
    print(row(*names))
    print("|" + "---|" * len(names))
    for line in rows:
        print(line, flush=True)


def options(description: str | None, *switches: tuple[str, str]) -> Namespace:
    """Command line of a benchmark: --quick, and switches with their help."""
    parser = ArgumentParser(description=(description or "").split("\n")[0])
    for name, text in (("--quick", "seconds, rough numbers"), *switches):
        parser.add_argument(name, action="store_true", help=text)
    return parser.parse_args()


def machine(*extra: str) -> str:
    """One line: processor, cores, load, devices and versions."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1] for line in file if "model name" in line]
        cpu = names[0].strip() if names else cpu
    parts = [
        f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"{len(seed_devices())} {jax.devices()[0].platform} devices",
        f"Python {platform.python_version()}, jax {jax.__version__}, "
        f"NumPy {np.__version__} on 1 thread",
        *extra,
    ]
    return "; ".join(parts)
