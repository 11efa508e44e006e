"""Files of a run that are damaged later: read right, refused in a line, or rebuilt."""

import contextlib
import os
import random
import shutil
from pathlib import Path

import kill_cases as killing
import numpy as np
import pytest
from lab_cases import interrupt

from collapse.experiment import results
from collapse.experiment.files import sealed, unsealed
from collapse.lab import checkpoint, checksums, commands, folder, head, session
from collapse.lab.checkpoint import Progress

SEED = int(os.environ.get("COLLAPSE_TEST_SEED", "0"))
TINY = ["gaussian", "--samples-per-generation", "20", "--metrics", "variance_ratio"]
TINY += ["--workflows", "replace", "--num-seeds", "3", "--block-seeds", "2", "--quiet"]
RUN = [*TINY, "--num-generations", "3", "--out", "run"]
LONGER = [*TINY, "--num-generations", "5", "--out", "run"]
FILES = ["experiment.toml", "environment.json", "results.nc", "summary.csv"]
FILES += ["crossings.csv", "profile.csv", "figure.png", "figure.svg", "SHA256SUMS"]
STATES = ["states/000-000000.npz", "states/000-000002.npz"]
CHECKPOINTS = ["experiment.toml", "checkpoints/000-000000.npz", "checkpoints/seconds"]
HOW = ["truncated", "flipped"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folders of a finished run, and of the longer one."""
    place = tmp_path_factory.mktemp("finished")
    with contextlib.chdir(place), pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
        assert commands.main(RUN) == 0
        shutil.copytree("run", "whole")
        assert commands.main([*LONGER, "--extend"]) == 0
        Path("run").rename("longer")
    return place


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """The folder of a run that was stopped after two saves."""
    place = tmp_path_factory.mktemp("unfinished")
    with contextlib.chdir(place), pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
        interrupt(patch, 2)
        assert commands.main(RUN) == 130
    return place / "run"


def damaged(path, how, draw):
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: draw.randrange(len(data))]
    else:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(data))


def said(capsys, *arguments):
    """The exit code of a command, and what it says on stdout and stderr."""
    code = commands.main([*arguments])
    told = capsys.readouterr()
    assert "Traceback" not in told.err and told.err.count("\n") == (code != 0)
    return code, told.out, told.err


def test_every_file_of_a_run_is_among_those_damaged_here(finished, unfinished):
    there = {p.relative_to(finished / "whole").as_posix() for p in files(finished)}
    assert there == {*FILES, *STATES}
    assert checksums.read(finished / "whole").keys() == {*FILES} - {"SHA256SUMS"}
    kept = {path.name for path in unfinished.rglob("*") if path.is_file()}
    assert kept == {Path(name).name for name in CHECKPOINTS}


def files(finished):
    return [path for path in (finished / "whole").rglob("*") if path.is_file()]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_of_a_finished_run(finished, tmp_path, capsys, file, how):
    """What looks at the run says the same or names the file; its command rebuilds it
    from the results or names it."""
    shutil.copytree(finished / "whole", "run")
    right = said(capsys, "show", "run")
    draw = random.Random(f"{file} {how} {SEED}")
    damaged(Path("run", file), how, draw)
    shutil.copytree(finished / "longer", "longer")
    looks = (
        ["show", "run"],
        ["compare", "run", "longer"],
        ["report", "run", "--out", "a.html"],
        ["runs"],
    )
    for line in looks:
        code, out, err = said(capsys, *line)
        assert code in (0, 2) and (code == 0 or file in err), (line, err)
        assert code == 2 or line[0] != "show" or out == right[1]
    refused = file in ("results.nc", "experiment.toml")
    assert (said(capsys, "show", "run")[0] == 2) == refused
    code, _, err = said(capsys, *RUN)
    assert (code, file in err) == ((2, True) if refused else (0, False))
    if not refused:
        assert contents("run") == contents(finished / "whole")


def contents(place):
    return {name: Path(place, name).read_bytes() for name in FILES}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("file", [*STATES, "environment.json"])
def test_a_damaged_file_and_a_longer_run(finished, tmp_path, capsys, file, how):
    """A part whose state is damaged is run again."""
    shutil.copytree(finished / "whole", "run")
    damaged(Path("run", file), how, random.Random(f"{file} {how} {SEED}"))
    code, _, err = said(capsys, *LONGER, "--extend")
    if file == "environment.json":
        assert code == 2 and f"run/{file} is damaged: it is not as it was" in err
        assert commands.main(RUN) == 0  # as the line says
        code = commands.main([*LONGER, "--extend"])
    assert code == 0
    assert killing.same(Path("run"), finished / "longer")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("file", CHECKPOINTS)
def test_a_damaged_file_of_an_unfinished_run(
    finished, unfinished, tmp_path, capsys, file, how
):
    shutil.copytree(unfinished, "run")
    damaged(Path("run", file), how, random.Random(f"{file} {how} {SEED}"))
    code, _, err = said(capsys, *RUN, "--resume")
    if code == 0:
        assert killing.same(Path("run"), finished / "whole")
        return
    assert code == 2 and f"run/{file}" in err and "damaged" in err
    if "delete it" in err:  # as the line says
        Path("run", file).unlink()
        again = ["--resume"] if folder.has_checkpoints(Path("run")) else []
        assert commands.main([*RUN, *again]) == 0
        assert killing.same(Path("run"), finished / "whole")


# Single files, at every bit


def broken(data, places=None):
    """A file with each bit flipped, one at a time, and cut at each length."""
    for place in range(len(data)) if places is None else places:
        for bit in range(8):
            other = bytearray(data)
            other[place] ^= 1 << bit
            yield bytes(other)
        yield data[:place]


@pytest.mark.filterwarnings("ignore")  # of zipfile, on names that occur twice
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_bit_of_a_checkpoint(tmp_path, every):
    """It is damaged, or read right; its table of contents hides no array."""
    state, path = {"a": np.arange(3.0)}, tmp_path / "x.npz"
    checkpoint.save(path, Progress(2, {"m": np.ones((1, 3))}, [], state))
    right, refused, read = path.read_bytes(), 0, 0
    contents = right.index(b"PK\x01\x02")
    for data in broken(right, range(0 if every else contents, len(right))):
        path.write_bytes(data)
        try:
            found = checkpoint.load(path, state)
            assert checkpoint.done(path) == 2
        except checkpoint.Damaged as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
        else:
            read += 1
            assert (found.done, list(found.trace), found.samples) == (2, ["m"], [])
            np.testing.assert_array_equal(found.trace["m"], np.ones((1, 3)))
            np.testing.assert_array_equal(found.state["a"], np.arange(3.0))
    assert refused > read > 0


def test_every_bit_of_a_label(tmp_path):
    path, about = tmp_path / "experiment.toml", ["digest a1", "jax 9", *"cdef"]
    path.write_text(head.text(about, "num_seeds = 3\n"))
    assert head.lines(path) == [f"# {line}" for line in about]
    refused = 0
    data = path.read_bytes()
    for other in broken(data):
        path.write_bytes(other)
        try:
            found = head.lines(path)
        except head.InputError:
            refused += 1
        else:  # the word before the checksum, or not even a digest is left
            whole = [f"# {line}" for line in about]
            assert found == whole or not found or found[0][:9] != "# digest ", other
    assert refused > 8.5 * len(data)


@pytest.mark.parametrize("count", [2, 5, 6])
def test_labels_of_earlier_versions_tell_less_and_are_whole(tmp_path, count):
    about = [f"# {word}" for word in ("digest a1", "jax 9", *"cdef")][:count]
    path = tmp_path / "experiment.toml"
    path.write_text("\n".join([*about, "num_seeds = 3", ""]))
    assert head.lines(path) == about


def test_every_bit_of_a_sealed_line(tmp_path):
    path = tmp_path / "seconds"
    path.write_text(sealed("12.345"))
    assert unsealed(path) == "12.345"
    for other in broken(path.read_bytes()):
        path.write_bytes(other)
        assert unsealed(path) is None


def test_every_bit_of_the_checksums(tmp_path):
    """They count as missing then, and never call a file damaged that is not."""
    (tmp_path / "a").write_text("1")
    checksums.write(tmp_path, ["a"])
    path = tmp_path / checksums.NAME
    right = path.read_bytes()
    for other in broken(right):
        path.write_bytes(other)
        assert checksums.read(tmp_path) == {} and checksums.changed(tmp_path) == []
    path.write_bytes(right)
    (tmp_path / "a").write_text("2")
    assert checksums.changed(tmp_path) == ["a"]


@pytest.mark.parametrize("how", HOW)
def test_results_without_checksums_are_read_right_or_refused(finished, tmp_path, how):
    """Those of an earlier version, or of a run that was killed while it was drawn."""
    path, draw, refused = Path("results.nc"), random.Random(f"{how} {SEED}"), 0
    right = results.read_dataset(finished / "whole" / "results.nc")
    for _ in range(12):
        shutil.copy(finished / "whole" / "results.nc", path)
        damaged(path, how, draw)
        try:
            found = results.read_dataset(path)
        except results.InputError as error:
            refused += 1
            assert "results.nc cannot be read" in str(error)
        else:
            for name in right.data_vars:
                if name in found and right[name].dtype.kind == "f":
                    assert np.array_equal(found[name], right[name], equal_nan=True)
    assert refused > 0
