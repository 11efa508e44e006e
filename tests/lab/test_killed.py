"""Runs that are killed (SIGKILL) at any moment, and files that are damaged later."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from collapse.lab import folder
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

SEED = int(os.environ.get("COLLAPSE_TEST_SEED", "0"))
RUN = """
import sys
from collapse.lab import parts, run
from collapse.sims.gaussian import FAMILY

parts._SECONDS_BETWEEN_SAVES = -1.0  # after every chunk
sys.exit(run.main(FAMILY, sys.argv[1:]))
"""
ARGUMENTS = (
    "--workflows replace accumulate --num-generations 400 --num-seeds 50 --quiet "
    "--samples-per-generation 20 100 --rows statistics --metrics variance_ratio"
).split()


def begin(out, *more):
    arguments = [*ARGUMENTS, "--out", str(out), *more]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )


def going_on(out):
    return ["--resume"] if folder.has_checkpoints(out) else []


def values(out):
    return xr.load_dataset(out / folder.RESULTS, engine="h5netcdf")["variance_ratio"]


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_again_and_again_has_the_same_bits(tmp_path, kills):
    """The moments are uniform over the time that the whole run takes, or what is left
    of it: in imports, chunks, writes of checkpoints, the results and the drawing."""
    whole, out = tmp_path / "whole", tmp_path / "killed"
    began = time.monotonic()
    process = begin(whole)
    assert process.wait() == 0, process.stderr.read()
    took = time.monotonic() - began
    draw, killed = random.Random(SEED), 0
    for _ in range(kills):
        process = begin(out, *going_on(out))
        try:
            process.wait(draw.uniform(0.3, 1.0) * took)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        assert process.wait() in (0, -9), process.stderr.read()
        if folder.is_complete(out):  # begin anew, so that every kill counts
            assert (values(out).values == values(whole).values).all()
            shutil.rmtree(out)
    process = begin(out, *going_on(out))
    assert process.wait() == 0, process.stderr.read()
    assert killed > 0
    assert (values(out).values == values(whole).values).all()
    assert not [path for path in out.rglob("*partial*")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    assert runner.main(Gaussian, [*ARGUMENTS, "--out", str(out)]) == 0
    return out


def damaged(path, how, draw):
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: draw.randrange(len(data))]
    else:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_damaged_results_are_read_right_or_refused(finished, tmp_path, capsys, how):
    """Numbers are never other ones: all are as they were, or one line says that the
    file cannot be read."""
    right, draw = values(finished).values, random.Random(SEED)
    refused = 0
    for trial in range(12):
        out = tmp_path / str(trial)
        shutil.copytree(finished, out)
        damaged(out / folder.RESULTS, how, draw)
        code = runner.main(Gaussian, [*ARGUMENTS, "--out", str(out)])
        said = capsys.readouterr().err
        assert code in (0, 2) and said.count("\n") <= 1, said
        refused += code == 2
        if code == 0:
            assert np.array_equal(values(out).values, right)
        else:
            assert folder.RESULTS in said and "--force" in said
    assert refused > 0


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_damaged_states_change_no_bit(finished, tmp_path, how):
    """A finished run is extended from its states; a part whose state is damaged is
    run again."""
    longer = [*ARGUMENTS, "--extend"]
    longer[longer.index("400")] = "401"
    draw = random.Random(SEED)
    right = tmp_path / "right"
    shutil.copytree(finished, right)
    assert runner.main(Gaussian, [*longer, "--out", str(right)]) == 0
    for trial in range(3):
        out = tmp_path / str(trial)
        shutil.copytree(finished, out)
        damaged(draw.choice(sorted((out / folder.STATES).glob("*.npz"))), how, draw)
        assert runner.main(Gaussian, [*longer, "--out", str(out)]) == 0
        assert np.array_equal(values(out).values, values(right).values)
