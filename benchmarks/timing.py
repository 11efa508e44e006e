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

from collapse.core.devices import seed_devices


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


def print_table(heads: str, rows: Iterable[str]) -> None:
    """A table in Markdown, row by row as they come; heads are parted by |."""
    names = heads.split("|")
    print(f"| {' | '.join(names)} |")
    print("|" + "---|" * len(names))
    for row in rows:
        print(row, flush=True)


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
