"""The command for linear regressors: real tables, shared programs, checkpoints."""

import contextlib
import dataclasses
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.core import streams
from collapse.data import tables
from collapse.data.regression_tables import table
from collapse.figures.declaration import read_declaration
from collapse.lab import checkpoint, command, parts, session
from collapse.lab import prepare as preparing
from collapse.lab import run as runner
from collapse.models.linear.model import LinearParams
from collapse.sims.linear import FAMILY, Linear
from collapse.sims.linear.task import task
from collapse.sims.linear.theory import curves

# programs and texts of this file are made once, by one worker
pytestmark = pytest.mark.xdist_group("linear_command")

SMALL = ["--num-seeds", "3", "--num-generations", "3"]
DIABETES = ["--data", "diabetes", "--target", "progression"]
TABLE = ["--data", "table.csv", "--target", "y"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds a table, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    rows = np.random.default_rng(0).normal(size=(40, 3)) @ np.array(
        [[1, 1, 0], [0, 2, 0], [0, -2, 1]]
    )
    np.savetxt("table.csv", rows, delimiter=",", header="a,y,b", comments="")


def simulate(*arguments, checkpoints="checkpoints"):
    """Key of a condition -> name -> [S, G + 1] of a command; the experiment."""
    call = command.parse(Linear, [*SMALL, *arguments])
    experiment, data = runner.prepare(call.experiment)
    return parts.simulate(experiment, data, Path(checkpoints)), experiment


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for unit, named in first.items():
        assert named.keys() == second[unit].keys()
        for name, values in named.items():
            assert values.tobytes() == second[unit][name].tobytes(), (unit, name)


def test_a_minimum_norm_allows_few_rows():
    few = ["--samples-per-generation", "2", "--dimension", "5", "--rows", "statistics"]
    traces, experiment = simulate(*few, "--minimum-norm", "--workflows", "replace")
    (named,), (cell,) = traces.values(), experiment.cells()
    assert named["finite"].all() and {"bias", "variance"} <= named.keys()
    assert experiment.note(cell) == "n < d - 1: minimum norm"
    plain = dataclasses.replace(experiment, minimum_norm=False, ridge=(0.1,))
    plain.check()
    assert not any(map(plain.note, plain.cells()))


# Real data


def test_a_run_on_real_data_says_what_it_took(tmp_path):
    """The noise is the residual variance of a fit with a constant, in the file's unit.

    What it wrote down can be run again.
    """
    arguments = [*DIABETES, *SMALL, "--workflows", "replace", "--quiet", "--out", "a"]
    assert runner.main(FAMILY, arguments) == 0
    experiment, _ = read_declaration(tmp_path / "a" / "experiment.toml", Linear)
    rows = tables.load("diabetes").train
    x, y = np.column_stack([np.ones(len(rows)), rows[:, :-1]]), rows[:, -1]
    residual = y - x @ np.linalg.lstsq(x, y)[0]
    noise = residual @ residual / (len(y) - x.shape[1])
    assert experiment.noise_variance == pytest.approx((noise,), rel=1e-5)
    assert (experiment.samples_per_generation, experiment.dimension) == ((332,), (10,))
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    assert np.isfinite(data.test_error_theory).all()
    caption = json.loads(data.attrs["figure"])["caption"]
    assert "diabetes: progression predicted from 10 inputs" in caption
    assert f"{noise:g}" in caption


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_the_error_on_held_out_rows_follows_theory(workflow):
    """With all rows and X fixed; half of the noise would be seen."""
    many = ["--workflows", workflow, "--num-seeds", "1000", "--seed", str(SEED)]
    traces, experiment = simulate(*DIABETES, *many)
    (named,), (condition,) = traces.values(), experiment.conditions()
    known = curves(condition)["test_error"]
    np.testing.assert_allclose(named["test_error"][:, 0], known[0], rtol=1e-9)
    right, wrong = known[1:], (known[1:] + known[0]) / 2
    assert_tells_apart(named["test_error"][:, 1:], right, wrong)


def test_a_target_is_named_by_header_or_number():
    rest = ["--workflows", "replace", "--samples-per-generation", "20"]
    named, _ = simulate(*TABLE, *rest)
    again, _ = simulate("--data", "table.csv", "--target", "2", *rest, checkpoints="b")
    assert_same_bits(named, again)


def test_the_same_table_in_another_order_is_the_same_data():
    rows = np.loadtxt("table.csv", delimiter=",", skiprows=1)
    np.save("moved.npy", rows[:, [0, 2, 1]])
    data, moved = table("table.csv", "y", 0), table("moved.npy", "3", 0)
    np.testing.assert_array_equal(data.train, moved.train)
    np.testing.assert_array_equal(data.held_out, moved.held_out)
    assert (data.train[:, -1] != table("table.csv", "b", 0).train[:, -1]).all()


def test_a_table_is_standardised_by_its_training_rows():
    data, raw = table("table.csv", "y", 0), tables.load_regression("table.csv", "y", 0)
    assert data.columns == ("a", "b", "y") and data.sha256 == raw.sha256
    np.testing.assert_allclose(data.train.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train.std(0)[:2], 1)
    np.testing.assert_allclose(
        data.train[:, 2] + raw.train[:, 2].mean(), raw.train[:, 2]
    )
    centre, scale = raw.train.mean(0), np.append(raw.train.std(0)[:2], 1)
    np.testing.assert_allclose(data.held_out, (raw.held_out - centre) / scale)


# Programs and checkpoints

SWEEP = ["--workflows", "replace", "--dimension", "2", "--rows", "statistics"]
SWEEP += ["--samples-per-generation", "9"]
LEVELS = ["--noise-variance", "0.5", "2", "--ridge", "0.1", "3"]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Two noise levels with two penalties, and how many programs were compiled."""
    compiled, real = [], preparing.compiled
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            preparing, "compiled", lambda *own: compiled.append(own) or real(*own)
        )
        traces, _ = simulate(*SWEEP, *LEVELS, checkpoints=tmp_path_factory.mktemp("a"))
    return traces, len(compiled)


def test_values_that_share_a_program_equal_runs_of_their_own(sweep):
    several, num_programs = sweep
    assert num_programs == 1 and len(several) == 4
    for noise, ridge in (("2", "0.1"), ("0.5", "3")):
        own = ["--noise-variance", noise, "--ridge", ridge]
        alone, _ = simulate(*SWEEP, *own, checkpoints=noise)
        assert_same_bits(alone, {unit: several[unit] for unit in alone})
    ends = {named["test_error"][:, -1].tobytes() for named in several.values()}
    assert len(ends) == 4


def test_a_resumed_run_is_bitwise_an_uninterrupted_one(sweep, monkeypatch):
    """Stopped in the second of four cells that share their program."""
    real, saved = checkpoint.save, []

    def save(path, progress):
        real(path, progress)
        saved.append(path)
        if len(saved) == 6:
            raise parts.Interrupted("stop")

    with monkeypatch.context() as patch:
        patch.setattr(parts, "_SECONDS_BETWEEN_SAVES", -1.0)  # save every chunk
        patch.setattr(checkpoint, "save", save)
        with pytest.raises(parts.Interrupted):
            simulate(*SWEEP, *LEVELS)
    assert len(set(saved)) == 2
    resumed, _ = simulate(*SWEEP, *LEVELS)
    assert_same_bits(sweep[0], resumed)


def test_snapshots_hold_inputs_with_independently_noisy_labels():
    """The first input, the label, the other inputs."""
    experiment = Linear(dimension=(3,), noise_variance=(0.01,)).resolved(0, 0)
    w = jnp.array([1.0, -2.0, 0.5])
    points = task(next(experiment.conditions()), None).points
    found = points(streams.seeds(SEED, 1)[0], LinearParams(w[None]), 5000)
    assert found.shape == (5000, 4)
    x, y = np.asarray(found)[:, [0, 2, 3]], np.asarray(found)[:, 1]
    noise = y - x @ np.asarray(w)
    assert_tells_apart(noise**2, 0.01, 0.012)
    assert_tells_apart(noise[:, None] * x, 0, [0.1, 0, 0])  # for noise of their bits
