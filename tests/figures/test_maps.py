"""Maps: which cell shows what, one scale of colours, marks, and what is refused."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from figure_cases import assert_nothing_overlaps, texts

from collapse.data.errors import InputError
from collapse.experiment.summary import STATISTICS
from collapse.figures import draw as plotting
from collapse.figures.published import published
from collapse.figures.spec import Figure

SHARES, SIZES, BIASES = [0.5, 0.1, 1.0], [10, 20, 40, 80], [1.0, 0.8]  # in no order
MAP = Figure(
    kind="map",
    metrics=("late_error",),
    x="synthetic_rows",
    y="real_fraction",
    columns="bias",
    statistic="mean",
    title="A map",
    caption="Of made-up numbers.",
)


def summary(units="nats"):
    """Means that tell which cell they belong to: share, then size, then bias."""
    shares, sizes, biases = np.meshgrid(SHARES, SIZES, BIASES, indexing="ij")
    means = 100 * shares + sizes / 100 + biases / 1000
    dims = ["real_fraction", "synthetic_rows", "bias"]
    rows = np.stack([means, means, means - 1, means + 1, means * 0])
    standing = np.zeros(means.shape, np.int8)
    standing[1, 2, 0], standing[1, 3, 0] = 2, 1
    marks = {"best": "best rows", "may_be_best": "as good"}
    variables = {
        "late_error": (["statistic", *dims], rows, {"units": units}),
        "standing": (dims, standing, marks),
    }
    coords = {"real_fraction": SHARES, "synthetic_rows": SIZES, "bias": BIASES}
    return xr.Dataset(variables, {**coords, "statistic": list(STATISTICS[:5])})


def images(fig):
    return [ax.images[0] for ax in fig.axes if ax.images]


def test_every_cell_shows_its_own_value_upwards_and_to_the_right():
    fig = plotting.draw(summary(), MAP)
    first, second = images(fig)
    expected = 100 * np.sort(SHARES)[:, None] + np.array(SIZES) / 100
    np.testing.assert_allclose(first.get_array(), expected + 0.001)
    np.testing.assert_allclose(second.get_array(), expected + 0.0008)
    assert first.origin == "lower"
    ax = first.axes
    assert [t.get_text() for t in ax.get_xticklabels()] == list(map(str, SIZES))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0.1", "0.5", "1"]
    assert ax.get_ylabel() == "real fraction" and second.axes.get_ylabel() == ""
    said = texts(fig)
    assert {"bias = 1", "bias = 0.8", "synthetic rows", "best rows"} <= set(said)
    assert any("mean over seeds" in " ".join(text.split()) for text in said)
    assert_nothing_overlaps(fig)


def test_panels_of_a_metric_share_their_colours():
    first, second = images(plotting.draw(summary(), MAP))
    assert first.norm is second.norm
    assert first.get_clim() == pytest.approx((10.1008, 100.801))


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "unit", ("ratio to truth", "ratio to reference", "ratio to real rows alone")
)
def test_ratios_lie_about_one(unit, scale):
    figure = dataclasses.replace(MAP, y_scale=scale)
    image = images(plotting.draw(summary(unit), figure))[0]
    assert image.norm(1.0) == pytest.approx(0.5)
    assert 0 <= image.norm(10.1008) and image.norm(100.801) == pytest.approx(1)
    plain = images(plotting.draw(summary(), figure))[0]
    assert plain.norm(10.1008) == pytest.approx(0)


def test_marks_stand_on_their_cells():
    fig = plotting.draw(summary(), MAP)
    first, second = (image.axes for image in images(fig))
    drawn = {line.get_marker(): line.get_xydata().tolist() for line in first.lines}
    assert drawn == {"*": [[2, 0]], "o": [[3, 0]]}  # the share 0.1 is the lowest row
    assert all(not len(line.get_xdata()) for line in second.lines)


def test_a_map_over_generations_has_no_marks():
    data = summary().expand_dims(generation=[0, 1, 2]).isel(bias=0, drop=True)
    data = data.assign(standing=summary().standing.isel(bias=0, drop=True))
    figure = dataclasses.replace(MAP, x="generation", columns="synthetic_rows")
    fig = plotting.draw(data, figure)
    assert all(not image.axes.lines for image in images(fig))
    assert "best rows" not in texts(fig)


def test_cells_that_stand_for_several_choices_have_no_marks():
    data = summary()
    twice = data.standing.expand_dims(weight=[0.5, 1.0])
    fig = plotting.draw(data.assign(standing=twice), MAP)
    assert all(not image.axes.lines for image in images(fig))
    assert "best rows" not in texts(fig)


def test_values_that_are_not_finite_are_left_grey():
    data = summary()
    data["late_error"] = data.late_error.where(data.real_fraction > 0.1)
    image = images(plotting.draw(data, MAP))[0]
    assert image.get_array().mask.sum() == 4


def test_many_values_have_few_ticks():
    many = [k / 40 for k in range(1, 41)]
    data = summary().interp(real_fraction=many, kwargs={"fill_value": "extrapolate"})
    ax = images(plotting.draw(data.drop_vars("standing"), MAP))[0].axes
    assert len(ax.get_yticks()) == 10 and len(ax.images[0].get_array()) == 40


def test_a_published_map_is_the_map(tmp_path):
    small = published(summary(), MAP)
    assert "standing" in small
    first, second = (images(plotting.draw(s, MAP))[0] for s in (summary(), small))
    np.testing.assert_allclose(first.get_array(), second.get_array(), rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"y": ""}, "y: empty"),
        ({"y": "synthetic_rows"}, "y: synthetic_rows is the x axis"),
        ({"columns": "real_fraction"}, "columns: real_fraction is the y axis"),
        ({"columns": ""}, "figure: bias has 2 values and no place"),
        ({"y": "weight"}, "y: weight has a single value"),
        ({"metrics": ("cost",)}, "metrics: cost was not measured"),
        ({"statistic": "median", "metrics": ("standing",)}, "statistic: standing"),
    ],
)
def test_what_is_no_map_is_refused(changes, said):
    with pytest.raises(InputError, match=f"^{said}"):
        plotting.draw(summary(), dataclasses.replace(MAP, **changes))
