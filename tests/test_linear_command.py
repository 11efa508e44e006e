"""The command for linear regressors: what it refuses, real tables, shared programs."""

import json

import numpy as np
import pytest
import xarray as xr
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import streams, tables
from collapse.sims import checkpoint, command, linear_theory, parts, runner
from collapse.sims.linear import FAMILY
from collapse.sims.linear_data import table
from collapse.sims.linear_experiment import LinearExperiment
from collapse.sims.linear_setup import kind_of_rows, setup
from collapse.theory import linear as theory
from collapse.toml import read_toml

SMALL = ["--num-seeds", "3", "--num-generations", "3"]
DIABETES = ["--data", "diabetes", "--target", "progression"]
TABLE = ["--data", "table.csv", "--target", "y"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds small tables, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "configure", lambda precision: None)
    a, b, noise = np.random.default_rng(0).normal(size=(3, 40))
    y = 3 + a - 2 * b + noise
    write("table.csv", "a,y,b", a, y, b)
    write("exact.csv", "a,b,y", a, b, a - 2 * b)
    write("short.csv", "a,b,y", *np.array([a, b, y])[:, :9])
    write("one.csv", "y", y)


def write(name, header, *columns):
    rows = "".join(
        ",".join(map(repr, row)) + "\n" for row in np.array(columns).T.tolist()
    )
    with open(name, "w") as file:
        file.write(header + "\n" + rows)


def simulate(*arguments, checkpoints="checkpoints"):
    """What a command runs: (axis values..., label) -> name -> [S, G + 1]; and by what."""
    call = command.parse("linear", FAMILY.default, "", [*SMALL, *arguments])
    experiment, data = runner.prepare(call.experiment, load=FAMILY.load)
    place = checkpoint.Path(checkpoints)
    traces = parts.simulate(
        experiment, lambda cell, label: setup(experiment, cell, label, data), place
    )
    return traces, experiment


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for unit, named in first.items():
        assert named.keys() == second[unit].keys()
        for name, values in named.items():
            assert values.tobytes() == second[unit][name].tobytes(), (unit, name)


# What is refused

REFUSED = [
    # the model
    (["--samples-per-generation", "9"], "samples_per_generation: the fit is singular"),
    (["--samples-per-generation", "9", "--ridge", "1", "0"], "or --minimum-norm"),
    (["--dimension", "0"], "dimension: 0 is too small; give at least 1"),
    (["--noise-variance", "-1"], "noise_variance: -1; give a finite number of 0 or"),
    (["--noise-variance", "inf"], "noise_variance: inf; give a finite"),
    (["--synthetic-noise-variance", "nan"], "synthetic_noise_variance: nan; give"),
    (["--synthetic-noise-variance", "1", "2"], "synthetic_noise_variance: several"),
    (["--synthetic-bias", "-1"], "synthetic_bias: -1; give"),
    (["--ridge", "nan"], "ridge: nan; give"),
    (["--ridge", "0", "-0.0"], "ridge: a value is repeated"),
    (["--ridge"], "ridge: empty; give at least one value"),
    (["--design"], "design: empty"),
    (["--learner-samples"], "learner_samples: empty"),
    (["--design", "loose"], "'loose' for argument '--design'"),
    (["--covariance", "ar2"], "'ar2' for argument '--covariance'"),
    (
        ["--covariance", "ar1", "--covariance-parameter", "1"],
        "covariance_parameter: rho = 1; give a number in (-1, 1)",
    ),
    (
        ["--covariance", "power_law", "--covariance-parameter", "-1"],
        "covariance_parameter: beta = -1; give a number in [0, 50)",
    ),
    # rows
    (
        ["--rows", "law", "--workflows", "fixed_budget"],
        "rows: fixed_budget picks single",
    ),
    (
        ["--rows", "statistics", "--workflows", "mix"],
        "rows: mix 0.1 fresh picks single",
    ),
    # metrics and learners
    (
        ["--metrics", "error_ratio", "--samples-per-generation", "11"],
        "metrics: error_ratio has no finite unit where n is within 1 of d",
    ),
    (["--metrics", "error_ratio", "--noise-variance", "0"], "noise_variance is 0"),
    (
        ["--metrics", "error_ratio", "--samples-per-generation", "0"],
        "samples_per_generation: 0 is too small",
    ),
    (["--metrics", "learner_error"], "metrics: unknown 'learner_error'"),
    (["--learner-samples", "-1"], "learner_samples: -1 is too small"),
    (["--learner-samples", "0", "9"], "learner_samples: 0, no learner, stands alone"),
    (["--learner-noise-variance", "inf"], "learner_noise_variance: inf; give"),
    (["--learner-ridge", "-1"], "learner_ridge: -1; give"),
    (["--multiple", "0.5"], "multiple: 0.5; give a number above 1"),
    # data
    (["--target", "y"], "target: there are no data; add --data FILE.csv"),
    (
        ["--data", "table.csv"],
        "target: name the column to predict; table.csv has a, y, b",
    ),
    (["--data", "table.csv", "--target", "z"], "target: unknown 'z'; table.csv has a"),
    (["--data", "table.csv", "--target", "4"], "target: unknown '4'"),
    ([*TABLE, "--rows", "law"], "rows: law needs normal inputs; use auto with --data"),
    ([*TABLE, "--learner-samples", "9"], "learner_samples: not with --data"),
    ([*TABLE, "--synthetic-bias", "1"], "synthetic_bias: not with --data"),
    ([*TABLE, "--covariance", "ar1"], "covariance: not with --data"),
    (
        [*TABLE, "--dimension", "3"],
        "dimension: the data have 2 inputs; drop --dimension",
    ),
    ([*TABLE, "--metrics", "bias"], "metrics: unknown 'bias'; known are test_error"),
    ([*TABLE, "--samples-per-generation", "31"], "give at most 30"),
    ([*TABLE, "--samples-per-generation", "1"], "the fit is singular, 1 rows do not"),
    (["--data", "exact.csv", "--target", "3"], "there is no noise to estimate"),
    (["--data", "short.csv", "--target", "y"], "9 rows are too few for 3 columns"),
    (["--data", "one.csv", "--target", "y"], "has a single column"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=lambda x: " ".join(x)[:40])
def test_bad_input_ends_in_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    before = sorted(tmp_path.iterdir())
    assert runner.main(FAMILY, [*SMALL, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("remedy", "note"),
    [(["--ridge", "0.1"], ""), (["--minimum-norm"], "n < d - 1: minimum norm")],
)
def test_a_penalty_or_a_minimum_norm_allows_few_rows(remedy, note):
    few = ["--samples-per-generation", "2", "--dimension", "5", "--rows", "statistics"]
    traces, experiment = simulate(*few, *remedy, "--workflows", "replace")
    (named,) = traces.values()
    assert named["finite"].all() and {"bias", "variance"} <= named.keys()
    assert [experiment.note(cell) for cell in experiment.cells()] == [note]


# Real data


def test_a_run_on_real_data_says_what_it_took(tmp_path):
    """The noise is the residual variance of a fit with a constant, in the file's unit.

    What it wrote down can be run again.
    """
    arguments = [*DIABETES, *SMALL, "--workflows", "replace", "--quiet", "--out", "a"]
    assert runner.main(FAMILY, arguments) == 0
    experiment, _ = read_toml(tmp_path / "a" / "experiment.toml", LinearExperiment)
    rows = tables.load("diabetes").train
    x, y = np.column_stack([np.ones(len(rows)), rows[:, :-1]]), rows[:, -1]
    residual = y - x @ np.linalg.lstsq(x, y)[0]
    noise = residual @ residual / (len(y) - x.shape[1])
    assert experiment.noise_variance == pytest.approx((noise,), rel=1e-9)
    assert (experiment.samples_per_generation, experiment.dimension) == ((332,), (10,))
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    assert np.isfinite(data.test_error_theory).all()
    caption = json.loads(data.attrs["figure"])["caption"]
    assert "diabetes: progression predicted from 10 inputs" in caption
    assert f"{noise:g}" in caption


def test_the_error_on_held_out_rows_follows_theory():
    """With all rows and X fixed; half of the noise would be seen."""
    two = ["--workflows", "replace", "accumulate", "--num-seeds", "1000"]
    traces, experiment = simulate(*DIABETES, *two, "--seed", str(SEED))
    (cell,) = experiment.cells()
    for unit, named in traces.items():
        known = linear_theory.curves(experiment, cell, unit[-1])["test_error"]
        np.testing.assert_allclose(named["test_error"][:, 0], known[0], rtol=1e-9)
        later, right = named["test_error"][:, 1:], known[1:]
        assert_tells_apart(later, right, (right + known[0]) / 2)


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
SWEEP += ["--samples-per-generation", "9", "--noise-variance"]


def test_values_that_share_a_program_equal_runs_of_their_own(monkeypatch):
    compiled, real = [], parts._compile
    monkeypatch.setattr(parts, "_compile", lambda s: compiled.append(s) or real(s))
    several, _ = simulate(*SWEEP, "0.5", "2", "--ridge", "0.1", "3")
    assert len(compiled) == 1 and len(several) == 4
    for noise, ridge in (("2", "0.1"), ("0.5", "3")):
        own = [noise, "--ridge", ridge]
        alone, _ = simulate(*SWEEP, *own, checkpoints=noise)
        assert_same_bits(alone, {unit: several[unit] for unit in alone})
    ends = {named["test_error"][:, -1].tobytes() for named in several.values()}
    assert len(ends) == 4


def test_a_value_of_zero_has_a_program_of_its_own():
    experiment = LinearExperiment(noise_variance=(0.0, 1.0, 2.0), ridge=(0.0, 0.5, 1.0))
    experiment = experiment.resolved(0, 0)
    setups = [setup(experiment, cell, "replace", None) for cell in experiment.cells()]
    assert len({one.program for one in setups}) == 4
    assert {len(one.values) for one in setups} == {0, 1, 2}


def test_a_resumed_run_is_bitwise_an_uninterrupted_one(monkeypatch):
    """Stopped in the second of two noise levels, which share their program."""
    whole, _ = simulate(*SWEEP, "0.5", "2")
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
            simulate(*SWEEP, "0.5", "2", checkpoints="part")
    assert len(set(saved)) == 2
    resumed, _ = simulate(*SWEEP, "0.5", "2", checkpoints="part")
    assert_same_bits(whole, resumed)


def test_snapshots_hold_inputs_with_independently_noisy_labels():
    """The first input, the label, the other inputs."""
    import jax.numpy as jnp

    from collapse.models.linear import LinearParams

    experiment = LinearExperiment(dimension=(3,), noise_variance=(0.01,)).resolved(0, 0)
    (cell,) = experiment.cells()
    w = jnp.array([1.0, -2.0, 0.5])
    points = setup(experiment, cell, "replace", None).points
    found = points(streams.seeds(SEED, 1)[0], LinearParams(w[None], w), 5000)
    assert found.shape == (5000, 4)
    x, y = np.asarray(found)[:, [0, 2, 3]], np.asarray(found)[:, 1]
    noise = y - x @ np.asarray(w)
    assert_tells_apart(noise**2, 0.01, 0.012)
    assert_tells_apart(noise[:, None] * x, 0, 0.01)


# What is chosen, and what is not known


@pytest.mark.parametrize(
    ("label", "design", "data", "kind"),
    [
        ("replace", "fixed", "", "law"),
        ("accumulate", "fresh", "", "law"),
        ("window 3", "fresh", "", "law"),
        ("replace", "fixed", "diabetes", "statistics"),
        ("fixed_budget", "fresh", "", "samples"),
        ("fixed_budget", "fixed", "diabetes", "samples"),
        ("mix 0.1 fresh", "fixed", "", "samples"),  # rows of one design, split
        ("mix 0.1 fresh", "fresh", "", "law"),  # ten batches of ten
        ("mix 0 fresh", "fixed", "", "law"),
        ("mix 1 fixed", "fixed", "", "law"),
    ],
)
def test_the_cheapest_rows_that_a_workflow_allows(label, design, data, kind):
    cell = {"samples_per_generation": 100, "dimension": 10, "design": design}
    assert kind_of_rows(LinearExperiment(data=data), cell, label) == kind
    assert kind_of_rows(LinearExperiment(rows="samples"), cell, label) == "samples"


def test_there_is_no_theory_where_the_mean_is_infinite_or_unknown():
    sizes = (3, 4, 5, 6, 7)
    experiment = LinearExperiment(
        workflows=("replace", "accumulate", "fixed_budget", "window", "mix"),
        dimension=(5,),
        samples_per_generation=sizes,
        design=("fixed", "fresh"),
        minimum_norm=True,
    ).resolved(0, 0)
    experiment.check()
    known = {
        (cell["samples_per_generation"], cell["design"], label)
        for cell in experiment.cells()
        for label in experiment.labels()
        if linear_theory.curves(experiment, cell, label)
    }
    everywhere = {(n, d, "replace") for n in (3, 7) for d in ("fixed", "fresh")}
    fixed = {(3, "fixed", "accumulate"), (7, "fixed", "accumulate")}
    above = {(7, "fresh", "accumulate"), (7, "fixed", "window 5")}
    assert known == everywhere | fixed | above | {(7, "fresh", "mix 0.1 fresh")}
    notes = [experiment.note(cell) for cell in experiment.cells()]
    assert [notes.count(note) for note in dict.fromkeys(notes)] == [2, 6, 2]


def test_theory_of_a_table_needs_all_rows_fixed_inputs_and_no_penalty():
    many = {"design": ("fixed", "fresh"), "ridge": (0.0, 1.0)}
    many |= {"samples_per_generation": (30, 20), "workflows": ("replace", "window")}
    experiment = LinearExperiment(data="table.csv", target="y", **many).resolved(30, 3)
    known = [
        (cell, label)
        for cell in experiment.cells()
        for label in experiment.labels()
        if linear_theory.curves(experiment, cell, label)
    ]
    ((cell, label),) = known
    assert (cell["samples_per_generation"], cell["design"]) == (30, "fixed")
    assert (cell["ridge"], label) == (0.0, "replace")


def test_a_learner_without_a_penalty_has_its_closed_form():
    experiment = LinearExperiment(
        workflows=("replace",), learner_samples=(13,), learner_noise_variance=3.0
    ).resolved(0, 0)
    (cell,) = experiment.cells()
    known = linear_theory.curves(experiment, cell, "replace")
    teacher = np.append(0, known["test_error"][:-1])
    own = 3 * theory.first_error(13, 10)
    np.testing.assert_allclose(known["learner_error"], teacher + own, rtol=0.1)
