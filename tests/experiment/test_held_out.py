"""Held-out rows: no generation is trained on them, and each seed has its own."""

import jax
import numpy as np
import pytest

from collapse.core import streams
from collapse.experiment import registry
from collapse.experiment.task import real_rows
from collapse.lab.run import prepare
from collapse.models.linear.model import linear
from collapse.numerics import draws
from collapse.sims.linear import truth as regressors

GENERATIONS = 6
pytestmark = pytest.mark.x64


def stream(root, generation, number):
    return jax.random.fold_in(jax.random.fold_in(root, generation), number)


def rows_of(key, num):
    return draws.normal(key, (num, 2))


def test_held_out_rows_have_a_key_of_their_own(root):
    """Number 6 of generation 0, and no row of them is drawn by a generation."""
    real = real_rows(None, rows_of, 50)
    held = np.asarray(real.held_out(root))
    np.testing.assert_array_equal(held, rows_of(stream(root, 0, 6), 50))
    for t in range(GENERATIONS):
        drawn = np.asarray(real.draw(streams.key(root, t, streams.Purpose.DATA), 50))
        assert not np.isin(held, drawn).any()


def test_rows_for_the_test_of_a_regressor_are_not_its_design(root, monkeypatch):
    """And neither its inputs nor its coefficients are those of another key."""
    told = {}

    def metrics(condition, truth, test, factor):
        told.update(truth=truth, test=test)
        return {}

    monkeypatch.setattr(regressors, "metrics", metrics)
    fields = {"dimension": (3,), "samples_per_generation": (12,)}
    experiment, _ = prepare(registry.experiment("linear")(**fields))
    condition = next(experiment.conditions())
    source = regressors.from_truth(
        condition, "samples", lambda **own: linear(3, **own), root
    )
    test = np.asarray(told["test"])
    inputs = draws.normal(stream(root, 0, 6), (3, len(test)))
    np.testing.assert_allclose(test, inputs.T, rtol=1e-12)
    truth, _ = draws.normal(stream(root, 0, 7), (2, 3))
    np.testing.assert_allclose(told["truth"], truth, rtol=1e-12)
    design = draws.normal(stream(root, 0, 8), (3, 12))
    np.testing.assert_allclose(source.design.x, design.T, rtol=1e-12)
