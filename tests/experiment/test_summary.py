"""Summaries: outcomes of tails, intervals, runs, differences, and their tables."""

import csv

import numpy as np
import pytest
import scipy.stats
from summary_cases import dataset

from collapse.data.errors import InputError
from collapse.experiment import comparisons
from collapse.experiment.derived import source
from collapse.experiment.summary import STATISTICS, summarise, write_summary


def test_a_tail_has_the_shares_of_runs_that_lost_kept_and_overshot_it():
    found = summarise(dataset()).sel(workflow="replace").isel(generation=-1)
    shares = [
        float(found[f"tail_mass_1pct_{what}"].sel(statistic="mean"))
        for what in ("lost", "kept", "overshot")
    ]
    assert shares == [0.75, 0.15, 0.1]
    lost = found.tail_mass_1pct_lost
    ends = lost.sel(statistic=["low", "high"]).values
    np.testing.assert_allclose(ends, [0.588, 0.873], atol=6e-4)  # Clopper and Pearson
    assert lost.attrs["units"] == "share of runs"
    assert "test_error_lost" not in found


def test_the_levels_of_lost_and_overshot_are_a_tenth_and_twice():
    data = dataset(4)
    data.tail_mass_1pct.values[0, :, -1] = [0.0999, 0.1001, 1.999, 2.001]
    last = summarise(data).sel(workflow="replace", statistic="mean").isel(generation=-1)
    found = [last[f"tail_mass_1pct_{o}"].item() for o in ("lost", "kept", "overshot")]
    assert found == [0.25, 0.5, 0.25]


def test_a_tail_that_is_not_finite_has_no_outcome():
    data = dataset(10)
    data.tail_mass_1pct.values[0, :4, -1] = np.nan
    last = summarise(data).sel(workflow="replace", statistic="mean").isel(generation=-1)
    known = sum(last[f"tail_mass_1pct_{o}"] for o in ("lost", "kept", "overshot"))
    assert float(known) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("unit", "shift", "cut"),
    [("ratio to truth", 0, True), ("nats", 0, False), ("ratio to truth", 5, False)],
)
def test_intervals_of_what_cannot_be_negative_are_cut_at_0(unit, shift, cut):
    """Of three seeds the interval is wide; of a difference it is as it was."""
    data = dataset(3)
    values = np.random.default_rng(0).lognormal(0, 2, size=data.test_error.shape)
    values[0, 0, 0] -= shift  # below 0: then it may be negative
    assert (values < 0).any() == bool(shift)
    data["test_error"] = (data.test_error.dims, values, {"units": unit})
    found = summarise(data)
    assert (found.test_error.sel(statistic="mean_low").min() >= 0) == cut
    assert (found.test_error_difference.sel(statistic="mean_low") < 0).any()


def test_workflows_are_compared_seed_by_seed():
    data = dataset()
    found = summarise(data).test_error_difference
    np.testing.assert_allclose(found.sel(workflow="accumulate", statistic="mean"), -0.5)
    spread = found.sel(workflow="accumulate", statistic="standard_error")
    assert (spread < 1e-12).all(), "what the seeds share cancels"
    alone = summarise(data).test_error.sel(statistic="standard_error")
    assert (alone > 0.1).all()
    assert np.isnan(found.sel(workflow="replace")).all()
    assert "test_error_difference" not in summarise(data.isel(workflow=[0]))
    table = comparisons.differences(data, "test_error", generation=2)
    assert table.workflow.tolist() == ["accumulate"]
    assert table["mean"].item() == pytest.approx(-0.5)
    assert table.share_above.item() == 0
    data.test_error.values[1, :, 2] += 3
    gaps = [
        comparisons.differences(data, "test_error", generation=t)["mean"].item()
        for t in (2, -4, 3, -1)
    ]
    np.testing.assert_allclose(gaps, [2.5, 2.5, -0.5, -0.5])
    back = comparisons.differences(data, "test_error", "accumulate")
    assert back["mean"].item() == pytest.approx(0.5) and back.share_above.item() == 1


def test_below_thirteen_seeds_every_run_is_kept():
    few, many = summarise(dataset(4)), summarise(dataset(13))
    runs = [f"run {k}" for k in (1, 2, 3, 4)]
    assert few.statistic.values.tolist() == [*STATISTICS, "first", *runs]
    assert many.statistic.values.tolist() == [*STATISTICS, "first"]
    first = dataset(13).test_error.isel(seed=0)
    np.testing.assert_array_equal(many.test_error.sel(statistic="first"), first)
    np.testing.assert_array_equal(
        few.test_error.sel(statistic="run 3"), dataset(4).test_error.isel(seed=2)
    )


def test_intervals_of_mean_and_median_are_in_the_summary():
    data = dataset(64)
    one = summarise(data).test_error.isel(generation=0).sel(workflow="replace")
    values = data.test_error.values[0, :, 0]
    half = 1.998341 * values.std(ddof=1) / 8  # Student's t of 63
    ends = [values.mean() - half, values.mean() + half]
    np.testing.assert_allclose(one.sel(statistic=["mean_low", "mean_high"]), ends, 1e-6)
    ordered = np.sort(values)
    ends = one.sel(statistic=["median_low", "median_high"]).values
    assert ends.tolist() == [ordered[23], ordered[40]]


def test_the_csv_has_outcomes_and_no_single_runs(tmp_path):
    write_summary(summarise(dataset(4)), tmp_path / "summary.csv")
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    assert set(rows[0]) == {"workflow", "generation", "metric", *STATISTICS}
    lost = [r for r in rows if r["metric"] == "tail_mass_1pct_lost"]
    last = next(r for r in lost if (r["workflow"], r["generation"]) == ("replace", "5"))
    assert float(last["mean"]) == 0.75


def test_the_csv_has_nine_digits_and_what_a_single_seed_lacks(tmp_path):
    data = dataset(1)
    write_summary(summarise(data), tmp_path / "summary.csv")
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    rows = [row for row in rows if row["metric"] == "test_error"]
    found = [float(row["mean"]) for row in rows]
    np.testing.assert_allclose(found, data.test_error.values.ravel(), rtol=1e-8)
    assert {row["standard_error"] for row in rows} == {"nan"}


def test_crossings_say_when_and_whether_a_level_is_crossed():
    data = dataset()
    table = comparisons.crossings(data, "tail_mass_1pct", 0.1)
    replace, accumulate = table.to_dict("records")
    assert (replace["share"], replace["median"]) == (0.75, 3)
    assert accumulate["share"] == 0 and accumulate["median"] == "never"
    assert accumulate["median_low"] == "never"
    every = comparisons.events(data)
    assert every.metric.unique().tolist() == ["tail_mass_1pct", "test_error"]
    assert every[every.event == "overshot"].share.tolist() == [0.1, 0.0]


def test_an_error_is_doubled_against_the_mean_of_first_fits():
    """Not against its own first value, which for some seeds is near 0 by chance."""
    data = dataset(6)
    data.test_error.values[:] = np.array([1.0, 1.5, 2.5, 2, 2, 2])
    data.test_error.values[1] *= 0.1
    data.test_error.values[:, 0, 0] = 0.0  # by chance
    data.test_error.values[:, 0, 1:] = 0.1
    every = comparisons.events(data)
    doubled = every[every.event == "doubled"]
    assert doubled["median"].tolist() == [2, 2]
    assert doubled["share"].tolist() == [5 / 6, 5 / 6]
    np.testing.assert_allclose(doubled["level"], [2 * 5 / 6, 0.2 * 5 / 6])
    data.test_error.values[0] -= 5  # a log-loss below 0 has no twice
    assert comparisons.events(data).query("event == 'doubled'").workflow.tolist() == [
        "accumulate"
    ]
    del data.test_error.attrs["reference"]  # what is best at no known value
    assert "doubled" not in set(comparisons.events(data).event)


def test_a_variance_is_halved_at_a_half():
    data = dataset(6).rename(test_error="variance_ratio")
    data.variance_ratio.values[:] = np.array([1.0, 0.51, 0.49, 1, 1, 1])
    every = comparisons.events(data)
    assert every[every.event == "halved"]["median"].tolist() == [2, 2]


def test_differences_are_those_of_a_paired_t_test():
    rng = np.random.default_rng(8)
    data = dataset(30)
    data.test_error.values[:] = rng.exponential(size=data.test_error.shape)
    line = comparisons.differences(data, "test_error").iloc[0]
    first, second = data.test_error.values[:, :, -1]
    known = scipy.stats.ttest_rel(second, first)
    ends = known.confidence_interval(0.95)
    np.testing.assert_allclose([line.low, line.high], [ends.low, ends.high], rtol=1e-9)
    error = (second - first).std(ddof=1) / np.sqrt(30)
    assert line.standard_error == pytest.approx(error, rel=1e-12)
    data.test_error.values[1, 3:, -1] = first[3:]  # equal is not above
    few = comparisons.differences(data, "test_error").iloc[0]
    assert few.share_above == (second[:3] > first[:3]).sum() / 30
    data.test_error.values[1, 0, -1] = np.nan
    assert comparisons.differences(data, "test_error").iloc[0].seeds == 29


def test_differences_of_truth_values_and_counts():
    data = dataset(12)
    data["converged"] = data.test_error > 1
    data["count"] = (data.test_error > 1).astype(np.uint32)
    both = data.converged.astype(float)
    gap = float((both[1] - both[0]).mean("seed")[-1])
    for metric in ("converged", "count"):
        found = comparisons.differences(data, metric)["mean"].item()
        assert found == pytest.approx(gap)


def test_bands_of_seeds_are_5_and_95_percent_and_shares_have_their_error():
    summary = summarise(dataset(40))
    values = dataset(40).test_error.values[0, :, 2]
    one = summary.test_error.isel(generation=2).sel(workflow="replace")
    known = np.quantile(values, [0.05, 0.95])
    np.testing.assert_allclose(one.sel(statistic=["low", "high"]), known)
    lost = summary.tail_mass_1pct_lost.isel(generation=-1).sel(workflow="replace")
    error = float(lost.sel(statistic="standard_error"))
    assert error == pytest.approx(np.sqrt(0.75 * 0.25 / 40))
    assert summary.test_error_difference.attrs["units"] == "nats"
    units = summary.tail_mass_1pct_difference.attrs["units"]
    assert units == "in units of truth"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda d: comparisons.differences(d.isel(workflow=[0]), "test_error"),
            "metrics: test_error has no two workflows",
        ),
        (lambda d: comparisons.crossings(d, "speed", 1.0), "metrics: speed was not"),
        (lambda d: comparisons.differences(d, "speed"), "metrics: speed was not"),
        (
            lambda d: comparisons.differences(d, "test_error", "mix"),
            "reference: unknown 'mix'",
        ),
        (lambda d: comparisons.differences(d, "test_error", "", 9), "generation: 9"),
        (
            lambda d: comparisons.differences(d.isel(seed=[0]), "test_error"),
            "metrics: test_error has no two seeds",
        ),
        (
            lambda d: comparisons.crossings(d.mean("generation"), "test_error", 1.0),
            "metrics: test_error is not measured in every generation",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(ask, said):
    with pytest.raises(InputError, match=said):
        ask(dataset())


def test_the_source_of_a_derived_variable():
    assert source("tail_mass_1pct_outcome") == ("tail_mass_1pct", "outcome")
    assert source("test_error_difference") == ("test_error", "difference")
    assert source("tail_mass_1pct") == ("tail_mass_1pct", "")
