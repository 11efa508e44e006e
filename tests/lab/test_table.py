"""The closing table: what stands in its cells."""

import pytest
from summary_cases import dataset

from collapse.experiment.summary import summarise
from collapse.lab import table


@pytest.mark.parametrize(
    ("num", "ends"), [(4, "least .. largest"), (40, "5 % .. 95 %")]
)
def test_the_ends_of_few_runs_are_their_least_and_largest(num, ends):
    summary = summarise(dataset(num))
    last = summary.test_error.sel(workflow="replace").isel(generation=-1)
    values = dataset(num).test_error.values[0, :, -1]
    low, high = (values.min(), values.max()) if num < 10 else last[2:4].values
    text = table.text(summary, ("test_error",))
    assert f"generation 5: mean (standard error) [theory], or median ({ends})" in text
    cell = f"{float(last.sel(statistic='median')):.4g} ({low:.3g} .. {high:.3g})"
    assert cell in text and low < high


def test_a_mean_stands_beside_its_theory():
    summary = summarise(dataset(40))
    summary["test_error_theory"] = 0 * summary.test_error.isel(statistic=0) + 1.25
    last = summary.test_error.sel(workflow="replace").isel(generation=-1)
    mean, error = (float(last.sel(statistic=s)) for s in ("mean", "standard_error"))
    text = table.text(summary, ("test_error",))
    assert f"{mean:.4g} ({error:.1g}) [1.25]" in text


def test_runs_that_lost_a_tail_are_told_beside_its_median():
    text = table.text(summarise(dataset(40)), ("tail_mass_1pct",))
    assert "lost: share of runs below 0.1 of the true mass; over: above 2 times" in text
    assert " lost 75%, over 10%" in text and " lost 0%, over 0%" in text
