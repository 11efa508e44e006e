"""Experiments from Python: what a notebook gets is what the command writes."""

import contextlib
import inspect
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from calibrated import assert_tells_apart
from matplotlib.text import Text

import collapse
from collapse import Model, Problem
from collapse.data.errors import InputError
from collapse.lab import api, session
from collapse.lab import run as runner
from collapse.numerics import draws
from collapse.sims.gaussian import Gaussian
from collapse.theory import mixing as theory

ONE, MANY = "variance_ratio", "kl_to_truth"
FIELDS = {"workflows": ["replace"], "num_seeds": 4, "num_generations": 3}


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch):
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def test_a_run_in_memory_is_the_command_s(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = collapse.run("gaussian", samples_per_generation=20, **FIELDS)
    command = "--workflows replace --num-seeds 4 --num-generations 3 --quiet --out a "
    command += "--samples-per-generation 20"
    assert runner.main(Gaussian, command.split()) == 0
    kept = xr.open_dataset("a/results.nc", engine="h5netcdf")
    for name, variable in run.dataset.items():
        np.testing.assert_array_equal(variable.values, kept[name].values)
    assert run.experiment.samples_per_generation == (20,)
    assert run.table().startswith("generation 3: mean")


def test_a_run_is_drawn_as_asked():
    run = collapse.run("mixing", num_seeds=4, real_fraction=[0.1, 0.5, 1], late=2)
    fig = run.draw(metrics="late_test_error", x="real_fraction", title="So it is")
    words = [text.get_text() for text in fig.texts]
    assert "So it is" in words and any("Held fixed" in word for word in words)
    assert run.table().startswith("best real_fraction")
    assert len(run.draw(metrics="test_error", hue="real_fraction").axes) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shares": 1}, "mixing: unknown key shares"),
        ({"real_fraction": "half"}, "mixing: real_fraction must be a number"),
        ({"real_fraction": 2.0}, "real_fraction: 2; give a number from 0 to 1"),
    ],
)
def test_what_cannot_be_run_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        collapse.run("mixing", **fields)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (np.ones((500, 2)), "an array"),
        (jnp.ones(500), "an array"),
        (pd.DataFrame({"a": np.ones(500)}), "a DataFrame"),
        ([[1.0, 2.0]] * 500, "a list"),
    ],
)
def test_rows_in_place_of_a_file_are_told_in_one_line(data, what):
    with pytest.raises(InputError) as caught:
        collapse.run("gaussian", data=data)
    said = f"data: {what}; write it to a file, or use collapse.compare(data=...)"
    assert str(caught.value) == said


def test_data_may_be_a_path(tmp_path):
    rows = np.random.default_rng(1).normal(size=(40, 1))
    np.savetxt(tmp_path / "a.csv", rows, header="x", comments="")
    path = tmp_path / "a.csv"
    run = collapse.run("gaussian", data=path, num_seeds=2, num_generations=1)
    assert run.experiment.data == str(path)


def test_what_cannot_be_drawn_is_refused():
    run = collapse.run("gaussian", quick=True, **FIELDS)
    with pytest.raises(InputError, match="the figure shows cost"):
        run.draw(metrics="cost")
    with pytest.raises(InputError, match="figure: unknown key colour"):
        run.draw(colour="red")


def test_without_metrics_a_study_s_figure_is_that_of_the_command():
    policies = ["constant", "event", "event noise"]
    fields = {"policy": policies, "num_generations": 10, "num_seeds": 3}
    run = collapse.run("control", **fields, samples_per_generation=60)
    labels = {text.get_text() for text in run.draw().findobj(Text)}
    assert {"policy: constant", "event", "event noise"} <= labels
    assert len(run.draw(y_scale="linear").axes) == 2  # drift, and what is spent


def test_arrays_and_ranges_are_lists():
    sizes = {"samples_per_generation": range(20, 22), "num_seeds": np.int64(2)}
    run = collapse.run("gaussian", **FIELDS | sizes)
    assert run.experiment.samples_per_generation == (20, 21)
    assert repr(run).startswith("gaussian: generation 3: mean")
    run = collapse.run("gaussian", metrics="tail_mass_1pct", **FIELDS)
    with pytest.raises(InputError, match="no closed form of tail_mass_1pct"):
        run.against_theory()


def test_what_ran_before_does_not_matter():
    """In a process of its own: jax has run, on one device, before anything of ours."""
    code = (
        "import jax.numpy as jnp; jnp.ones(2) + 1\n"
        "import collapse\n"
        "run = collapse.run('gaussian', quick=True, workflows='replace')\n"
        "assert run.dataset.variance_ratio.dtype == 'float64'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)


def test_against_theory_reckons_in_standard_errors():
    fields = FIELDS | {"num_seeds": 50, "metrics": ["variance_ratio", "entropy"]}
    run = collapse.run("gaussian", samples_per_generation=[20, 40], **fields)
    table = run.against_theory()
    assert len(table) == 4 and set(table.metric) == {"variance_ratio", "entropy"}
    one = table[table.metric == "variance_ratio"].query("samples_per_generation == 20")
    seeds = run.dataset.variance_ratio.sel(samples_per_generation=20).values[0, :, -1]
    assert one.theory.item() == pytest.approx(0.95**4)
    error = seeds.std(ddof=1) / 50**0.5
    assert one.z.item() == pytest.approx((seeds.mean() - 0.95**4) / error)


def test_the_best_choice_comes_as_a_table():
    fields = {"constraint": "price", "price": [0, 3], "error": "mean_error", "late": 2}
    fields |= {"metrics": "mean_error", "num_generations": 3, "num_seeds": 20}
    run = collapse.run("mixing", real_fraction=[0.1, 0.5, 1], **fields)
    table = run.best()
    assert list(table.price) == [0, 3] and set(table.choice) == {"real_fraction"}
    assert (table.low <= table.best).all() and (table.best <= table.high).all()
    exact = [1.0, theory.best_share_at_price(3)]
    assert table.theory.tolist() == pytest.approx(exact)
    for place, best in enumerate(table.best):
        assert f"price {table.price[place]:g}: {best:g}" in run.table()
    one = collapse.run("mixing", real_fraction=0.5, quick=True, num_seeds=4)
    with pytest.raises(InputError, match="nothing to choose from"):
        one.best()


def test_ratios_to_a_measured_mean_are_not_reckoned_in_errors():
    fields = {"real_fraction": [0.5, 1], "num_generations": 3, "num_seeds": 20}
    run = collapse.run(
        "mixing", error="mean_error", metrics="mean_error", late=2, **fields
    )
    assert "late_ratio_theory" in run.dataset
    assert set(run.against_theory().metric) == {"mean_error", "late_mean_error"}


def test_a_model_of_one_s_own_runs_under_every_workflow():
    def problem(root):
        del root
        model = Model(
            init=lambda key, rows, weights: jnp.zeros(()),
            fit=lambda key, p, rows, weights: (weights @ rows / weights.sum(), {}),
            sample=lambda key, mean, num: mean + draws.normal(key, (num,)),
        )
        zero = jnp.zeros(())
        return Problem(
            lambda key, num: model.sample(key, zero, num),
            model,
            {"squared_error": lambda key, mean: mean**2},
        )

    labels = ["replace", "replace_multiple", "mix 0.1 fresh"]
    data = collapse.compare(problem, 10, labels, num_generations=4, num_seeds=4000)
    assert data.squared_error.shape == (3, 4000, 5)
    end = data.squared_error.isel(generation=-1)
    walk, harmonic = 5 / 10, sum(1 / k for k in range(1, 6)) / 10
    assert_tells_apart(end.sel(workflow="replace").values, walk, harmonic)
    assert_tells_apart(end.sel(workflow="replace_multiple").values, harmonic, walk)
    fig = collapse.draw(data, metrics="squared_error", statistic="mean")
    assert len(fig.axes) == 1
    assert data.finite.all()

    def broken(root):
        fine = problem(root)
        return fine._replace(metrics={"inverse": lambda key, mean: 1 / (mean - mean)})

    with pytest.warns(RuntimeWarning, match=r"in 2 runs are not finite.*\(inverse\)"):
        collapse.compare(broken, 10, ["replace"], num_generations=1, num_seeds=2)
    for fields, said in (
        ({"workflows": []}, "workflows: empty"),
        ({"workflows": ["replace", "replace"]}, "workflows: empty or repeated"),
        ({"num_rows": 0}, "num_rows: 0; give"),
        ({"num_seeds": 2.5}, "num_seeds: 2.5; give"),
    ):
        with pytest.raises(InputError, match=said):
            collapse.compare(problem, **({"num_rows": 10} | fields))
    for label, said in (
        ("replaced", "unknown 'replaced'; known are replace, "),
        ("", "unknown ''; known are"),
        ("window", "'window' is not how window is written; give 'window SIZE'"),
        ("window x", "window: SIZE is x; give a whole number of at least 1"),
        ("window 5 6", "'window 5 6' is not how window is written; give 'window SIZE'"),
        ("replace 3", "'replace 3' is not how replace is written; give 'replace'"),
        ("mix 2", "mix: SHARE is 2; give a number from 0 to 1"),
        ("mix nan", "mix: SHARE is nan; give a number from 0 to 1"),
        ("mix 0.5", "'mix 0.5' is not how mix is written; give 'mix SHARE fresh|"),
        ("mix 0.1 fixd", "mix: ANCHOR is fixd; give fresh or fixed"),
    ):
        with pytest.raises(InputError, match="workflows: ") as caught:
            collapse.compare(problem, 10, workflows=[label])
        assert str(caught.value).startswith(f"workflows: {said}")


def test_samples_of_several_seeds_are_kept_and_drawn():
    fields = FIELDS | {"samples_per_generation": 20, "snapshots": [0, 3]}
    one = collapse.run("gaussian", **fields).dataset.samples
    run = collapse.run("gaussian", **fields, snapshot_seeds=3)
    several = run.dataset.samples
    assert several.sizes["run"] == 3 and several.sizes["snapshot"] == 2
    np.testing.assert_array_equal(several.sel(run=1), one)
    assert (several.sel(run=2) != several.sel(run=3)).all()
    titles = [
        ax.texts[0].get_text() for ax in run.draw(kind="samples").axes if ax.texts
    ]
    assert titles == ["seed 1", "seed 2", "seed 3"]
    with pytest.raises(InputError, match="^snapshot_seeds: 5 of 4"):
        collapse.run("gaussian", **fields, snapshot_seeds=5)


def test_a_run_says_when_levels_are_crossed_and_how_workflows_differ():
    fields = {"num_generations": 3, "num_seeds": 12, "samples_per_generation": 20}
    run = collapse.run("gaussian", **fields, workflows=["replace", "accumulate"])
    every = run.crossings()
    assert set(every.event) == {"lost", "overshot", "halved", "doubled"}
    some = run.crossings("variance_ratio", 0.9)
    usual = every[every.metric == "variance_ratio"].reset_index(drop=True)
    assert run.crossings("variance_ratio").equals(usual) and len(usual) == 2
    assert some.workflow.tolist() == ["replace", "accumulate"]
    gap = run.differences("variance_ratio")
    values = run.dataset.variance_ratio.isel(generation=-1).values
    assert gap["mean"].item() == pytest.approx((values[1] - values[0]).mean())


@pytest.mark.parametrize(
    ("call", "fields", "said"),
    [
        ("crossings", {"metric": "x"}, "metrics: x was not measured; known are "),
        ("crossings", {"level": 0.5}, "metric: none, but level 0.5; name the metric"),
        ("crossings", {"metric": ONE, "level": np.nan}, "level: nan; give a finite"),
        ("crossings", {"metric": ONE, "level": np.inf}, "level: inf; give a finite"),
        ("crossings", {"metric": ONE, "level": "0.5"}, "level: '0.5'; give a finite"),
        ("crossings", {"metric": ONE, "level": True}, "level: True; give a finite"),
        ("crossings", {"metric": MANY}, f"level: {MANY} has no usual level; give one"),
        ("differences", {"metric": ONE, "generation": "a"}, "generation: 'a'; give a"),
        ("differences", {"metric": ONE, "generation": 0.5}, "generation: 0.5; give a"),
        ("differences", {"metric": ONE, "generation": None}, "generation: None; give"),
        ("differences", {"metric": ONE, "generation": 9}, "generation: 9; stay withi"),
    ],
)
def test_what_cannot_be_crossed_or_compared_is_told_in_one_line(call, fields, said):
    """Without beartype, which tests alone have."""
    dims = ("workflow", "seed", "generation")
    values = np.random.default_rng(1).normal(size=(2, 4, 3))
    data = {ONE: (dims, values), MANY: (dims, values)}
    dataset = xr.Dataset(data, {"workflow": ["replace", "accumulate"]})
    plain = inspect.unwrap(getattr(api.Run, call))
    with pytest.raises(InputError) as caught:
        plain(api.Run(Gaussian(), dataset), **fields)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
