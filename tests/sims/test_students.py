"""Generators and students: what is asked, the gap that is recovered, what is told."""

import re

import jax
import numpy as np
import pytest
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.lab import run as runner
from collapse.models.language.architecture import SIZES, Size
from collapse.sims.students import Students, gap
from collapse.sims.students.generators import Generator, read
from collapse.sims.students.tell import closing

pytestmark = pytest.mark.xdist_group("students")
GENERATORS, RECIPES = ["real", "nano 10", "nano 99 0.5"], ["answer", "new", "improve"]
SEEDS = 6


def test_generators_are_read():
    assert read("real") == Generator()
    assert read("nano 640") == Generator("nano", 640, 1.0)
    assert read("micro 10 0.5") == Generator("micro", 10, 0.5)
    assert read("2x16x2 10") == Generator("2x16x2", 10, 1.0)


@pytest.mark.parametrize(
    "text", ["", "nano", "huge 10", "nano 0", "nano 10 0", "nano 10 nan", "real 10"]
)
def test_what_is_no_generator_is_refused(text):
    with pytest.raises(InputError, match="generator: cannot read") as found:
        Students(generator=(text,)).resolved(0, 0).check()
    assert "\n" not in str(found.value)


def test_one_generator_written_twice_is_refused():
    with pytest.raises(InputError, match="'nano 10' and 'nano 10 1' are one"):
        Students(generator=("nano 10", "nano 10 1")).resolved(0, 0).check()


def dataset(recovered=0.6, seeds=SEEDS):
    """Students of known parts of a gap from .2 to .8, with common noise of a seed."""
    draw = np.random.default_rng(0)
    shape = (len(GENERATORS), len(RECIPES), seeds, 2)
    parts = np.array([1.0, recovered, 0.1])[:, None]
    parts = parts * np.array([1.0, 0.5, 0.25])[None] if recovered else parts + 0.0
    parts[0] = 1.0
    values = np.empty(shape)
    values[..., 0] = 0.2
    values[..., 1] = 0.2 + 0.6 * np.broadcast_to(parts, shape[:2])[..., None]
    values += draw.normal(0, 0.1, (seeds, 1)) + draw.normal(0, 0.004, shape)
    dims = ("generator", "recipe", "seed", "generation")
    coords = {"generator": GENERATORS, "recipe": RECIPES, "generation": [0, 1]}
    own = {"correctness": (dims, values)}
    for k, name in enumerate((*gap.INTRINSIC, "solver_correctness")):
        noise = draw.normal(0, 0.1, shape)
        own[name] = (dims, noise + (k == 0) * values)
    return xr.Dataset(own, coords)


def test_the_gap_that_is_recovered_is_that_of_paired_seeds():
    found = gap.derive(dataset())["pgr"]
    mean, middle, low, high = (
        found.sel(generator="nano 10", recipe="answer", statistic=s).item()
        for s in gap.STATISTICS
    )
    assert middle == mean and low < 60 < high and abs(mean - 60) < 2
    assert high - low < 5  # the common noise of .1 cancels: of .6 it would be 16
    assert found.sel(generator="real").isnull().all()
    poor = found.sel(generator="nano 99 0.5", statistic="mean")
    np.testing.assert_allclose(poor, [10, 5, 2.5], atol=2)


def test_without_a_reference_or_seeds_there_is_no_gap():
    data = dataset()
    assert "pgr" not in gap.derive(data.sel(generator=GENERATORS[1:]))
    assert "pgr" not in gap.derive(data.isel(seed=[0]))


def test_what_predicts_the_gap_is_told_beside_chance():
    data = gap.derive(dataset())
    found = gap.predicted(data)
    assert found is not None and found.cells == 6
    assert 1 <= found.k <= 3
    text = closing(data)
    assert text.count("nano 10") == 3 and "inf" not in text.partition("student:")[0]
    assert "by chance" in text and not re.search(r"\bnan\b", text)
    assert "components" not in closing(gap.derive(dataset(seeds=1)))


def test_the_score_of_a_generator_explains_what_it_explains():
    data = dataset()
    gain = data["correctness"].isel(generation=1) - data["correctness"].isel(
        generation=0
    )
    solver = data["solver_correctness"]
    data["solver_correctness"] = xr.where(solver.generation == 1, 3 * gain + 1, solver)
    found = gap.derive(data)["solver_r2"]
    assert found.dims == ("seed",)
    np.testing.assert_allclose(found, 1)
    noise = gap.derive(dataset())["solver_r2"]
    one = dataset().sel(generator=GENERATORS[1:]).isel(seed=2)
    x = one["solver_correctness"].isel(generation=1).values.ravel()
    y = one["correctness"].isel(generation=1) - one["correctness"].isel(generation=0)
    expected = np.corrcoef(x, y.values.ravel())[0, 1] ** 2
    np.testing.assert_allclose(noise.isel(seed=2), expected)


def test_a_gap_that_is_open_is_not_told():
    data = dataset()
    correct = data["correctness"].values.copy()  # the reference as good as the base
    correct[0, ..., 1] = correct[0, ..., 0] + np.tile([-0.1, 0.1], SEEDS // 2)
    data["correctness"] = (data["correctness"].dims, correct)
    text = closing(gap.derive(data))
    assert text.count("not told by these seeds") == 6 and "inf" not in text


def test_a_run_tells_of_generators_and_students(monkeypatch, tmp_path):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    line = ["--generator", "real", "nano 3", "--documents", "200", "--steps", "3"]
    line += ["--samples-per-generation", "16", "--base-steps", "2", "--num-seeds", "2"]
    line += ["--measured-rows", "16", "--batch-size", "4", "--quiet"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Students, [*line, "--out", str(tmp_path / "run")]) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc").squeeze("workflow")
    assert data.sizes["recipe"] == 3 and data.sizes["generation"] == 2
    real = data.sel(generator="real")
    assert (real["data_correctness"] == 1).all() and (
        real["solver_correctness"] == 1
    ).all()
    first = data["correctness"].isel(generation=0)  # the base, whatever comes
    assert (first == first.isel(generator=0, recipe=0)).all()
    made = data["data_correctness"].sel(generator="nano 3").isel(generation=1)
    poor = made.sel(recipe="improve")
    assert (poor >= made.sel(recipe="new")).all()
    texts = sorted((tmp_path / "run" / "texts").iterdir())
    assert len(texts) == 2 * 3 * 2 * 2
