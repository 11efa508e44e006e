"""A disk that is full, by a limit on the size of files, at any file of a run."""

import contextlib
import functools
from pathlib import Path

import kill_cases as killing
import pytest
from matplotlib.figure import Figure

from collapse.experiment import results
from collapse.figures import draw
from collapse.lab import checkpoint, checksums, commands, folder, outputs, session

resource = pytest.importorskip("resource")
RUN = ["gaussian", "--samples-per-generation", "20", "--metrics", "variance_ratio"]
RUN += ["--workflows", "replace", "--num-seeds", "3", "--block-seeds", "2", "--quiet"]
RUN += ["--num-generations", "3", "--out"]
WRITERS = {
    "checkpoints/000-000000.npz": (checkpoint, "save"),
    "results.nc": (results, "write_dataset"),
    "figure.png": (draw, "save"),
    "summary.csv": (outputs, "write_summary"),
    "SHA256SUMS": (checksums, "write"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(draw, "draw", lambda *_: Figure())  # which takes long


@contextlib.contextmanager
def full_disk(most=64):
    """A block in which no file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full(monkeypatch, room, name):
    """Let the disk be full whenever a function writes."""
    real = getattr(room, name)

    @functools.wraps(real)
    def writes(*arguments, **named):
        with full_disk():
            return real(*arguments, **named)

    monkeypatch.setattr(room, name, writes)


@pytest.mark.parametrize("file", WRITERS)
def test_a_full_disk_is_told_in_a_line_and_the_run_goes_on(monkeypatch, capfd, file):
    with monkeypatch.context() as patch:
        full(patch, *WRITERS[file])
        assert commands.main([*RUN, "out"]) == 1
    said = capfd.readouterr().err
    advice = f"out/{file} cannot be written (File too large); raise the limit on the"
    assert said.startswith(f"error: {advice} size of files (ulimit -f)"), said
    assert said.count("\n") == 1
    out = Path("out")
    if "checkpoints" in file:  # nothing was done yet, and nothing is left
        assert not out.exists()
        return
    assert "out keeps what was done: see --resume" in said
    assert not [*out.rglob("*partial*")] and not (out / file).exists()
    assert not folder.is_complete(out)
    assert commands.main([*RUN, "out", "--resume"]) == 0
    assert commands.main([*RUN, "whole"]) == 0
    assert killing.same(out, Path("whole"))


def test_a_full_disk_in_a_shared_merge_is_told(monkeypatch, capfd):
    for shard in ("1", "2"):
        assert commands.main([*RUN, f"out{shard}", "--shard", f"{shard}/2"]) == 0
    before = sorted(Path("out1").rglob("*"))
    with full_disk(512):  # what is told is captured in a file, too
        assert commands.main(["merge", "out1", "out2", "--quiet"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: out1/checkpoints/000-00000")
    assert "cannot be written (File too large); raise the" in said
    assert said.count("\n") == 1 and sorted(Path("out1").rglob("*")) == before
    assert commands.main(["merge", "out1", "out2", "--quiet"]) == 0
