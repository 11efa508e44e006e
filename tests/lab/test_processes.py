"""Processes that jax joins: what is refused, time-outs, and a run of two of them."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr

from collapse.data.errors import InputError
from collapse.lab import layout, processes
from collapse.lab.command import Options
from collapse.lab.layout import Layout

WRONG = {
    "2of4": "distributed: '2of4'; give auto under Slurm, Open MPI or on TPUs, or",
    "0/2@h:1": "distributed: 0/2@h:1: there are processes 1 to 2",
    "3/2@h:1": "distributed: 3/2@h:1: there are processes 1 to 2",
    "1/2@h": "distributed: '1/2@h'; give auto",
}
TOGETHER = {
    "jobs": 2,
    "scheduler": "local",
    "shard": "1/2",
    "extend": True,
    "distributed_seconds": 0,
}


@pytest.mark.parametrize("text", WRONG)
def test_a_malformed_choice_of_processes_is_refused(text):
    with pytest.raises(InputError) as told:
        processes.check(Options(distributed=text))
    assert str(told.value).startswith(WRONG[text])


@pytest.mark.parametrize("name", TOGETHER)
def test_options_that_do_not_go_with_processes_are_refused(name):
    options = Options(distributed="auto", **{name: TOGETHER[name]})
    with pytest.raises(InputError, match=f"^distributed.*{name}|^{name}"):
        processes.check(options)
    processes.check(Options(**{name: TOGETHER[name]}))  # alone it is no matter


def test_seconds_to_wait_for_no_other_process_are_remarked_on():
    few = Options(distributed_seconds=5)
    assert processes.remarks(few)[0].startswith("distributed_seconds: has no effect")
    assert not processes.remarks(dataclasses.replace(few, distributed="auto"))
    assert not processes.remarks(Options())


def test_processes_are_counted_from_one_and_jax_counts_from_zero():
    assert processes._where("2/4@host:12") == {
        "coordinator_address": "host:12",
        "num_processes": 4,
        "process_id": 1,
    }
    assert processes._where("auto") == {}


def test_without_a_scheduler_auto_is_refused(monkeypatch):
    def initialize(**where):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    with pytest.raises(InputError, match="distributed: auto, but neither Slurm, Open"):
        processes.join(Options(distributed="auto"))


def test_processes_that_do_not_meet_end_in_one_line(monkeypatch, capsys):
    """Before jax itself would abort the process."""
    codes, asked = [], {}

    def initialize(**where):
        asked.update(where)
        time.sleep(0.2)
        raise RuntimeError("ended")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    monkeypatch.setattr(os, "_exit", codes.append)
    with pytest.raises(InputError, match="distributed: ended; check 1/2@h:1"):
        processes.join(Options(distributed="1/2@h:1", distributed_seconds=0.05))
    said = capsys.readouterr().err
    assert codes == [2] and asked["initialization_timeout"] > 0.05
    assert said.startswith("error: distributed: 1/2@h:1: not all processes have met")
    assert said.count("\n") == 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_leader_that_ends_early_tells_the_others(fails, monkeypatch):
    """That there is nothing to do, or that something is wrong; once it has begun, no
    more."""
    said = []
    monkeypatch.setattr(processes, "_spread", said.append)
    monkeypatch.setattr(processes, "leave", lambda: said.append("left"))
    for begins in (False, True):
        processes._told.clear()
        try:
            with processes.leading(Options(distributed="auto")):
                if begins:
                    processes.tell(processes.BEGIN)
                if fails:
                    raise InputError("out: full")
        except InputError:
            assert fails
    ended = processes.FAILED if fails else processes.STOP
    assert said == [ended, "left", processes.BEGIN]
    processes._told.clear()


def test_a_layout_tells_its_processes():
    for one in (Layout(1, 8, 2), Layout(2, 8)):
        assert layout.read(str(one)) == one
    assert str(Layout(2, 8)) == "2 devices, 8 threads"  # as runs before say it


RUN = ["gaussian", "--num-generations", "3", "--num-seeds", "3", "--dimension", "2"]
RUN += ["--samples-per-generation", "50", "--workflows", "replace", "--no-cache"]
RUN += ["--metrics", "mean_error", "--out", "run"]
CHARLM = ["charlm", "--quick", "--num-seeds", "1", "--num-generations", "1"]
CHARLM += ["--workflows", "replace", "--measured-rows", "8", "--no-cache"]
CHARLM += ["--samples-per-generation", "16", "--steps", "4", "--block", "16"]
CHARLM += ["--metrics", "bits_per_character", "--out", "run"]


def started(folder, arguments):
    """A command in a process with one CPU device and a folder of its own."""
    folder.mkdir(exist_ok=True)
    here = {"PYTHONPATH": str(Path(processes.__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "collapse", *arguments],
        cwd=folder,
        env={**os.environ, **here, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(every, seconds=240):
    """What each process said, and its exit code."""
    try:
        told = [one.communicate(timeout=seconds)[0] for one in every]
    finally:
        for one in every:
            one.kill()
    return told, [one.returncode for one in every]


def pair(folder, arguments):
    """Two processes of one run over the loopback, each in a folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = [f"{i}/2@127.0.0.1:{port}" for i in (1, 2)]
    return ended(
        [started(folder / one[0], [*arguments, "--distributed", one]) for one in where]
    )


def results(folder):
    with xr.open_dataset(folder / "results.nc", engine="h5netcdf") as found:
        return found.load()


def test_two_processes_have_the_numbers_of_one(tmp_path):
    """Three seeds on two processes; the first one writes, the second nothing."""
    _, codes = ended([started(tmp_path / "alone", [*RUN, "--devices", "1"])])
    assert codes == [0]
    told, codes = pair(tmp_path, RUN)
    assert codes == [0, 0], told
    assert not list((tmp_path / "2").iterdir())
    alone, both = (results(tmp_path / one / "run") for one in ("alone", "1"))
    np.testing.assert_allclose(
        both["mean_error"], alone["mean_error"], rtol=1e-10, atol=1e-14
    )
    # what the first one refuses ends the second one, too
    (tmp_path / "1" / "run" / "experiment.toml").unlink()
    told, codes = pair(tmp_path, RUN)
    assert codes == [2, 2] and "error: out: run is not empty" in told[0]
    assert "error" not in told[1]


def test_two_processes_train_one_network(tmp_path):
    """Its losses are those of one device, but for rounding."""
    _, codes = ended([started(tmp_path / "alone", [*CHARLM, "--devices", "1"])])
    assert codes == [0]
    told, codes = pair(tmp_path, [*CHARLM, "--model-devices", "2"])
    assert codes == [0, 0], told
    assert not list((tmp_path / "2").iterdir())
    alone, both = (results(tmp_path / one / "run") for one in ("alone", "1"))
    np.testing.assert_allclose(both["fit_loss"], alone["fit_loss"], rtol=1e-5)


def test_a_process_that_nobody_meets_ends_in_time(tmp_path):
    more = ["--distributed", "2/2@127.0.0.1:9", "--distributed-seconds", "2"]
    told, codes = ended([started(tmp_path / "lost", [*RUN, *more])])
    assert codes == [2] and told[0].count("\n") == 1
    assert "not all processes have met within 2 s" in told[0]
    assert not list((tmp_path / "lost").iterdir())
