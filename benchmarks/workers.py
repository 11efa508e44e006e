"""One process with one thread, two of them, and a Dask cluster of two, on one grid.

    python benchmarks/workers.py [--quick]

A grid of the Gaussian mixture, whole commands in turn. Every process has one device and
one core: the single one is kept on one core, the workers of --jobs have one each. The
programs are compiled by a first run, which is not counted. Seconds are those that the
run records (workers started, parts computed and written); those of the whole command,
with imports, table and figure, stand beside them. The same bytes are asserted.
"""

import timing  # isort: skip - sets the number of threads

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import util
from pathlib import Path

from collapse.experiment.results import read_dataset

GRID = ["gmm", "--quiet", "--workflows", "replace", "accumulate", "mix", "window"]
GRID += ["--samples-per-generation", "250", "500", "1000", "--devices", "1"]
GOAL = 1.6  # times one process
QUIET = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
CASES = {
    "one process": (1, []),
    "two processes, --jobs 2": (2, ["--jobs", "2"]),
    "Dask, two workers": (2, ["--scheduler", "local", "--jobs", "2"]),
}


def command(
    arguments: list[str], cores: set[int], out: Path, cache: Path
) -> tuple[float, float]:
    """Recorded seconds of a run on some cores, and those of the whole command."""
    line = [sys.executable, "-m", "collapse", *arguments, "--out", str(out)]
    begin = time.perf_counter()
    subprocess.run(
        line,
        env=os.environ | QUIET | {"COLLAPSE_CACHE": str(cache)},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        check=True,
    )
    whole = time.perf_counter() - begin
    return json.loads((out / "environment.json").read_text())["seconds"], whole


def same(one: Path, other: Path) -> bool:
    """Whether two runs have the same bytes in all variables."""
    here, there = (read_dataset(path / "results.nc") for path in (one, other))
    return list(here.variables) == list(there.variables) and all(
        here[name].values.tobytes() == there[name].values.tobytes()
        for name in here.variables
    )


def main() -> None:
    """Print a table with ratios to one process."""
    quick = timing.options(__doc__).quick
    seeds, generations, repeats = ("8", "5", 1) if quick else ("160", "20", 2)
    grid = [*GRID, "--num-seeds", seeds, "--num-generations", generations]
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("two cores are needed")
    cases = {
        name: case
        for name, case in CASES.items()
        if "Dask" not in name or util.find_spec("distributed")
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    print(f"{timing.machine()}; {seeds} seeds, {generations} generations, 12 parts")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for turn in range(repeats + 1):  # the first compiles
            for number, (name, (count, options)) in enumerate(cases.items()):
                out = place / f"{number}-{turn}"
                used = command([*grid, *options], {*cores[:count]}, out, place / "c")
                assert same(place / "0-0", out), name
                found[name] += [used] if turn else []
        load = os.getloadavg()[0]
    medians = {
        name: [statistics.median(column) for column in zip(*times, strict=True)]
        for name, times in found.items()
    }
    base = medians["one process"]
    timing.print_table(
        "run|seconds|times one process|whole command, s|times one process",
        [
            timing.row(
                name,
                f"{spent:.1f} ({min(found[name])[0]:.1f} to {max(found[name])[0]:.1f})",
                f"{base[0] / spent:.2f}",
                f"{whole:.1f}",
                f"{base[1] / whole:.2f}",
            )
            for name, (spent, whole) in medians.items()
        ],
    )
    print(f"goal for two processes: {GOAL}; load at the end {load:.1f}")


if __name__ == "__main__":
    main()
