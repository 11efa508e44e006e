"""Commands that die before any step that changes a file, and are repeated."""

import contextlib
import os
import random
import shutil
from pathlib import Path

import kill_cases as killing
import pytest
import step_cases as steps
from matplotlib.figure import Figure

from collapse.figures import draw
from collapse.lab import checksums, commands, folder, session
from collapse.lab.look.opened import opened

SEED = int(os.environ.get("COLLAPSE_TEST_SEED", "0"))
TINY = ["gaussian", "--samples-per-generation", "20", "--metrics", "variance_ratio"]
TINY += ["--workflows", "replace", "--num-seeds", "3", "--block-seeds", "2", "--quiet"]
SHORT, LONG = (
    [*TINY, "--num-generations", "3"],
    [*TINY, "--num-generations", "5"],
)
OTHER = '[figure]\nstatistic = "mean"\nname = "other"\n'


def shards(_):
    for shard in ("1", "2"):
        line = [*SHORT, "--shard", f"{shard}/2", "--out", f"out{shard}"]
        assert commands.main(line) == 0
    Path("out1").rename("out")


def finished(_):
    assert commands.main([*SHORT, "--out", "out"]) == 0


def other_figure(place):
    finished(place)
    Path("other.toml").write_text(OTHER)


OUT = ["--out", "out"]
CASES = {
    "run": ([*SHORT, *OUT], lambda _: None),
    "merge": (["merge", "out", "out2", "--quiet"], shards),
    "extend": ([*LONG, *OUT, "--extend"], finished),
    "force": ([*SHORT, *OUT, "--force"], finished),
    "draw again": (["gaussian", "other.toml", *SHORT[1:], *OUT], other_figure),
}


@pytest.mark.parametrize(
    "name, most",
    [
        *((name, 1) for name in ("run", "merge", "extend")),
        *(pytest.param(name, 999, marks=pytest.mark.slow) for name in CASES),
    ],
)
def test_a_command_that_dies_before_any_step_is_repeated_with_the_same_bits(
    tmp_path, monkeypatch, name, most
):
    """One step in the gate, in the weekly run all of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(draw, "draw", lambda *_: Figure())  # which takes long
    line, begin = CASES[name]
    begin(tmp_path)
    shutil.copytree(tmp_path, spare := tmp_path.with_name(f"{tmp_path.name}-spare"))
    with steps.Steps(tmp_path) as counted:
        assert commands.main(line) == 0
    Path("out").rename(whole := tmp_path.with_name(f"{tmp_path.name}-whole"))
    choice, some = random.Random(f"{name} {SEED}"), range(counted.count)
    assert len(some) > 15
    for last in choice.sample(some, min(most, len(some))):
        for path in ("out", "out2"):
            shutil.rmtree(path, ignore_errors=True)
            if (spare / path).exists():
                shutil.copytree(spare / path, path)
        with steps.Steps(tmp_path, last), contextlib.suppress(steps.Died):
            assert commands.main(line) != 0, last
        again = [word for word in line if word != "--force"]
        if folder.has_checkpoints(Path("out")) and line[0] != "merge":
            again += [] if is_short(Path("out"), name) else ["--resume"]
        assert commands.main(again) == 0, last
        assert same(Path("out"), whole, name), last
        assert checksums.read(Path("out")) and not checksums.changed(Path("out"))
        opened(Path("out"))


def is_short(out, name):
    """Whether a folder is still the shorter run's, so that it is extended again."""
    label = (out / folder.LABEL).read_text() if (out / folder.LABEL).exists() else ""
    return name == "extend" and "num_generations = 5" not in label


def same(out, whole, name):
    if name != "draw again":
        return killing.same(out, whole)
    files = ("figure_other.svg", "experiment.toml", "summary.csv")
    return all((out / f).read_bytes() == (whole / f).read_bytes() for f in files)
