"""Models that jax cannot compile: the same recursion, step by step on the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import memory
from collapse.core.types import Model, Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.workflows import read
from collapse.lab import checkpoint, parts
from collapse.lab.hosted import untraced
from collapse.lab.programs import compiled, roots_of
from collapse.numerics import draws
from collapse.sims.gaussian import Gaussian

N, LAST, SEEDS = 6, 2, 2
WORKFLOWS = ["mix 0.5 fresh", "replace_growing 1", "fixed_budget"]
WORKFLOWS += ["replace", "accumulate", "mix 0.5 fixed"]


def normal(key, num):
    return draws.normal(key, (num, 1))


def fit(key, params, batch, weights):
    """The weighted mean, moved towards where the fit began."""
    mean = jnp.sum(weights[:, None] * batch, 0) / jnp.sum(weights)
    return (mean + params) / 2, {"rows": jnp.sum(weights)}


def of_numpy(key, params, batch, weights):
    assert not isinstance(weights, jax.core.Tracer)
    weights, batch = np.asarray(weights), np.asarray(batch)
    mean = (weights[:, None] * batch).sum(0) / weights.sum()
    return (mean + params) / 2, {"rows": jnp.asarray(weights.sum())}


def noise(key, params, num):
    return params[None] + normal(key, num)


def noise_of_numpy(key, params, num):
    assert not isinstance(key, jax.core.Tracer)
    return jnp.asarray(np.asarray(params) + np.asarray(normal(key, num)))


def task(on_host):
    """A location model, in jax or of functions that jax cannot trace."""
    zero = jax.ShapeDtypeStruct((1,), jnp.result_type(float))
    model = Model(lambda key, batch, weights: jnp.zeros(1), fit, noise)
    if on_host:
        shapes = (zero, {"rows": jax.ShapeDtypeStruct((), zero.dtype)})
        model = Model(
            lambda key, batch, weights: np.zeros(1),
            untraced(of_numpy, lambda *_: shapes),
            untraced(
                noise_of_numpy,
                lambda key, params, num: jax.ShapeDtypeStruct((num, 1), zero.dtype),
            ),
        )
    problem = Problem(
        normal,
        model,
        {"mean_error": lambda key, params: jnp.sum(jnp.asarray(params) ** 2)},
        one_by_one=True,
        remember=memory.first(lambda params: params),
    )
    return Task(lambda root: problem, on_host=on_host, one_by_one=True)


def condition_of(workflow):
    experiment = Gaussian(
        workflows=(workflow,),
        num_generations=LAST,
        num_seeds=SEEDS,
        samples_per_generation=(N,),
        metrics=("mean_error",),
    )
    experiment = experiment.resolved(0, 0)
    return Condition(experiment, read(workflow), next(experiment.cells()))


def walked(condition, on_host, *lengths):
    own = task(on_host)
    program, roots = compiled(condition, own), roots_of(condition)
    state, traces = program.blank(roots), []
    for length in lengths:
        state, trace = program.walk(length)(roots, state)
        traces.append(trace)
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state)
    told = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), program.shapes(roots))
    assert jax.tree.leaves(shapes) == jax.tree.leaves(told)
    assert jax.tree.structure(shapes) == jax.tree.structure(told)
    return state, jax.tree.map(lambda *x: np.concatenate(x, 1), *traces)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_run_on_the_host_is_the_compiled_one(workflow):
    """States and traces, within rounding; and chunks are the whole, bit for bit."""
    condition = condition_of(workflow)
    plain = walked(condition, False, LAST + 1)
    hosted = walked(condition, True, LAST + 1)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12),
        hosted,
        plain,
    )
    chunks = walked(condition, True, 1, LAST)
    jax.tree.map(np.testing.assert_array_equal, hosted, chunks)
    moved = np.asarray(hosted[1].metrics["mean_error"])
    assert moved.shape == (SEEDS, LAST + 1) and len(np.unique(moved)) == moved.size


def test_a_state_goes_through_a_checkpoint_as_it_is(tmp_path):
    condition = condition_of("replace")
    state, _ = walked(condition, True, 2)
    program, roots = compiled(condition, task(True)), roots_of(condition)
    checkpoint.save(tmp_path / "a.npz", checkpoint.Progress(1, {}, [], state))
    found = checkpoint.load(tmp_path / "a.npz", program.shapes(roots)).state
    placed = parts._placed(found, program.blank(roots))
    assert isinstance(placed.params, np.ndarray)
    jax.tree.map(np.testing.assert_array_equal, placed, state)
