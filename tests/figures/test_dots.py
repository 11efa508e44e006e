"""Curves over an axis of words: dots with intervals, side by side."""

import numpy as np
import pytest
import xarray as xr
from figure_cases import AXES, WORKFLOWS, assert_nothing_overlaps, lines, summary

from collapse.data.errors import InputError
from collapse.experiment.summary import summarise
from collapse.figures import draw as plotting
from collapse.figures.spec import Figure

pytestmark = pytest.mark.filterwarnings("error")
ENTROPY = ("entropy",)


def test_words_stand_in_their_order_with_the_numbers_that_went_in():
    data = summary("design", metrics=ENTROPY)
    fig = plotting.draw(data, Figure(x="design", band="mean", metrics=ENTROPY))
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.get_xticklabels()] == AXES["design"]
    drawn, last = lines(ax), data.entropy.isel(generation=-1)
    assert list(drawn) == WORKFLOWS
    where = [line.get_xdata() for line in ax.lines if line.get_label() in drawn]
    assert np.all(np.diff(where, axis=0) > 0.1)  # side by side
    assert np.all(np.abs(where - np.arange(2)) < 0.5)  # at their word
    for k, workflow in enumerate(WORKFLOWS):
        one = last.sel(workflow=workflow)
        np.testing.assert_array_equal(drawn[workflow], one.sel(statistic="mean"))
        for at, path in enumerate(ax.collections[k].get_paths()):
            (x, low), (_, high) = path.vertices
            assert x == where[k][at]
            ends = one.isel(design=at).sel(statistic=["mean_low", "mean_high"])
            np.testing.assert_array_equal([low, high], ends)
    assert_nothing_overlaps(fig)


def test_an_interval_without_end_goes_to_the_edge():
    data = summary("design", workflows=["replace"], metrics=ENTROPY)
    data["entropy"] = data.entropy.where(data.statistic != "mean_high", np.inf)
    fig = plotting.draw(data, Figure(x="design", band="mean", metrics=ENTROPY))
    (ax,) = fig.axes
    top = max(path.vertices[:, 1].max() for path in ax.collections[0].get_paths())
    assert np.isfinite(ax.get_ylim()).all() and ax.get_ylim()[1] < top < np.inf
    (hollow,) = [line for line in ax.lines if line.get_label() == "_open"]
    mean = data.entropy.sel(statistic="mean", workflow="replace").isel(generation=-1)
    np.testing.assert_array_equal(hollow.get_ydata(), mean)


def test_single_seeds_are_dots_at_their_word():
    seeds = np.random.default_rng(1).normal(size=(3, 2, 2))
    dims = ["seed", "design", "generation"]
    coords = {"design": AXES["design"], "workflow": "replace", "generation": [0, 1]}
    data = xr.Dataset({"entropy": (dims, seeds)}, coords, {"axes": ["design"]})
    data = summarise(data.expand_dims("workflow"))
    (ax,) = plotting.draw(data, Figure(x="design", metrics=ENTROPY)).axes
    shown = [line.get_ydata() for line in ax.lines if line.get_marker() == "."]
    np.testing.assert_array_equal(np.sort(shown, 0), np.sort(seeds[..., -1], 0))
    assert not ax.collections


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"x_scale": "log"}, "x_scale: design has words, no numbers; use linear"),
        ({"metrics": ("tail_mass_5pct_outcome",)}, "x: design has no numbers"),
        ({"kind": "density", "metrics": ENTROPY}, "x: design; a density has values"),
    ],
)
def test_what_words_cannot_do_is_refused(own, said):
    figure = Figure(**{"x": "design", "metrics": ENTROPY} | own)
    with pytest.raises(InputError, match=f"^{said}"):
        figure.check({"design": AXES["design"], "workflow": WORKFLOWS})
