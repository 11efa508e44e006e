"""Figures show the numbers they were given, nothing less, in the same bytes always."""

import dataclasses
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import xarray as xr
from figure_cases import (
    AXES,
    METRICS,
    NUMBERS,
    WORKFLOWS,
    assert_nothing_overlaps,
    lines,
    publish,
    summary,
    texts,
)
from matplotlib import colors

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.figures import curves
from collapse.figures import draw as plotting
from collapse.figures.redraw import main, redraw
from collapse.figures.spec import Figure


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def snapshots(dimension, workflows=WORKFLOWS, times=(0, 5, 10), rows=500):
    shape = (len(workflows), len(times), rows, dimension)
    scale = np.array([1 / (1 + t) for t in times])[:, None, None]
    return xr.Dataset(
        {
            "samples": (
                ["workflow", "snapshot", "row", "dimension"],
                NUMBERS.normal(size=shape) * scale,
            )
        },
        {"workflow": list(workflows), "snapshot": list(times)},
        {"axes": []},
    )


LAYOUTS = {  # axes of the summary, figure, rows and columns of panels
    "one metric": ((), Figure(metrics=("test_error",)), 1, 1),
    "two metrics": ((), Figure(metrics=tuple(METRICS[:2])), 1, 2),
    "four metrics": ((), Figure(metrics=tuple(METRICS[:4])), 2, 2),
    "all metrics": ((), Figure(), 2, 3),
    "columns": (
        ("dimension",),
        Figure(metrics=tuple(METRICS[:2]), columns="dimension", statistic="median"),
        2,
        3,
    ),
    "columns and rows": (
        ("samples_per_generation", "ddof"),
        Figure(
            metrics=("variance_ratio", "mean_error"),
            columns="samples_per_generation",
            rows="ddof",
            x_scale="log",
            y_scale="log",
        ),
        4,
        2,
    ),
    "hue of numbers": (
        ("dimension", "samples_per_generation"),
        Figure(
            metrics=("test_error",),
            hue="samples_per_generation",
            columns="workflow",
            rows="dimension",
        ),
        3,
        3,
    ),
    "hue is the column": ((), Figure(metrics=("entropy",), columns="workflow"), 1, 3),
    "rows alone": (("ddof",), Figure(metrics=("entropy",), rows="ddof"), 2, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_drawn_and_nothing_overlaps(layout):
    axes, figure, rows, columns = LAYOUTS[layout]
    long = "Words that fill a line and more than a line of the figure, whatever width. "
    figure = dataclasses.replace(figure, title=long * 2, caption=long * 4)
    data = summary(*axes)
    for metric in METRICS:
        data[metric].attrs["long_name"] = (
            "a name that is longer than any side of a panel"
        )
    fig = plotting.draw(data, figure)
    free = 5 if layout == "all metrics" else rows * columns
    assert len(fig.axes) == free
    grid = fig.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (rows, columns)
    written = [" ".join(text.get_text().split()) for text in fig.texts]
    assert sorted(written) == sorted([(long * 2).strip(), (long * 4).strip()])
    assert_nothing_overlaps(fig)
    heights = [ax.get_position().height * fig.get_figheight() for ax in fig.axes]
    assert min(heights) > 1  # inches: title, legend and caption came on top


def test_the_overlap_of_a_text_would_be_seen():
    fig = plotting.draw(summary(), Figure(title="A title"))
    fig.texts[-1].set_y(fig.get_figheight() - 0.4)
    with pytest.raises(AssertionError):
        assert_nothing_overlaps(fig)


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("x_scale", ["linear", "log"])
def test_curves_bands_and_theory_are_the_numbers_that_went_in(statistic, x_scale):
    data = summary()
    fig = plotting.draw(data, Figure(statistic=statistic, x_scale=x_scale))
    for ax, metric in zip(fig.axes, METRICS, strict=True):
        drawn = lines(ax)
        assert set(drawn) == {*WORKFLOWS, "replace theory"}
        for workflow, band in zip(WORKFLOWS, ax.collections, strict=True):
            one = data[metric].sel(workflow=workflow)
            np.testing.assert_array_equal(
                drawn[workflow], one.sel(statistic=statistic).values
            )
            vertices = band.get_paths()[0].vertices
            assert vertices[:, 1].max() == one.sel(statistic="high").max()
            assert vertices[:, 1].min() == one.sel(statistic="low").min()
        np.testing.assert_array_equal(
            drawn["replace theory"],
            data[f"{metric}_theory"].sel(workflow="replace").values,
        )
        shift = x_scale == "log"
        np.testing.assert_array_equal(
            ax.lines[-1].get_xdata(), data.generation.values + shift
        )
        assert ax.get_xscale() == x_scale


def test_every_panel_shows_its_own_row_column_and_hue():
    data = summary("dimension", "samples_per_generation")
    figure = LAYOUTS["hue of numbers"][1]
    panels = iter(plotting.draw(data, figure).axes)
    for dimension in AXES["dimension"]:
        for workflow in WORKFLOWS:
            drawn = lines(next(panels))
            for n in AXES["samples_per_generation"]:
                at = {"dimension": dimension, "samples_per_generation": n}
                expected = data.test_error.sel(
                    **at, statistic="mean", workflow=workflow
                )
                np.testing.assert_array_equal(drawn[str(n)], expected.values)


def test_theory_is_dashed_darker_and_on_top():
    ax = plotting.draw(summary(metrics=["entropy"]), Figure()).axes[0]
    by_label = {line.get_label(): line for line in ax.lines}
    theory, line = by_label["replace theory"], by_label["replace"]
    assert theory.get_linestyle() != "-" and line.get_linestyle() == "-"
    assert theory.get_zorder() > max(by_label[w].get_zorder() for w in WORKFLOWS)
    assert sum(colors.to_rgb(theory.get_color())) < sum(colors.to_rgb(line.get_color()))


def test_the_legend_explains_hue_line_theory_and_band():
    data = summary(metrics=["entropy", "test_error"])
    fig = plotting.draw(data, Figure(statistic="median"))
    (legend,) = fig.legends
    words = [text.get_text() for text in legend.get_texts()]
    band = "band: 5 % to 95 % of seeds"
    assert words == [*WORKFLOWS, "median over seeds", "theory of the mean", band]
    (legend,) = plotting.draw(data, Figure(statistic="mean")).legends
    assert legend.get_texts()[-2].get_text() == "theory"
    bare = data.drop_vars(["entropy_theory", "test_error_theory"])
    assert "theory" not in texts(plotting.draw(bare, Figure()))


def test_names_and_units_are_written():
    figure = Figure(metrics=("test_error",), statistic="mean", title=r"$\no math$")
    fig = plotting.draw(summary(), figure)
    assert {r"$\no math$", "test error (excess log-loss)", "nats"} <= set(texts(fig))
    axes, figure, *_ = LAYOUTS["columns and rows"]
    figure = dataclasses.replace(figure, metrics=("entropy",))
    shown = set(texts(plotting.draw(summary(*axes), figure)))
    assert {"samples n = 10", "ddof = 1", "number of fits, t + 1"} <= shown
    data = summary(metrics=["speed"])
    assert "speed" in texts(plotting.draw(data, Figure(statistic="mean")))
    data["speed"].attrs = {"long_name": "velocity", "units": "m/s"}
    assert {"velocity", "m/s"} <= set(
        texts(plotting.draw(data, Figure(statistic="mean")))
    )


def test_ratios_to_the_truth_have_a_line_at_one():
    fig = plotting.draw(summary(), Figure(metrics=("variance_ratio", "test_error")))
    ratio, error = ([line.get_ydata() for line in ax.lines] for ax in fig.axes)
    assert [1.0, 1.0] in [list(y) for y in ratio]
    assert [1.0, 1.0] not in [list(y) for y in error]


def test_a_workflow_keeps_its_colour():
    alone = curves.colours("workflow", ["replace"])["replace"]
    assert curves.colours("workflow", WORKFLOWS)["replace"] == alone
    mixes = [f"mix {share} fresh" for share in (0.1, 0.2, 0.5)]
    every = curves.colours("workflow", [*WORKFLOWS[:2], "window 5", *mixes, "new"])
    assert len(set(every.values())) == len(every) == 7
    numbers = curves.colours("dimension", [1, 2, 4, 8])
    light = [sum(colors.to_rgb(colour)) for colour in numbers.values()]
    assert light == sorted(light)


def flat(value=1.0):
    """Three calm workflows around `value` with bands of a tenth of it."""
    data = summary(metrics=["test_error"]).drop_vars("test_error_theory")
    for statistic, factor in (("mean", 1), ("median", 1), ("low", 0.9), ("high", 1.1)):
        data.test_error.loc[{"statistic": statistic}] = factor * value
    return data


@pytest.mark.parametrize("y_scale", ["linear", "log"])
def test_a_wild_band_does_not_flatten_the_curves(y_scale):
    data, figure = flat(), Figure(y_scale=y_scale)
    calm = plotting.draw(data, figure).axes[0].get_ylim()
    assert calm[0] < 0.9 and calm[1] > 1.1  # whole bands
    late = {"statistic": "high", "workflow": "replace", "generation": [9, 10, 11]}
    data.test_error.loc[late] = [1e3, 1e6, np.inf]
    wild = plotting.draw(data, figure).axes[0].get_ylim()
    assert wild[0] < 0.9 and 1.1 < wild[1] < 3


def test_theory_and_an_ordinary_mean_are_always_in_view():
    data = flat()
    data["test_error_theory"] = data.test_error.sel(statistic="mean") * 50
    low, high = plotting.draw(data, Figure()).axes[0].get_ylim()
    assert low < 0.9 and high > 50
    data = flat()  # a mean that a few seeds carry off is not ordinary
    data.test_error.loc[{"statistic": "mean", "workflow": "replace"}] = 1e9
    assert plotting.draw(data, Figure()).axes[0].get_ylim()[1] < 10


@pytest.mark.parametrize("y_scale", ["linear", "log"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 1e-300, 1e300])
def test_strange_values_are_drawn_in_silence(value, y_scale):
    figure = Figure(y_scale=y_scale)
    for data in (flat(), flat(value)):
        data.test_error.loc[{"generation": [3, 4], "workflow": "replace"}] = value
        fig = plotting.draw(data, figure)
        assert np.isfinite(fig.axes[0].get_ylim()).all()
        zero = fig.axes[0].transData.transform((1, 0))  # clipped on a log axis
        assert np.isfinite(zero).all()
    shown = np.isfinite(value) and abs(value) < 1e300
    shown &= y_scale == "linear" or 1e-200 < value
    assert ("no value to show" in texts(fig)) == (not shown)


def test_a_single_generation_and_a_single_workflow_are_drawn():
    data = summary("ddof", workflows=["replace"], generations=1, metrics=["entropy"])
    fig = plotting.draw(data, Figure(columns="ddof"))
    assert [len(lines(ax)["replace"]) for ax in fig.axes] == [1, 1]


@pytest.mark.parametrize("axes", ["", [], "ddof", np.array(["ddof"]), None])
def test_the_list_of_axes_may_come_back_in_any_form(axes):
    data = summary("ddof", metrics=["entropy"])
    data.attrs = {} if axes is None else {"axes": axes}
    assert len(plotting.draw(data, Figure(columns="ddof")).axes) == 2


def test_a_coordinate_without_a_place_is_refused_by_name():
    data = summary("dimension", "ddof")
    with pytest.raises(ValueError, match="dimension has 3 values and no place"):
        plotting.draw(data, Figure(columns="ddof"))
    with pytest.raises(InputError, match="workflow has 3 values"):
        plotting.draw(data, Figure(hue="ddof", columns="dimension"))
    plotting.draw(data, Figure(columns="ddof", rows="dimension", metrics=("entropy",)))


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (Figure(metrics=("speed",)), "speed was not measured"),
        (Figure(rows="workflow", columns="workflow"), "workflow is in the columns"),
        (Figure(statistic="mode"), "has no mode"),
        (Figure(kind="samples"), "no samples were kept"),
    ],
)
def test_what_cannot_be_drawn_is_refused(figure, message):
    with pytest.raises(InputError, match=message):
        plotting.draw(summary(), figure)


def test_an_axis_that_came_down_to_one_value_is_left_out():
    figure = Figure(hue="dimension", columns="samples_per_generation", rows="ddof")
    fig = plotting.draw(summary(metrics=["entropy"]), figure)
    assert len(fig.axes) == 1 and set(WORKFLOWS) <= set(texts(fig))


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_samples_keep_the_axes_of_the_first_snapshot(dimension):
    data = snapshots(dimension)
    fig = plotting.draw(data, Figure(kind="samples", title="Title", caption="Caption"))
    assert len(fig.axes) == 9
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in fig.axes}) == 1
    first = data.samples.sel(snapshot=0)[..., 0].values
    low, high = fig.axes[0].get_xlim()
    assert low < first.min() and first.max() < high
    assert {"generation 5", *WORKFLOWS} <= set(texts(fig))
    assert_nothing_overlaps(fig)
    if dimension > 1:
        points = fig.axes[5].collections[0].get_offsets()
        np.testing.assert_array_equal(points, data.samples[1, 2, :, :2])
        spans = [np.ptp(limits) for limits in (fig.axes[0].get_xlim(), (low, high))]
        assert spans[0] == pytest.approx(np.ptp(fig.axes[0].get_ylim()))
    else:
        (bars,) = fig.axes[5].patches
        values, edges, _ = bars.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1)


def test_dimensions_of_different_scale_get_their_own():
    data = snapshots(2)
    data["samples"] = data.samples * xr.DataArray([1.0, 100.0], dims="dimension")
    ax = plotting.draw(data, Figure(kind="samples")).axes[0]
    assert np.ptp(ax.get_ylim()) > 20 * np.ptp(ax.get_xlim())


def test_a_vector_image_of_many_points_stays_small(tmp_path):
    data = snapshots(2, times=(0, 5, 10, 20, 30, 40, 60), rows=20_000)
    figure = Figure(kind="samples")
    plotting.save(plotting.draw(data, figure), tmp_path / "figure", figure)
    assert (tmp_path / "figure.svg").stat().st_size < 500_000


@pytest.mark.parametrize("kind", ["curves", "samples"])
def test_the_layout_is_settled_before_its_last_bits_reach_a_file(kind):
    data = summary() if kind == "curves" else snapshots(2)
    fig = plotting.draw(data, Figure(kind=kind, title="A", caption="B"))
    before = [ax.get_position(original=True).bounds for ax in fig.axes]
    np.testing.assert_allclose(before, np.round(before, 6), rtol=1e-14)
    fig.draw_without_rendering()
    assert [ax.get_position(original=True).bounds for ax in fig.axes] == before


def test_a_redrawn_figure_has_the_same_bytes_in_another_process(tmp_path):
    figure = Figure(metrics=("variance_ratio", "entropy"), columns="ddof", caption="A")
    path = publish(tmp_path, figure, summary("ddof"))
    redraw(path)
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 30\naxes.facecolor: red\nsvg.fonttype: none\n")
    code = """if True:
        import runpy, sys
        try:
            runpy.run_module("collapse.plotting", run_name="__main__", alter_sys=True)
        finally:
            print("pyplot" if "matplotlib.pyplot" in sys.modules else "no pyplot")
    """
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), "--out", str(tmp_path / "new/folder")],
        env=os.environ | {"MATPLOTLIBRC": str(settings), "PYTHONHASHSEED": "7"},
        cwd=Path(plotting.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("mix 0.1.svg\nno pyplot\n")
    for name in ("mix 0.1.svg", "mix 0.1.png"):
        again = tmp_path / "new" / "folder" / name
        assert (tmp_path / name).read_bytes() == again.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [
        "matplotlibrc",
        "mix 0.1.png",
        "mix 0.1.svg",
    ]


def test_complete_results_are_redrawn_too(tmp_path):
    data = xr.Dataset(
        {
            "entropy": (
                ["workflow", "seed", "generation"],
                NUMBERS.normal(size=(1, 9, 5)),
            )
        },
        {"workflow": ["replace"], "generation": np.arange(5)},
        {"axes": "", "figure": json.dumps(dataclasses.asdict(Figure()))},
    )
    results.write_dataset(data, tmp_path / "results.nc")
    redraw(tmp_path / "results.nc", tmp_path)
    assert (tmp_path / "results.svg").exists()


def bad_files(folder):
    (folder / "text.nc").write_text("not a dataset")
    plain = summary()
    results.write_dataset(plain, folder / "plain.nc")
    for name, figure in {"unknown": '{"colour": 1}', "broken": "{"}.items():
        plain.attrs["figure"] = figure
        results.write_dataset(plain, folder / f"{name}.nc")
    plain.attrs["figure"] = json.dumps(dataclasses.asdict(Figure(metrics=("speed",))))
    results.write_dataset(plain, folder / "metric.nc")
    names = ["text.nc", "plain.nc", "unknown.nc", "broken.nc", "metric.nc", "none.nc"]
    return [[str(folder / name)] for name in [*names, "."]]


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    for arguments in [*bad_files(tmp_path), [], ["a.nc", "--colour"]]:
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert said.err.startswith("error: ")
        assert not arguments or Path(arguments[-1]).name in said.err
    assert not list(tmp_path.glob("*.png"))


def test_a_figure_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fig = plotting.draw(summary(), Figure())

    def stop(path, **_):
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(fig, "savefig", stop)
    with pytest.raises(KeyboardInterrupt):
        plotting.save(fig, tmp_path / "figure", Figure())
    assert list(tmp_path.iterdir()) == []


def test_settings_are_left_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    data = summary(metrics=["entropy"])
    plotting.save(plotting.draw(data, Figure()), tmp_path / "figure", Figure())
    assert dict(matplotlib.rcParams) == before


def test_a_figure_for_a_paper_has_its_width_and_its_caption_in_a_file(tmp_path):
    caption = "What it shows: a caption of its own."
    figure = Figure(metrics=("entropy", "variance_ratio"), caption=caption)
    path = publish(tmp_path, figure, summary())
    arguments = [str(path), "--out", str(tmp_path / "paper"), "--formats", "pdf", "svg"]
    assert main([*arguments, "--width", "column", "--caption-in", "file"]) == 0
    files = sorted(p.name for p in (tmp_path / "paper").iterdir())
    stem = path.stem
    assert files == [f"{stem}.pdf", f"{stem}.svg", f"{stem}.txt"]
    assert (tmp_path / "paper" / f"{stem}.txt").read_text() == f"{caption}\n"
    assert (tmp_path / "paper" / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
    first = (tmp_path / "paper" / f"{stem}.pdf").read_bytes()
    assert main([*arguments, "--width", "column", "--caption-in", "file"]) == 0
    assert (tmp_path / "paper" / f"{stem}.pdf").read_bytes() == first
    for width, inches in {"column": 3.4, "page": 7.0}.items():
        fig = plotting.draw(summary(), dataclasses.replace(figure, width=width))
        assert fig.get_figwidth() == inches
        told = [text.get_text() for text in fig.texts]
        assert caption in " ".join(" ".join(told).split())
    apart = dataclasses.replace(figure, caption_in="file")
    assert caption not in [
        text.get_text() for text in plotting.draw(summary(), apart).texts
    ]
