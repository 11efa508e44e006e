"""Workers: a scheduler that is given up, and a merge that leaves all as it was."""

import contextlib
import logging
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from look_cases import leave

from collapse.data.errors import InputError
from collapse.lab import commands, session
from collapse.lab.workers import cluster, merge


def test_one_that_takes_a_call_and_says_nothing_is_given_up(monkeypatch):
    distributed, late = pytest.importorskip("distributed"), threading.Event()
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: late.wait(60))
    monkeypatch.setattr(cluster, "_PATIENCE", 0.1)
    monkeypatch.setattr(cluster, "_MORE", 0.1)
    with pytest.raises(InputError, match=r"^scheduler: n does not answer within 0.1 s"):
        cluster._connected("n", "tcp://h:1")
    late.set()

    def other(*_, **__):  # of bytes that are no message of Dask, taken for a length
        raise MemoryError("Unable to allocate 3.01 EiB")

    monkeypatch.setattr(distributed, "Client", other)
    with pytest.raises(InputError, match="^scheduler: n answers, but not as a sched"):
        cluster._connected("n", "tcp://h:1")


def test_a_merge_that_lacks_every_part_removes_nothing(tmp_path, monkeypatch):
    nothing = lambda *_: contextlib.nullcontext()  # noqa: E731
    monkeypatch.setattr(session, "configured", nothing)

    def lacks(*_):
        raise InputError("merge: a lacks 1 of 1 parts")

    monkeypatch.chdir(tmp_path)
    leave("a", complete=False)
    Path("a/checkpoints").mkdir()
    monkeypatch.setattr(merge, "_write", lacks)
    assert commands.main(["merge", "a"]) == 2
    assert Path("a/experiment.toml").is_file()


def test_parts_of_a_run_that_is_complete_are_taken_too(tmp_path):
    place, other = tmp_path / "a", tmp_path / "b"
    (place / "checkpoints").mkdir(parents=True)
    (other / "states").mkdir(parents=True)
    (other / "states" / "000-000000.npz").write_bytes(b"a part")
    merge._collect(place, [other])
    assert (place / "checkpoints" / "000-000000.npz").read_bytes() == b"a part"


def test_a_scheduler_that_is_lost_is_told_in_one_line():
    pytest.importorskip("distributed")
    lost = SimpleNamespace(cancelled=lambda: True)
    said = str(cluster._error(lost, "replace, seeds 0 to 1"))
    assert said.endswith("seeds 0 to 1; see whether its scheduler is still running")
    logger = logging.getLogger("distributed.client")
    before = logger.level
    with cluster._silent():
        assert not logger.isEnabledFor(logging.ERROR)
    assert logger.level == before
