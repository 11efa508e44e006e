"""Tasks of linear regressors: rows, programs, and the biased models of studies."""

import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED, X64
from regressor_cases import close

from collapse.core import streams
from collapse.experiment.condition import Condition
from collapse.experiment.workflows import read
from collapse.models.linear.model import LinearParams, linear
from collapse.numerics import draws
from collapse.sims.linear import Linear
from collapse.sims.linear.task import kind_of_rows, task

RTOL = 1e-9 if X64 else 1e-4

# Rows and programs


@pytest.mark.parametrize(
    ("label", "design", "data", "kind"),
    [
        ("replace", "fixed", "", "law"),
        ("accumulate", "fresh", "", "law"),
        ("window 3", "fresh", "", "law"),
        ("replace", "fixed", "diabetes", "law"),
        ("replace", "fresh", "diabetes", "statistics"),
        ("fixed_budget", "fresh", "", "samples"),
        ("fixed_budget", "fixed", "diabetes", "samples"),
        ("mix 0.1 fresh", "fixed", "", "samples"),  # rows of one design, split
        ("mix 0.5 fresh", "fresh", "", "law"),  # two batches of 50
        ("mix 0.1 fresh", "fresh", "", "samples"),  # ten of 10: too small
        ("mix 0 fresh", "fixed", "", "law"),
        ("mix 1 fixed", "fixed", "", "law"),
    ],
)
def test_the_cheapest_rows_that_a_workflow_allows(label, design, data, kind):
    cell = {"samples_per_generation": 100, "dimension": 10, "design": design}
    spec = read(label)
    assert kind_of_rows(Condition(Linear(data=data), spec, cell)) == kind
    every = Condition(Linear(rows="samples"), spec, cell)
    assert kind_of_rows(every) == "samples"


def test_a_value_of_zero_and_another_dimension_have_a_program_of_their_own():
    levels = {"noise_variance": (0.0, 1.0, 2.0), "ridge": (0.0, 0.5, 1.0)}
    experiment = Linear(dimension=(2, 3), workflows=("replace",), **levels).resolved(
        0, 0
    )
    tasks = [task(condition, None) for condition in experiment.conditions()]
    assert len({one.program for one in tasks}) == 8
    assert {len(one.values) for one in tasks} == {0, 1, 2}


# What a study asks for


@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_a_biased_model_multiplies_the_noise_of_its_labels(noise):
    """Given the same inputs and normals; its rows are batches of the sizes asked."""
    fields = {"design": ("fresh",), "workflows": ("replace",), "dimension": (3,)}
    experiment = Linear(noise_variance=(noise,), **fields).resolved(0, 0)
    (condition,) = experiment.conditions()
    own = task(condition, None)
    root, key = streams.seeds(SEED, 2)
    sizes = jnp.array([30, 7], jnp.int32)
    problem = own.biased(root, jnp.asarray(4.0), sizes, *own.values)
    truth = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (3,))
    known = LinearParams(truth[None])
    assert problem.metrics["test_error"](key, known) == 0

    batch = problem.draw(key, 2)
    law = linear(3, rows="law", batch_size=sizes, noise_variance=noise)
    right = law.sample(key, known, 2)
    np.testing.assert_array_equal(batch.gram, right.gram)
    np.testing.assert_array_equal(batch.moment, right.moment)

    biased = problem.model.sample(key, known, 2)
    np.testing.assert_array_equal(biased.gram, batch.gram)
    clean = jnp.einsum("nij,j->ni", batch.gram, truth)[:, None]
    close(biased.moment - clean, 2 * (batch.moment - clean), RTOL)


@pytest.mark.parametrize(
    "fields",
    [
        {"design": ("fixed",)},
        {"design": ("fixed", "fresh")},
        {"synthetic_bias": 1.0},
        {"learner_samples": (9,)},
        {"data": "diabetes", "target": "progression"},
    ],
)
def test_no_biased_model_where_it_would_be_another_experiment(fields):
    plain = Linear(design=("fresh",)).resolved(0, 0)
    assert task(next(plain.conditions()), None).biased is not None
    experiment = Linear(**{"design": ("fresh",)} | fields)
    data = experiment.load()
    experiment = experiment.resolved(*data.train.shape if data else (0, 0))
    condition = next(experiment.conditions())
    assert task(condition, data).biased is None
