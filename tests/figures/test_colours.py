"""Colours of workflows of a user's own: unlike each other's and the standard ones'."""

import pytest
from figure_cases import summary
from matplotlib import colors

from collapse.experiment.workflows import CYCLE, WorkflowKind, kinds, register, standard
from collapse.figures import curves
from collapse.figures import draw as plotting
from collapse.figures.spec import Figure

STANDARD = {name: kind.colour for name, kind in kinds().items()}


def of(*labels):
    return curves.colours("workflow", labels)


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


def test_curves_of_own_workflows_are_drawn_in_their_colours():
    names = ["replace", "mine", "yours"]
    data = summary(workflows=names, metrics=["test_error"])
    (ax,) = plotting.draw(data, Figure(metrics=("test_error",))).axes
    drawn = {x.get_label(): colors.to_hex(x.get_color()) for x in ax.lines}
    assert {name: drawn[name] for name in names} == of(*names)
    assert len({drawn[name] for name in names}) == 3
