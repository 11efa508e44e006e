"""The test error that is kept up in memory is the one computed from all rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.core import loop
from collapse.core.types import Actions, Controller, Curator
from collapse.experiment import density_task
from collapse.lab import checkpoint
from collapse.lab.parts import roots_of
from collapse.lab.programs import _measuring, compiled
from collapse.lab.run import prepare
from collapse.numerics import kernels
from collapse.sims.kde import task as kde_task
from collapse.sims.kde.experiment import Kde

pytestmark = pytest.mark.x64
LAST = 5


def condition_of(**fields):
    """A small condition and the user's data, if any."""
    asked = {
        "workflows": ("accumulate",),
        "samples_per_generation": (12,),
        "num_generations": LAST,
        "num_seeds": 3,
        "metrics": ("test_error", "mean_error"),
        "seed": SEED,
    }
    experiment, data = prepare(Kde(**asked | fields))
    return next(experiment.conditions()), data


def traced(condition, data, **seats):
    """What a run of every seed remembers, and its trace."""
    experiment = condition.experiment
    task = experiment.task(condition, data)
    state, trace = loop.run_seeds(
        roots_of(condition),
        lambda root: _measuring(
            task.make_problem(root, *task.values), experiment.measured()
        ),
        condition.workflow.make(LAST),
        condition.n,
        LAST,
        **seats,
    )
    return state.memory, trace


def both(monkeypatch, condition, data, **seats):
    """Traces of the running sum, and of all rows in each generation."""
    memory, running = traced(condition, data, **seats)
    assert memory is not None
    with monkeypatch.context() as without:
        without.setattr(density_task, "ACCUMULATE", None)
        memory, whole = traced(condition, data, **seats)
    assert memory is None
    return running, whole


def gap(running, whole):
    """Largest difference of test errors; all else has to be equal bit for bit."""
    np.testing.assert_array_equal(
        running.metrics["mean_error"], whole.metrics["mean_error"]
    )
    errors = (np.asarray(t.metrics["test_error"]) for t in (running, whole))
    return abs(np.subtract(*errors)).max()


@pytest.mark.parametrize(
    "fields",
    [{"dimension": 2, "bandwidth": (0.3,)}, {"data": "faithful", "bandwidth": (0.05,)}],
    ids=["known", "data"],
)
def test_it_is_the_error_from_all_rows(fields, monkeypatch):
    assert gap(*both(monkeypatch, *condition_of(**fields))) < 1e-12


@pytest.mark.parametrize("rule", ["std", pytest.param("scott", marks=pytest.mark.full)])
def test_other_rules_take_all_rows_and_would_be_wrong(rule, monkeypatch):
    condition, data = condition_of(bandwidth_rule=(rule,))
    assert traced(condition, data)[0] is None
    always = kde_task._KDE._replace(grown=kernels.grown_log_density)

    class Always:
        def _replace(self, grown):
            return always

    monkeypatch.setattr(kde_task, "_KDE", Always())
    assert gap(*both(monkeypatch, condition, data)) > 1e-3, "control"


@pytest.mark.parametrize("workflow", ["replace", "fixed_budget", "window 9"])
def test_other_workflows_take_all_rows(workflow):
    assert traced(*condition_of(workflows=(workflow,)))[0] is None


def test_nothing_is_kept_up_that_is_not_asked_for():
    assert traced(*condition_of(metrics=("mean_error",)))[0] is None


def test_mixing_takes_all_rows():
    condition, data = condition_of()
    task = condition.experiment.task(condition, data)
    problem = task.biased(jax.random.key(0), jnp.asarray(2.0), None, *task.values)
    assert problem.remember is None and "test_error" in problem.metrics


def test_chunks_and_a_checkpoint_change_nothing(tmp_path):
    condition, data = condition_of(dimension=2)
    task = condition.experiment.task(condition, data)
    program, roots = compiled(condition, task), roots_of(condition)

    def walked(state, length):
        state, trace = program.walk(length)(roots, state, *task.values)
        return state, {name: np.asarray(x) for name, x in trace.metrics.items()}

    whole = walked(program.blank(roots, *task.values), LAST + 1)[1]
    state, before = walked(program.blank(roots, *task.values), 3)
    file, shapes = tmp_path / "part.npz", jax.eval_shape(lambda: state)
    checkpoint.save(file, checkpoint.Progress(2, before, [], state))
    after = walked(checkpoint.load(file, shapes).state, LAST - 2)[1]
    for name, values in whole.items():
        chunks = np.concatenate([before[name], after[name]], 1)
        np.testing.assert_array_equal(chunks, values)
    forgotten = checkpoint.load(file, shapes).state
    forgotten = forgotten._replace(memory=jnp.zeros_like(forgotten.memory))
    lost = walked(forgotten, LAST - 2)[1]["test_error"]
    assert (lost != after["test_error"]).all(), "control"


def by_size(key, batch, reference):
    """Weights that differ, of which some are 0."""
    return jnp.where(batch[:, 0] > 1, 0, 1 + jnp.abs(batch[:, 0]))


def test_rows_may_have_weights_of_a_curator(monkeypatch):
    seats = {"curator": Curator(2, by_size)}
    curated, plain = (
        both(monkeypatch, *condition_of(), **seats),
        traced(*condition_of()),
    )
    assert gap(*curated) < 1e-12
    errors = (trace.metrics["test_error"] for trace in (curated[0], plain[1]))
    assert (abs(np.subtract(*errors))[:, 1:] > 1e-6).all(), "control"


def test_weights_that_change_later_are_told():
    """What a controller does to real rows cannot be kept up: no number at all."""
    controller = Controller(
        lambda: jnp.array(1.0),
        lambda state, metrics: (state / 2, Actions(weight=state / 2)),
    )
    _, trace = traced(*condition_of(), controller=controller)
    assert trace.finite[:, 0].all() and not trace.finite[:, 2:].any()
