"""Figures of kind "density": how values of one metric are spread over seeds."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from collapse.data.errors import InputError
from collapse.figures.densities import variables
from collapse.figures.draw import draw
from collapse.figures.drawable import drawable
from collapse.figures.published import published
from collapse.figures.spec import Figure

FIGURE = Figure(
    kind="density",
    metrics=("variance_ratio",),
    hue="generation",
    generations=(0, 3),
    columns="workflow",
    x_scale="log",
)


def results(num_seeds=4000):
    """A variance that is log-normal, of scale 1 at first and 10^-t later."""
    noise = np.random.default_rng(3).normal(size=(2, num_seeds, 4))
    dims = ["workflow", "seed", "generation"]
    values = 10 ** (0.2 * noise - np.arange(4.0) * np.array([1.0, 0.0])[:, None, None])
    told = {"long_name": "variance", "units": "ratio to truth"}
    return xr.Dataset(
        {"variance_ratio": (dims, values, told)},
        {"workflow": ["replace", "accumulate"], "generation": np.arange(4)},
        {"axes": []},
    )


def test_a_density_integrates_to_one_and_is_that_of_its_seeds():
    found = variables(results(), FIGURE)["variance_ratio_density"]
    log = np.log10(found["variance_ratio_of_a_run"].values)
    width = np.diff(log)
    np.testing.assert_allclose(width, width[0])
    drawn = found.sel(statistic="mean", generation=[0, 3])
    total = drawn.sum("variance_ratio_of_a_run") * width[0]
    assert ((total > 0.995) & (total <= 1 + 1e-12)).all()
    middle = (drawn * log).sum("variance_ratio_of_a_run") * width[0]
    np.testing.assert_allclose(middle.sel(workflow="replace"), [0, -3], atol=0.03)
    np.testing.assert_allclose(middle.sel(workflow="accumulate"), [0, 0], atol=0.02)
    inside = (found.sel(statistic="low") <= found.sel(statistic="mean")) & (
        found.sel(statistic="mean") <= found.sel(statistic="high")
    )
    assert (
        inside.sel(generation=[0, 3]).all() and np.isnan(found.sel(generation=1)).all()
    )


def test_on_a_linear_axis_and_with_what_is_not_finite():
    dataset = results()
    dataset["variance_ratio"][1, :2000, 3] = np.nan
    figure = Figure(kind="density", metrics=("variance_ratio",), columns="workflow")
    found = variables(dataset, figure)["variance_ratio_density"]
    width = np.diff(found["variance_ratio_of_a_run"].values)[0]
    last = found.sel(statistic="mean", workflow="accumulate", generation=3)
    assert last.sum() * width == pytest.approx(0.5, abs=0.01)
    assert found.attrs["units"] == "share of seeds per unit"


def test_it_is_drawn_and_drawn_again_from_what_is_published():
    summary = drawable(results(), [FIGURE])
    whole = draw(summary, FIGURE)
    again = draw(published(summary, FIGURE), FIGURE)
    for fig in (whole, again):
        left, right = fig.axes
        titles = [ax.get_title(loc="left") for ax in fig.axes]
        assert titles == ["replace", "accumulate"]
        peaks = [line.get_xdata()[np.argmax(line.get_ydata())] for line in left.lines]
        peaks = [x for x in peaks if np.isfinite(x) and x > 0]
        assert min(peaks) < 2e-3 and max(peaks) > 0.5
        assert (
            min(x.get_xdata()[np.argmax(x.get_ydata())] for x in right.lines[1:]) > 0.4
        )
        words = [text.get_text() for text in fig.legends[0].get_texts()]
        assert "band: 95 % confidence interval of the share" in words


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"metrics": ()}, "a density is of one"),
        ({"metrics": ("variance_ratio", "mean_error")}, "a density is of one"),
        ({"x": "dimension"}, "a density has values there"),
        ({"generations": (0, 9)}, "9 is not there"),
        ({"hue": "workflow", "columns": ""}, "hue is not generation"),
    ],
)
def test_what_it_does_not_have_is_said(changes, said):
    values = {"generation": range(4), "workflow": ["replace"], "dimension": [1, 2]}
    with pytest.raises(InputError, match=said):
        dataclasses.replace(FIGURE, **changes).check(values)
