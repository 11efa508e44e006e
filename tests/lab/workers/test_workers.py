"""Results have the same bytes whoever computes the parts, and whatever ends workers."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from collapse.experiment import results
from collapse.lab import commands

RUN = ["--workflows", "replace", "mix", "--metrics", "test_error", "variance_ratio"]
RUN += ["--samples-per-generation", "30", "--num-seeds", "10", "--block-seeds", "6"]
RUN += ["--num-generations", "5", "--quiet"]
FILES = ["summary.csv", "crossings.csv", "experiment.toml", "figure.svg"]
SLOW = '''
"""A Gaussian that takes its time, and says which process is at work."""
import dataclasses
import os
import time
from pathlib import Path
from typing import ClassVar

from collapse.sims.gaussian import Gaussian
from collapse.sims.gaussian.task import task


@dataclasses.dataclass(frozen=True)
class Slow(Gaussian):
    name: ClassVar[str] = "slow"
    panels: ClassVar[tuple[str, ...]] = ("test_error", "variance_ratio")
    table: ClassVar[tuple[str, ...]] = panels

    def task(self, condition, data):
        def observe(roots, state):
            marks = Path(os.environ["SLOW_MARKS"])
            (marks / f"{os.getpid()}-{time.monotonic_ns()}").touch()
            time.sleep(0.15)
            return {}

        return task(condition, data)._replace(observe=observe)

    def theory(self, condition):
        return {}
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder for all runs; workers keep their programs in it, for each other."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "slow.py").write_text(SLOW)
    (folder / "marks").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLLAPSE_CACHE", str(folder / "programs"))
        patch.setenv("SLOW_MARKS", str(folder / "marks"))
        yield folder


@pytest.fixture(scope="module")
def alone(place):
    """Family -> folder of its run by one process."""
    for family in ("gaussian", "slow.py"):
        assert commands.main([family, *RUN, "--out", f"alone-{family}"]) == 0
    return {family: Path(f"alone-{family}") for family in ("gaussian", "slow.py")}


def bytes_of(folder):
    """Every variable and coordinate of the results, and what is made from them."""
    data = xr.load_dataset(f"{folder}/results.nc", engine="h5netcdf")
    found = {
        name: (v.dims, v.dtype, v.attrs, v.values.tobytes())
        for name, v in data.variables.items()
    }
    assert "test_error" in found
    return found | {name: (folder / name).read_bytes() for name in FILES}


def same(one, other):
    one, other = bytes_of(one), bytes_of(other)
    return list(one) == list(other) and [n for n in one if one[n] != other[n]] == []


@contextlib.contextmanager
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as found:
        yield found.scheduler_address


def run(family, out, *options):
    return commands.main([family, *RUN, "--out", out, *options])


def killed(marks):
    """Kill the first process that has done two generations of a part."""
    for path in marks.iterdir():
        path.unlink()
    found = []

    def kill():
        while not found:
            time.sleep(0.02)
            owners = [path.name.partition("-")[0] for path in marks.iterdir()]
            found.extend({int(pid) for pid in owners if owners.count(pid) > 1})
        os.kill(found[0], signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_processes_of_this_machine(alone):
    assert run("gaussian", "jobs", "--jobs", "4") == 0
    assert same(alone["gaussian"], Path("jobs"))


def test_shards_that_are_merged_and_merging_again_changes_nothing(alone, capsys):
    for shard in ("3/3", "1/3"):
        assert run("gaussian", "shards", "--shard", shard) == 0
    assert commands.main(["merge", "shards"]) == 2
    said = capsys.readouterr().err
    assert "lacks 1 of 4 parts: " in said and "run --shard 2/3 again" in said
    assert run("gaussian", "elsewhere", "--shard", "2/3") == 0
    assert commands.main(["merge", "shards", "elsewhere", "--quiet"]) == 0
    assert same(alone["gaussian"], Path("shards"))
    before = {path: path.read_bytes() for path in Path("shards").glob("*.*")}
    assert commands.main(["merge", "shards", "--quiet"]) == 0
    assert {p: p.read_bytes() for p in Path("shards").glob("*.*")} == before


def test_a_cluster_of_two_workers(alone):
    with cluster() as address:
        assert run("gaussian", "cluster", "--scheduler", address) == 0
    assert same(alone["gaussian"], Path("cluster"))


def test_a_cluster_that_loses_a_worker_in_the_middle(alone, place):
    with cluster() as address:
        killer = killed(place / "marks")
        assert run("slow.py", "lost", "--scheduler", address) == 0
    killer.join(5)
    assert not killer.is_alive()
    pids = {path.name.partition("-")[0] for path in (place / "marks").iterdir()}
    assert len(pids) > 1
    assert same(alone["slow.py"], Path("lost"))


def test_a_process_that_is_killed_is_said_and_the_run_goes_on(alone, place, capsys):
    killer = killed(place / "marks")
    assert run("slow.py", "killed", "--jobs", "2") == 1
    killer.join(5)
    said = capsys.readouterr().err
    assert "was ended by signal 9 (SIGKILL) in " in said and "see --resume" in said
    assert run("slow.py", "killed", "--jobs", "2", "--resume") == 0
    assert same(alone["slow.py"], Path("killed"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_stopped_leaves_no_process_and_goes_on(alone, place, number):
    for path in (place / "marks").iterdir():
        path.unlink()
    out = Path(f"stopped-{number}")
    line = [sys.executable, "-m", "collapse", "slow.py", *RUN, "--jobs", "2", "--out"]
    root = str(Path(__file__).parents[3])
    environment = os.environ | {"PYTHONPATH": root}
    process = subprocess.Popen([*line, str(out)], env=environment)
    while len(list((place / "marks").iterdir())) < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(60) in (130, -number)
    owners = {path.name.partition("-")[0] for path in (place / "marks").iterdir()}
    end = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in owners if pid != "self"):
        assert time.monotonic() < end, owners
        time.sleep(0.05)
    assert run("slow.py", str(out), "--jobs", "2", "--resume") == 0
    assert same(alone["slow.py"], out)


def test_another_seed_or_another_last_bit_is_seen(alone):
    """So that the comparisons above can fail."""
    assert run("gaussian", "seed", "--seed", "1") == 0
    assert not same(alone["gaussian"], Path("seed"))
    shutil.copytree(alone["gaussian"], "copy")
    assert same(alone["gaussian"], Path("copy"))
    data = results.read_dataset(Path("copy/results.nc"))
    data.test_error.values[1, 9, 5] = np.nextafter(data.test_error.values[1, 9, 5], 9)
    results.write_dataset(data, Path("copy/results.nc"))
    assert not same(alone["gaussian"], Path("copy"))
