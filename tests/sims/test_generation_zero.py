"""Generation 0 of every study: the fit to real rows alone, by numbers written out.

Under every workflow, since all see the same real rows; with either divisor of squares
where there is a choice.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

import collapse
from collapse.experiment import registry
from collapse.lab.run import prepare

pytestmark = pytest.mark.x64
WORKFLOWS = ("replace", "accumulate", "fixed_budget", "window 2", "replace_multiple")
WORKFLOWS += ("mix 0.3 fresh", "mix 0.3 fixed")


class Case(NamedTuple):
    """A family in one condition.

    Attributes:
      family: its name.
      fields: its settings.
      right: metric -> expectation at generation 0.
      wrong: metric -> that of a likely mistake.
      num_seeds: enough to tell them apart.
    """

    family: str
    fields: dict[str, Any]
    right: dict[str, float]
    wrong: dict[str, float]
    num_seeds: int = 8000


def gaussian(ddof, **fields):
    """Ten rows: squares are divided by 10 or by 9, and the control by the other."""
    variance = {0: 0.9, 1: 1.0}
    return Case(
        "gaussian",
        {"samples_per_generation": 10, "ddof": ddof} | fields,
        {"variance_ratio": variance[ddof], "mean_error": 0.1},
        {"variance_ratio": variance[1 - ddof], "mean_error": 0.125},
    )


def kde(rule, added):
    """Ten rows and kernels that add h^2: 0.6^2, or with 7.5^(-1/5) of Silverman."""
    return Case(
        "kde",
        {"samples_per_generation": 10, "bandwidth": 0.6, "bandwidth_rule": rule},
        {"variance_ratio": 0.9 + added, "mean_error": 0.1},
        {"variance_ratio": 1 + added, "mean_error": 0.125},
    )


def linear(design):
    """20 rows, 5 inputs, noise 2: the error is 2 * 5 / (20 - 5 - 1)."""
    return Case(
        "linear",
        {
            "samples_per_generation": 20,
            "dimension": 5,
            "noise_variance": 2.0,
            "design": design,
        },
        {"test_error": 0.7142857143},
        {"test_error": 2 * 5 / (20 - 5)},
        20_000,
    )


CASES = {
    "gaussian-0": gaussian(0),
    "gaussian-1": gaussian(1),
    "gaussian-3d-0": gaussian(0, dimension=3),
    "gaussian-3d-1": gaussian(1, dimension=3),
    "gaussian-law-0": gaussian(0, rows="auto"),
    "gaussian-law-1": gaussian(1, rows="auto"),
    "gmm": Case(
        "gmm",
        {"samples_per_generation": 20, "max_iter": 3},
        {"variance_ratio": 0.95, "mean_error": 0.05},
        {"variance_ratio": 1.0, "mean_error": 0.06},
    ),
    "linear-fixed": linear("fixed"),
    "linear-fresh": linear("fresh"),
    "kde-fixed": kde("fixed", 0.36),
    "kde-std": kde("std", 0.1607964),
    "discrete": Case(
        "discrete",
        {"samples_per_generation": 12, "num_symbols": 4, "law": "uniform"},
        {"heterozygosity": 11 / 12, "support": 3.8732946},  # 4 (1 - 0.75^12)
        {"heterozygosity": 1.0, "support": 3.8310595},  # 4 (1 - 0.75^11)
    ),
}


def dataset(name, workflows, num_seeds, more=None):
    """What a case, with more settings, measures and expects under these workflows."""
    case = CASES[name]
    fields = {"workflows": workflows, "num_generations": 1, "num_seeds": num_seeds}
    fields |= {"seed": SEED, "metrics": tuple(case.right)} | case.fields | (more or {})
    return collapse.run(case.family, **fields).dataset.isel(generation=0)


@pytest.mark.parametrize("name", CASES)
def test_the_first_fit_has_its_exact_expectation(name):
    case = CASES[name]
    found = dataset(name, ("replace",), case.num_seeds)
    for metric, right in case.right.items():
        draws = found[metric].squeeze().values
        assert_tells_apart(draws, right, case.wrong[metric])


@pytest.mark.parametrize(
    "name", ["gaussian-0", "gaussian-1", "kde-std", "linear-fresh"]
)
def test_the_first_fit_is_the_same_under_every_workflow(name):
    """Where rows are single samples, so that all draw the same."""
    found = dataset(
        name, WORKFLOWS, 3, {"rows": "samples"} if "kde" not in name else {}
    )
    for metric in CASES[name].right:
        first, *others = found[metric].squeeze().transpose("workflow", ...).values
        for other in others:
            np.testing.assert_allclose(other, first, rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_first_point_of_every_curve_is_that_number(name):
    """Of every workflow that has a curve of that metric: two at least."""
    case = CASES[name]
    experiment, _ = prepare(
        registry.experiment(case.family)(
            workflows=WORKFLOWS, num_generations=1, **in_tuples(case)
        )
    )
    curves = [experiment.theory(condition) for condition in experiment.conditions()]
    assert len(curves) == len(WORKFLOWS)
    for metric, right in case.right.items():
        known = [curve[metric][0] for curve in curves if metric in curve]
        assert len(known) >= 2, metric
        np.testing.assert_allclose(known, right, rtol=1e-6)


def in_tuples(case):
    """The fields of a case, those that may hold several values as tuples."""
    axes = registry.experiment(case.family).axes()
    return {k: (v,) if k in axes else v for k, v in case.fields.items()}


# Mixtures: generation 0 has the real rows alone, whatever their weight will be

MIXED = {  # (model, ddof) -> its settings, metric, expectation with 8 real rows, wrong
    ("gaussian", 0): ({"ddof": 0}, "variance_ratio", 0.875, 1.0),
    ("gaussian", 1): ({"ddof": 1}, "variance_ratio", 1.0, 0.875),
    ("kde", 0): ({"bandwidth": 0.6}, "variance_ratio", 1.235, 1.36),
    ("linear", 0): ({"dimension": 1}, "test_error", 1 / 6, 1 / 7),
}


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
@pytest.mark.parametrize("model", MIXED, ids=lambda pair: "-".join(map(str, pair)))
def test_a_mixture_begins_with_its_real_rows(model, anchor):
    """Eight, beside twelve synthetic ones from then on, which weigh more than a row."""
    own, metric, right, wrong = MIXED[model]
    error = "test_error" if model[0] == "linear" else "mean_error"
    fields = {"model": model[0], "weight": 0.25, "error": error} | own
    data = collapse.run(
        "mixing",
        constraint="real_count",
        real_rows=8,
        synthetic_rows=12,
        anchor=anchor,
        num_generations=1,
        num_seeds=20_000,
        late=1,
        seed=SEED,
        metrics=tuple({metric, error}),
        **fields,
    ).dataset
    first = data[metric].isel(generation=0).squeeze().values
    assert_tells_apart(first, right, wrong)
    if f"{metric}_theory" in data:
        curve = data[f"{metric}_theory"].isel(generation=0).values
        np.testing.assert_allclose(curve, right, rtol=1e-9)
