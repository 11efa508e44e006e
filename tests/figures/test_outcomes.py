"""Panels of outcomes, bands of three kinds, single runs, log axes of errors."""

import numpy as np
import pytest
from summary_cases import dataset

from collapse.data.errors import InputError
from collapse.experiment.summary import summarise
from collapse.figures import draw as drawing
from collapse.figures import panels
from collapse.figures.published import published
from collapse.figures.spec import Figure

TAIL = "tail_mass_1pct"


def legend(fig):
    return [text.get_text() for text in fig.legends[0].get_texts()]


def test_shares_are_stacked_in_a_strip_for_each_workflow():
    fig = drawing.draw(summarise(dataset()), Figure(metrics=(f"{TAIL}_outcome",)))
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.texts] == ["replace", "accumulate"]
    heights = []
    for area in ax.collections[:3]:  # of replace, the upper strip
        at_end = area.get_paths()[0].vertices
        at_end = at_end[at_end[:, 0] == at_end[:, 0].max()][:, 1]
        heights.append(np.ptp(at_end))
    np.testing.assert_allclose(heights, [0.75, 0.15, 0.1], atol=1e-12)
    ends = []
    for area in ax.collections[:3]:
        last = area.get_paths()[0].vertices
        ends.append(last[last[:, 0] == last[:, 0].max()][:, 1].min())
    # one upon the other, from 1.2 on: above the strip of accumulate
    np.testing.assert_allclose(ends, [1.2, 1.95, 2.1], atol=1e-12)
    words = legend(fig)
    assert any(word.startswith("lost: below 0.1") for word in words)
    assert not any("band" in word for word in words)


def test_shares_on_a_log_axis_begin_at_the_first_fit():
    figure = Figure(metrics=(f"{TAIL}_outcome",), x_scale="log")
    (ax,) = drawing.draw(summarise(dataset()), figure).axes
    for area in ax.collections:
        x = area.get_paths()[0].vertices[:, 0]
        assert (x.min(), x.max()) == (1, 6)
    assert ax.get_xlim() == (1, 6)


def test_the_curve_is_the_mean_where_theory_is_about_it():
    summary = summarise(dataset())
    summary["test_error_theory"] = 0 * summary.test_error.isel(statistic=0, drop=True)
    found = {m: panels.statistic(summary, Figure(), m) for m in ("test_error", TAIL)}
    assert found == {"test_error": "mean", TAIL: "median"}
    summary["test_error_theory"] += np.nan  # known of no workflow
    assert panels.statistic(summary, Figure(), "test_error") == "median"


def test_the_mean_of_a_tail_is_drawn_beside_its_median():
    fig = drawing.draw(summarise(dataset()), Figure(metrics=(TAIL,)))
    assert "mean over seeds" in legend(fig)
    fig = drawing.draw(summarise(dataset()), Figure(metrics=("test_error",)))
    assert "mean over seeds" not in legend(fig)


def test_the_run_of_the_first_seed_is_drawn():
    figure = Figure(metrics=("test_error",), statistic="first")
    fig = drawing.draw(summarise(dataset(10)), figure)
    assert "run of the first seed" in legend(fig)
    drawn = [line.get_ydata() for line in fig.axes[0].lines]
    first = dataset(10).test_error.isel(seed=0, workflow=0)
    assert any(len(y) == len(first) and (y == first).all() for y in drawn)


def test_of_few_seeds_the_runs_are_drawn():
    fig = drawing.draw(summarise(dataset(4)), Figure(metrics=("test_error",)))
    (ax,) = fig.axes
    assert len(ax.lines) - 1 == 2 * (1 + 4) and not ax.collections
    assert "each of the 4 seeds" in legend(fig)
    wild = dataset(4)
    wild.test_error.values[0, 2, 3] = 40.0
    (ax,) = drawing.draw(summarise(wild), Figure(metrics=("test_error",))).axes
    assert ax.get_ylim()[1] > 40
    assert not any("5 %" in word for word in legend(fig))
    many = drawing.draw(summarise(dataset(13)), Figure(metrics=("test_error",)))
    assert "band: 5 % to 95 % of seeds" in legend(many)
    assert len(many.axes[0].collections) == 2


@pytest.mark.parametrize("kind", ["mean", "median"])
def test_a_band_may_be_an_interval_of_the_curve(kind):
    summary = summarise(dataset(64))
    fig = drawing.draw(summary, Figure(metrics=("test_error",), band=kind))
    assert f"band: 95 % confidence interval of the {kind}" in legend(fig)
    assert f"{kind} over seeds" in legend(fig)
    wide = summary.test_error.sel(statistic=f"{kind}_high", workflow="replace")
    area = fig.axes[0].collections[0].get_paths()[0].vertices
    assert area[:, 1].max() == pytest.approx(float(wide.max()))
    other = "median" if kind == "mean" else "mean"
    with pytest.raises(InputError, match=f"^band: an interval of the {kind}"):
        figure = Figure(metrics=("test_error",), band=kind, statistic=other)
        drawing.draw(summary, figure)


def test_a_difference_is_drawn_with_the_interval_of_its_mean():
    data = dataset()
    fig = drawing.draw(summarise(data), Figure(metrics=("test_error_difference",)))
    assert "band: 95 % confidence interval of the mean" in legend(fig)
    lines = {line.get_label(): line.get_ydata() for line in fig.axes[0].lines}
    np.testing.assert_allclose(lines["accumulate"], -0.5)


def test_errors_of_many_sizes_have_a_log_axis():
    data = dataset(10)
    data.test_error.values[:] = 1.0
    data.test_error.values[0, :, -2] = 29.0
    figure = Figure(metrics=("test_error", TAIL))
    assert drawing.draw(summarise(data), figure).axes[0].get_yscale() == "linear"
    data.test_error.values[0, :, -1] = 31.0
    data.tail_mass_1pct.values[0, :, -1] = 31.0
    first, second = drawing.draw(summarise(data), figure).axes
    assert (first.get_yscale(), second.get_yscale()) == ("log", "linear")
    data.test_error.values[1, :, 0] = 0.0  # which a log axis does not show
    assert drawing.draw(summarise(data), figure).axes[0].get_yscale() == "linear"


def test_published_data_keep_standard_errors_and_paired_differences():
    summary = summarise(dataset())
    small = published(summary, Figure(metrics=("test_error",)))
    for statistic in ("mean", "standard_error"):
        for name in ("test_error", "test_error_difference"):
            kept = small[name].sel(statistic=statistic)
            exact = summary[name].sel(statistic=statistic)
            np.testing.assert_allclose(kept, exact, rtol=5e-5, atol=1e-9)
    outcome = published(summary, Figure(metrics=(f"{TAIL}_outcome",)))
    assert {f"{TAIL}_lost", f"{TAIL}_kept", f"{TAIL}_overshot"} <= set(outcome)


def test_generations_are_thinned_evenly_on_the_axis_of_the_figure():
    summary = summarise(dataset(2, generations=2001))
    for x_scale, first in (("log", [0, 1, 2, 3]), ("linear", [0, 13, 25, 38])):
        figure = Figure(metrics=("test_error",), x_scale=x_scale)
        kept = published(summary, figure).generation.values
        assert kept[:4].tolist() == first and kept[-1] == 2000
        assert len(kept) <= 160


def test_what_is_published_of_a_difference_or_an_outcome_alone_is_drawn(tmp_path):
    summary = summarise(dataset())
    for metric in ("test_error_difference", f"{TAIL}_outcome"):
        figure = Figure(metrics=(metric,))
        small = published(summary, figure)
        direct, again = drawing.draw(summary, figure), drawing.draw(small, figure)
        assert legend(direct) == legend(again)
        assert direct.axes[0].get_title("left") == again.axes[0].get_title("left")


@pytest.mark.parametrize(("kind", "num"), [("mean", 1), ("median", 3)])
def test_without_an_interval_the_curve_is_drawn_all_the_same(kind, num):
    figure = Figure(metrics=("test_error",), band=kind)
    (ax,) = drawing.draw(summarise(dataset(num)), figure).axes
    (low, high), lines = ax.get_ylim(), [line.get_ydata() for line in ax.lines[1:]]
    assert all(low < min(line) and max(line) < high for line in lines)
    assert not ax.texts


def test_a_single_seed_is_no_run_among_others():
    fig = drawing.draw(summarise(dataset(1)), Figure(metrics=("test_error",)))
    assert not any("seeds" in word and "each" in word for word in legend(fig))


def test_a_share_is_no_median_and_a_difference_has_a_zero():
    summary = summarise(dataset())
    (ax,) = drawing.draw(summary, Figure(metrics=(f"{TAIL}_lost",))).axes
    assert "median" not in ax.get_title("left")
    fig = drawing.draw(summary, Figure(metrics=("test_error_difference",)))
    assert 0.0 in [line.get_ydata()[0] for line in fig.axes[0].lines]
    assert "replace" not in legend(fig) and "accumulate" in legend(fig)


def test_panels_of_a_column_s_width_stand_below_each_other():
    figure = Figure(metrics=("test_error", TAIL, f"{TAIL}_lost"), width="column")
    places = [
        ax.get_position() for ax in drawing.draw(summarise(dataset()), figure).axes
    ]
    assert places[0].y0 > places[1].y1 > places[1].y0 > places[2].y1
