"""Kernel densities as a family: exact laws under every workflow, and what they tell."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

import collapse
from collapse.lab.run import prepare
from collapse.sims.kde.experiment import Kde

pytestmark = pytest.mark.x64
WORKFLOWS = ["replace", "accumulate", "fixed_budget", "window 2", "replace_multiple"]
WORKFLOWS += ["mix 0.3 fresh", "mix 0.3 fixed"]
SMALL = {"samples_per_generation": 10, "num_generations": 4, "seed": SEED}
EVERY = [
    pytest.param(w, rule, marks=[pytest.mark.full] * (w not in WORKFLOWS[:2]))
    for w in WORKFLOWS
    for rule in ("fixed", "std")
]


@pytest.mark.parametrize(("workflow", "rule"), EVERY)
def test_variance_and_mean_error_have_their_exact_expectations(workflow, rule):
    run = collapse.run(
        "kde",
        workflows=workflow,
        bandwidth_rule=rule,
        bandwidth=0.6,
        num_seeds=8000,
        metrics=["variance_ratio", "mean_error"],
        **SMALL,
    )
    data, at = run.dataset.isel(workflow=0), [0, 4]
    narrow = dataclasses.replace(run.experiment, bandwidth=(0.2,))
    wrong = narrow.theory(next(narrow.conditions()))["variance_ratio"]
    assert_tells_apart(
        data.variance_ratio.values[:, at],
        data.variance_ratio_theory.values[at],
        wrong[at],
    )
    assert_mean(data.mean_error.values[:, at], data.mean_error_theory.values[at])


@pytest.mark.parametrize(
    ("workflow", "second"), [("replace", 1.5664037), ("accumulate", 1.3683097)]
)
def test_curves_are_those_of_the_rows_that_a_fit_sees(workflow, second):
    """By hand, with Scott's rule: h^2 = 10^(-2/5), and then 10 or 20 rows behind it."""
    experiment = Kde(
        workflows=(workflow,),
        bandwidth_rule=("scott",),
        bandwidth=(1.0,),
        samples_per_generation=(10,),
        num_generations=3,
    ).resolved(0, 0)
    curve = experiment.theory(next(experiment.conditions()))["variance_ratio"]
    np.testing.assert_allclose(curve[:2], [1.2981072, second], rtol=1e-6)


def test_the_rule_decides_between_collapse_and_explosion():
    """In expectation, over many generations: theory alone."""
    ends = {}
    for rule in ("fixed", "std"):
        for bandwidth in (0.05, 1.0):
            experiment = Kde(
                workflows=("replace",),
                bandwidth_rule=(rule,),
                bandwidth=(bandwidth,),
                num_generations=999,
            ).resolved(0, 0)
            curve = experiment.theory(next(experiment.conditions()))
            ends[rule, bandwidth] = curve["variance_ratio"][-1]
    assert ends["fixed", 0.05] == pytest.approx(100 * 0.05**2, rel=1e-3)
    assert ends["fixed", 1.0] == pytest.approx(100, rel=1e-3)
    assert ends["std", 0.05] < 1e-3 and ends["std", 1.0] > 1e6


def test_data_need_no_bandwidth_of_their_own():
    run = collapse.run("kde", data="faithful", bandwidth_rule="std", quick=True)
    assert run.dataset.finite.all()
    assert "a Gaussian fitted to held-out rows of faithful" in run.experiment.caption()


def test_rows_that_are_all_equal_are_reported(tmp_path):
    """Their bandwidth is 0: what has no density is not finite, and moments are."""
    np.save(tmp_path / "equal.npy", np.where(np.arange(400) % 399, 2.5, [1.0] * 400))
    with pytest.warns(RuntimeWarning, match="not finite.*(entropy|test_error)"):
        run = collapse.run(
            "kde",
            data=str(tmp_path / "equal.npy"),
            bandwidth_rule="std",
            workflows="replace",
            metrics=["variance_ratio", "mean_error", "test_error", "entropy"],
            samples_per_generation=5,
            num_generations=2,
            num_seeds=3,
        )
    data = run.dataset
    equal = (data.variance_ratio == 0).all("generation")
    assert equal.any() and np.isfinite(data.mean_error).all()
    assert (data.finite == (data.variance_ratio > 0).all("generation")).all()
    assert np.isnan(data.test_error.where(equal, drop=True)).all()


def test_mixing_takes_it_and_its_options():
    fields = {"bandwidth": 0.5, "real_fraction": [0.5, 1.0], "num_generations": 3}
    run = collapse.run("mixing", model="kde", num_seeds=4, late=2, **fields)
    assert run.experiment.learner.bandwidth == (0.5,)
    assert run.dataset.finite.all()
    assert "late_test_error" in run.dataset


def test_axes_of_rules_and_bandwidths_share_their_seeds():
    experiment, _ = prepare(Kde(bandwidth=(0.1, 1.0), bandwidth_rule=("fixed", "std")))
    assert len(list(experiment.cells())) == 4
    assert experiment.independent_axes() == ("samples_per_generation",)
    first = np.array([c["bandwidth"] for c in experiment.cells()])
    assert set(first) == {0.1, 1.0}


def test_a_size_that_equals_a_bandwidth_has_a_program_of_its_own():
    """Conditions of one size share a program, whatever the numbers on other axes."""
    experiment, _ = prepare(
        Kde(samples_per_generation=(3, 6), bandwidth=(3.0, 6.0), workflows=("replace",))
    )
    program = {
        (c.n, c["bandwidth"]): experiment.task(c, None).program
        for c in experiment.conditions()
    }
    assert program[3, 3.0] == program[3, 6.0] != program[6, 6.0] == program[6, 3.0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bandwidth_rule": "std", "samples_per_generation": 1}, "at least 2"),
        ({"data": "faithful", "dimension": 7}, "the data have 2 columns"),
    ],
)
def test_what_cannot_be_fitted_is_refused(fields, said):
    with pytest.raises(collapse.InputError, match=said):
        collapse.run("kde", quick=True, **fields)
