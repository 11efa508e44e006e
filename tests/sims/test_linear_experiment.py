"""Experiments with linear regressors: what is refused, chosen and known."""

import numpy as np
import pytest

from collapse.experiment.spec import InputError
from collapse.experiment.toml import read_toml, to_toml
from collapse.lab import run as runner
from collapse.sims.linear import theory as linear_theory
from collapse.sims.linear.experiment import LinearExperiment
from collapse.sims.linear.family import FAMILY
from collapse.sims.linear.task import kind_of_rows, setup
from collapse.theory import linear as theory

TABLE = ["--data", "table.csv", "--target", "y"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds small tables."""
    monkeypatch.chdir(tmp_path)
    a, b, noise = np.random.default_rng(0).normal(size=(3, 40))
    y = 3 + a - 2 * b + noise
    write("table.csv", "a,y,b", a, y, b)
    write("exact.csv", "a,b,y", a, b, a - 2 * b)
    write("short.csv", "a,b,y", *np.array([a, b, y])[:, :9])
    write("one.csv", "y", y)


def write(name, header, *columns):
    np.savetxt(name, np.array(columns).T, delimiter=",", header=header, comments="")


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
        "covariance_parameter: beta = -1; give a number in [0, 10]",
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
        "metrics: error_ratio needs n > d + 1",
    ),
    (["--metrics", "error_ratio", "--noise-variance", "0"], "a noise_variance above 0"),
    (
        ["--metrics", "error_ratio", "--samples-per-generation", "0"],
        "samples_per_generation: 0 is too small",
    ),
    (
        ["--metrics", "learner_error"],
        "metrics: learner_error needs a learner; add --learner-samples",
    ),
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
    ([*TABLE, "--rows", "law", "--design", "fresh"], "rows: law needs normal inputs"),
    ([*TABLE, "--learner-samples", "9"], "learner_samples: not with --data"),
    ([*TABLE, "--synthetic-bias", "1"], "synthetic_bias: not with --data"),
    ([*TABLE, "--covariance", "ar1"], "covariance: not with --data"),
    (
        [*TABLE, "--dimension", "3"],
        "dimension: the data have 2 inputs; drop --dimension",
    ),
    (
        [*TABLE, "--metrics", "bias"],
        "metrics: bias needs the true coefficients, which data do not tell",
    ),
    ([*TABLE, "--samples-per-generation", "31"], "give at most 30"),
    ([*TABLE, "--samples-per-generation", "1"], "the fit is singular, 1 rows do not"),
    (["--data", "exact.csv", "--target", "3"], "there is no noise to estimate"),
    (["--data", "short.csv", "--target", "y"], "9 rows are too few for 3 columns"),
    (["--data", "one.csv", "--target", "y"], "has a single column"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=str)
def test_bad_input_ends_in_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    before = sorted(tmp_path.iterdir())
    assert runner.main(FAMILY, arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("flag", [False, True])
def test_what_is_written_down_can_be_run_again(tmp_path, flag):
    """A flag is the one kind of field that other families have not."""
    experiment = LinearExperiment(minimum_norm=flag).resolved(0, 0)
    (tmp_path / "a.toml").write_text(to_toml(experiment))
    assert read_toml(tmp_path / "a.toml", LinearExperiment)[0] == experiment
    (tmp_path / "a.toml").write_text("minimum_norm = 1")
    with pytest.raises(InputError, match="minimum_norm must be true or false, got 1"):
        read_toml(tmp_path / "a.toml", LinearExperiment)


# What is chosen


@pytest.mark.parametrize(
    ("label", "design", "data", "kind"),
    [
        ("replace", "fixed", "", "law"),
        ("accumulate", "fresh", "", "law"),
        ("window 3", "fresh", "", "law"),
        ("replace", "fixed", "diabetes", "law"),
        ("replace", "fresh", "diabetes", "statistics"),
        ("fixed_budget", "fresh", "", "samples"),
        ("fixed_budget", "fixed", "diabetes", "samples"),
        ("mix 0.1 fresh", "fixed", "", "samples"),  # rows of one design, split
        ("mix 0.5 fresh", "fresh", "", "law"),  # two batches of 50
        ("mix 0.1 fresh", "fresh", "", "samples"),  # ten of 10: too small
        ("mix 0 fresh", "fixed", "", "law"),
        ("mix 1 fixed", "fixed", "", "law"),
    ],
)
def test_the_cheapest_rows_that_a_workflow_allows(label, design, data, kind):
    cell = {"samples_per_generation": 100, "dimension": 10, "design": design}
    assert kind_of_rows(LinearExperiment(data=data), cell, label) == kind
    assert kind_of_rows(LinearExperiment(rows="samples"), cell, label) == "samples"


def test_a_value_of_zero_and_another_dimension_have_a_program_of_their_own():
    levels = {"noise_variance": (0.0, 1.0, 2.0), "ridge": (0.0, 0.5, 1.0)}
    experiment = LinearExperiment(dimension=(2, 3), **levels).resolved(0, 0)
    setups = [setup(experiment, cell, "replace", None) for cell in experiment.cells()]
    assert len({one.program for one in setups}) == 8
    assert {len(one.values) for one in setups} == {0, 1, 2}


# What is known


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


def test_theory_of_a_learner_adds_its_own_error_to_its_teachers():
    """Whose teacher is the generation before, and at first nature, without error."""
    experiment = LinearExperiment(
        workflows=("replace",), learner_samples=(100,), learner_noise_variance=3.0
    ).resolved(0, 0)
    (cell,) = experiment.cells()
    known = linear_theory.curves(experiment, cell, "replace")
    teacher = np.append(0, known["test_error"][:-1])
    own = 3 * theory.first_error(100, 10)
    np.testing.assert_allclose(known["learner_error"], teacher + own, rtol=0.01)
