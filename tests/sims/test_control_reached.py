"""What policies reached, from accounts that are known: no run, numbers by hand."""

import numpy as np
import pytest
import xarray as xr
from conftest import SEED

from collapse.experiment.toml import from_table
from collapse.experiment.verifiers.operators import read
from collapse.lab import run as runner
from collapse.measures import intervals
from collapse.sims.control import Control, gains
from collapse.sims.control.fields import DRIFT
from collapse.sims.control.held import derive
from collapse.sims.control.verified import _numbers

S, G = 6, 10


def asked(**fields):
    """A study, ready to run."""
    table = {"seed": SEED, "num_generations": G, "num_seeds": S, **fields}
    return runner.prepare(from_table(table, Control, "test"))[0]


def accounts(drift, rows, every=1):
    """What a run with these drifts and real rows [S, G + 1] would hold."""
    held = {
        "drift_sum": drift.cumsum(1),
        "drift_max": np.maximum.accumulate(drift, 1),
        "spent": rows.cumsum(1),
    }
    names = ("alarms", "false_alarms", "real_share", "weight")
    held |= {name: np.zeros_like(drift) for name in names}
    variables = {DRIFT: drift} | {f"fit_{name}": x for name, x in held.items()}
    found = xr.Dataset(
        {name: (("seed", "generation"), x) for name, x in variables.items()},
        {"generation": np.arange(G + 1)},
    )
    return found.isel(generation=slice(None, None, every))


@pytest.mark.parametrize("every", [1, 5])
def test_means_leave_out_the_first_generations_and_no_other(every):
    """With settle 0.3 of ten, and of recorded ones 0, 5, 10: from 4 or 6 on."""
    rng = np.random.default_rng(SEED)
    drift, rows = rng.random((S, G + 1)), rng.integers(0, 9, (S, G + 1)).astype(float)
    study = asked(policy=["event"], settle=0.3, every=every)
    found = derive(study, accounts(drift, rows, every))
    first = 4 if every == 1 else 6
    np.testing.assert_allclose(found["mean_drift"], drift[:, first:].mean(1))
    some = found["real_rows"].values  # which of them, see test_control
    assert (some > rows[:, 1:].min(1)).all() and (some < rows[:, 1:].max(1)).all()
    assert found["mean_drift"].attrs["long_name"].endswith(f"{first} to 10")
    np.testing.assert_array_equal(found["largest_drift"], drift.max(1))


def test_a_run_fails_when_its_drift_is_above_the_tolerance():
    """Seed s drifts by s a generation; s = 1 ends at the tolerance, not above it."""
    drift = np.outer(np.arange(S), np.arange(G + 1.0))
    data = accounts(drift, np.zeros_like(drift))
    found = derive(asked(policy=["event"], tolerance=10.0), data)
    np.testing.assert_array_equal(found["passed"], [0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(found["failure"], [np.nan, np.nan, 6, 4, 3, 3])


def test_twice_the_mean_drift_of_a_constant_share_is_tolerated():
    """The mean over seeds, generations 2 to 10: 2 for a drift that stays at 2."""
    drift = np.full((S, G + 1), 2.0)
    drift[0, 7], drift[1, 7] = 5.0, 3.0
    mean = drift[:, 2:].mean()
    found = derive(asked(policy=["constant"]), accounts(drift, np.zeros_like(drift)))
    assert 3.0 < 2 * mean < 5.0
    np.testing.assert_array_equal(found["passed"], [1, 0, 0, 0, 0, 0])


def test_all_intervals_of_gains_hold_together():
    """Two workflows, two budgets and three policies: twelve share the confidence."""
    rng = np.random.default_rng(SEED)
    policies = ["constant", "golden", "event"]
    drift = rng.gamma(9, size=(20, 2, 2, 3))
    rows = np.broadcast_to([[10.0], [20.0]], drift.shape)
    dims = ("seed", "workflow", "budget", "policy")
    data = xr.Dataset(
        {"mean_drift": (dims, drift), "real_rows": (dims, rows)},
        {"budget": [10.0, 20.0], "policy": policies},
    )
    study = asked(policy=policies, budget=[10, 20], num_generations=100)
    found = data.assign(gains.of(study, data))
    for workflow, budget in np.ndindex(2, 2):
        there = {"workflow": workflow, "budget": budget}
        own = found["gain"].isel(there).sel(policy="event")
        constant, _, event = drift[:, workflow, budget].T
        expected = intervals.of_ratio(constant, event, 1 - 0.05 / 12)
        np.testing.assert_allclose(own.sel(statistic=["mean", "low", "high"]), expected)


def test_a_constant_share_between_two_budgets_has_the_seeds_of_both():
    """Near a budget it is the one of that budget, seed by seed."""
    rng = np.random.default_rng(SEED)
    drifts = np.array([[8.0], [4.0]]) * (1 + 0.3 * rng.normal(size=(2, S)))
    rows = np.broadcast_to([[10.0], [20.0]], drifts.shape)
    for spent, budget in ((10.101, 0), (19.999, 1)):
        found, how = gains._at((drifts, rows), 0, spent)
        assert how == gains.BETWEEN
        np.testing.assert_allclose(found, drifts[budget], rtol=0.03)
    assert np.ptp(drifts[0] / drifts[1]) > 0.3


def test_who_knows_the_truth_has_no_bias_and_makes_no_mistakes():
    told = {"verifier_bias": 0.5, "noise": 0.2, "selectivity": 0.25}
    kinds = {"": (0.5, 0.2, 0), " random": (0.5, 0.2, 1), " oracle": (0, 0, 0)}
    for kind, expected in kinds.items():
        text = f"top_share{kind}"
        found = _numbers(asked(operator=["none", text], **told), read(text))
        assert (found.bias, found.noise, found.random) == pytest.approx(expected)
        assert float(found.share) == 0.25
