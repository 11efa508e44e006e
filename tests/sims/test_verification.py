"""Verified rows: theory, random controls, what each model can have, refusals."""

import jax
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

from collapse.experiment import results
from collapse.experiment.condition import Condition
from collapse.experiment.row_truth import Knowledge
from collapse.experiment.toml import from_table
from collapse.lab import parts
from collapse.lab import run as runner
from collapse.sims.verification import Verification
from collapse.sims.verification.worth import derive

MODELS = ("gaussian", "gmm", "kde", "linear", "discrete")
pytestmark = pytest.mark.x64


def asked(**fields):
    """An experiment from fields of the study and of its model."""
    return from_table({"seed": SEED, **fields}, Verification, "test")


def ran(folder, **fields):
    """The derived results of an experiment."""
    experiment, _ = runner.prepare(asked(**fields))
    traces = parts.simulate(experiment, None, folder)
    return derive(experiment, results.assemble(experiment, traces))


# Theory


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    """A mean of known scale under a ball, its controls, and who knows the truth."""
    operators = ["none", "ball", "ball random", "ball oracle"]
    fields = {"operator": operators, "verifier_bias": [0.6], "scale": "known"}
    sizes = {"num_generations": 12, "num_seeds": 1500, "late": 3}
    folder = tmp_path_factory.mktemp("ball")
    fields |= {"workflows": ["replace", "accumulate"], "real_fraction": [0.0, 0.1]}
    return ran(folder, **fields, **sizes, noise=[0.1], metrics=["mean_error"])


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_a_mean_under_a_ball_is_where_theory_says(ball, workflow):
    """The curves are right to order 1 / n, and their error is far below a seed's."""
    data = ball.sel(workflow=workflow, generation=[1, 3, 12])
    dims = ("real_fraction", "operator", "generation")
    expected = data["mean_error_theory"].transpose(*dims).values
    error = data["mean_error"].transpose("seed", *dims).values
    assert_mean(error, expected)
    none, verified, by_chance, oracle = range(4)
    last, late = error[..., -1], expected[..., -1]
    assert_tells_apart(last[:, :, verified], late[:, verified], late[:, none])
    assert_tells_apart(last[:, :, by_chance], late[:, by_chance], late[:, verified])
    assert_tells_apart(last[:, :, oracle], late[:, oracle], late[:, verified])


def test_the_share_that_a_ball_keeps_is_that_of_theory(ball):
    data = ball.sel(operator="ball", generation=[1, 4, 12])
    dims = ("real_fraction", "workflow", "generation")
    expected = data["kept_share_theory"].transpose(*dims).values
    kept = data["kept_share"].transpose("seed", *dims).values
    assert_mean(kept, expected)
    assert_tells_apart(kept[..., -1], expected[..., -1], expected[..., 0])


def test_a_random_control_keeps_as_many_rows_and_gains_nothing(ball):
    """Exactly as many of the same candidates; with real rows, which take the places of
    some candidates, as many on average."""
    first = ball["kept_share"].sel(generation=1)
    own, control = first.sel(operator="ball"), first.sel(operator="ball random")
    alone = {"real_fraction": 0.0}
    np.testing.assert_array_equal(control.sel(alone), own.sel(alone))
    mixed = (control - own).sel(real_fraction=0.1).transpose("seed", "workflow")
    assert_mean(mixed.values, np.zeros(2))
    gain = ball["gain_none"].sel(operator="ball random", workflow="replace")
    assert (gain.sel(statistic="low") < 1).all() and (
        gain.sel(statistic="high") > 1
    ).all()
    own = ball["gain"].sel(operator="ball oracle", workflow="replace")
    assert (own.sel(statistic="low") > 1).all()


# What each model can have


@pytest.mark.parametrize("model", MODELS)
def test_models_know_of_rows_what_they_say(model):
    bias = {"verifier_bias": [0.0]} if model == "discrete" else {}
    experiment, _ = runner.prepare(asked(model=model, **bias))
    family, spec = experiment.learner, next(experiment.conditions()).workflow
    if model in ("gaussian", "linear"):
        family = family.with_values({"rows": "samples"})
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell["samples_per_generation"] = experiment.samples_per_generation[0]
    task = family.task(Condition(family, spec, cell), None)
    known = task.rows.knowledge(jax.random.key(0), *task.values)
    assert isinstance(known, Knowledge)
    names = {name for name, value in known._asdict().items() if value is not None}
    names |= {"reach"} if task.rows.reach else set()
    assert names == set(family.knows_of_rows())
