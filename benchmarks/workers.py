"""One process with one thread, two of them, and a Dask cluster of two, on one grid.

    python benchmarks/workers.py [--quick]

Whole commands on a grid of the Gaussian mixture, in turn. Every process has one device
and one core: the single one is kept on one core, the workers of --jobs have one each.
The programs are compiled by a first run of one block of seeds, which is not counted.
Seconds are those that the run records (workers started, parts computed and written);
those of the whole command, with imports, table and figure, stand beside them. The bytes
of the results are compared.
"""

import timing  # isort: skip - sets the number of threads

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import util
from pathlib import Path

import alone
from entries import Once, entry, goal, marked
from timing import Spread

from collapse.experiment.results import read_dataset

GRID = ["gmm", "--quiet", "--workflows", "replace", "mix", "--devices", "1"]
SIZES = ["--samples-per-generation", "500", "1000"]
GOAL = 1.6  # times one process
QUIET = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
CASES = {
    "one process": (1, []),
    "two processes, --jobs 2": (2, ["--jobs", "2"]),
    "Dask, two workers": (2, ["--scheduler", "local", "--jobs", "2"]),
}
COLUMNS = ["run", "seconds", "x one process", "whole command, s", "x one process"]
COLUMNS += ["x --jobs 2, seconds", "same bytes"]


def command(
    arguments: list[str], cores: set[int], out: Path, cache: Path
) -> tuple[float, float]:
    """Recorded seconds of a run on some cores, and those of the whole command.

    Raises:
      RuntimeError: if it fails, with the last line that it says.
    """
    line = [sys.executable, "-m", "collapse", *arguments, "--out", str(out)]
    # this process has set the threads of its own devices
    own = {name: v for name, v in os.environ.items() if name != "NPROC"} | QUIET
    own |= {"COLLAPSE_CACHE": str(cache)}
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # of this thread: the process inherits them
    try:
        begin = time.perf_counter()
        done = subprocess.run(line, env=own, capture_output=True, text=True)
        whole = time.perf_counter() - begin
    finally:
        os.sched_setaffinity(0, usual)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RuntimeError(f"exit status {done.returncode}: {said}")
    return json.loads((out / "environment.json").read_text())["seconds"], whole


def same(one: Path, other: Path) -> bool:
    """Whether two runs have the same bytes in all variables."""
    here, there = (read_dataset(path / "results.nc") for path in (one, other))
    return list(here.variables) == list(there.variables) and all(
        here[name].values.tobytes() == there[name].values.tobytes()
        for name in here.variables
    )


def measured(setting: timing.Setting) -> dict[str, dict]:
    """Case -> seconds of each turn, recorded and whole, and whether bytes are equal."""
    blocks, block, last, turns = (2, 8, 5, 1) if setting.quick else (6, 32, 25, 2)
    grid = [*GRID, "--num-generations", str(last), "--block-seeds", str(block)]
    grid += SIZES[:2] if setting.quick else SIZES
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise RuntimeError("two cores are needed")
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        seeds = ["--num-seeds", str(block)]
        command([*grid, *seeds], {*cores}, place / "first", place / "cache")
        seeds = ["--num-seeds", str(blocks * block)]
        for turn in range(turns):
            for number, (name, (count, options)) in enumerate(CASES.items()):
                if "Dask" in name and (turn or not util.find_spec("distributed")):
                    continue  # once: it is no more than compared with --jobs
                out = place / f"{number}-{turn}"
                line = [*grid, *seeds, *options]
                used = command(line, {*cores[:count]}, out, place / "cache")
                case = found.setdefault(
                    name, {"seconds": [], "whole": [], "same": True}
                )
                case["seconds"].append(used[0])
                case["whole"].append(used[1])
                case["same"] &= same(place / "0-0", out)
    return found


def row(name: str, commands: Once):
    """One row; the first one runs all commands."""
    done = commands()
    if name not in done:
        raise ModuleNotFoundError("distributed is not installed")
    this, one, two = (done[n] for n in (name, *list(CASES)[:2]))

    def ratio(other, what):
        pairs = zip(other[what], this[what], strict=False)  # of the turns of both
        return Spread.of([a / b for a, b in pairs])

    against, wanted, goals = ratio(one, "seconds"), 0.0, []
    if this is two:
        wanted = GOAL
        goals = [goal("--jobs 2, times one process", GOAL, against, "1 a process")]
    cells = [
        name,
        str(Spread.of(this["seconds"])),
        f"{against}{marked(against, wanted)}",
    ]
    cells += [str(Spread.of(this["whole"])), str(ratio(one, "whole"))]
    beside = Spread.of([1 / r for r in ratio(two, "seconds")])
    cells += ["" if this is one else str(beside), "yes" if this["same"] else "**no**"]
    return entry(COLUMNS, name, cells, goals)


def jobs(setting: timing.Setting):
    """Rows of the table; the commands share the cores out themselves."""
    if setting.cores == 1:
        return
    commands = Once(lambda: measured(setting))
    for name in CASES:
        yield "workers", name, functools.partial(row, name, commands)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
