"""Policies that do more to generated rows: an operator, or fewer of them."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from calibrated import assert_mean
from conftest import SEED

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.experiment.toml import from_table, to_toml
from collapse.lab import parts
from collapse.lab import run as runner
from collapse.sims.control import Control, tell
from collapse.sims.control.held import derive

# one worker makes the runs that several tests look at
pytestmark = [pytest.mark.x64, pytest.mark.xdist_group("verified")]

SMALL = {
    "num_generations": 20,
    "num_seeds": 60,
    "samples_per_generation": 60,
    "monitor_rows": 500,
    "monitor_samples": 500,
    "budget": 6.0,
    "policy": ["constant", "event 0.1"],
    "metrics": ["variance_ratio"],
}
OPERATORS = ["none", "top_share", "realistic", "realistic random"]


def asked(**fields):
    """A study, ready to run; refused if it cannot be."""
    table = {"seed": SEED, **SMALL, **fields}
    return runner.prepare(from_table(table, Control, "test"))[0]


@functools.cache
def ran(**fields):
    """A small study and its derived results."""
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
    study = asked(**fields)
    with tempfile.TemporaryDirectory() as folder:
        traces = parts.simulate(study, None, Path(folder))
        return study, derive(study, results.assemble(study, traces).load())


def of(dataset, name, **where):
    """The last values of a variable over seeds."""
    return np.asarray(dataset[name].isel(generation=-1).sel(where).squeeze(drop=True))


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_any_share_may_be_kept(share):
    small = {"num_generations": 3, "num_seeds": 2, "every": 1, "metrics": ()}
    _, found = ran(operator=("top_share",), selectivity=share, **small)
    kept = found["kept_share"].isel(generation=slice(1, None))
    np.testing.assert_allclose(kept, share, atol=0.01)


def test_no_theory_is_drawn_over_verified_rows():
    _, found = ran(operator=tuple(OPERATORS))
    theory = found["drift_theory"].sel(policy="constant").isel(generation=5)
    there = ~np.isnan(theory).squeeze(drop=True)
    expected = {"none": True, "top_share": False, "realistic": False}
    expected |= {"realistic random": True}
    assert {n: bool(there.sel(operator=n)) for n in OPERATORS} == expected


def test_an_operator_keeps_as_many_as_it_is_told():
    _, found = ran(operator=tuple(OPERATORS))
    kept = (
        found["kept_share"].isel(generation=slice(1, None)).mean(("seed", "generation"))
    )
    for name, share in zip(OPERATORS, (1, 0.5, 0.5, 0.5), strict=True):
        np.testing.assert_allclose(kept.sel(operator=name), share, atol=1e-3)


def test_the_random_control_keeps_the_law_and_the_operator_does_not():
    _, found = ran(operator=tuple(OPERATORS))
    log = {
        name: np.log(of(found, "variance_ratio", operator=name, policy="constant"))
        for name in OPERATORS
    }
    assert_mean(log["realistic random"] - log["none"], 0.0)
    narrow = log["top_share"] - log["none"]
    assert narrow.mean() < -8 * narrow.std() / len(narrow) ** 0.5


def test_on_an_alarm_alone_fewer_generations_are_verified():
    _, found = ran(operator=("realistic",), verify="alarm")
    kept = found["kept_share"].isel(generation=slice(1, None))
    constant = kept.sel(policy="constant")
    assert (constant == 1).all()  # it never re-anchors
    event = found.sel(policy="event 0.1")
    alarms = event["alarms"].diff("generation") > 0
    ran_under = event["kept_share"].isel(generation=slice(2, None))
    # an alarm of generation t is for the rows of t + 1
    before = alarms.isel(generation=slice(None, -1)).values
    np.testing.assert_allclose(ran_under.values, np.where(before, 0.5, 1), atol=1e-9)
    assert 0 < before.mean() < 1


def test_leaving_rows_out_is_told_and_holds_less_than_weights():
    _, rows = ran(trust=("measured",), trust_by="rows")
    _, weights = ran(trust=("measured",))
    kept = rows["kept_share"].isel(generation=slice(1, None)).mean()
    assert 0.05 < float(kept) < 0.95
    assert (rows["weight"] == 1).all()
    ratio = np.log(rows["mean_drift"] / weights["mean_drift"]).sel(policy="constant")
    assert float(ratio.mean()) > 0


def test_the_closing_says_what_verifying_is_worth():
    study, found = ran(operator=tuple(OPERATORS))
    said = study.closing(found)
    assert "kept  gain on none" in said and "Verifying generated rows" in said
    assert "as far as mean_error tells" in said
    assert tell.figures(study)[0]["columns"] == "operator"


def test_a_gain_on_none_is_over_the_same_policy():
    study, found = ran(operator=tuple(OPERATORS))
    gain = found["gain_none"].squeeze(drop=True)
    assert np.isnan(gain.sel(operator="none")).all()
    drift = found["mean_drift"].squeeze(drop=True)
    for policy in SMALL["policy"]:
        where = {"policy": policy, "operator": "top_share"}
        ratio = (
            drift.sel(policy=policy, operator="none").mean() / drift.sel(where).mean()
        )
        np.testing.assert_allclose(gain.sel(statistic="mean", **where), ratio)
    # an operator that does not act is no better for its policy
    lines = tell.table(found)
    for line in lines:
        idle = line["operator"] == "realistic" and line["policy"] == "constant"
        line["mean_kept"] = 1.0 if idle else line["mean_kept"]
        line["gain_none"] = (9.0, 8.0, 10.0) if idle else (1.0, 0.9, 1.1)
    assert "does not clearly pay" in tell.answer_verified(study, lines)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"operator": ["ball"]}, "operator: under a policy ball cannot be"),
        ({"operator": ["realistik"]}, "operator: unknown 'realistik'"),
        ({"operator": ["none", "none"]}, "operator: "),
        ({"operator": ["realistic"], "model": "vae"}, "operator: realistic needs"),
        (
            {"operator": ["realistic"], "verify": "alarm", "policy": ["constant"]},
            "verify: alarm is for policies that re-anchor with a part",
        ),
        (
            {"operator": ["realistic"], "verify": "alarm", "policy": ["event"]},
            "verify: alarm is for policies that re-anchor with a part",
        ),
        ({"operator": ["realistic"], "selectivity": 1.0}, "selectivity: 1 keeps every"),
        (
            {"operator": ["realistic"], "trust_by": "rows", "trust": ["measured"]},
            "trust_by: rows leaves out",
        ),
        ({"trust_by": "rows"}, "trust_by: all rows count alike"),
        (
            {
                "operator": ["top_share"],
                "model": "discrete",
                "verifier_bias": 0.5,
                "metrics": [],
            },
            "verifier_bias: 0.5, but rows of discrete",
        ),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(InputError, match=f"^{message}"):
        asked(**fields)


def test_a_study_without_them_is_the_one_that_it_was():
    plain = asked()
    assert plain == asked(operator=["none"]) and not plain.curated()
    told = to_toml(plain)
    assert "budget" in told and "trust" in told
    assert not any(name in told for name in ("operator", "verif", "trust_by"))
