"""Small models as a family: exact curves, and for whom accumulating is safe."""

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

import collapse
from collapse.sims.irregular.experiment import Irregular
from collapse.theory import irregular

pytestmark = pytest.mark.x64
SMALL = {"samples_per_generation": 12, "num_generations": 4, "seed": SEED}
EXACT = ("mean_error", "variance_ratio", "failed")


def run(case, workflow, num_seeds=4000, **fields):
    found = collapse.run(
        "irregular",
        case=case,
        workflows=workflow,
        num_seeds=num_seeds,
        **SMALL | fields,
    )
    return found.dataset.isel(workflow=0)


OWN = {"flawed": {"shift": 0.4, "kept_variance": 0.8}, "spiky": {"dimension": 3}}
FULL = [
    ("regular", "fixed_budget"),
    ("at_random", "accumulate"),
    ("flawed", "replace"),
    ("uniform", "accumulate"),
    ("uniform", "replace_multiple"),
]
CASES = [
    ("regular", "accumulate"),
    ("uniform", "replace"),
    ("spiky", "replace"),
    ("spiky", "accumulate"),
    ("flawed", "accumulate"),
    ("flawed", "fixed_budget"),
    *[pytest.param(*case, marks=pytest.mark.full) for case in FULL],
]


@pytest.mark.parametrize(("case", "workflow"), CASES)
def test_curves_are_exact(case, workflow):
    """Against those of the other workflows, which are the negative controls."""
    data = run(case, workflow, **OWN.get(case, {}))
    known = [m for m in EXACT if f"{m}_theory" in data]
    assert "mean_error" in known and len(known) >= 2
    for metric in known:
        draws, right = data[metric].values, data[f"{metric}_theory"].values
        varying = draws.std(0) > 0
        np.testing.assert_allclose(draws.mean(0)[~varying], right[~varying], atol=1e-3)
        if varying.any() and metric == "mean_error":
            wrong = np.roll(right, 1)[varying]
            if np.allclose(wrong, right[varying]):  # uniform, accumulate
                wrong = irregular.uniform_replace(12, 4).mean_error[varying]
            assert_tells_apart(draws[:, varying], right[varying], wrong)
        elif varying.any() and (right[varying] > 0.01).all():
            assert_mean(draws[:, varying], right[varying])


@pytest.mark.parametrize("case", ["regular", "flawed", "spiky"])
def test_the_log_loss_is_exact(case):
    data = run(case, "replace", **OWN.get(case, {}))
    right = data.test_error_theory.values
    assert_tells_apart(data.test_error.values[:, :3], right[:3], right[1:4])


@pytest.mark.full
def test_accumulating_is_safe_for_some_and_not_for_others():
    """The share of failed runs under accumulate, and whose error is bounded."""
    found = collapse.run(
        "irregular",
        workflows="accumulate",
        samples_per_generation=100,
        num_generations=15,
        num_seeds=60,
        shift=0.4,
        seed=SEED,
    ).dataset.isel(workflow=0)
    failed = found.failed.mean("seed").isel(generation=-1)
    # the mean of a first fit is off by five of its standard deviations, or not at all
    for safe in ("regular", "uniform", "at_random"):
        assert failed.sel(case=safe) <= 0.02, safe
    for unsafe, least in (("spiky", 0.99), ("selected", 0.99), ("flawed", 0.5)):
        assert failed.sel(case=unsafe) >= least, unsafe
    assert (found.failed.isel(generation=0) == 0).all()
    error = found.mean_error.mean("seed")
    regular = error.sel(case="regular")
    # pi^2/6, and five standard errors of each of the two means
    assert regular.max() < 3 * regular[0]
    assert error.sel(case="flawed")[-1] > 10 * regular[-1]


def test_selected_rows_follow_the_limit_of_many():
    data = run("selected", "accumulate", 200, samples_per_generation=2000)
    for metric in ("variance_ratio", "mean_error"):
        right = data[f"{metric}_theory"].values
        found = data[metric].values.mean(0)
        np.testing.assert_allclose(found[1:], right[1:], rtol=0.02)
    assert data.variance_ratio.values.mean(0)[-1] < 0.5


def test_uniform_edges_stay_under_accumulate():
    data = run("uniform", ["accumulate"], 50)
    assert (data.mean_error.diff("generation") == 0).all()


def test_metrics_are_those_of_all_cases():
    """The log-loss of a uniform law is infinite, so it is not measured beside one."""
    assert "test_error" not in Irregular().known_metrics()
    assert "test_error" in Irregular(case=("regular", "spiky")).known_metrics()
    assert "0.5" not in Irregular(case=("regular",)).resolved(0, 0).caption()


def test_mixing_takes_the_regular_case():
    fields = {"real_fraction": [0.5, 1.0], "num_generations": 3, "bias": [0.5]}
    found = collapse.run("mixing", model="irregular", num_seeds=4, late=2, **fields)
    assert found.experiment.learner.case == ("regular",)
    assert found.dataset.finite.all()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"samples_per_generation": 1}, "samples_per_generation: 1 has no variance"),
        ({"keep": 1.0}, "keep: 1; give a number from 0.001 to 0.999"),
        ({"case": "iregular"}, "did you mean regular"),
        ({"data": "faithful"}, "data: the data distributions are known; leave it out"),
        ({"dimension": 101}, "dimension: 101; give a number from 1 to 100"),
    ],
)
def test_what_cannot_be_run_is_refused(fields, said):
    with pytest.raises(collapse.InputError, match=said):
        collapse.run("irregular", **fields)
