"""The figure of a profile: its marks, its rows, what it refuses, and drawn again."""

import dataclasses
import json

import numpy as np
import pytest
from figure_cases import assert_nothing_overlaps, texts
from profile_cases import gaussian

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.experiment.profile import profile
from collapse.experiment.profile.definitions import DEFINITIONS
from collapse.experiment.summary import summarise
from collapse.figures.draw import draw
from collapse.figures.drawable import drawable
from collapse.figures.published import published
from collapse.figures.redraw import redraw
from collapse.figures.spec import Figure

FIGURE = Figure(kind="profile")
MARKERS = ("o", "|", ">", "<")


def data(groups=1, seeds=40):
    found = gaussian(groups, seeds)
    if groups > 1:
        return found
    return found.isel(group=0, drop=True).assign_attrs(axes=[])


def marks(ax):
    return [line for line in ax.lines if line.get_marker() in MARKERS]


def test_each_definition_is_a_row_with_a_mark_for_each_workflow():
    some = data()
    table = profile(some)
    fig = draw(drawable(some, [FIGURE]), FIGURE)
    (ax,) = fig.axes
    defined = table[table.verdict != "not defined"]
    found = marks(ax)
    assert len(found) == len(defined) == 11
    by_row = defined.assign(
        row=[[d.name for d in DEFINITIONS].index(n) for n in defined.definition]
    ).sort_values(["row", "workflow"], ascending=[True, False])
    low, high = ax.get_xlim()
    for line, (_, told) in zip(found, by_row.iterrows(), strict=True):
        (x,), (y,) = line.get_data()
        assert round(y) == told.row
        assert x == pytest.approx(np.clip(told.worse, low, high))
        inside = low <= told.worse <= high
        shape = "|" if told.verdict == "undecided" else "o"
        assert (line.get_marker() == shape) == inside
        if told.verdict != "undecided":
            hollow = line.get_markerfacecolor() == "white"
            assert hollow == (told.verdict == "no collapse")
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == "growth of test error\ntest_error"
    assert names[3] == "loss of support"
    assert [t.get_text().strip() for t in ax.texts] == ["not defined here"] * 2
    assert {"replace", "collapse", "no collapse", "undecided"} <= set(texts(fig))
    assert_nothing_overlaps(fig)


def test_a_grid_has_a_panel_for_each_value_or_a_colour():
    some = data(3, seeds=12)
    fig = draw(drawable(some, [FIGURE]), dataclasses.replace(FIGURE, columns="group"))
    assert len(fig.axes) == 3 and len({ax.get_xlim() for ax in fig.axes}) == 1
    figure = dataclasses.replace(FIGURE, hue="group", columns="workflow")
    fig = draw(drawable(some, [figure]), figure)
    assert len(fig.axes) == 2 and "group = 0" in texts(fig)
    with pytest.raises(InputError, match="^figure: group has 3 values and no place"):
        draw(drawable(some, [FIGURE]), FIGURE)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"metrics": ("test_error",)}, "metrics: a profile shows definitions"),
        ({"x": "group"}, "x: group; a profile has no such axis"),
        ({"hue": "generation"}, "hue: a profile is of the last generation"),
    ],
)
def test_what_a_profile_does_not_have_is_refused(fields, said):
    with pytest.raises(InputError, match=f"^{said}"):
        dataclasses.replace(FIGURE, **fields).check({})


def test_without_every_seed_there_is_no_profile():
    with pytest.raises(InputError, match="nothing here has a profile"):
        draw(summarise(data()), FIGURE)
    assert "profile_worse" not in drawable(data(), [Figure()])


def test_a_published_profile_is_drawn_again_the_same(tmp_path):
    some = data(seeds=12)
    small = published(drawable(some, [FIGURE]), FIGURE)
    small.attrs["figure"] = json.dumps(dataclasses.asdict(FIGURE))
    results.write_dataset(small, tmp_path / "profile.nc")
    png, svg = redraw(tmp_path / "profile.nc")
    assert png.stat().st_size > 1000 and svg.stat().st_size > 1000
    again = results.read_dataset(tmp_path / "profile.nc")
    before = drawable(some, [FIGURE])
    np.testing.assert_allclose(again.profile_worse, before.profile_worse, rtol=1e-4)
    assert (again.profile_verdict == before.profile_verdict).all()
