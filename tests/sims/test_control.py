"""Policies that hold a model: theory, equal spending, and what is refused."""

import math
import sys

import jax
import numpy as np
import pytest
import xarray as xr
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED
from lab_cases import stopped_and_resumed

from collapse.core.control.policies import POLICIES
from collapse.data.errors import InputError
from collapse.data.tables import RealData
from collapse.data.tables.disjoint import check_disjoint
from collapse.experiment import results
from collapse.experiment.remarks import remarks
from collapse.experiment.toml import from_table
from collapse.lab import api, parts
from collapse.lab import run as runner
from collapse.measures import intervals
from collapse.sims.control import Control, gains, tell
from collapse.sims.control.held import _rows, derive
from collapse.sims.control.policies import RULES, TWELVE, read

FAITHFUL = {
    **{"data": "faithful", "samples_per_generation": [100], "budget": [5.0]},
    "num_generations": 2,
}
_NOISE_AND_PLAIN = ("event noise", "constant")
pytestmark = pytest.mark.x64


def asked(**fields):
    """An experiment from fields of the study and of its model."""
    return from_table({"seed": SEED, **fields}, Control, "test")


def ran(folder, **fields):
    """The derived results of an experiment."""
    experiment, _ = runner.prepare(asked(**fields))
    traces = parts.simulate(experiment, None, folder)
    return derive(experiment, results.assemble(experiment, traces))


def test_the_drift_of_a_constant_share_is_that_of_theory(tmp_path):
    fields = {"policy": ["constant", "golden"], "num_seeds": 600, "budget": [5, 20]}
    small = {"num_generations": 30, "samples_per_generation": 50}
    data = ran(tmp_path, **fields, **small)
    constant = data.sel(policy="constant").isel(workflow=0)
    expected = constant["drift_theory"].transpose("budget", "generation").values
    drift = constant["drift"].transpose("seed", "budget", "generation").values
    assert_mean(drift[:, :, 1:], expected[:, 1:])
    assert_tells_apart(drift[:, :, -1], expected[:, -1], expected[::-1, -1])
    assert np.isnan(data["drift_theory"].sel(policy="golden")).all()


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """One run of all policies that tests look at."""
    fields = {"num_generations": 1500, "num_seeds": 60, "every": 50}
    policies = ["constant", "golden", "event", "event oracle", "event noise", "decay"]
    return ran(tmp_path_factory.mktemp("held"), policy=policies, **fields)


def test_looking_at_the_drift_pays_and_noise_does_not(held):
    """Three times less drift than a constant share in one direction, at most."""
    gain = held["gain"].isel(workflow=0)
    low, high = (gain.sel(statistic=s) for s in ("low", "high"))
    for policy in ("event", "event oracle"):
        assert 1.5 < low.sel(policy=policy) and high.sel(policy=policy) < 3.3
    drift = held["mean_drift"].isel(workflow=0)
    ratio = intervals.of_ratio(*(drift.sel(policy=p).values for p in _NOISE_AND_PLAIN))
    assert ratio.low > 1.2  # though it spends hardly less


def test_what_is_spent_is_what_the_budget_allows(held):
    rows = held["real_rows"].isel(workflow=0).mean("seed")
    assert rows.sel(policy="event noise") > 19
    for policy in ("constant", "golden"):
        assert rows.sel(policy=policy) == pytest.approx(20)
    for policy in ("event", "event oracle"):
        assert 18.5 < rows.sel(policy=policy) < 20.2
    assert rows.sel(policy="decay") < 10


def test_a_share_that_falls_to_nothing_lets_the_drift_grow(held):
    drift = held["drift_sum"].sel(policy="decay").isel(workflow=0).mean("seed")
    late, early = drift.diff("generation").isel(generation=[-1, 3])
    assert late > 4 * early
    constant = held["drift_sum"].sel(policy="constant").isel(workflow=0).mean("seed")
    late, early = constant.diff("generation").isel(generation=[-1, 3])
    assert late < 1.5 * early


def test_results_that_hold_some_generations_are_part_of_all(tmp_path):
    fields = {"policy": ["event"], "num_generations": 40, "num_seeds": 3}
    whole = ran(tmp_path / "whole", **fields)
    some = ran(tmp_path / "some", **fields, every=8)
    np.testing.assert_array_equal(some["generation"], np.arange(0, 41, 8))
    for name in ("drift", "monitor", "spent", "drift_sum", "drift_max"):
        there = whole[name].sel(generation=some["generation"])
        # compiled to other roundings
        np.testing.assert_allclose(some[name], there, rtol=1e-9)


def test_a_run_that_is_stopped_goes_on_in_the_middle_of_an_event(tmp_path, monkeypatch):
    """The third generation re-anchors at first, so that a stop after it is within."""
    fields = {"policy": ["event 0.2"], "num_generations": 60, "num_seeds": 4}
    fields |= {"hold": "drift", "tolerance": 0.005, "budget": [200.0]}
    whole = ran(tmp_path / "whole", **fields)
    experiment, _ = runner.prepare(asked(**fields))
    traces, done = stopped_and_resumed(
        experiment,
        tmp_path / "part",
        monkeypatch,
        lambda progress: progress.trace["fit_alarms"][:, -1].any(),
    )
    assert 0 < done < 60
    again = derive(experiment, results.assemble(experiment, traces))
    for name in ("drift", "real_share", "spent"):
        np.testing.assert_array_equal(again[name], whole[name])


def test_policies_of_all_sizes_share_one_program():
    """Where rows are whole batches; single samples have a program a size."""
    fields = {"budget": [10, 20], "trust": ["equal", "measured"]}
    for model, many in (("gaussian", 1), ("gmm", 2)):
        experiment, _ = runner.prepare(
            asked(samples_per_generation=[100, 1000], model=model, **fields)
        )
        programs = {experiment.task(c, None).program for c in experiment.conditions()}
        assert len(list(experiment.conditions())) == 96 and len(programs) == many


def test_nothing_is_measured_that_was_not_asked_for(tmp_path):
    fields = {"policy": ["event"], "num_generations": 4, "num_seeds": 2}
    experiment, _ = runner.prepare(asked(**fields, metrics=["variance_ratio"]))
    (trace,) = parts.simulate(experiment, None, tmp_path).values()
    own = {"drift", "monitor", "monitor_noise", "variance_ratio"}
    assert {name for name in trace if name in experiment.known_metrics()} == own


@pytest.mark.parametrize("model", ["gmm", "kde", "linear", "discrete"])
def test_every_closed_model_can_be_held(model, tmp_path):
    fields = {"model": model, "num_generations": 6, "num_seeds": 3}
    data = ran(tmp_path, policy=["constant", "event"], **fields)
    assert np.isfinite(data["mean_drift"]).all() and (data["monitor"] > -1).all()


@pytest.mark.parametrize("workflow", ["accumulate", "fixed_budget", "window 3"])
def test_other_workflows_may_be_held_too(workflow, tmp_path):
    fields = {"workflows": [workflow], "num_generations": 6, "num_seeds": 3}
    data = ran(tmp_path, policy=["constant", "golden"], **fields)
    assert np.isfinite(data["mean_drift"]).all()
    assert (data["real_rows"].isel(workflow=0) == 2).all()


# Gains, on numbers that are known


def dataset(drifts, rows, budgets=(10.0, 20.0)):
    """Drifts and rows [budgets, policies] of seeds that deviate together."""
    policies = ["constant", "golden", "event"]
    seeds = 1 + 0.1 * np.linspace(-1, 1, 20)[:, None, None]
    dims = ("seed", "budget", "policy")
    variables = {
        "mean_drift": (dims, seeds * np.array(drifts)[None]),
        "real_rows": (dims, np.ones_like(seeds) * np.array(rows)[None]),
    }
    return xr.Dataset(variables, {"budget": list(budgets), "policy": policies})


def gained(drifts, rows):
    experiment, _ = runner.prepare(
        asked(policy=["constant", "golden", "event"], budget=[10, 20])
    )
    found = dataset(drifts, rows)
    return found.assign(gains.of(experiment, found))


def test_a_gain_is_a_ratio_of_drifts_at_equal_spending():
    rows = [[10, 10, 10.05], [20, 20, 19.9]]
    found = gained([[8, 2, 4], [4, 1.5, 1]], rows)
    mean = found["gain"].sel(statistic="mean")
    np.testing.assert_allclose(mean.sel(policy="event"), [2, 4])
    np.testing.assert_allclose(
        found["gain_best"].sel(statistic="mean", policy="event"), [0.5, 1.5]
    )
    assert (found["spending"].sel(policy="event") == gains.SAME).all()
    # seeds deviate together, so that a ratio does not vary
    np.testing.assert_allclose(found["gain"].sel(statistic="high"), mean)


def test_who_spends_more_is_compared_with_a_constant_of_as_many_rows():
    """At sqrt(200) rows the constant has sqrt(8 * 4), between its two budgets."""
    rows = [[10, 10, np.sqrt(200)], [20, 20, 25]]
    found = gained([[8, 2, 4], [4, 1.5, 1]], rows).sel(policy="event")
    mean = found["gain"].sel(statistic="mean").values
    assert mean[0] == pytest.approx(np.sqrt(32) / 4) and np.isnan(mean[1])
    assert found["spending"].values.tolist() == [gains.BETWEEN, gains.NOTHING]


def test_who_spends_less_has_at_least_its_gain():
    found = gained([[8, 2, 4], [4, 1.5, 1]], [[10, 10, 5], [20, 20, 1]])
    assert (found["spending"].sel(policy="event") == gains.FEWER).all()


def test_the_best_fixed_setting_is_that_of_each_budget():
    """The constant share is the best with ten rows, golden with twenty."""
    rows = [[10, 10, 10], [20, 20, 20]]
    found = gained([[1, 2, 1.5], [10, 1, 0.5]], rows)["gain_best"]
    mean = found.sel(statistic="mean")
    np.testing.assert_allclose(mean.sel(policy="event"), [1 / 1.5, 2])
    assert np.isnan(mean.sel(policy="constant", budget=10))
    assert np.isnan(mean.sel(policy="golden", budget=20))


def test_who_spends_more_is_compared_with_the_best_of_both_budgets():
    """Constant is best with ten rows (2), golden with twenty (1)."""
    rows = [[10, 10, np.sqrt(200)], [20, 20, 20]]
    found = gained([[2, 3, 1], [4, 1, 1]], rows)["gain_best"]
    value = found.sel(statistic="mean", policy="event", budget=10)
    assert value == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize(("budget", "kept"), [(500.0, 0.5), (10.0, 0.99), (1000, 0.0)])
@pytest.mark.parametrize("every", [1, 2, 4])
def test_rows_bought_before_count_as_far_as_a_share_would_have_left_them(
    budget, kept, every
):
    """By hand: effects of a row that is bought in generation 1, 2, ... on 5 to 12.

    However many generations results leave out, as long as buys are even between two.
    """
    size = {"budget": [float(budget)], "num_generations": 12}
    study, _ = runner.prepare(asked(every=every, **size))
    effect = [
        sum(kept ** (t - u) for t in range(5, 13) if t >= u) for u in range(1, 13)
    ]
    for some in ([9, 0, 0], [0, 5, 1], [2, 2, 2]):
        bought = np.repeat(some, 4)
        spent = [[0, *np.cumsum(bought)]] * 3
        data = xr.Dataset(
            {"spent": (("seed", "generation"), spent)}, {"generation": np.arange(13)}
        ).isel(generation=slice(None, None, every))
        expected = np.dot(bought, effect) / np.sum(effect)
        np.testing.assert_allclose(_rows(study, data, 4), expected)
        both = data.expand_dims(workflow=["replace", "accumulate"])
        rows = _rows(study, both, 4)
        np.testing.assert_allclose(rows.sel(workflow="replace"), expected)
        np.testing.assert_allclose(rows.sel(workflow="accumulate"), bought.mean())


def test_a_drift_below_nothing_is_best_and_has_no_ratio():
    """As an excess over generation 0 may be."""
    rows = [[10, 10, 10], [20, 20, 20]]
    with np.errstate(all="raise"):
        found = gained([[8, 2, 4], [4, -1.5, 1]], rows)
    best = found["gain_best"].sel(statistic="mean", policy="event").values
    assert best[0] == pytest.approx(0.5) and np.isnan(best[1])  # beside golden's
    plain = found["gain"].sel(statistic="mean", policy="event")
    np.testing.assert_allclose(plain, [2, 4])


def test_one_policy_is_named_and_passes_no_tolerance_that_it_has_not(tmp_path):
    fields = {"policy": ["event"], "num_generations": 20, "num_seeds": 3}
    experiment, _ = runner.prepare(asked(**fields))
    data = ran(tmp_path, **fields)
    (row,) = (r for r in tell.closing(experiment, data).splitlines() if "event" in r)
    assert row.split()[0] == "event" and row.split()[3] == "-"
    assert "There is nothing to compare with" in tell.closing(experiment, data)
    fields |= {"policy": ["constant"], "trust": ["equal", "measured"]}
    experiment, _ = runner.prepare(asked(**fields))
    said = tell.closing(experiment, ran(tmp_path / "two", **fields))
    assert "constant with trust measured" in said
    assert np.isnan(data["passed"]).all()


# What is refused


REFUSED = [
    ({"policy": ["event 1", "event 1.0"]}, "policy: 'event 1' and 'event 1.0' are one"),
    ({"num_generations": 1}, "num_generations: 1 shows no policy's effect"),
    ({"policy": ["evnt"]}, "policy: unknown 'evnt'.*event"),
    ({"policy": ["event 2"]}, "share of real rows of an event is 2; give a number"),
    ({"policy": ["event 0.1 0.2"]}, "not how event is written"),
    ({"policy": ["constant oracle"]}, "looks at no drift"),
    ({"policy": ["feed_forward 3"]}, "takes no number"),
    ({"policy": ["event", "event"]}, "policy: a value is repeated"),
    ({"policy": ["priced"]}, "price: the policy priced weighs.*--price"),
    ({"budget": [2000]}, "budget: 2000 real rows of 1000"),
    ({"samples_per_generation": [0]}, "samples_per_generation: 0; give a number from"),
    ({"budget": [0.0001]}, "budget: 0.0001 rows a generation are less than one row"),
    ({"price": 0.1}, "price: only the policy priced weighs it; name that policy"),
    ({"hold": "drift"}, "tolerance: --hold drift needs one"),
    (
        {"hold": "drift", "tolerance": 0.1, "policy": ["constant", "priced"]}
        | {"price": 0.1},
        "hold: none of these policies has a level.*name one of event, proportional",
    ),
    (
        {"hold": "drift", "tolerance": 1e-5},
        "tolerance: 1e-05 is below the floor 0.0002 of a monitor of 10000",
    ),
    ({"workflows": ["mix 0.1 fresh"]}, "sets the share of real rows"),
    ({"workflows": ["replace_growing 2"]}, "sets the share of real rows"),
    (
        {"trust": ["measured"], "monitor": "tail"},
        "trust: measured needs a drift in units",
    ),
    ({"every": 7}, "every: 7 does not divide"),
    ({"every": 2000}, "every: 2000 leaves one"),
    ({"error": "entropy"}, "error: entropy is not least.*mean_error"),
    ({"snapshots": [1]}, "snapshots: .*not kept under policies"),
]


@pytest.mark.parametrize("fields, said", REFUSED)
def test_what_cannot_be_run_is_refused_in_one_line(fields, said):
    with pytest.raises(InputError, match=said) as found:
        runner.prepare(asked(**fields))
    assert "\n" not in str(found.value)


def test_a_table_for_the_monitor_is_remarked_on_where_there_are_no_data():
    assert remarks(asked(data="faithful", monitor_data="own.csv")) == ()
    (said,) = remarks(asked(monitor_data="own.csv"))
    assert said == "monitor_data: has no effect here, only with --data"


def test_an_unknown_monitor_is_told_with_those_there_are():
    experiment, _ = runner.prepare(asked(monitor="frechet"))
    with pytest.raises(
        InputError, match="no 'frechet'; known are mean, loss, covariance"
    ):
        condition = next(experiment.conditions())
        task = experiment.task(condition, None)
        jax.eval_shape(task.make_problem, jax.random.key(0), *task.values)


def table(rows, held_out):
    return RealData(rows, held_out, "0" * 64, ("a", "b"))


def test_a_monitor_that_sees_training_or_test_rows_is_refused():
    rng = np.random.default_rng(0)
    rows, others = rng.normal(size=(40, 2)), rng.normal(size=(20, 2))
    data = table(rows[:30], rows[30:])
    fair = data.watching(table(others[:15], others[15:]), "monitor_data")
    assert len(fair.watched) == 20 and fair.sha256 != data.sha256
    for leak, use in ((rows[3], "trained on"), (rows[33], "final evaluation")):
        leaking = np.vstack([others, leak])
        with pytest.raises(InputError, match=f"1 of 21 rows, such as.*{use}"):
            data.watching(table(leaking[:15], leaking[15:]), "monitor_data")
    check_disjoint("x", others, {"nothing": rows})


def test_columns_of_a_monitor_s_table_are_those_of_the_data_by_name():
    """In the order of the data; a table without names is read by position."""
    rng = np.random.default_rng(0)
    rows, others = rng.normal(size=(40, 2)), rng.normal(size=(20, 2))
    data = table(rows[:30], rows[30:])
    own = table(others[:15], others[15:])
    swapped = own._replace(columns=("b", "a"))
    np.testing.assert_array_equal(
        data.watching(swapped, "monitor_data").watched, others[:, ::-1]
    )
    bare = own._replace(columns=("column 1", "column 2"))
    np.testing.assert_array_equal(data.watching(bare, "monitor_data").watched, others)
    with pytest.raises(InputError, match="columns c, d where the data have a, b"):
        data.watching(own._replace(columns=("c", "d")), "monitor_data")
    # by position where names cannot tell, and not at all where they contradict
    twice = data._replace(columns=("a", "a"))
    same = own._replace(columns=("a", "a"))
    np.testing.assert_array_equal(twice.watching(same, "monitor_data").watched, others)
    numbered = [("column 3", "column 2"), ("column 2", "column 3")]
    found = data._replace(columns=numbered[0]).watching(
        own._replace(columns=numbered[1]), "monitor_data"
    )
    np.testing.assert_array_equal(found.watched, others[:, ::-1])  # names come first
    moved = own._replace(columns=("column 4", "column 2"))
    np.testing.assert_array_equal(data.watching(moved, "monitor_data").watched, others)
    with pytest.raises(InputError, match="columns a, a where the data have a, b"):
        data.watching(same, "monitor_data")
    # a row that is used elsewhere is found whatever the order
    leaking = table(np.vstack([others[:15], rows[3, ::-1]]), others[15:])
    with pytest.raises(InputError, match="1 of 21 rows"):
        data.watching(leaking._replace(columns=("b", "a")), "monitor_data")


def test_the_rows_of_a_monitor_are_taken_from_those_held_out():
    rng = np.random.default_rng(0)
    data = table(rng.normal(size=(30, 2)), rng.normal(size=(11, 2)))
    own = data.with_watched()
    both = np.vstack([own.watched, own.held_out])
    np.testing.assert_array_equal(both, data.held_out)
    with pytest.raises(InputError, match="too few"):
        data._replace(held_out=data.held_out[:3]).with_watched()


# What is said


def test_the_monitor_s_rows_are_told_as_many_as_the_data_had_and_the_drift():
    """Of 272 rows 68 are held out, and 34 of these are the monitor's."""
    run = api.run(asked(**FAITHFUL, policy=["constant"], num_seeds=1))
    assert "real rows are not counted: 34, or 17 a generation" in run.table()
    assert "mean: 34 real rows" in run.experiment.caption_of(run.dataset)
    assert run.table().endswith("no interval covers it: repeat this with other --seed.")
    profile = run.profile().set_index("definition")
    assert profile.metric["drift"] == "drift" and profile.worse["drift"] > 0
    few = asked(**FAITHFUL, hold="drift", tolerance=0.02, policy=["event"])
    with pytest.raises(InputError, match="below the floor 0.0304 of a monitor of 34"):
        runner.prepare(few)


def test_policies_are_read_as_they_are_written():
    assert [read(text).name for text in TWELVE][-2:] == ["event", "event"]
    spec = read("event 0.25 oracle")
    assert (spec.number, spec.fed, spec.source) == (0.25, "oracle", 1)


def test_policies_with_a_level_are_those_that_hold_a_drift():
    rooms = {name: sys.modules[own.act.__module__] for name, own in POLICIES.items()}
    known = {name for name, room in rooms.items() if hasattr(room, "level")}
    assert known == {name for name, rule in RULES.items() if rule.holds}


def test_the_answer_names_the_best_policy_that_could_be_used_in_practice():
    lines = [
        {"policy": "constant", "real_rows": 5.0, "gain_best": (1.0, 1.0, 1.0)},
        {"policy": "event", "real_rows": 5.0, "gain_best": (2.0, 1.8, 2.2)},
        {"policy": "event oracle", "real_rows": 5.0, "gain_best": (3.0, 2.9, 3.1)},
    ]
    said = tell.answer(lines, 60)
    assert said.startswith("Looking at the drift pays") and "event keeps it 2" in said
    lines[1]["gain_best"] = (1.1, 0.9, 1.3)
    assert tell.answer(lines, 60).startswith(
        "Looking at the drift does not clearly pay"
    )
    lines[1]["gain_best"] = (0.7, 0.6, 0.8)
    assert tell.answer(lines, 60).startswith("Looking at the drift costs")
    lines[1]["gain_best"] = (1.1, 0.9, 1.3)
    assert tell.answer(lines, 2) == tell.answer(lines, 60)
    assert tell.answer(lines, 1).startswith("One seed has no interval")
    assert tell.answer(lines[:1], 60).startswith("No policy looks at the monitor")
    alone = {"policy": "event", "real_rows": 5.0}
    assert tell.answer([alone], 60).startswith("There is nothing to compare with")
    # of gains that are not sure, the largest and not the best known
    unsure = [
        {"policy": "event", "real_rows": 5.0, "gain_best": (1.12, 0.2, 5.0)},
        {"policy": "bandit", "real_rows": 5.0, "gain_best": (0.98, 0.9, 1.1)},
    ]
    assert "event, has a gain of 1.12" in tell.answer(unsure, 60)
    dear = {"policy": "event", "real_rows": 9.0, "gain_best": (math.nan,) * 3}
    assert tell.answer([lines[0], dear], 60).startswith("No policy that looks")
    blind = {
        "policy": "golden",
        "real_rows": 5.0,
        "trust": "measured",
        "gain_best": (9.0, 8.0, 10.0),
    }
    assert tell.answer([blind], 60).startswith("No policy looks at the monitor")


def said_of(*lines):
    """The answer of lines of 20 seeds that spend five real rows."""
    return tell.answer([{"real_rows": 5.0} | line for line in lines], 20)


def test_the_answer_says_what_there_is_to_compare():
    fixed = {"policy": "constant", "weighed": "equal", "gain_best": (1.0, 1.0, 1.0)}
    # a fixed share alone, and one beside a policy that sees the truth
    nobody = "No policy looks at the monitor"
    assert said_of(fixed | {"gain_best": (math.nan,) * 3}).startswith(nobody)
    oracle = {"policy": "event oracle", "weighed": "equal", "gain_best": (3, 2, 4)}
    assert said_of(fixed, oracle).startswith(nobody)
    # every weight is measured, so that none is fixed
    weighed = {"policy": "constant", "weighed": "measured"}
    assert "--trust equal or predicted" in said_of(weighed)
    # where the best setting is
    best = {"policy": "event", "gain_best": (2.0, 1.5, 2.5), "budget": 2.0, "n": 50}
    told = tell.answer([best | {"real_rows": 2.0}], 20, ["budget", "n"])
    assert "event (budget 2, n 50) keeps it 2 (1.5 to 2.5) times" in told
    # spending is equal to a hundredth, and less is no gain
    close = best | {"gain_best": (1.02, 1.009, 1.03)}
    assert "does not clearly pay" in said_of(close)
    # only rows that count alike are told to
    event = {"policy": "event", "gain_best": (0.9, 0.8, 1.1)}
    assert "rows that all count alike" in said_of(event | {"weighed": "equal"})
    assert "rows that all count alike" not in said_of(event | {"weighed": "predicted"})
