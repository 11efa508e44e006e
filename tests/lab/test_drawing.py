"""`collapse.draw`: figures of a dataset, and what it says of what it cannot draw."""

import numpy as np
import pytest
import xarray as xr

import collapse
from collapse.data.errors import InputError
from collapse.figures.check import check as check_figure
from collapse.figures.spec import Figure
from collapse.lab import report
from collapse.sims.gaussian import Gaussian

DIMS = ["workflow", "seed", "generation"]
VALUES = np.random.default_rng(0).lognormal(size=(2, 3, 4))
COORDS = {"workflow": ["replace", "mine"], "generation": range(4)}
MEASURED = xr.Dataset({"own": (DIMS, VALUES)}, COORDS, {"axes": []})
OVER_SIZES = xr.concat([MEASURED, MEASURED], "size").assign_coords(size=[1, 2])


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ({"x": "seed"}, "x: unknown 'seed'; known are generation"),
        ({"x": "statistic"}, "x: unknown 'statistic'; known are generation"),
        ({"hue": "seed"}, "hue: unknown 'seed'; known are workflow, generation"),
        ({"columns": "workflo"}, "columns: unknown 'workflo'; known are workflow; did"),
        ({"rows": "sizes"}, "rows: unknown 'sizes'; known are workflow"),
        (
            {"x": "workflow"},
            'x: workflow is not drawn along x; give hue = "workflow" and as x one of '
            "generation",
        ),
        (
            {"kind": "map", "x": "workflow", "y": "generation"},
            "x: workflow can run upwards in a map, not along x; give "
            'y = "workflow" and x = "generation"',
        ),
        ({"kind": "map", "x": "workflow"}, "x: workflow can run upwards in a map, not"),
        ({"kind": "map", "y": "seed"}, "y: unknown 'seed'; known are workflow"),
    ],
)
def test_coordinates_that_cannot_be_drawn_are_refused(figure, said):
    with pytest.raises(InputError) as caught:
        collapse.draw(MEASURED, **figure)
    assert str(caught.value).startswith(said)


def test_known_coordinates_are_drawn():
    assert collapse.draw(MEASURED, x="generation", columns="workflow").axes
    fig = collapse.draw(OVER_SIZES, x="size")
    assert fig.axes[0].get_xlabel() == "size"
    assert collapse.draw(MEASURED, kind="map", y="workflow").axes
    with pytest.raises(InputError, match="^x: unknown 'siz'; known are generation, si"):
        collapse.draw(OVER_SIZES, x="siz")


@pytest.mark.parametrize("other", [3, {"own": 1}, None])
def test_what_is_no_dataset_is_refused(other):
    with pytest.raises(InputError, match="^dataset: .*; give what collapse.compare re"):
        collapse.draw(other)


def test_an_experiment_s_map_with_workflows_along_x_names_the_fix():
    figure = Figure(kind="map", x="workflow", y="samples_per_generation")
    said = 'give y = "workflow" and x = "samples_per_generation"$'
    with pytest.raises(InputError, match=said):
        check_figure(Gaussian(samples_per_generation=(9, 10)), figure)


def test_a_map_that_names_no_metric_shows_the_lost_share_of_tails():
    """Not their outcomes: three numbers a cell, which only curves can show."""
    names = ["variance_ratio", "tail_mass_1pct"]
    data = xr.Dataset({name: (DIMS, VALUES) for name in names}, COORDS, {"axes": []})
    experiment, panels = Gaussian().resolved(0, 0), {}
    for kind in ("curves", "map"):
        figure = Figure(kind=kind, y="workflow")
        panels[kind] = report.complete(experiment, figure, data).metrics
    assert "tail_mass_1pct_outcome" in panels["curves"]
    swapped = [name.replace("_outcome", "_lost") for name in panels["curves"]]
    assert list(panels["map"]) == swapped
