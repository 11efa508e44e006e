"""Mixtures of real and synthetic rows: long runs against theory, what is best."""

import contextlib
import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from calibrated import Z, assert_mean, assert_tells_apart
from conftest import SEED

import collapse
from collapse.core.workflows import real_rows
from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.experiment.toml import from_table
from collapse.figures.check import check as check_figure
from collapse.figures.declaration import read_figures
from collapse.lab import parts, session
from collapse.lab import prepare as preparing
from collapse.lab import run as runner
from collapse.sims.mixing import Mixing
from collapse.sims.mixing.best import derive, remembering, verdict
from collapse.theory import mixing as theory

pytestmark = pytest.mark.x64
ON_TOP = {"constraint": "real_count", "error": "mean_error"}


def ran(folder, **fields):
    """The derived results of an experiment, and the experiment."""
    fields = {
        "seed": SEED,
        "num_seeds": 500,
        "num_generations": 40,
        "late": 11,
    } | fields
    experiment, _ = runner.prepare(asked(**fields))
    traces = parts.simulate(experiment, None, folder)
    return derive(experiment, results.assemble(experiment, traces)), experiment


def asked(**fields):
    """An experiment from fields of the study and of its model."""
    return from_table(fields, Mixing, "test")


def draws(variable):
    """[S, everything else]."""
    variable = variable.transpose("seed", ...)
    return variable.values.reshape(variable.sizes["seed"], -1)


# Against theory


def learned_limit(real, synthetic, weight, anchor):
    """Final mean error where the variance is learned, too, by maximum likelihood.

    Variance and mean error of a fit add up to 1 (law of total variance), so that rows
    of a model have the noise 1 - e in place of 1: with `kept` the part of real rows and
    `q` that of synthetic ones for a known variance, e = kept + q (1 - e).
    """
    forgotten = weight * (2 - weight)
    kept = weight**2 / real / forgotten if anchor == "fresh" else 1 / real
    q = (1 - weight) ** 2 / synthetic / forgotten if synthetic else 0.0
    return (kept + q) / (1 + q)


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_long_runs_of_every_setting_are_those_of_theory(tmp_path, anchor):
    """Of the mean and, where the variance is biased or not, of the variance."""
    axes = {"real_rows": (10, 30), "synthetic_rows": (5, 40), "weight": (0.8, 0.4)}
    metrics = ("mean_error", "variance_ratio")
    data, experiment = ran(
        tmp_path,
        **ON_TOP,
        **axes,
        bias=(1.0, 0.8),
        anchor=anchor,
        metrics=metrics,
        num_seeds=2000,
    )
    other = dataclasses.replace(
        experiment, anchor="fixed" if anchor == "fresh" else "fresh"
    )
    wrong = [
        other.theory(condition)["mean_error"][-10:].mean()
        for condition in other.conditions()
    ]
    expected = data.late_mean_error_theory.values.ravel()
    assert_tells_apart(draws(data.late_mean_error), expected, wrong)
    variance = data.late_variance_ratio_theory.values.ravel()
    assert_mean(draws(data.late_variance_ratio), variance)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_generation_0_divides_by_its_real_rows(tmp_path, anchor, ddof):
    """Whatever the weight of real rows later: so all generations are as in theory."""
    fields = {"weight": (0.01, 0.05, 0.9), "ddof": ddof, "anchor": anchor}
    fields |= {"real_rows": (20,), "synthetic_rows": (30,), "num_generations": 4}
    metrics = ("variance_ratio", "mean_error")
    data, experiment = ran(
        tmp_path, **ON_TOP, **fields, late=2, metrics=metrics, num_seeds=4000
    )
    cells = list(experiment.conditions())
    for metric in metrics:
        exact = np.stack([experiment.theory(cell)[metric] for cell in cells])
        found = data[metric].squeeze().transpose("seed", "weight", "generation").values
        np.testing.assert_allclose(found[:, 0, 0], found[:, 1, 0], rtol=1e-12)
        if metric == "variance_ratio":
            assert_tells_apart(found[..., 0], [1, 1, 1] if ddof else 0.95, 19 / 17.5)
        assert_mean(found, exact)


@pytest.mark.parametrize(
    "real", [50, 200, *[pytest.param(r, marks=pytest.mark.slow) for r in (100, 400)]]
)
def test_the_golden_ratio_and_its_kin(tmp_path, real):
    """k = real / 200: at the best weight that share of the real rows' error is left."""
    best = theory.best_weight(real / 200)
    data, _ = ran(
        tmp_path,
        **ON_TOP,
        real_rows=(real,),
        synthetic_rows=(200,),
        weight=(0.75 * best, best, 1.25 * best, 1.0),
        metrics=("mean_error",),
        num_seeds=2000,
    )
    ratio = data.late_ratio_theory.values.ravel()
    assert ratio[1] == pytest.approx(best, rel=0.01)  # of a known variance it is exact
    limits = [
        real * learned_limit(real, 200, w, "fresh")
        for w in (0.75 * best, best, 1.25 * best, 1.0)
    ]
    np.testing.assert_allclose(ratio, limits, rtol=1e-6)
    assert ratio[1] < min(ratio[0], *ratio[2:])
    measured = draws(data.late_mean_error)
    expected = data.late_mean_error_theory.values.ravel()
    assert_tells_apart(measured, expected, expected * [1, 1.2, 1, 1])
    assert data.best.sel(statistic="mean").item() == best
    assert data.best_theory.item() == pytest.approx(best)


def test_the_same_rows_again_are_best_alone(tmp_path):
    """A fixed anchor: no weight on synthetic rows helps."""
    data, _ = ran(
        tmp_path,
        **ON_TOP,
        anchor="fixed",
        real_rows=(100,),
        synthetic_rows=(100,),
        weight=(0.3, 0.618, 1.0),
        metrics=("mean_error",),
        num_seeds=2000,
    )
    assert data.best.sel(statistic="mean").item() == data.best_theory.item() == 1
    right = [100 * learned_limit(100, 100, w, "fixed") for w in (0.3, 0.618, 1.0)]
    np.testing.assert_allclose(right, (1.961, 1.171, 1.000), rtol=0.01)  # printed
    ratio = data.late_ratio_theory.values.ravel()
    np.testing.assert_allclose(ratio, right, rtol=1e-6)
    expected = data.late_mean_error_theory.values.ravel()
    assert_tells_apart(draws(data.late_mean_error), expected, expected * 1.2)


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_a_budget_alone_has_no_best_mixture(tmp_path, anchor):
    shares = (0.1, 0.3, 0.618, 1.0)
    data, _ = ran(
        tmp_path,
        samples_per_generation=(100,),
        real_fraction=shares,
        anchor=anchor,
        error="mean_error",
        metrics=("mean_error",),
        num_seeds=4000,
        num_generations=99,
    )
    expected = data.late_mean_error_theory.values.ravel()
    assert (np.diff(expected) < 0).all()
    rows = [(10, 90), (30, 70), (62, 38), (100, 0)]
    limit = [learned_limit(*pair, pair[0] / 100, anchor) for pair in rows]
    np.testing.assert_allclose(expected, limit, rtol=1e-7)
    assert_tells_apart(draws(data.late_mean_error), expected, expected * 1.2)
    assert data.best.sel(statistic="mean").item() == 1


def test_the_least_anchor_holds_the_drift_for_ten_thousand_generations(tmp_path):
    """About a pool so large that its own error is nothing; 0.8 of it does not."""
    drift, synthetic = 0.02, 100
    least = theory.least_anchor(drift, 1 / synthetic)
    data, _ = ran(
        tmp_path,
        **ON_TOP,
        anchor="fixed",
        real_rows=(10**7,),
        synthetic_rows=(synthetic,),
        weight=(least, 0.8 * least),
        metrics=("mean_error",),
        num_seeds=100,
        num_generations=9_999,
        late=9_000,
    )
    found = draws(data.late_mean_error)
    error = Z * found.std(0, ddof=1) / 10
    held, lost = found.mean(0)
    assert held < drift + error[0] and lost > drift + error[1]
    assert_mean(found, data.late_mean_error_theory.values.ravel())


def test_biased_samplers_have_a_threshold(tmp_path):
    """Fresh data of Alemohammad et al. 2024: with the variance scaled by 0.85."""
    sizes = (0, 10, 40, 160, 400)
    data, experiment = ran(
        tmp_path,
        constraint="real_count",
        real_rows=(40,),
        synthetic_rows=sizes,
        bias=(1.0, 0.85),
        ddof=1,
        error="w2_squared",
        metrics=("w2_squared",),
        num_seeds=4000,
        num_generations=59,
        late=29,
    )
    ratio = data.late_ratio.mean("seed").squeeze().transpose("bias", ...).values
    assert (np.diff(ratio[0]) < 0).all(), "unbiased rows never hurt"
    assert ratio[1].argmin() in (1, 2) and ratio[1, -1] > ratio[1, -2] > 1
    error = data.late_w2_squared.squeeze().transpose("seed", "bias", ...).values
    known = [[0.0377, 0.0316, 0.0252, 0.0212, 0.0199]]
    known += [[0.0377, 0.0307, 0.0262, 0.0555, 0.142]]
    known_error = error.std(0, ddof=1) / np.sqrt(4000) * np.sqrt(2)  # of 4000, too
    assert (abs(error.mean(0) - known) < Z * known_error + 5e-5).all()
    best = data.best.sel(statistic="mean").squeeze()
    assert best.sel(bias=1.0) == 400 and best.sel(bias=0.85) in (10, 40)
    assert "bias 0.85: " in verdict(experiment, data)


def test_a_price_has_its_share(tmp_path):
    shares = tuple(k / 10 for k in range(1, 11))
    data, _ = ran(
        tmp_path,
        constraint="price",
        price=(0.0, 1.0, 10.0),
        real_fraction=shares,
        error="mean_error",
        metrics=("mean_error",),
    )
    low, high = (data.best.sel(statistic=s).squeeze().values for s in ("low", "high"))
    expected = data.best_theory.squeeze().values
    assert expected[0] == 1 and (np.diff(expected) < 0).all()
    near = 0.1  # of shares that are looked at
    assert ((low - near <= expected) & (expected <= high + near)).all()


def test_regressors_without_synthetic_rows_have_their_known_error(tmp_path):
    """And with many rows the error of a location, d-fold."""
    data, _ = ran(
        tmp_path,
        constraint="real_count",
        model="linear",
        dimension=3,
        real_rows=(200,),
        synthetic_rows=(0, 200),
        num_seeds=4000,
        num_generations=19,
    )
    expected = np.array([3 / (200 - 4), 3 / 200 * 2 / 3])
    found = draws(data.late_test_error)
    assert_tells_apart(found[:, :1], expected[:1], expected[:1] * 1.1)
    # pooled, k = 1: f = (1 + k) / (2 + k), within what inputs that vary add
    assert found.mean(0)[1] == pytest.approx(expected[1], rel=0.05)


# What a map is


def test_the_late_generations_are_the_last_ones():
    """Three of nine, whose values are their numbers: 7, 8 and 9."""
    values, numbers = [0.2, 1.0], np.arange(10.0)
    traces = np.broadcast_to(numbers, (2, 1, 5, 10))
    dims = ["real_fraction", "workflow", "seed", "generation"]
    told = {"long_name": "error", "units": ""}
    variables = {"test_error": (dims, traces, told)}
    variables["test_error_theory"] = (dims[:2] + dims[3:], 2 * traces[:, :, 0])
    dataset = xr.Dataset(variables, {"real_fraction": values})
    wanted = asked(real_fraction=tuple(values), metrics=("test_error",))
    experiment, _ = runner.prepare(wanted)
    experiment = dataclasses.replace(experiment, num_generations=9, late=3)
    found = derive(experiment, dataset)
    assert (found.late_test_error == 8).all()
    assert (found.late_test_error_theory == 16).all()
    assert found.late_test_error.long_name == "error, generations 7 to 9"
    one = dataclasses.replace(experiment, late=1)
    assert (derive(one, dataset).late_test_error == 9).all()
    every = dataclasses.replace(experiment, late=10)
    assert (derive(every, dataset).late_test_error == 4.5).all()


@pytest.mark.parametrize(
    "model", ["gaussian", "linear", pytest.param("gmm", marks=pytest.mark.slow)]
)
def test_a_map_is_few_programs(tmp_path, monkeypatch, model):
    seen, real = [], preparing.compiled
    monkeypatch.setattr(
        preparing, "compiled", lambda *own: seen.append(own) or real(*own)
    )
    data, experiment = ran(
        tmp_path,
        constraint="real_count",
        model=model,
        real_rows=(20, 30),
        synthetic_rows=(0, 25, 34),
        bias=(1.0, 0.9),
        metrics=("test_error",),
        num_seeds=3,
        num_generations=2,
        late=2,
    )
    assert len(seen) == (2 if model == "gmm" else 1)  # 32 places, and 64
    assert data.finite.all() and data.standing.shape[-1] == 3
    alone = data.late_test_error.sel(synthetic_rows=0)
    np.testing.assert_array_equal(*alone.transpose("bias", ...).values)
    said = verdict(experiment, data).splitlines()
    assert len(said) == 6 and said[-1].startswith("In 8 settings the run was too")


def test_the_standing_of_a_setting_is_that_of_its_errors():
    seeds, values = np.arange(50.0), [0.2, 0.5, 1.0]
    errors = np.stack([seeds + 9, seeds * 0 + 20 + np.sin(seeds), seeds + 90])
    dims = ["real_fraction", "workflow", "seed", "generation"]
    traces = np.broadcast_to(errors[:, None, :, None], (3, 1, 50, 40))
    dataset = xr.Dataset(
        {"test_error": (dims, traces, {"long_name": "error", "units": ""})},
        {"real_fraction": values},
    )
    wanted = asked(real_fraction=tuple(values), metrics=("test_error",))
    experiment, _ = runner.prepare(wanted)
    experiment = dataclasses.replace(experiment, num_generations=39, late=10)
    found = derive(experiment, dataset)
    assert found.standing.squeeze().values.tolist() == [0, 2, 0]
    assert found.best.sel(statistic="mean").item() == 0.5


def given(values, errors, axis, metric="test_error"):
    """A dataset of five seeds whose settings have these errors in all generations."""
    spread = np.linspace(-0.1, 0.1, 5)[None, :, None]  # of mean 0 over seeds
    traces = (np.asarray(errors)[:, None, None] + spread)[:, None] + np.zeros(30)
    dims = [axis, "workflow", "seed", "generation"]
    told = {"long_name": "error", "units": ""}
    return xr.Dataset({metric: (dims, traces, told)}, {axis: list(values)})


def test_costs_and_ratios_are_those_of_their_errors():
    """Errors 3 and 2, and n real rows at the price of two errors: 1.5 + 0.5, 1 + 2."""
    wanted = asked(
        constraint="price",
        price=(2.0,),
        real_fraction=(0.25, 1.0),
        metrics=("test_error",),
        num_generations=29,
    )
    experiment, _ = runner.prepare(wanted)
    found = derive(experiment, given((0.25, 1.0), (3.0, 2.0), "real_fraction"))
    ratio, cost = (
        found[name].mean("seed").squeeze() for name in ("late_ratio", "cost")
    )
    np.testing.assert_allclose(ratio, [1.5, 1.0], rtol=1e-12)
    np.testing.assert_allclose(cost, [2.0, 3.0], rtol=1e-12)
    assert found.best.sel(statistic="mean").item() == 0.25


def test_the_best_weight_is_of_real_over_synthetic_rows():
    """50 over 200: (sqrt(k^2 + 4 k) - k) / 2 at k = 1/4."""
    wanted = asked(
        **ON_TOP,
        real_rows=(50,),
        synthetic_rows=(200,),
        weight=(0.4, 1.0),
        metrics=("mean_error",),
        num_generations=29,
    )
    experiment, _ = runner.prepare(wanted)
    found = derive(experiment, given((0.4, 1.0), (1.0, 2.0), "weight", "mean_error"))
    assert found.best_theory.item() == pytest.approx(0.3903882032, rel=1e-9)
    assert found.best.sel(statistic="mean").item() == 0.4


@pytest.mark.parametrize(("model", "batches"), [("gaussian", True), ("kde", False)])
def test_rows_weigh_what_their_loss_does(model, batches):
    """Six real rows have a quarter of the weight of twenty, 14 others the rest."""
    fields = {"real_rows": (6,), "synthetic_rows": (14,), "weight": (0.25,)}
    wanted = asked(constraint="real_count", model=model, **fields)
    experiment, data = runner.prepare(wanted)
    task = experiment.task(next(experiment.conditions()), data)
    workflow = task.workflow(*task.values)
    origin = jnp.zeros((workflow.num_slots, task.num_rows), jnp.int32)
    picked = workflow.weigh(jax.random.key(0), origin, jnp.int32(1))
    weights = np.asarray(picked.weights)
    each = [5 / 6, 15 / 14]
    right = each if batches else [each[0]] * 6 + [each[1]] * 14 + [0] * 12
    np.testing.assert_allclose(weights, right, rtol=1e-12)


def test_curves_are_those_of_the_setting():
    """The first step by hand, of a sampler with 0.8 times its variance."""
    fields = {"real_rows": (6,), "synthetic_rows": (14,), "weight": (0.25,)}
    wanted = asked(constraint="real_count", bias=(0.8,), num_generations=9, **fields)
    experiment, _ = runner.prepare(wanted)
    found = experiment.theory(next(experiment.conditions()))
    error = 0.25**2 / 6 + 0.75**2 * (1 / 6 + 0.8 * 5 / 6 / 14)
    squares = 0.25 + 0.75 * (0.8 * 5 / 6 + 1 / 6)
    for name, right in (
        ("mean_error", [1 / 6, error]),
        ("variance_ratio", [5 / 6, squares - error]),
    ):
        np.testing.assert_allclose(found[name][:2], right, rtol=1e-12)


@pytest.mark.parametrize("share", [0.005, 0.1, 0.125, 0.5, 0.995])
def test_shares_are_rounded_as_in_the_workflow(share):
    experiment = asked(samples_per_generation=(100,), real_fraction=(share,))
    (cell,) = (
        runner.prepare(experiment, quick=False)[0].cells()
        if share > 0.01
        else [{"samples_per_generation": 100, "real_fraction": share, "weight": 0.0}]
    )
    real, synthetic = experiment.counts(cell)
    assert (real, synthetic) == (real_rows(share, 100), 100 - real)
    assert experiment.weight_of(cell) == real / 100


# The command


def test_the_command_leaves_maps_and_a_verdict(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    small = ["--num-seeds", "4", "--num-generations", "3", "--late", "2"]
    small += ["--real-fraction", "0.1", "0.5", "1", "--out", "a"]
    assert runner.main(Mixing, small) == 0
    said = capsys.readouterr().out
    assert said.startswith("best real_fraction: least test error")
    for name in ("figure.png", "figure_late.svg", "results.nc", "summary.csv"):
        assert (tmp_path / "a" / name).is_file()
    lines = (tmp_path / "a" / "summary.csv").read_text().splitlines()
    assert any(line.startswith(",anchored fresh,,best,") for line in lines)
    assert not any("window" in line for line in lines)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"real_fraction": (1.5,)}, "real_fraction: 1.5"),
        ({"real_fraction": (-0.1,)}, "real_fraction: -0.1"),
        ({"real_fraction": (float("nan"),)}, "real_fraction: nan"),
        ({"real_fraction": (0.0,)}, "real_fraction: 0 leaves nothing"),
        ({"samples_per_generation": (1,)}, "real_fraction: 1 of 1 rows: 1 real"),
        ({"samples_per_generation": (0,)}, "samples_per_generation: 0"),
        ({"real_rows": (5,)}, "real_rows: the constraint budget"),
        ({"price": (5.0,)}, "price: the constraint budget"),
        (
            {"constraint": "real_count", "real_fraction": (0.5,)},
            "real_fraction: the constraint real_count",
        ),
        (
            {"constraint": "price", "real_fraction": (0.5,)},
            "real_fraction: prices are in units",
        ),
        ({"constraint": "real_count", "real_rows": (1,)}, "real_rows: 1 real rows"),
        ({"constraint": "real_count", "real_rows": (-1,)}, "real_rows: -1"),
        ({"constraint": "real_count", "weight": (0.5, 1.0)}, "weight: 0.5 of 20 real"),
        ({"weight": (1.2,)}, "weight: 1.2"),
        ({"weight": (0.0, 0.5)}, "weight: 0 (the share) among others"),
        ({"bias": (-1.0,)}, "bias: -1"),
        ({"bias": ()}, "bias: empty"),
        ({"error": "tails"}, "error: tails is not least"),
        ({"error": "tail_mass_1pct"}, "error: tail_mass_1pct is not least"),
        ({"metrics": ("mean_error",)}, "error: test_error is sought but not measured"),
        ({"late": 0}, "late: 0"),
        ({"late": 101}, "late: 101 generations, but 100 can be averaged; give at most"),
        ({"model": "linear", "metrics": ("mean_error",)}, "metrics: unknown"),
        ({"snapshots": (1,)}, "snapshots: have no meaning"),
        ({"ddof": (0, 1)}, "ddof: several values"),
        ({"model": "linear", "ddof": 1}, "test: unknown key ddof"),
        ({"model": "gmm", "dimension": 3}, "test: unknown key dimension"),
        ({"model": {"name": "gmm", "dof": 3}}, "test: unknown key dof of model gmm"),
        ({"model": "gm"}, "model: unknown 'gm'"),
        ({"workflows": ("replace",)}, "test: unknown key workflows"),
    ],
)
def test_what_cannot_be_mixed_is_refused_in_one_line(fields, said):
    with pytest.raises(InputError, match=f"^{re.escape(said)}") as caught:
        experiment = asked(**fields)
        resolved = experiment.resolved(0, 0)
        resolved.check()
    assert "\n" not in str(caught.value)


def test_default_shares_that_cannot_be_run_are_left_out():
    few = asked(samples_per_generation=(20,)).resolved(0, 0)
    assert few.real_fraction[0] == 0.1 and few.real_fraction[-1] == 1
    few.check()
    wanted = asked(samples_per_generation=(20,), real_fraction=(0.05, 1.0))
    with pytest.raises(InputError, match="real_fraction: 0.05 of 20 rows"):
        wanted.resolved(0, 0).check()


def test_what_is_no_number_is_refused_in_quick_runs_too():
    with pytest.raises(InputError, match="^real_fraction: nan"):
        runner.prepare(asked(real_fraction=(float("nan"),)), quick=True)


def test_long_runs_that_begin_too_early_are_said():
    """Two real rows of 200: 1 % of the start is left after 229 generations."""
    few = {"constraint": "real_count", "real_rows": (2,), "synthetic_rows": (198,)}
    errors = theory.location(2, 198, 0.01, 9999, "fresh")
    left = (errors - errors[-1]) / (errors[0] - errors[-1])
    for last in (100, 258, 259):
        experiment = asked(**few, num_generations=last).resolved(0, 0)
        assert remembering(experiment) == (left[last + 1 - experiment.late] >= 0.01)
    assert left[229] > 0.01 > left[230]


def test_theory_of_the_best_weight_is_for_unbiased_gaussians():
    for model, bias, known in (
        ("gaussian", 1.0, True),
        ("gaussian", 0.7, False),
        ("linear", 0.7, True),
    ):
        error = "mean_error" if model == "gaussian" else "test_error"
        fields = {"model": model, "bias": (bias,), "error": error, "metrics": (error,)}
        fields |= {"constraint": "real_count", "real_rows": (50,), "num_seeds": 2}
        data = collapse.run(
            "mixing",
            **fields,
            synthetic_rows=(50,),
            weight=(0.5, 1.0),
            num_generations=1,
        ).dataset
        assert np.isfinite(data.best_theory.item()) == known
        if known:
            exact = theory.best_weight(bias)
            assert data.best_theory.item() == pytest.approx(exact)


def test_what_was_resolved_is_resolved_and_quick_can_be_run():
    for constraint in ("budget", "real_count", "price"):
        for model in ("gaussian", "linear", "gmm"):
            wanted = asked(constraint=constraint, model=model)
            experiment, _ = runner.prepare(wanted)
            assert experiment.resolved(0, 0) == experiment
            quick, _ = runner.prepare(wanted, quick=True)
            assert len(list(quick.cells())) <= 27
            for figure in read_figures(quick.figures(), "figure"):
                check_figure(quick, figure)


def test_settings_that_seeds_cannot_tell_apart_are_called_flat():
    one = np.sin(np.arange(50.0)) + 2
    errors = np.stack([one, np.roll(one, 7), one[::-1]])  # of equal means
    dims = ["real_fraction", "workflow", "seed", "generation"]
    traces = np.broadcast_to(errors[:, None, :, None], (3, 1, 50, 100))
    attributes = {"long_name": "error", "units": ""}
    values = (0.2, 0.5, 1.0)
    dataset = xr.Dataset(
        {"test_error": (dims, traces, attributes)}, {"real_fraction": list(values)}
    )
    wanted = asked(real_fraction=values, metrics=("test_error",))
    experiment, _ = runner.prepare(wanted)
    found = derive(experiment, dataset)
    assert found.standing.values.all()
    assert "here: no clear best value: " in verdict(experiment, found)
