"""Panels of curves: over an axis, with notes on cells and levels worth knowing."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr
from figure_cases import (
    AXES,
    WORKFLOWS,
    assert_nothing_overlaps,
    lines,
    publish,
    summary,
    texts,
)
from matplotlib import colors
from matplotlib.backends.backend_agg import FigureCanvasAgg

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.figures import draw as plotting
from collapse.figures.redraw import redraw
from collapse.figures.spec import Figure

pytestmark = pytest.mark.filterwarnings("error")

RIDGES = sorted(AXES["ridge"])
NOTE = "n ≤ d + 1: no finite mean"
WHITE = (1.0, 1.0, 1.0, 1.0)
ENTROPY = ("entropy",)


@pytest.mark.parametrize("x_scale", ["linear", "log"])
@pytest.mark.parametrize("generation", [None, 0, 5])
def test_an_axis_is_drawn_in_ascending_order_with_the_numbers_that_went_in(
    x_scale, generation
):
    data = summary("ridge")
    chosen = () if generation is None else (generation,)
    figure = Figure(x="ridge", x_scale=x_scale, generations=chosen, metrics=ENTROPY)
    (ax,) = plotting.draw(data, figure).axes
    shown = -1 if generation is None else generation
    one = data.sel(ridge=RIDGES).isel(generation=shown)
    drawn = lines(ax)
    assert set(drawn) == {*WORKFLOWS, "replace theory"}
    for workflow, band in zip(WORKFLOWS, ax.collections, strict=True):
        expected = one.entropy.sel(workflow=workflow)
        np.testing.assert_array_equal(drawn[workflow], expected.sel(statistic="mean"))
        vertices = band.get_paths()[0].vertices
        assert set(vertices[:, 0]) == set(RIDGES)
        assert vertices[:, 1].max() == expected.sel(statistic="high").max()
        assert vertices[:, 1].min() == expected.sel(statistic="low").min()
    theory = one.entropy_theory.sel(workflow="replace")
    np.testing.assert_array_equal(drawn["replace theory"], theory)
    for line in ax.lines:
        if not line.get_label().startswith("_"):
            np.testing.assert_array_equal(line.get_xdata(), RIDGES)
            dots = "None" if "theory" in line.get_label() else "o"
            assert line.get_marker() == dots
    low, high = ax.get_xlim()
    assert low < RIDGES[0] and high > RIDGES[-1]
    assert (ax.get_xscale(), ax.get_xlabel()) == (x_scale, "ridge λ")


def test_the_legend_says_at_which_generation():
    data = summary("ridge", metrics=ENTROPY)
    (legend,) = plotting.draw(data, Figure(x="ridge", generations=(7,))).legends
    solid, *_ = (h for h in legend.legend_handles if "over" in h.get_label())
    assert solid.get_label() == "mean over seeds at t = 7"
    assert solid.get_marker() == "o"
    shown = texts(plotting.draw(data, Figure(x="ridge", statistic="mean")))
    assert "mean over seeds at t = 11" in shown


def test_generations_are_told_apart_by_colour():
    data = summary("ridge", metrics=["test_error"])
    figure = Figure(x="ridge", hue="generation", generations=(0, 3), rows="workflow")
    fig = plotting.draw(data, figure)
    for ax, workflow in zip(fig.axes, WORKFLOWS, strict=True):
        drawn = lines(ax)
        for t in (0, 3):
            at = {"workflow": workflow, "generation": t, "ridge": RIDGES}
            expected = data.test_error.sel(at).sel(statistic="mean")
            np.testing.assert_array_equal(drawn[str(t)], expected)
        dark, light = (
            line.get_color() for line in ax.lines if line.get_marker() == "o"
        )
        assert sum(colors.to_rgb(dark)) < sum(colors.to_rgb(light))
    shown = texts(fig)
    assert shown.index("generation t = 0") + 1 == shown.index("t = 3")
    assert not any("seeds at t" in text for text in shown)
    assert_nothing_overlaps(fig)


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (Figure(x="ridge", hue="ridge", columns="ddof"), "hue: ridge is the x axis"),
        (Figure(x="ridge", columns="ridge"), "columns: ridge is the x axis"),
        (Figure(hue="generation"), "hue: generation is the x axis"),
        (Figure(x="ridge", rows="generation"), "generation can only be x or hue"),
        (Figure(x="workflow", hue="ridge"), "x: workflow has no numbers"),
        (Figure(x="ridge"), "ddof has 2 values and no place; name it as x, hue"),
        (Figure(x="ddof", x_scale="log", columns="ridge"), "ddof has the value 0, "),
        (
            Figure(x="ridge", hue="generation", columns="ddof", generations=(0, 99)),
            "generations: 99 is not there; stay within 0..11",
        ),
        (
            Figure(x="ridge", columns="ddof", generations=(0, 1)),
            "generations: several, but hue is not generation; name one, or hue = ",
        ),
        (
            Figure(x="ridge", hue="generation", columns="ddof"),
            "workflow has 3 values and no place",
        ),
    ],
)
def test_an_axis_that_cannot_be_drawn_is_refused(figure, message):
    with pytest.raises(InputError, match=message) as caught:
        plotting.draw(summary("ridge", "ddof"), figure)
    assert "\n" not in str(caught.value)


def test_an_x_that_came_down_to_one_value_leaves_the_generations():
    data = summary(metrics=ENTROPY)
    figure = Figure(x="ridge", hue="generation", generations=(0, 3), x_scale="log")
    (ax,) = plotting.draw(data, figure).axes
    assert set(WORKFLOWS) <= set(lines(ax))
    assert ax.get_xlabel() == "number of fits, t + 1"
    np.testing.assert_array_equal(ax.lines[-1].get_xdata(), data.generation + 1)


def test_what_follows_from_all_generations_is_drawn_over_an_axis_alone(tmp_path):
    data = summary("ridge", metrics=["entropy", "test_error"], generations=200)
    data["until"] = data.test_error.isel(generation=3, drop=True)
    assert len(plotting.draw(data, Figure(rows="ridge")).axes) == 2 * 4
    figure = Figure(metrics=("until",), x="ridge", statistic="median")
    with pytest.raises(InputError, match="x: until does not change along generation"):
        plotting.draw(data, dataclasses.replace(figure, x="generation", rows="ridge"))
    path = publish(tmp_path, figure, data)
    small = xr.load_dataset(path, engine="h5netcdf")
    assert "generation" not in small.dims
    for fig in (plotting.draw(data, figure), plotting.draw(small, figure)):
        assert "median over seeds" in texts(fig)
        expected = data.until.sel(ridge=RIDGES, statistic="median", workflow="replace")
        np.testing.assert_allclose(lines(fig.axes[0])["replace"], expected, rtol=1e-4)
    with pytest.raises(InputError, match="generations: 3 is not there"):
        plotting.draw(small, dataclasses.replace(figure, generations=(3,)))


@pytest.mark.parametrize(
    ("x", "values", "shown"),
    [
        ("ridge", [1e-3, 1.0, 1e3], {"0.001", "1", "1000"}),
        ("ridge", [1e-6, 1.0], {r"$\mathdefault{10^{-6}}$"}),
        ("samples_per_generation", [10, 32, 100], {"10", "20", "50", "100"}),
    ],
)
def test_ticks_of_a_log_axis_are_plain_unless_long(x, values, shown):
    data = summary("dimension", metrics=ENTROPY)
    data = data.isel(dimension=slice(len(values))).rename(dimension=x)
    data = data.assign_coords({x: values})
    (ax,) = plotting.draw(data, Figure(x=x, x_scale="log")).axes
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    low, high = ax.get_xlim()
    assert shown <= {text.get_text() for v, text in ticks if low <= v <= high}


def image(path):
    """The figure of a published file, as bytes."""
    png, svg = redraw(path)
    assert (png.suffix, svg.suffix) == (".png", ".svg")
    return svg.read_bytes()


@pytest.mark.parametrize(
    ("generations", "kept"), [((), [199]), ((7,), [7]), ((0, 7, 133), [0, 7, 133])]
)
def test_of_a_figure_over_an_axis_the_drawn_generations_are_kept(
    tmp_path, generations, kept
):
    data = summary("ridge", generations=200)
    hue = "generation" if len(generations) > 1 else "workflow"
    figure = Figure(
        metrics=("entropy",),
        x="ridge",
        hue=hue,
        generations=generations,
        columns="workflow" if hue == "generation" else "",
        levels=(1.0,),
        levels_label="one",
    )
    path = publish(tmp_path, figure, data)
    small = xr.load_dataset(path, engine="h5netcdf")
    assert small.generation.values.tolist() == kept
    direct = plotting.draw(small, figure)
    drawn = lines(direct.axes[0])
    full = lines(plotting.draw(data, figure).axes[0])
    assert drawn.keys() == full.keys()
    for name, values in full.items():
        np.testing.assert_allclose(drawn[name], values, rtol=1e-4)
    plotting.save(direct, tmp_path / "direct", figure)
    assert image(path) == (tmp_path / "direct.svg").read_bytes()


def test_an_x_of_one_value_is_published_with_its_generations(tmp_path):
    figure = Figure(metrics=("entropy",), x="ridge", generations=(2,))
    path = publish(tmp_path, figure, summary(generations=200))
    assert xr.load_dataset(path, engine="h5netcdf").sizes["generation"] > 100
    redraw(path)


def test_files_of_before_are_redrawn_as_they_were(tmp_path):
    """Their figures lack fields that were thought of later."""
    figure = Figure(metrics=("entropy",), columns="ddof")
    path = publish(tmp_path, figure, summary("ddof"))
    now = image(path)
    data = xr.load_dataset(path, engine="h5netcdf")
    fields = json.loads(data.attrs["figure"])
    for name in ("x", "generations", "levels", "levels_label"):
        del fields[name]
    data.attrs["figure"] = json.dumps(fields)
    results.write_dataset(data, path)
    assert image(path) == now


def level(data, value, label="", **options):
    """The panel of a figure with one level: heights of dotted lines, texts, limits."""
    figure = Figure(levels=value, levels_label=label, **options)
    fig = plotting.draw(data, figure)
    (ax, *_) = fig.axes
    dotted = [line.get_ydata()[0] for line in ax.lines if line.get_lw() == 0.8]
    return fig, ax, dotted


def band(axes=()):
    """Curves at 1 with bands from 0.5 to 1.5."""
    data = summary(*axes, metrics=ENTROPY).drop_vars("entropy_theory")
    for statistic, value in (("mean", 1), ("median", 1), ("low", 0.5), ("high", 1.5)):
        data.entropy.loc[{"statistic": statistic}] = value
    return data


@pytest.mark.parametrize("y_scale", ["linear", "log"])
def test_levels_near_the_curves_are_in_view_and_far_ones_are_not(y_scale):
    _, ax, dotted = level(band(), (), y_scale=y_scale)
    before = ax.get_ylim()
    fig, ax, dotted = level(band(), (1.0, 2.5, 900.0, 0.0), "π²/6", y_scale=y_scale)
    assert dotted == [1.0, 2.5] + [0.0] * (y_scale == "linear")
    assert before[1] < 2.5 < ax.get_ylim()[1] < 900
    (text,) = ax.texts
    assert text.get_text() == "π²/6" and text.xy == (1, 2.5)
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    box, panel = text.get_window_extent(renderer), ax.get_window_extent(renderer)
    assert panel.x0 <= box.x0 and 0 <= panel.x1 - box.x1 < 0.03 * panel.width
    assert panel.y0 <= box.y0 and box.y1 <= panel.y1
    assert level(band(), (900.0,), "far")[1].texts[:] == []


@pytest.mark.parametrize("height", [0.75, 1.0, 1.54])
def test_the_label_of_a_level_is_just_above_it_where_there_is_room(height):
    fig, ax, _ = level(band(), (height,), r"$\no math$")
    fig.draw_without_rendering()
    box = ax.texts[0].get_window_extent(fig.canvas.get_renderer())
    y = ax.transData.transform((0, height))[1]
    gap = box.y0 - y if height < 1.5 else y - box.y1
    assert 0 <= gap < 8
    assert r"$\no math$" in texts(fig)


def test_levels_are_in_every_panel():
    data = summary("ddof", metrics=["entropy", "test_error"])
    for figure in (Figure(columns="ddof"), Figure(rows="ddof", metrics=ENTROPY)):
        figure = dataclasses.replace(figure, levels=(1.0,), levels_label="one")
        for ax in plotting.draw(data, figure).axes:
            assert [text.get_text() for text in ax.texts].count("one") == 1


def test_levels_of_a_metric_are_named_and_near_ones_share_a_label():
    data = band()
    data.entropy.attrs["levels"] = '{"high": 1.4, "low": 0.6, "lower": 0.59, "far": 90}'
    fig, ax, dotted = level(data, ())
    assert dotted == [0.59, 0.6, 1.4]
    labels = {text.get_text(): text for text in ax.texts}
    assert {name: text.xy[1] for name, text in labels.items()} == {
        "lower, low": 0.6,
        "high": 1.4,
    }
    curve = max(ax.lines, key=lambda line: line.get_lw())
    assert all(text.get_zorder() < curve.get_zorder() for text in labels.values())


def test_coordinates_are_spelled_for_a_reader():
    names = {
        "noise_variance": ("noise variance σ² = 0.5", "σ² = 1e-06"),
        "ridge": ("ridge λ = 0.5", "λ = 1e-06"),
        "learner_ridge": ("learner's ridge λ = 0.5", "λ = 1e-06"),
        "synthetic_bias": ("bias δ² = 0.5", "δ² = 1e-06"),
    }
    data = summary("ddof", metrics=ENTROPY).assign_coords(ddof=[0.5, 1e-6])
    for name, spelled in names.items():
        figure = Figure(hue=name, columns="workflow")
        shown = texts(plotting.draw(data.rename(ddof=name), figure))
        assert shown.index(spelled[0]) + 1 == shown.index(spelled[1])
    design = summary("design", metrics=ENTROPY)
    shown = texts(plotting.draw(design, Figure(hue="design", columns="workflow")))
    assert shown.index("design: fixed") + 1 == shown.index("fresh")
    assert "design: fresh" in texts(plotting.draw(design, Figure(columns="design")))
    learner = data.assign_coords(ddof=[10, 20]).rename(ddof="learner_samples")
    shown = texts(plotting.draw(learner, Figure(columns="learner_samples")))
    assert "learner's samples T = 20" in shown


@pytest.mark.parametrize(("low", "shaded"), [(0.0, True), (-0.5, True), (None, False)])
def test_a_band_that_reaches_0_is_drawn_down_to_a_log_axis(low, shaded):
    """Else it would vanish where it says the most: that little is known."""
    data = summary(workflows=["replace"], metrics=["mean_error"], generations=4)
    middle = data.mean_error.sel(statistic="mean")
    data.mean_error.loc[{"statistic": "mean_low"}] = middle if low is None else low
    data = data.drop_vars("mean_error_theory")
    figure = Figure(metrics=("mean_error",), band="mean", y_scale="log")
    fig = plotting.draw(data, figure)
    pixels = np.asarray(pixels_of(fig))
    x, y = fig.axes[0].transAxes.transform((0.4, 0.01)).astype(int)
    assert (pixels[len(pixels) - y, x, :3] < 255).any() == shaded


def pixels_of(fig):
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return canvas.buffer_rgba()


def test_only_the_first_column_has_numbers_at_its_log_axis():
    data = band(axes=("ddof",))  # within a decade, where minor ticks are named
    first, second = plotting.draw(data, Figure(columns="ddof", y_scale="log")).axes
    shown = [
        sum(bool(text.get_text()) and text.get_visible() for text in labels)
        for ax in (first, second)
        for labels in [[*ax.get_yticklabels(), *ax.get_yticklabels(minor=True)]]
    ]
    assert shown[0] > 1 and shown[1] == 0
