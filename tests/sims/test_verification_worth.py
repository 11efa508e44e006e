"""What operators are worth, from errors that are known: no run, numbers by hand."""

import numpy as np
import pytest
import xarray as xr
from conftest import SEED

from collapse.core.curation.tally import EFFECTIVE, KEPT
from collapse.experiment.row_truth import Knowledge, RowTruth
from collapse.experiment.toml import from_table
from collapse.experiment.verifiers.operators import read
from collapse.lab import run as runner
from collapse.measures import intervals
from collapse.sims.verification import Verification, tell
from collapse.sims.verification.fields import KEPT_RIGHT, KEPT_WRONG, RIGHT
from collapse.sims.verification.task import _numbers
from collapse.sims.verification.worth import derive

S, G, LATE = 15, 6, 2
OPERATORS = ["none", "ball", "ball random"]


def asked(**fields):
    """A study of few seeds, ready to run."""
    table = {"seed": SEED, "num_generations": G, "num_seeds": S, "late": LATE}
    return runner.prepare(from_table(table | fields, Verification, "test"))[0]


@pytest.fixture
def known():
    """Errors [S, operators, G + 1] and what is derived of them."""
    study = asked(operator=OPERATORS)
    rng = np.random.default_rng(SEED)
    error = rng.gamma(9, size=(S, 3, G + 1))
    kept = rng.uniform(0.4, 0.6, error.shape)
    dims = ("seed", "operator", "generation")
    variables = {study.error: error, f"fit_{KEPT}": kept}
    variables[f"fit_{EFFECTIVE}"] = np.ones_like(error)
    data = xr.Dataset(
        {name: (dims, x) for name, x in variables.items()}, {"operator": OPERATORS}
    )
    return error, kept, derive(study, data)


def test_late_values_are_means_over_the_last_generations(known):
    error, kept, found = known
    np.testing.assert_allclose(found["late_error"], error[..., -LATE:].mean(2))
    np.testing.assert_allclose(found["late_kept"], kept[..., -LATE:].mean(2))
    np.testing.assert_allclose(found["cost"], 1 / kept[..., -LATE:].mean(2))


def test_a_gain_is_over_the_random_control_and_all_intervals_hold_together(known):
    """Three operators, so that three share the confidence."""
    error, _, found = known
    late, first = error[..., -LATE:].mean(2), error[..., 0]
    ends = {"statistic": ["mean", "low", "high"]}
    for name, above, below in (
        ("gain", late[:, 2], late[:, 1]),
        ("gain_none", late[:, 0], late[:, 1]),
        ("growth", late[:, 1], first[:, 1]),
    ):
        expected = intervals.of_ratio(above, below, 1 - 0.05 / 3)
        own = found[name].sel(operator="ball")
        np.testing.assert_allclose(own.sel(ends), expected)
    assert np.isnan(found["gain"].sel(operator=["none", "ball random"])).all()
    assert np.isnan(found["gain_none"].sel(operator="none")).all()


def test_who_knows_the_truth_has_no_bias_and_makes_no_mistakes():
    study = from_table({"seed": SEED}, Verification, "test")
    cell = {"selectivity": 0.25, "verifier_bias": 0.5, "noise": 0.2}
    cell["real_fraction"] = 0.1
    rows = RowTruth(lambda root: Knowledge(), reach=lambda share: 2 * share)
    kinds = {"": (0.5, 0.2, 0), " random": (0.5, 0.2, 1), " oracle": (0, 0, 0)}
    for kind, (bias, noise, random) in kinds.items():
        for number in (float("nan"), 1.5):
            text = "ball" if np.isnan(number) else "ball 1.5"
            found = list(map(float, _numbers(study, read(text + kind), cell, rows)))
            reach = 0.5 if np.isnan(number) else 1.5
            expected = [reach, 0.25, bias, noise, number, random, 0.1]
            np.testing.assert_allclose(found, expected)


def test_the_threshold_is_that_of_the_verifier_s_two_rates():
    """Of right rows nine in ten are kept and of wrong ones three in ten: p* = 3/4."""
    right = np.full((S, G + 1), 0.8)
    known = {RIGHT: right, KEPT_RIGHT: 0.9 * right, KEPT_WRONG: 0.3 * (1 - right)}
    study = asked(operator=["ball"])
    known |= {name: right for name in (study.error, f"fit_{KEPT}", f"fit_{EFFECTIVE}")}
    data = xr.Dataset({name: (("seed", "generation"), x) for name, x in known.items()})
    (line,) = tell.table(derive(study, data))
    assert line["wrong"] == pytest.approx(0.2)
    assert line[tell.THRESHOLD] == pytest.approx(0.75)
    # nothing is wrong, so that no rate of keeping it is known
    data[KEPT_RIGHT], data[KEPT_WRONG] = 0.9 + 0 * data[RIGHT], 0 * data[RIGHT]
    data[RIGHT] = data[RIGHT] * 0 + 1
    (line,) = tell.table(derive(study, data))
    assert tell.THRESHOLD not in line and line["wrong"] == 0
