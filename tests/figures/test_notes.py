"""Notes on cells of a figure: where no finite mean is, and other things to know."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from figure_cases import (
    AXES,
    NUMBERS,
    assert_nothing_overlaps,
    publish,
    summary,
)

from collapse.experiment import results
from collapse.experiment.family import Family
from collapse.experiment.summary import summarise
from collapse.figures import draw as plotting
from collapse.figures.redraw import redraw
from collapse.figures.spec import Figure

pytestmark = pytest.mark.filterwarnings("error")

NOTE = "n ≤ d + 1: no finite mean"
WHITE = (1.0, 1.0, 1.0, 1.0)
ENTROPY = ("entropy",)


def noted(*axes, metrics=ENTROPY):
    """A summary with a note where the coordinate `dimension` is 4."""
    data = summary(*axes, metrics=metrics)
    shape = [len(AXES[axis]) for axis in axes]
    notes = np.full(shape, "", object)
    if axes:
        notes[tuple(slice(None) if a != "dimension" else 2 for a in axes)] = NOTE
    data["note"] = (list(axes), notes.astype(str))
    return data


def notes(ax):
    """The words inside a panel, on one line each."""
    found = [text for text in ax.texts if text.get_label() == "note"]
    return [" ".join(text.get_text().split()) for text in found]


def test_a_panel_of_a_cell_with_a_note_is_grey_and_says_it():
    data = noted("dimension", "ddof")
    fig = plotting.draw(data, Figure(columns="dimension", rows="ddof"))
    for k, ax in enumerate(fig.axes):
        has = k % 3 == 2
        assert notes(ax) == [NOTE] * has
        assert (ax.get_facecolor() == WHITE) != has
    assert_nothing_overlaps(fig)


@pytest.mark.parametrize(
    ("axes", "figure", "said"),
    [
        (("dimension",), Figure(hue="dimension", rows="workflow"), f"d = 4: {NOTE}"),
        (("dimension",), Figure(x="dimension"), f"d = 4: {NOTE}"),
        (
            ("design", "dimension"),
            Figure(x="dimension", hue="design", rows="workflow"),
            f"d = 4: {NOTE}",
        ),
    ],
)
def test_a_note_on_some_cells_of_a_panel_says_on_which(axes, figure, said):
    (ax, *_) = plotting.draw(noted(*axes), figure).axes
    assert notes(ax) == [said]


@pytest.mark.parametrize(("scale", "middle"), [("linear", 3.0), ("log", 8**0.5)])
def test_a_note_along_x_greys_the_part_of_the_panel_where_it_holds(scale, middle):
    data = noted("dimension")
    (ax,) = plotting.draw(data, Figure(x="dimension", x_scale=scale)).axes
    assert ax.get_facecolor() == WHITE
    (grey,) = [patch for patch in ax.patches if patch.get_zorder() == 0]
    low, high = grey.get_x(), grey.get_x() + grey.get_width()
    np.testing.assert_allclose((low, high), (middle, ax.get_xlim()[1]))
    data["note"] = xr.full_like(data.note, NOTE)
    (ax,) = plotting.draw(data, Figure(x="dimension", x_scale=scale)).axes
    assert ax.get_facecolor() != WHITE


def test_different_notes_are_listed_after_their_values():
    data = summary("design", "samples_per_generation", metrics=ENTROPY)
    cells = [["few", "few"], ["few", ""]]
    data["note"] = (["design", "samples_per_generation"], np.array(cells))
    figure = Figure(x="samples_per_generation", hue="design", rows="workflow")
    (ax, *_) = plotting.draw(data, figure).axes
    assert notes(ax) == ["fixed: few fresh: n = 10: few"]
    data["note"] = (["samples_per_generation"], np.array(["few", "many"]))
    (ax, *_) = plotting.draw(data, figure).axes
    assert notes(ax) == ["n = 10: few n = 100: many"]
    data["note"] = ([], np.array(r"$\all$"))
    (ax, *_) = plotting.draw(data, figure).axes
    assert notes(ax) == [r"$\all$"]


def test_a_long_note_is_broken_to_the_width_of_its_panel():
    data = noted("dimension", "ddof")
    data["note"] = data.note.astype(object)
    data["note"][:] = "words that fill more than a line of a panel of any width " * 2
    fig = plotting.draw(data, Figure(columns="dimension", rows="ddof"))
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    for ax in fig.axes:
        (text,) = (text for text in ax.texts if text.get_label() == "note")
        box, panel = text.get_window_extent(renderer), ax.get_window_extent(renderer)
        assert panel.x0 <= box.x0 and box.x1 <= panel.x1
        assert panel.y0 <= box.y0 and box.y1 <= panel.y1
        assert 0.7 * panel.width < box.width and "\n" in text.get_text()


@dataclasses.dataclass(frozen=True)
class Two(Family):
    """An experiment of two axes, of which one has a single value."""

    ridge: tuple[float, ...] = (0.1,)

    @classmethod
    def axes(cls):
        return ("ridge", "samples_per_generation")


def assembled(note, **fields):
    kind = type("Two", (Two,), {"note": lambda self, cell: note(cell)}) if note else Two
    experiment = kind(workflows=("replace",), num_generations=1, **fields)
    traces = {
        condition.key: {"entropy": NUMBERS.normal(size=(3, 2))}
        for condition in experiment.conditions()
    }
    return results.assemble(experiment, traces)


def small(cell):
    return NOTE if cell["samples_per_generation"] < 9 else ""


@pytest.mark.parametrize(
    ("sizes", "dims", "values"),
    [((5, 9), ("samples_per_generation",), [NOTE, ""]), ((5,), (), NOTE)],
)
def test_notes_reach_the_published_file(tmp_path, sizes, dims, values):
    data = assembled(small, samples_per_generation=sizes)
    results.write_dataset(data, tmp_path / "results.nc")
    figure = Figure(metrics=("entropy",), columns="samples_per_generation")
    path = publish(tmp_path, figure, summarise(data))
    for file in (tmp_path / "results.nc", path):
        again = xr.load_dataset(file, engine="h5netcdf")
        assert again.note.dims == dims and again.note.values.tolist() == values
    (ax, *_) = plotting.draw(again, figure).axes
    assert notes(ax) == [NOTE]
    redraw(path)


def test_a_note_stands_at_its_cell():
    def spelled(cell):
        return f"{cell['ridge']} {cell['samples_per_generation']}"

    data = assembled(spelled, ridge=(0.1, 1.0), samples_per_generation=(5, 9, 7))
    assert data.note.dims == ("ridge", "samples_per_generation")
    assert data.note.sel(ridge=1.0, samples_per_generation=9) == "1.0 9"
    assert data.note.sel(ridge=0.1, samples_per_generation=7) == "0.1 7"


def test_where_there_is_nothing_to_note_nothing_is_kept():
    assert "note" not in assembled(None, samples_per_generation=(5, 9))
    assert "note" not in assembled(small, samples_per_generation=(10, 20))
    experiment = Two(samples_per_generation=(5,))
    assert "note" not in assembled(experiment.note, samples_per_generation=(5,))
