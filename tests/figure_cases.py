"""What the tests of figures share: made-up summaries, and what a figure shows."""

import dataclasses
import json

import numpy as np
import xarray as xr

from collapse.experiment import results
from collapse.experiment.summary import summarise
from collapse.figures.published import published

WORKFLOWS = ["replace", "accumulate", "mix 0.1 fresh"]
METRICS = ["variance_ratio", "mean_error", "test_error", "entropy", "tail_mass_5pct"]
AXES = {
    "samples_per_generation": [10, 100],
    "ddof": [0, 1],
    "dimension": [1, 2, 4],
    "ridge": [1.0, 0.01, 10.0, 0.1],  # in no order
    "design": ["fixed", "fresh"],
}
NUMBERS = np.random.default_rng(0)  # of no meaning: nothing here is about their law


def summary(*axes, workflows=WORKFLOWS, generations=12, metrics=METRICS):
    """A summary of made-up traces; only `replace` has a theory."""
    coords = {axis: AXES[axis] for axis in axes}
    coords |= {"workflow": workflows, "generation": np.arange(generations)}
    shape = [len(values) for values in coords.values()]
    where = np.array([w == "replace" for w in workflows])[:, None]
    variables = {}
    for name in metrics:
        seeds = NUMBERS.lognormal(size=(20, *shape))
        variables[name] = (["seed", *coords], seeds)
        theory = np.broadcast_to(np.where(where, seeds.mean(0), np.nan), shape)
        variables[f"{name}_theory"] = (list(coords), theory)
    return summarise(xr.Dataset(variables, coords, {"axes": list(axes)}))


def texts(fig):
    found = [text.get_text() for text in fig.texts]
    for legend in fig.legends:
        found += [text.get_text() for text in legend.get_texts()]
    for ax in fig.axes:
        found += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
        found += [text.get_text() for text in ax.texts]
    return [text for text in found if text]


def lines(ax):
    """Label -> values of y, the reference line left out."""
    return {
        line.get_label(): line.get_ydata()
        for line in ax.lines
        if not line.get_label().startswith("_")
    }


def assert_nothing_overlaps(fig):
    """No text meets another, and all of it is inside the figure."""
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in fig.texts if text.get_text()]
    boxes += [legend.get_window_extent(renderer) for legend in fig.legends]
    boxes += [ax.get_tightbbox(renderer) for ax in fig.axes]
    for k, box in enumerate(boxes):
        assert box.x0 >= -1 and box.x1 <= fig.bbox.x1 + 1, (k, box)
        assert box.y0 >= -1 and box.y1 <= fig.bbox.y1 + 1, (k, box)
        for other in boxes[:k]:
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert width < 1 or height < 1, (k, box, other)


def publish(folder, figure, data):
    """A published dataset, as a simulation leaves it."""
    data.attrs["figure"] = json.dumps(dataclasses.asdict(figure))
    (folder / "data").mkdir(parents=True, exist_ok=True)
    path = folder / "data" / "mix 0.1.nc"
    results.write_dataset(published(data, figure), path)
    return path
