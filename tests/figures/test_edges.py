"""Limits of an axis, and points beyond them."""

import dataclasses

import numpy as np
import pytest
from figure_cases import (
    WORKFLOWS,
    assert_nothing_overlaps,
    summary,
    texts,
)

from collapse.data.errors import InputError
from collapse.figures import draw as plotting
from collapse.figures.declaration import from_json, to_json
from collapse.figures.spec import Figure

pytestmark = pytest.mark.filterwarnings("error")
ENTROPY = ("entropy",)


def with_a_wild_curve():
    """Two workflows near 1, and one that explodes at generations 2, 3 and 5."""
    data = summary(workflows=WORKFLOWS, metrics=["entropy"], generations=6)
    data = data.drop_vars("entropy_theory")
    data.entropy[:] = 1.0 + 0.1 * np.arange(6)
    wild = {"workflow": WORKFLOWS[2]}
    data.entropy.loc[{**wild, "generation": [2, 3, 5]}] = 1e6
    data.entropy.loc[{**wild, "generation": 1}] = 1e-6
    return data


@pytest.mark.parametrize("y_scale", ["log", "auto"])
def test_one_wild_curve_is_cut_at_limits_and_marked_at_the_edge(y_scale):
    figure = Figure(metrics=ENTROPY, statistic="mean", y_scale=y_scale)
    free = plotting.draw(with_a_wild_curve(), figure)
    assert free.axes[0].get_ylim()[1] > 1e5
    figure = dataclasses.replace(figure, y_limits=(0.5, 10.0))
    fig = plotting.draw(with_a_wild_curve(), figure)
    (ax,) = fig.axes
    low, high = ax.get_ylim()
    assert low == 0.5 and high == 10
    marks = {x.get_marker(): x for x in ax.lines if x.get_label() == "_beyond"}
    assert set(marks) == {"v", "^"}
    np.testing.assert_array_equal(marks["v"].get_xydata(), [[1, low]])
    # of generations 2 and 3, which are one stretch, the first
    np.testing.assert_array_equal(marks["^"].get_xydata(), [[2, high], [5, high]])
    assert "beyond this axis" in texts(fig)
    assert_nothing_overlaps(fig)


def test_limits_make_no_axis_larger_and_no_mark_where_all_is_within():
    data = with_a_wild_curve().isel(workflow=[0, 1])
    figure = Figure(metrics=ENTROPY, statistic="mean")
    wide = dataclasses.replace(figure, y_limits=(1e-9, 1e9))
    first, second = (plotting.draw(data, one) for one in (figure, wide))
    assert first.axes[0].get_ylim() == second.axes[0].get_ylim()
    assert texts(first) == texts(second)
    above = dataclasses.replace(figure, y_limits=(50.0, 60.0))  # where nothing is
    third = plotting.draw(data, above)
    assert third.axes[0].get_ylim() == first.axes[0].get_ylim()


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ({"y_limits": (1.0,)}, "y_limits: .1.0.; give the least and the largest"),
        ({"y_limits": (2.0, 1.0)}, "y_limits: .2.0, 1.0.; give the least"),
        ({"y_limits": (0.0, float("inf"))}, "y_limits: .*; give the least"),
        ({"y_limits": (0.0, 1.0), "y_scale": "log"}, "y_limits: 0 is on no log axis"),
        ({"y_limits": (0.0, 1.0), "kind": "profile"}, "y_limits: only of curves"),
    ],
)
def test_limits_that_are_none_are_refused(figure, said):
    with pytest.raises(InputError, match=said):
        Figure(**figure).check({})


def test_limits_are_told_where_they_are_set():
    """So that what was drawn before is the same figure."""
    set_, free = Figure(y_limits=(0.5, 2.0)), Figure()
    assert "y_limits" not in to_json([free]) and "y_limits" in to_json([set_])
    assert from_json(to_json([set_])) == [set_]
