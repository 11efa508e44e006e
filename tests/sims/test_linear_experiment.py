"""Experiments with linear regressors: what is refused, known and said."""

import numpy as np
import pytest

from collapse.data.errors import InputError
from collapse.experiment.toml import to_toml
from collapse.figures.declaration import read_declaration
from collapse.lab import run as runner
from collapse.sims.linear import FAMILY, Linear
from collapse.sims.linear.theory import curves
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
    (["--dimension", "0"], "dimension: 0; give a number from 1 to 3000"),
    (["--dimension", "3001"], "dimension: 3001; give a number from 1 to 3000"),
    (["--noise-variance", "-1"], "noise_variance: -1; give 0, or a number from 1e-100"),
    (["--noise-variance", "inf"], "noise_variance: inf; give 0, or a number from"),
    (["--noise-variance", "1e-30"], "drowns in the rounding of float64; give 0 or"),
    (["--synthetic-noise-variance", "nan"], "synthetic_noise_variance: nan; give"),
    (["--synthetic-noise-variance", "1", "2"], "synthetic_noise_variance: several"),
    (["--synthetic-bias", "-1"], "synthetic_bias: -1; give"),
    (["--ridge", "nan"], "ridge: nan; give"),
    (["--ridge", "0", "-0.0"], "ridge: a value is repeated"),
    (["--ridge"], "ridge: empty; give at least one value"),
    (["--design"], "design: empty"),
    (["--learner-samples"], "learner_samples: empty"),
    (["--design", "loose"], "design: unknown 'loose'; known are fixed, fresh"),
    (["--covariance", "ar2"], "covariance: unknown 'ar2'; known are"),
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
        "samples_per_generation: 0; give a number from 1",
    ),
    (
        ["--metrics", "learner_error"],
        "metrics: learner_error needs a learner; add --learner-samples",
    ),
    (["--learner-samples", "-1"], "learner_samples: -1; give a number from 0"),
    (["--learner-samples", "0", "9"], "learner_samples: 0, no learner, stands alone"),
    (["--learner-noise-variance", "inf"], "learner_noise_variance: inf; give"),
    (["--learner-ridge", "-1"], "learner_ridge: -1; give"),
    (["--learner-ridge", "1"], "learner_ridge: there is no learner; add"),
    (["--covariance-parameter", "nan"], "covariance_parameter: nan; give a finite"),
    (["--workflows"], "workflows: empty; name at least one of replace, accumulate"),
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
    ([*TABLE, "--workflows", "mix"], "anchor: the data have one label for each"),
    ([*TABLE, "--workflows", "mix 1 fresh"], "anchor: the data have one label"),
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
    experiment = Linear(minimum_norm=flag).resolved(0, 0)
    (tmp_path / "a.toml").write_text(to_toml(experiment))
    assert read_declaration(tmp_path / "a.toml", Linear)[0] == experiment
    (tmp_path / "a.toml").write_text("minimum_norm = 1")
    with pytest.raises(InputError, match="minimum_norm must be true or false, got 1"):
        read_declaration(tmp_path / "a.toml", Linear)


# What is known


def test_there_is_no_theory_where_the_mean_is_infinite_or_unknown():
    sizes = (3, 4, 5, 6, 7)
    experiment = Linear(
        workflows=("replace", "accumulate", "fixed_budget", "window", "mix"),
        dimension=(5,),
        samples_per_generation=sizes,
        design=("fixed", "fresh"),
        minimum_norm=True,
    ).resolved(0, 0)
    experiment.check()
    known = {
        (condition.n, condition["design"], condition.workflow.label)
        for condition in experiment.conditions()
        if curves(condition)
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
    experiment = Linear(data="table.csv", target="y", **many).resolved(30, 3)
    (known,) = [condition for condition in experiment.conditions() if curves(condition)]
    assert (known.n, known["design"], known["ridge"]) == (30, "fixed", 0.0)
    assert known.workflow.name == "replace"


def test_theory_of_a_learner_adds_its_own_error_to_its_teachers():
    """Whose teacher is the generation before, and at first the truth, without error."""
    experiment = Linear(
        workflows=("replace",), learner_samples=(100,), learner_noise_variance=3.0
    ).resolved(0, 0)
    (condition,) = experiment.conditions()
    known = curves(condition)
    teacher = np.append(0, known["test_error"][:-1])
    own = 3 * theory.first_error(100, 10)
    np.testing.assert_allclose(known["learner_error"], teacher + own, rtol=0.01)


# What is said


def test_the_caption_says_what_was_run():
    plain = Linear().resolved(0, 0)
    assert plain.caption() == (
        "y = x'w + noise of variance 1; isotropic inputs, d = 10. Design fixed, "
        "n = 100, ridge 0, 1000 seeds."
    )
    several = Linear(
        covariance="ar1",
        ridge=(0.0, 2.0),
        synthetic_noise_variance=(3.0,),
        learner_samples=(50,),
    ).resolved(0, 0)
    for said in ("ar1 (0.5) inputs", "Models' labels: noise 3", "T = 50 rows, noise 1"):
        assert said in several.caption() and said not in plain.caption()
    assert several.caption().endswith("is averaged over drawn designs.")
    noise = Linear(data="table.csv", target="y", noise_variance=(1.0,)).resolved(30, 3)
    assert "y predicted from 2 inputs" in noise.caption()
    assert "Noise variance 1, set." in noise.caption()


def test_metrics_are_named_by_what_they_are_with_and_without_data():
    plain, data = Linear(), Linear(data="table.csv", target="y")
    assert plain.quantity("test_error").reference == 0
    assert data.quantity("test_error").reference is None
    assert data.quantity("bias") is None is not plain.quantity("bias")
    for experiment in (plain.resolved(0, 0), data.resolved(30, 3)):
        assert all(map(experiment.quantity, experiment.known_metrics()))
