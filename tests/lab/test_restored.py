"""What was removed from the folder of a complete run is written anew, not computed."""

import contextlib
import os
from pathlib import Path

import pytest

from collapse.lab import folder, session, work
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

ARGUMENTS = (
    "a.toml --out a --samples-per-generation 20 --num-seeds 3 --num-generations 3 "
    "--metrics variance_ratio mean_error --workflows replace"
).split()
TABLES = ["summary.csv", "crossings.csv", "environment.json"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def run():
    return runner.main(Gaussian, ARGUMENTS)


def files():
    return {path.name: path.read_bytes() for path in Path("a").glob("*.*")}


def test_files_that_were_removed_are_written_anew_from_the_results(capsys, monkeypatch):
    """With the bytes that they had, and only they; a caption's file is one of them."""
    Path("a.toml").write_text('[figure]\ncaption_in = "file"\nformats = "svg"\n')
    assert run() == 0
    before = files()
    monkeypatch.setattr(work, "simulate", None)  # nothing is computed again
    for lost in (
        [*TABLES, "figure.svg", "figure.txt"],
        ["crossings.csv"],
    ):
        for name in lost:
            (Path("a") / name).unlink()
        kept = {p: p.stat().st_mtime_ns for p in Path("a").glob("*.csv")}
        capsys.readouterr()
        assert run() == 0
        said = f"is complete; {', '.join(lost)} missing, written anew from results.nc;"
        assert said in capsys.readouterr().out
        assert files() == before
        assert {p: p.stat().st_mtime_ns for p in kept} == kept
    (Path("a") / "summary.csv").unlink()
    with monkeypatch.context() as patch:  # where nothing can be written
        patch.setattr(folder, "held", None)
        patch.setattr(os, "access", lambda *_: False)
        assert run() == 0
    said = "is complete, but summary.csv missing: the folder cannot be written to; --fo"
    assert said in capsys.readouterr().out
    assert "summary.csv" not in files()
