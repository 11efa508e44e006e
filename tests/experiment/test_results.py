"""Results: traces of conditions as one labelled dataset, without a run."""

import numpy as np

from collapse.experiment.results import assemble
from collapse.sims.gaussian import Gaussian

EXPERIMENT = Gaussian(
    workflows=("replace", "accumulate"),
    samples_per_generation=(20, 30),
    ddof=(0, 1),
    num_generations=3,
    num_seeds=2,
    snapshots=(3, 0),
    metrics=("variance_ratio", "mean_error"),
).resolved(0, 0)


def number(condition):
    """Another one for each condition: 0.20 + 1 for n = 20, ddof 0, accumulate."""
    second = condition.workflow.label == "accumulate"
    return condition.n / 100 + 10 * condition["ddof"] + second


def traces():
    """Traces of which every number tells its condition."""
    found = {}
    for condition in EXPERIMENT.conditions():
        value = number(condition)
        found[condition.key] = {
            "variance_ratio": np.full((2, 4), value),
            "mean_error": np.full((2, 4), -value),
            "finite": np.ones((2, 4), bool),
            "samples": np.full((2, condition.n, 1), value),
        }
    return found


def test_every_number_stands_at_its_condition():
    data = assemble(EXPERIMENT, traces())
    for label, more in (("replace", 0), ("accumulate", 1)):
        for n in (20, 30):
            for ddof in (0, 1):
                where = {"samples_per_generation": n, "ddof": ddof, "workflow": label}
                right = n / 100 + 10 * ddof + more
                assert (data.variance_ratio.sel(where) == right).all(), where


def test_samples_are_of_the_first_cell_in_the_order_of_generations():
    data = assemble(EXPERIMENT, traces())
    assert data.snapshot.values.tolist() == [0, 3]
    assert data.samples.dims == ("workflow", "snapshot", "row", "dimension")
    assert data.sizes["row"] == 20
    np.testing.assert_array_equal(data.samples[:, 0, 0, 0], [0.2, 1.2])


def test_what_is_best_at_0_or_at_1_is_told():
    data = assemble(EXPERIMENT, traces())
    assert data.mean_error.attrs["reference"] == 0
    assert data.variance_ratio.attrs["reference"] == 1
