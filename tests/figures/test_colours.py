"""Colours of workflows of a user's own: unlike each other's and the standard ones'."""

import pytest
from figure_cases import summary
from matplotlib import colors

from collapse.experiment.workflows import CYCLE, WorkflowKind, kinds, register, standard
from collapse.figures import draw as plotting
from collapse.figures.colours import colours
from collapse.figures.spec import Figure

STANDARD = {name: kind.colour for name, kind in kinds().items()}


def of(*labels):
    return colours("workflow", labels)


@pytest.fixture
def _registered():
    for name, colour in (("fade", ""), ("forget", ""), ("painted", "#123456")):
        register(WorkflowKind(name, lambda num_generations: None, colour=colour))
    yield
    for name in ("fade", "forget", "painted"):
        del standard._KINDS[name]


@pytest.mark.usefixtures("_registered")
def test_own_workflows_have_free_colours_of_the_cycle():
    """Registered or not; the first is black, as long as no other is."""
    found = of("replace", "fade", "accumulate", "forget", "mine", "painted")
    own = [found[name].upper() for name in ("fade", "forget", "mine")]
    assert own == ["#000000", "#CC79A7", "#56B4E9"]
    for name in ("replace", "accumulate"):
        assert found[name].upper() == STANDARD[name]
    assert found["painted"] == "#123456"
    beside_all = of(*STANDARD, "fade", "forget")
    assert {n: c.upper() for n, c in beside_all.items()} == {
        **STANDARD,
        "fade": "#000000",
        "forget": "#F0E442",
    }


def test_workflows_beyond_the_cycle_are_still_told_apart():
    names = [*STANDARD, *(f"own{k}" for k in range(6)), ""]
    found = of(*names)
    assert len(set(found.values())) == len(names)
    alone = of(*(f"own{k}" for k in range(8)))
    assert [c.upper() for c in alone.values()] == list(CYCLE)


@pytest.mark.parametrize("x", ["samples_per_generation", "generation"])
def test_more_hues_than_colours_are_told_apart_by_markers_too(x):
    """On each curve and in the legend, whether there are few points or many."""
    for many in (7, 8, 12):
        names = [f"own{k}" for k in range(many)]
        data = summary("samples_per_generation", workflows=names, generations=90)
        columns = "" if x == "samples_per_generation" else "samples_per_generation"
        figure = Figure(metrics=("entropy",), x=x, columns=columns)
        fig = plotting.draw(data, figure)
        drawn = {n: c for n, c in by_label(fig.axes[0].lines).items() if n in names}
        legend = by_label(fig.legends[0].legend_handles)
        shapes = [c.get_marker() for c in drawn.values()]
        assert len(drawn) == many and len({*shapes}) == (1 if many == 7 else many)
        shown = [c.get_marker() for c in legend.values()]
        if many > 7:
            assert shown[:many] == shapes and "None" in shown[many:]
            step = {c.get_markevery()[1] for c in drawn.values()}
            assert step == {1} if columns == "" else step == {15}


def by_label(lines):
    return {line.get_label(): line for line in lines if hasattr(line, "get_marker")}


def test_curves_of_own_workflows_are_drawn_in_their_colours():
    names = ["replace", "mine", "yours"]
    data = summary(workflows=names, metrics=["test_error"])
    (ax,) = plotting.draw(data, Figure(metrics=("test_error",))).axes
    drawn = {x.get_label(): colors.to_hex(x.get_color()) for x in ax.lines}
    assert {name: drawn[name] for name in names} == of(*names)
    assert len({drawn[name] for name in names}) == 3


def test_two_of_a_first_word_have_its_shades_and_more_have_colours_of_their_own():
    """As long as there are enough; else shades, and markers tell them apart."""

    def hues(*names):
        found = colours("operator", names)
        return [colors.rgb_to_hsv(colors.to_rgb(found[n]))[0] for n in names]

    few = hues("odds 1", "odds 2", "none")
    assert abs(few[1] - few[0]) < 0.01
    several = hues("odds 1", "odds 2", "odds 3", "none")
    assert len({round(hue, 2) for hue in several}) == 4
    odds = [f"odds {k}" for k in range(len(CYCLE))]
    many = hues(*odds, "none")
    assert max(many[:-1]) - min(many[:-1]) < 0.01
