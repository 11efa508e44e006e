"""The collapse profile: what its verdicts are worth, and each of its definitions."""

from unittest import mock

import numpy as np
import pytest
import scipy.stats
from calibrated import NUM_CHECKS, SUITE_FALSE_ALARM, count
from profile_cases import gaussian, made_up

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.profile import profile, table
from collapse.experiment.profile.definitions import DEFINITIONS
from collapse.experiment.profile.lines import lines
from collapse.measures import catalogue, intervals

GROUPS = 200


def shares(dataset, margin, verdict):
    """Workflow -> share of its profiles in which some definition has this verdict."""
    found = {}
    for line in lines(dataset, margin):
        where = (line.where["workflow"], int(line.where["group"]))
        found[where] = found.get(where, False) or line.verdict == verdict
    workflows = {w for w, _ in found}
    return {w: np.mean([found[k] for k in found if k[0] == w]) for w in workflows}


def exceeds(share, rate=0.05):
    """Whether so many of the groups are more than the stated rate allows."""
    most = scipy.stats.binom.isf(SUITE_FALSE_ALARM / NUM_CHECKS, GROUPS, rate)
    return share * GROUPS > most


def test_real_only_training_is_called_collapse_no_more_often_than_stated():
    data = gaussian(GROUPS)
    found = shares(data, 0.0, "collapse")  # where the smallest worsening would count
    assert not exceeds(found["mix 1 fresh"])
    count()
    assert found["replace"] == 1
    with mock.patch.object(intervals, "CONFIDENCE", 0.5):
        loose = shares(data, 0.0, "collapse")  # the negative control
    assert exceeds(loose["mix 1 fresh"])


def exact_error(n, t):
    """Expected divergence of fit t + 1 from the truth, for t of 0 or 1."""
    log = scipy.special.digamma((n - 1) / 2) - np.log(n / 2)
    inverse = n / (n - 3)  # of a variance
    drift = (inverse ** (t + 1) + t * inverse) / n
    return ((t + 1) * log + inverse ** (t + 1) + drift - 1) / 2


def test_a_worsening_beyond_the_margin_is_not_called_harmless():
    data = gaussian(GROUPS, seeds=200, generations=1, n=20)
    only = data[["test_error"]].assign_attrs(data.attrs)
    margin = exact_error(20, 1) / exact_error(20, 0) - 1
    found = shares(only, margin, "no collapse")
    assert not exceeds(found["replace"])
    count()
    assert exceeds(shares(only, 3 * margin, "no collapse")["replace"])


def test_a_collapsing_run_says_so_by_the_definitions_that_should():
    found = profile(gaussian(1, seeds=200)).set_index(["workflow", "definition"])
    replace = found.loc["replace"].verdict
    assert (
        replace[["error", "tails", "variance", "drift", "real_only"]] == "collapse"
    ).all()
    assert replace.hallucination == "no collapse"  # most runs narrow
    assert replace[["support", "scaling"]].tolist() == ["not defined"] * 2
    real = found.loc["mix 1 fresh"]
    assert "collapse" not in real.verdict.tolist()
    assert real.note.real_only == "it is real-only training itself"
    assert found.loc["replace"].lost.tails > 0.5
    assert np.isnan(found.loc["replace"].lost.error)


def values(first, last, seeds=20, spread=0.0):
    """Values [2, S, 2] that go from one number to another, and that stay."""
    noise = 1 + spread * np.random.default_rng(1).normal(size=(seeds, 1))
    one = np.array([first, last]) * noise
    return np.stack([one, np.repeat(first * noise, 2, 1)])


@pytest.mark.parametrize(
    ("name", "metric", "first", "last", "worse", "verdict"),
    [
        ("error", "test_error", 1.0, 3.0, 3.0, "collapse"),
        ("error", "test_error", 1.0, 1.05, 1.05, "no collapse"),
        ("error", "test_error", 1.0, 0.5, 0.5, "no collapse"),
        ("error", "bits_per_character", 2.0, 3.0, 2.0, "collapse"),  # 1 bit
        ("tails", "tail_mass_1pct", 1.0, 0.25, 4.0, "collapse"),
        ("tails", "tail_mass_1pct", 1.0, 4.0, 0.25, "no collapse"),
        ("tails", "tail_mass_1pct", 1.0, 0.0, np.inf, "collapse"),
        ("variance", "variance_ratio", 1.0, 0.5, 2.0, "collapse"),
        ("variance", "log_det_ratio", 0.0, -np.log(3), 3.0, "collapse"),
        ("variance", "entropy_1gram", 4.0, 3.0, 2.0, "collapse"),
        ("support", "survival_3", 1.0, 0.5, 2.0, "collapse"),
        ("support", "support", 100.0, 50.0, 2.0, "collapse"),
        ("hallucination", "hallucinated_mass", 1.0, 5.0, 5.0, "collapse"),
        ("hallucination", "hallucinated_share", 0.0, 0.0, 1.0, "no collapse"),
        ("drift", "w2_squared", 1.0, 2.0, 2.0, "collapse"),
        ("drift", "total_variation", 0.5, 0.25, 0.5, "no collapse"),
    ],
)
def test_each_definition_looks_at_its_side(name, metric, first, last, worse, verdict):
    data = made_up({metric: values(first, last)})
    found = profile(data).set_index(["workflow", "definition"]).loc["replace"]
    line = found.loc[name]
    assert (line.metric, line.verdict) == (metric, verdict)
    assert line.worse == pytest.approx(worse)
    others = found.verdict.drop([name, "real_only", "scaling"])
    assert (others == "not defined").all()
    assert found.note.loc[others.index].str.startswith("needs ").all()


def test_a_margin_of_zero_counts_any_worsening():
    data = made_up({"test_error": values(1.0, 1.05)})
    assert profile(data, 0.0).verdict[0] == "collapse"
    for margin in (-0.1, np.nan, np.inf):
        with pytest.raises(InputError, match="^margin: "):
            profile(data, margin)


def test_few_seeds_decide_nothing():
    tails = {"tail_mass_1pct": values(1.0, 0.1, seeds=5, spread=0.2)}
    assert profile(made_up(tails)).verdict[1] == "undecided"
    one = {"test_error": values(1.0, 9.0, seeds=1)}
    line = profile(made_up(one)).iloc[0]
    assert (line.verdict, line.worse) == ("undecided", 9.0)


def test_verdicts_are_of_all_definitions_together():
    spread = np.linspace(-1, 1, 30)[:, None] * np.array([0, 1.0])
    error = 1.0 + np.array([0.0, 0.25]) + spread  # 95 % alone, but not of five
    alone = made_up({"test_error": np.stack([error, error])})
    line = profile(alone, 0.0).iloc[0]
    assert line.verdict == "collapse" and line.joint_low == line.worse_low
    more = {"test_error": np.stack([error, error])} | {
        name: values(1.0, 1.0, seeds=30)
        for name in ("tail_mass_1pct", "variance_ratio", "hallucinated_mass")
    }
    more["mean_error"] = values(1.0, 1.0, seeds=30)
    line = profile(made_up(more), 0.0).iloc[0]
    assert line.verdict == "undecided" and line.joint_low < 1 < line.worse_low


def test_what_is_not_finite_is_left_out_and_counted():
    error = values(1.0, 3.0)
    error[0, :4, 1] = np.nan
    error[0, 4, 1] = np.inf  # has no mean
    line = profile(made_up({"test_error": error})).iloc[0]
    assert (line.seeds, line.verdict) == (15, "collapse")
    drift = values(1.0, 3.0)
    drift[0, :4, 1] = np.inf
    line = profile(made_up({"mean_error": drift})).iloc[5]
    assert line.seeds == 20 and line.worse == pytest.approx(3)
    error[0] = np.nan
    line = profile(made_up({"test_error": error})).iloc[0]
    assert line.verdict == "not defined" and "no seed" in line.note
    line = profile(made_up({"test_error": values(0.0, 1.0)})).iloc[0]
    assert line.verdict == "not defined" and "not above 0" in line.note


def test_real_only_training_is_a_workflow_or_a_value_of_an_axis():
    data = made_up(
        {"test_error": values(1.0, 3.0)}, real_only={"workflow": ["mix 1 fresh"]}
    )
    found = profile(data).set_index(["workflow", "definition"])
    assert found.worse["replace", "real_only"] == pytest.approx(3)
    assert found.note["mix 1 fresh", "real_only"].startswith("it is")
    del data.attrs["real_only"]  # as of `collapse.compare`
    assert profile(data).equals(found.reset_index())
    axis = np.stack([values(1.0, 5.0)[:1], values(1.0, 2.0)[:1]])
    data = made_up(
        {"test_error": axis},
        ["anchored"],
        axes={"real_fraction": [0.1, 1.0]},
        real_only={"weight": [1.0], "real_fraction": [1.0]},
    )
    found = profile(data).set_index(["real_fraction", "definition"])
    assert found.worse[0.1, "real_only"] == pytest.approx(2.5)


def test_every_real_only_training_is_told_as_such():
    both = np.stack([values(1.0, 1.0)[0]] * 2)
    data = made_up({"test_error": both}, ["mix 1 fresh", "mix 1 fixed"])
    del data.attrs["real_only"]
    notes = profile(data).set_index("definition").note.loc["real_only"]
    assert set(notes) == {"it is real-only training itself"}
    assert "for its one definition" in table.text(profile(data), (), 0.1)


def test_the_median_of_an_even_number_of_seeds_is_that_of_first_over_last():
    last = np.array([0.5, 0.25, 1.0, 1.0])
    one = np.stack([np.ones(4), last], -1)
    line = profile(made_up({"variance_ratio": np.stack([one, one])})).iloc[2]
    assert line.worse == np.median(1 / last) != 1 / np.median(last)


def test_a_scaling_law_needs_sizes_and_an_error_that_is_zero_at_best():
    sizes = np.array([10.0, 100.0])
    noise = 1 + 0.01 * np.random.default_rng(2).normal(size=(2, 1, 20, 2))
    error = np.stack([sizes**-1.0, sizes**-0.5], -1)[:, None, None, :] * noise
    axes = {"samples_per_generation": [10, 100]}
    found = profile(made_up({"test_error": error}, ["replace"], axes=axes))
    line = found.set_index(["samples_per_generation", "definition"]).loc[
        (10, "scaling")
    ]
    assert line.worse == pytest.approx(10**0.5, rel=0.05)  # of ten times the rows
    assert (line["first"], line["last"]) == pytest.approx((-1, -0.5), abs=0.02)
    assert line.difference == pytest.approx(0.5, abs=0.02)
    assert line.verdict == "collapse" and np.isnan(line.lost)
    bits = profile(made_up({"bits_per_character": error}, ["replace"], axes=axes))
    assert "scaling" in set(bits[bits.verdict == "not defined"].definition)


DENSITY = "test_error tail_mass_1pct variance_ratio {} hallucinated_mass {}"
WORDS = "word_survival hallucinated_share"
LOSS = "bits_per_token_floored"
LEADING = {  # family -> the metrics that speak for the first six definitions
    "gaussian": DENSITY.format("-", "w2_squared"),
    "gmm": DENSITY.format("survival_3", "l2_squared"),
    "kde": DENSITY.format("-", "mean_error"),
    "discrete": "- tail_mass_10pct heterozygosity support - total_variation",
    "grammar": "- tail_mass_10pct heterozygosity pairs_right - chi_square",
    "ngram": f"{LOSS} tail_mass_10pct heterozygosity support - -",
    "diffusion": "energy_distance - variance_ratio survival_4 precision -",
    "linear": "test_error - - - - -",
    "vae": "negative_elbo tail_mass_10pct variance_ratio class_survival - mean_error",
    "charlm": f"bits_per_character tail_mass_10pct distinct_1 {WORDS} -",
}


@pytest.mark.parametrize("family", LEADING)
def test_every_family_has_a_profile(family):
    experiment = registry.families()[family]()
    if family != "charlm":
        experiment = experiment.resolved(0, 0)
    names = experiment.catalogue if family == "charlm" else experiment.known_metrics()
    known = {name: experiment.quantity(name) for name in names}
    found = [catalogue.leading(d.aspect, known) or "-" for d in DEFINITIONS[:6]]
    assert " ".join(found) == LEADING[family]


def test_experiments_know_their_real_only_training():
    gaussian_kind = registry.families()["gaussian"]
    workflows = ("replace", "mix 0.1 fresh", "mix 1 fixed", "mix 1 fresh")
    experiment = gaussian_kind(workflows=workflows).resolved(0, 0)
    assert experiment.real_only() == {"workflow": ["mix 1 fixed", "mix 1 fresh"]}
    assert gaussian_kind().resolved(0, 0).real_only() == {}
    mixing = registry.studies()["mixing"](real_fraction=(0.5, 1.0)).resolved(0, 0)
    assert mixing.real_only() == {"real_fraction": [1.0]}


def test_the_table_says_what_is_not_defined_and_why():
    data = gaussian(1, seeds=12).isel(group=0).assign_attrs(axes=[])
    found = table.text(profile(data), (), 0.1)
    lines = [line.split() for line in found.splitlines()[2:]]
    assert lines[0] == "definition metric workflow worse interval verdict".split()
    assert lines[1][:6] == ["growth", "of", "test", "error", "test_error", "replace"]
    assert lines[2][:3] == ["mix", "1", "fresh"]  # below it, under the same heading
    table_of = profile(data).set_index(["workflow", "definition"])
    worse = table_of.worse["mix 1 fresh", "error"]
    assert lines[2][3] == f"{worse:.3g}"
    assert "worse by more than 10%" in found
    assert "6 of replace, 5 of mix 1 fresh" in found  # which is real-only training
    assert "\nworse than real-only training: not defined for mix 1 fresh, it" in found
    assert "\nloss of support: not defined here, needs rare components" in found
    grid = table.text(profile(gaussian(7, seeds=3)), ("group",), 0.1)
    assert "... 4 more settings in profile.csv" in grid
    nothing = made_up({"error_of_mine": values(1.0, 1.0)})
    notes = profile(nothing).set_index("definition").note.loc["real_only"]
    assert set(notes) == {"needs a test error among the metrics"}
    assert "nothing is defined here" in table.text(profile(nothing), (), 0.1)


def test_intervals_at_another_confidence():
    draws = np.random.default_rng(0).normal(size=(20, 3))
    wide, usual = intervals.of_mean(draws, 0.99), intervals.of_mean(draws)
    assert (wide.low < usual.low).all() and (wide.high > usual.high).all()
    wide, usual = intervals.of_median(draws, 0.99), intervals.of_median(draws)
    assert (wide.low <= usual.low).all() and (wide.low < usual.low).any()
