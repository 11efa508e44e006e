"""Commands that are killed (SIGKILL) at any moment, alone or with workers."""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import kill_cases as killing
import pytest

from collapse.lab import checkpoint, commands, folder

SEED = int(os.environ.get("COLLAPSE_TEST_SEED", "0"))
LOG = os.environ.get("COLLAPSE_KILL_LOG", "")  # a file that all kills are told in
ARGUMENTS = (
    "--workflows replace accumulate --num-generations 400 --num-seeds 50 --quiet "
    "--samples-per-generation 20 --rows statistics --metrics variance_ratio"
).split()
RUN = ["gaussian", *ARGUMENTS]
SPLIT = [*RUN, "--block-seeds", "25"]
LONGER = [{"400": "401"}.get(word, word) for word in RUN]
WRITING = ["results", "tables", "drawing", "checksums", "finishing"]


class Case(NamedTuple):
    """A command that is killed and repeated until it is done.

    Attributes:
      line: the command.
      phases: in which it is killed, in turn; of those that it goes through.
      begin: what has to be done before it, in a folder.
      resume: what is added to go on.
      worker: whether a worker is killed instead of the command.
    """

    line: list[str]
    phases: list[str]
    begin: Callable[[Path], object] = lambda place: None
    resume: Sequence[str] = ("--resume",)
    worker: bool = False


def shards(place):
    """Two shards in two folders, so that a merge has parts to copy."""
    for shard in (1, 2):
        line = [*SPLIT, "--shard", f"{shard}/2", "--out", str(place / f"out{shard}")]
        assert commands.main(line) == 0
    (place / "out1").rename(place / "out")


def shorter(place):
    assert commands.main([*RUN, "--out", str(place / "out")]) == 0


CASES = {
    "run": Case(RUN, ["chunk", "checkpoint", *WRITING]),
    "merge": Case(["merge", "out", "out2"], ["copying", *WRITING], shards, ()),
    "extend": Case([*LONGER, "--extend"], ["extending", "chunk", *WRITING], shorter),
    "jobs": Case([*SPLIT, "--jobs", "2"], ["parts", "parts", "results"]),
    "jobs, a worker": Case([*SPLIT, "--jobs", "2"], ["parts"], worker=True),
    "cluster": Case([*SPLIT, "--scheduler", "local", "--jobs", "2"], ["cluster"]),
    "cluster, a worker": Case(
        [*SPLIT, "--scheduler", "local", "--jobs", "2"], ["cluster"], worker=True
    ),
}
FEW = {"run": 3}  # in the gate; in the weekly run 50 in all
MANY = {"run": 20, "merge": 10, "extend": 8, "jobs": 5, "jobs, a worker": 3}
MANY |= {"cluster": 2, "cluster, a worker": 2}


@pytest.mark.parametrize(
    "name, kills",
    [
        *FEW.items(),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in MANY.items()),
    ],
)
def test_a_command_that_is_killed_again_and_again_has_the_same_bits(
    tmp_path, monkeypatch, name, kills
):
    """Nothing that was saved is lost, and at most one chunk that was not."""
    monkeypatch.chdir(tmp_path)
    case, draw = CASES[name], random.Random(f"{name} {SEED}")
    case.begin(tmp_path)
    spare = tmp_path / "spare"
    copied = [path for path in (tmp_path / "out", tmp_path / "out2") if path.exists()]
    for path in copied:
        shutil.copytree(path, spare / path.name)
    line = [*case.line, *([] if case.line[0] == "merge" else ["--out", "out"])]
    whole = killing.command(tmp_path, line)
    assert whole.code == 0, whole.said
    shutil.move(tmp_path / "out", tmp_path / "whole")
    killed, again, code = 0, line, 0
    while killed < kills or code:
        if not code:  # begin anew, so that every kill counts
            reset(tmp_path, spare)
        again = [*line, *going_on(tmp_path / "out", case)] if code else line
        phase = case.phases[killed % len(case.phases)]
        at = killing.moment(draw, whole.marks, phase) if killed < kills else killing.NO
        ended = killing.command(tmp_path, again, at, case.worker)
        code = ended.code
        killed += ended.killed
        lost = what_was_lost(tmp_path / "out", ended)
        check_ended(name, case, ended)
        if ended.killed:
            tell(
                f"{name:17}  {at[0]:10} {at[1]:3} +{at[2]:.4f} s  killed in "
                f"{ended.within:12}  chunks lost: {lost}"
            )
        if not code:
            assert killing.same(tmp_path / "out", tmp_path / "whole")
            tell(f"{name:17}  complete, all bits equal")
    assert killed >= kills
    assert not [path for path in (tmp_path / "out").rglob("*partial*")]


def reset(place, spare):
    for name in ("out", "out2"):
        shutil.rmtree(place / name, ignore_errors=True)
        if (spare / name).exists():
            shutil.copytree(spare / name, place / name)


def going_on(out, case):
    return case.resume if folder.has_checkpoints(out) else ()


def what_was_lost(out, ended):
    """Chunks that were computed and not saved, after checking what was saved."""
    computed = 0
    for mark in ended.marks:
        if mark.phase == "chunk" and mark.ended:
            computed += 1
        if mark.phase == "checkpoint" and mark.ended:
            computed = 0
            name, generation = mark.what.split()
            # a complete run keeps its states elsewhere, as does one that is extended
            files = [out / kind / name for kind in (folder.CHECKPOINTS, folder.STATES)]
            path = next(file for file in files if file.exists())
            assert checkpoint.done(path) >= int(generation)
    assert computed <= 1
    return computed


def check_ended(name, case, ended):
    """Whoever was killed: one line at most, and no process is left."""
    assert not ended.outlived
    if not case.worker:
        assert ended.code in (killing.KILLED, 0), ended.said
    elif name.startswith("jobs"):
        assert ended.code in (0, 1), ended.said
        assert ended.code == 0 or "was ended by signal 9 (SIGKILL)" in ended.said
        assert ended.said.count("\n") <= 1
    elif ended.code:  # before there was a cluster
        assert "the local cluster could not be started" in ended.said
        assert ended.said.count("\n") <= 1
    # else the cluster has given the part to another worker


def tell(line):
    print(line)
    if LOG:
        with Path(LOG).open("a") as file:
            file.write(f"{line}\n")
