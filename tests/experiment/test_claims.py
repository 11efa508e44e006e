"""Verdicts on claims: the numbers that rules read, and what is said of them."""

import math

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from calibrated import assert_mean

from collapse.data.errors import InputError
from collapse.experiment.claims.claim import Claim, Control, Rule
from collapse.experiment.claims.statistic import measured, points, shuffled
from collapse.experiment.claims.verdict import (
    AGREES,
    DIFFERS,
    NOT_COMPARABLE,
    UNDECIDED,
    confidence,
    judge,
    of_one,
)

LEVEL = 0.99


def results(num_seeds=400, generations=4):
    """An error that is generation + 1 under replace and 1 under accumulate, with noise
    of seeds that both share; and its theory."""
    rng = np.random.default_rng(5)
    fits = np.arange(1.0, generations + 1)
    exact = np.stack([fits, np.ones(generations)])
    noise = 1 + 0.1 * rng.normal(size=(num_seeds, 1))
    own = 1 + 0.01 * rng.normal(size=(2, num_seeds, generations))
    dims = ["workflow", "seed", "generation"]
    return xr.Dataset(
        {
            "error": (dims, exact[:, None] * noise * own),
            "error_theory": (["workflow", "generation"], exact),
            "late": (["workflow", "seed"], exact[:, -1:] * noise[:, 0]),
            "best": (["statistic", "workflow"], np.array([[3.0, 4.0], [2.0, 3.5]])),
        },
        {
            "workflow": ["replace", "accumulate"],
            "generation": np.arange(generations),
            "statistic": ["mean", "low"],
        },
        {"axes": []},
    )


def claim(*rules, control=None, **fields):
    control = control or Control("exchanged", swap=True)
    told = dict.fromkeys(("says", "declaration", "place", "published"), "")
    return Claim("one", **told, trust="own", rules=rules, control=control, **fields)


def one(rule, dataset=None):
    (found,) = measured(results() if dataset is None else dataset, rule, LEVEL)
    return found


REPLACE = {"workflow": "replace"}
GROWS = Rule(
    "error",
    {"workflow": "replace", "generation": 3},
    "ratio",
    {"generation": 0},
    low=3.8,
    high=4.2,
)


def test_a_mean_has_students_interval():
    values = results()["error"].sel(workflow="replace").values[:, -1]
    found = one(Rule("error", REPLACE, low=0.0))
    t = scipy.stats.t.isf(0.005, 399) * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - t, values.mean() + t)
    )
    assert found.seeds == 400


def test_pairs_are_compared_seed_by_seed():
    """The noise that both generations share cancels: the interval is ten times
    narrower than that of either mean."""
    alone = one(Rule("error", {**REPLACE, "generation": 3}, low=0.0))
    ratio = one(GROWS)
    assert ratio.value == pytest.approx(4.0, rel=0.01)
    relative = (alone.high - alone.low) / alone.value
    assert (ratio.high - ratio.low) / ratio.value < relative / 5
    gap = one(GROWS._replace(how="difference"))
    assert gap.value == pytest.approx(3.0, rel=0.05)


def test_what_was_added_is_compared_with_what_was_added():
    """Of replace, 3 and 1 more than at first, though the ratio of the errors is 2."""
    rule = GROWS._replace(over={"generation": 1}, beyond={"generation": 0})
    found = one(rule)
    assert found.low < 3.0 < found.high and found.high - found.low < 0.5
    exact = rule._replace(
        of="error_theory", over={"of": "error_theory", "generation": 1}
    )
    assert one(exact).value == 3.0
    assert one(rule._replace(beyond={})).value == pytest.approx(2.0, rel=0.01)
    with pytest.raises(InputError, match="not positive"):
        one(rule._replace(beyond={"generation": 2}))


def test_the_interval_of_a_ratio_covers_as_often_as_it_says():
    """Of means of skewed, correlated pairs, whose ratio is 2; and it must miss 2.2
    more often than that."""
    rng = np.random.default_rng(8)
    hits, misses = [], []
    for _ in range(2000):
        base = rng.gamma(4.0, size=(2, 60))
        pair = np.stack([2 * base[0] + base[1], base[0] + base[1] / 2]) / 5
        pair[0] *= rng.gamma(50, size=60) / 50
        dataset = xr.Dataset({"a": ("seed", pair[0]), "b": ("seed", pair[1])})
        found = measured(dataset, Rule("a", {}, "ratio", {"of": "b"}, low=0.0), 0.9)[0]
        assert found.value == pytest.approx(pair[0].mean() / pair[1].mean())
        hits.append(found.low <= 2 <= found.high)
        misses.append(found.low <= 2.2 <= found.high)
    assert np.mean(misses) < 0.5
    assert_mean(np.array(hits, float) + 0.0, 0.9)


def test_theory_is_exact_and_statistics_of_a_study_are_read():
    found = one(Rule("error_theory", REPLACE, low=0.0))
    assert (found.value, found.low, found.high, found.seeds) == (4.0, 4.0, 4.0, 0)
    assert one(Rule("best", {**REPLACE, "statistic": "low"}, low=0.0)).value == 2.0
    assert one(Rule("late", {"workflow": "accumulate"}, low=0.0)).seeds == 400


def test_an_axis_with_one_value_is_no_dimension():
    dataset = results().assign_attrs(experiment="n = [100]\ndimension = 2\n")
    rule = Rule("error", {**REPLACE, "n": 100, "dimension": 2}, low=0.0)
    assert one(rule, dataset) == one(Rule("error", REPLACE, low=0.0))._replace(
        at=rule.at
    )
    other = rule._replace(at={**REPLACE, "n": 10})
    with pytest.raises(InputError, match=r"n is never 10; it is \[100\]"):
        one(other, dataset)
    assert judge(claim(other), dataset, LEVEL, partial=True).verdict == UNDECIDED


def test_medians_and_shares():
    values = results()["error"].sel(workflow="replace").values[:, -1]
    found = one(Rule("error", REPLACE, statistic="median", low=0.0))
    assert found.value == np.median(values) and found.low < found.value < found.high
    share = one(Rule("error", REPLACE, "share_below", level=4.0, low=0.0))
    assert share.value == (values < 4).mean()
    exact = scipy.stats.binomtest(int((values < 4).sum()), 400).proportion_ci(LEVEL)
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high))
    above = one(Rule("error", REPLACE, "share_above", level=4.0, low=0.0))
    assert above.value == pytest.approx(1 - share.value)


def test_every_listed_place_is_read():
    at = {"workflow": ["replace", "accumulate"], "generation": [0, 3]}
    assert len(list(points(at))) == 4
    found = measured(results(), Rule("error", at, low=0.0), LEVEL)
    assert [round(m.value) for m in found] == [1, 4, 1, 1]
    assert found[1].at == {"workflow": "replace", "generation": 3}


@pytest.mark.parametrize(
    "rule, said",
    [
        (Rule("eror", REPLACE, low=0.0), "eror was not measured; did you mean error?"),
        (Rule("error", {}, low=0.0), "name the workflow at which error is read"),
        (Rule("error", {"workflow": "mix"}, low=0.0), "workflow is never mix; it is"),
        (Rule("error", {"wrkflow": "mix"}, low=0.0), "no dimension wrkflow; did you"),
        (
            Rule("late", {**REPLACE, "generation": 3}, low=0.0),
            "late does not depend on",
        ),
        (
            GROWS._replace(over={"generation": 7}),
            "generation is never 7; it is one of 0, 1, 2, 3",
        ),
    ],
)
def test_what_results_do_not_have_is_named(rule, said):
    with pytest.raises(InputError, match=said):
        one(rule)


@pytest.mark.parametrize(
    "low, high, word",
    [(3.8, 4.2, AGREES), (4.5, 5.0, DIFFERS), (3.0, 3.5, DIFFERS)]
    + [(4.0, 9.0, UNDECIDED), (3.999, 4.001, UNDECIDED)],
)
def test_the_verdict_compares_interval_and_range(low, high, word):
    found = judge(claim(GROWS._replace(low=low, high=high)), results(), LEVEL)
    assert found.verdict == word


def test_all_rules_must_hold():
    wrong = GROWS._replace(low=5.0, high=6.0)
    open_end = GROWS._replace(low=4.0, high=9.0)
    assert judge(claim(GROWS, wrong), results(), LEVEL).verdict == DIFFERS
    assert judge(claim(GROWS, open_end), results(), LEVEL).verdict == UNDECIDED
    assert judge(claim(GROWS, open_end, wrong), results(), LEVEL).verdict == DIFFERS


def test_a_control_agrees_if_a_single_rule_does():
    """The other rule fails there, but this one proves nothing."""
    idle = Rule("error", {"workflow": "accumulate"}, low=0.9, high=1.1)
    control = Control("another generation", read={"generation": 1})
    assert judge(claim(GROWS, control=control), results(), LEVEL).sound
    found = judge(claim(GROWS, idle, control=control), results(), LEVEL)
    assert found.verdict == AGREES and not found.sound


def test_what_is_not_a_number_decides_nothing():
    broken = results()
    broken["error"][0, 3, -1] = np.nan
    for how, level in (("share_below", 9.0), ("share_above", 9.0), ("value", np.nan)):
        rule = Rule("error", REPLACE, how, level=level, low=0.0, high=9.0)
        found = judge(claim(rule, control=Control("", shuffle=True)), broken, LEVEL)
        assert found.verdict == UNDECIDED, how
    assert judge(claim(GROWS), broken, LEVEL).verdict == UNDECIDED


def test_a_single_seed_decides_nothing():
    assert judge(claim(GROWS), results(1), LEVEL).verdict == UNDECIDED


@pytest.mark.parametrize(
    "control",
    [
        Control("another workflow", read={"workflow": "accumulate"}),
        Control("theory of another", over={"generation": 2}),
        Control("exchanged", swap=True),
        Control("generations exchanged", shuffle=True),
        Control("another run", change={"num_seeds": 3}),
    ],
)
def test_controls_do_not_agree(control):
    flat = results().assign(error=results()["error"] * 0 + 1.0)
    found = judge(claim(GROWS, control=control), results(), LEVEL, lambda _: flat)
    assert found.verdict == AGREES
    assert found.control != AGREES and found.sound


def test_places_are_exchanged_one_by_one():
    both = GROWS._replace(
        at={"workflow": "replace", "generation": [1, 3]}, low=1.0, high=5.0
    )
    swapped = judge(claim(both), results(), LEVEL)
    assert (swapped.verdict, swapped.control) == (AGREES, DIFFERS)


@pytest.mark.parametrize("how", ["read", "over", "swap", "shuffle", "change"])
def test_a_control_that_agrees_is_seen(how):
    """Where its condition makes no difference the rule proves nothing."""
    same = results().assign(error=results()["error"] * 0 + 1.0)
    rule = GROWS._replace(low=0.5, high=1.5)
    values = {"read": {"workflow": "accumulate"}, "over": {"generation": 2}}
    values |= {"swap": True, "shuffle": True, "change": {"num_seeds": 3}}
    control = Control("no difference", **{how: values[how]})
    found = judge(claim(rule, control=control), same, LEVEL, lambda _: same)
    assert found.control == AGREES and not found.sound


def test_generations_are_shuffled_within_each_seed():
    before = results()
    after = shuffled(before, "one")
    a, b = (
        before["error"].values,
        after["error"].transpose(*before["error"].dims).values,
    )
    assert (np.sort(a, -1) == np.sort(b, -1)).all() and (a != b).any()
    assert (shuffled(before, "one")["error"] == after["error"]).all()
    assert (shuffled(before, "two")["error"] != after["error"]).any()


def test_a_claim_without_rules_is_not_comparable():
    bare = claim()._replace(control=None, reason="of another kind")
    assert judge(bare, results(), LEVEL).verdict == NOT_COMPARABLE


def test_a_run_that_was_cut_down_decides_nothing():
    short = results(generations=2)
    assert judge(claim(GROWS), short, LEVEL, partial=True).verdict == UNDECIDED
    with pytest.raises(InputError, match="claim one: at: generation is never 3"):
        judge(claim(GROWS), short, LEVEL)


def test_rules_share_the_budget_of_false_alarms():
    """Ten intervals at 1 - .05/10: true claims are called different in at most 5 % of
    suites; without the division nearly half of them would have one."""
    several = GROWS._replace(at={"workflow": "replace", "generation": [1, 2, 3]})
    assert confidence([claim(GROWS, several), claim(several)]) == 1 - 0.05 / 7
    assert confidence([]) == 0.95
    rng = np.random.default_rng(11)
    wrong = {level: [] for level in (1 - 0.05 / 10, 0.95)}
    at_zero = [Rule("x", {"case": k}, low=-np.inf, high=0.0) for k in range(10)]
    for _ in range(400):
        draws = rng.normal(size=(10, 30))
        dataset = xr.Dataset({"x": (["case", "seed"], draws)}, {"case": np.arange(10)})
        for level, found in wrong.items():
            word = judge(
                claim(*at_zero, control=Control("", shuffle=True)), dataset, level
            )
            found.append(word.verdict == DIFFERS)
    assert np.mean(wrong[1 - 0.05 / 10]) < 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5
    assert np.mean(wrong[0.95]) > 0.1


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.3, 0.5, "agrees"), (0.2, 0.4, "undecided"), (0.05, 0.2, "differs")],
)
def test_a_confidence_set_is_read_as_one(low, high, word):
    """Of an estimate with ends of its own, which has no seeds: within 0.29 to 0.51."""
    found = xr.Dataset(
        {"best": (("statistic", "price"), [[low, 9.0], [low, 9.0], [high, 9.0]])},
        {"statistic": ["mean", "low", "high"], "price": [3.0, 30.0]},
    )
    rule = Rule(of="best", how="value", at={"price": 3.0}, low=0.29, high=0.51)
    (told,) = measured(found, rule, 0.95)
    assert (told.low, told.value, told.high) == (low, low, high)
    assert of_one(rule, told) == word
    far = rule._replace(at={"price": 30.0})
    assert of_one(far, *measured(found, far, 0.95)) == DIFFERS


def test_a_control_need_not_break_what_makes_a_comparison_fair():
    own = Rule("error", REPLACE, "ratio", {"workflow": "accumulate"}, low=2.0)
    fair = Rule(
        "late", REPLACE, "ratio", {"workflow": "accumulate"}, low=0.1, fair=True
    )
    control = Control("alike", over=REPLACE)
    asked = claim(own, fair, control=control)
    assert judge(asked, results(), LEVEL)[::2] == (AGREES, DIFFERS)
    bare = claim(own, fair._replace(fair=False), control=control)
    assert judge(bare, results(), LEVEL)[::2] == (AGREES, AGREES)
    # where it does not hold the claim cannot agree, and may still differ
    unlike = fair._replace(low=-math.inf, high=0.2)
    assert judge(claim(own, unlike), results(), LEVEL).verdict == UNDECIDED
    worse = own._replace(low=1000.0)
    assert judge(claim(worse, unlike), results(), LEVEL).verdict == DIFFERS
    assert judge(claim(worse, fair), results(), LEVEL).verdict == DIFFERS
