"""Policies that do more to generated rows: an operator, or fewer of them."""

import dataclasses
import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from calibrated import assert_mean
from conftest import SEED

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.experiment.toml import from_table, to_toml
from collapse.experiment.verifiers import operators
from collapse.experiment.verifiers.scores import SCORES
from collapse.lab import parts
from collapse.lab import run as runner
from collapse.measures import intervals
from collapse.sims.control import Control, gains, tell
from collapse.sims.control.held import derive
from collapse.sims.control.theory import curves

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
    assert "; with as many rows at random " in said
    assert tell.figures(study)[0]["columns"] == "operator"


def test_what_is_not_run_beside_none_is_not_told():
    study, found = ran(operator=("realistic",), verify="alarm")
    said = study.closing(found)
    assert "Whether looking pays is told beside the operator none." in said
    assert "Whether verifying pays is told beside the operator none." in said


def test_a_random_control_is_that_of_the_same_policy():
    study, _ = ran(operator=tuple(OPERATORS))
    gains = {"realistic": (2.0, 1.5, 2.5), "realistic random": (0.9, 0.8, 1.1)}
    lines = [
        {"operator": name, "policy": policy, "alarms": 1.0, "gain_none": gain}
        for policy in ("constant", "event 0.1")
        for name, gain in gains.items()
    ]
    lines[0]["gain_none"], lines[1]["gain_none"] = (1.0, 0.5, 2.0), (7.0, 6.0, 8.0)
    said = tell.answer_verified(study, lines)
    assert "has 2 (1.5 to 2.5) times the drift that it has with" in said
    assert "the best of them (realistic, event 0.1)" in said
    assert "at random 0.9 (0.8 to 1.1)" in said
    bare = [line for line in lines if line["operator"] == "realistic"]
    assert "at random" not in tell.answer_verified(study, bare)


def two_operators(drifts, rows):
    """Drifts and rows [operators] of 20 seeds, as the gains of a study take them."""
    dims, seeds = ("seed", "operator", "policy"), np.linspace(0.9, 1.1, 20)
    drift = np.random.default_rng(0).permuted(
        np.tile(seeds[:, None], (1, 2)), axis=0
    ) * np.array(drifts)
    spent = np.tile(np.array(rows, float), (20, 1))
    names = {"operator": ["none", "realistic"], "policy": ["event 0.1"]}
    values = {"mean_drift": (dims, drift[..., None])}
    values |= {"real_rows": (dims, spent[..., None])}
    return xr.Dataset(values, names)


def test_a_gain_on_none_is_at_no_more_real_rows():
    study = asked(operator=["none", "realistic"], policy=["event 0.1", "constant"])
    for rows, there in (((6, 5), True), ((6, 6.05), True), ((6, 6.1), False)):
        data = both_policies(two_operators((2, 1), rows))
        gain = data.assign(gains.of(study, data))["gain_none"]
        gain = gain.sel(operator="realistic")
        value = gain.sel(policy="event 0.1", statistic="mean").item()
        assert np.isnan(value) != there
        assert not there or value == pytest.approx(2.0, rel=0.02)


def both_policies(dataset):
    """The dataset with a constant share of as much drift and as many rows."""
    other = dataset.assign_coords(policy=["constant"])
    return xr.concat([dataset, other], "policy")


def test_gains_on_none_hold_together():
    """Four settings: each at 1 - 0.05 / 4."""
    study = asked(operator=["none", "realistic"], policy=["event 0.1", "constant"])
    data = both_policies(two_operators((2, 1), (6, 6)))
    gain = data.assign(gains.of(study, data))["gain_none"].sel(policy="event 0.1")
    drift = data["mean_drift"].sel(policy="event 0.1")
    pair = (drift.sel(operator=n).values for n in ("none", "realistic"))
    expected = intervals.of_ratio(*pair, 1 - 0.05 / 4)
    got = gain.sel(operator="realistic")
    assert got.sel(statistic="low").item() == pytest.approx(expected.low)
    assert got.sel(statistic="high").item() == pytest.approx(expected.high)


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


def test_an_operator_that_does_not_act_is_not_the_answer():
    """Under a constant share, which has no alarm, its gain is another draw's."""
    study, found = ran(operator=("none", "realistic"), verify="alarm")
    lines = tell.table(found)
    acted = {x["policy"]: x["alarms"] > 0 for x in lines if x["operator"] != "none"}
    assert acted == {"constant": False, "event 0.1": True}
    for line in lines:
        idle = line["operator"] == "realistic" and line["policy"] == "constant"
        line["gain_none"] = (9.0, 8.0, 10.0) if idle else (1.0, 0.9, 1.1)
    assert "does not clearly pay" in tell.answer_verified(study, lines)
    for bias in (0.0, 0.2):  # nobody knows that theirs has none
        said = tell.answer_verified(
            dataclasses.replace(study, verifier_bias=bias), lines
        )
        assert said.endswith("(--verifier-bias is 0).") == (not bias)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"operator": ["ball"]}, "operator: under a policy ball cannot be"),
        ({"operator": ["realistik"]}, "operator: unknown 'realistik'"),
        ({"operator": ["foo"]}, "operator: .*known are none, top_share, realistic, co"),
        ({"operator": ["none", "none"]}, "operator: "),
        ({"operator": ["realistic"], "model": "vae"}, "operator: realistic needs"),
        (
            {"operator": ["realistic"], "verify": "alarm", "policy": ["constant"]},
            "verify: alarm is for policies that re-anchor with a part",
        ),
        (
            {"operator": ["realistic"], "verify": "alarm", "policy": ["event"]}
            | {"num_generations": 400, "overdraft": 2.0},
            "verify: alarm is for policies that re-anchor with a part",
        ),
        ({"operator": ["realistic"], "selectivity": 1.0}, "selectivity: 1 keeps every"),
        (
            {"operator": ["realistic"], "trust_by": "rows", "trust": ["measured"]},
            "trust_by: rows leaves out",
        ),
        ({"trust_by": "rows"}, "trust_by: no row is left out here"),
        (
            {"trust_by": "rows", "trust": ["predicted"], "policy": ["constant"]},
            "trust_by: no row is left out here",
        ),
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


@pytest.mark.parametrize(
    "fields",
    [
        {"trust_by": "rows", "trust": ["measured"], "policy": ["constant"]},
        {"trust_by": "rows", "trust": ["predicted"], "policy": ["event"]},
        {"trust_by": "rows", "policy": ["golden"]},
        # one that may not buy a generation's rows at once re-anchors with a part
        {"operator": ["realistic"], "verify": "alarm", "policy": ["event"]}
        | {"overdraft": 0.5},
    ],
)
def test_what_leaves_rows_out_or_verifies_some_is_run(fields):
    asked(**fields)


def test_a_constant_share_has_theory_where_only_alarms_are_verified():
    study = asked(operator=["none", "realistic"], verify="alarm")
    told = {
        (condition.cell["operator"], condition.cell["policy"]): bool(curves(condition))
        for condition in study.conditions()
    }
    assert told == {
        ("none", "constant"): True,
        ("none", "event 0.1"): False,
        ("realistic", "constant"): True,
        ("realistic", "event 0.1"): False,
    }


def test_operators_that_keep_the_best_are_those_of_a_score():
    assert set(operators.RANKED) == set(SCORES)


def test_a_study_without_them_is_the_one_that_it_was():
    plain = asked()
    assert plain == asked(operator=["none"]) and not plain.curated()
    told = to_toml(plain)
    assert "budget" in told and "trust" in told
    assert not any(name in told for name in ("operator", "verif", "trust_by"))
