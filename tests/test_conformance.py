"""Every family obeys the protocol of models, tasks and the loop: one table, one test.

What is asked here is what the loop and the studies rely on; see `conformance.CASES`.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conformance import CASES

from collapse.core import loop, streams
from collapse.experiment import registry
from collapse.experiment.family import Family
from collapse.lab.programs import compiled, roots_of
from collapse.lab.run import prepare
from collapse.models.language.network import SIZES, Size

SEEDS, LAST = 2, 3
# of one worker, which compiles the fit of a family once
every_family = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in CASES]
)
every_workflow = pytest.mark.parametrize(
    "workflow", ["replace", "accumulate", "fixed_budget", "mix 0.5 fresh"]
)


@pytest.fixture(autouse=True)
def _networks_as_they_run(request):
    """Set jax up as a run of a network does."""
    named = getattr(request.node, "callspec", None)
    case = CASES.get(named.params.get("name")) if named else None
    if case is None or not case.network:
        yield
        return
    with (
        jax.enable_x64(False),
        jax.numpy_dtype_promotion("standard"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setitem(SIZES, "nano", Size(1, 8, 1))  # quick to compile
        yield


def condition_of(name, workflow="replace", **more):
    """The condition of a case, its task and its data."""
    case = CASES[name]
    fields = case.fields | {
        "workflows": (workflow,),
        "num_generations": LAST,
        "num_seeds": SEEDS,
        "samples_per_generation": (case.rows,),
    }
    experiment, data = prepare(registry.experiment(name)(**fields | more))
    condition = next(experiment.conditions())
    return condition, experiment.task(condition, data)


@functools.cache
def problem_of(name, workflow="replace"):
    """The problem of a case's first seed, and real rows."""
    condition, task = condition_of(name, workflow)
    root = roots_of(condition)[0]
    problem = task.make_problem(root, *task.values)
    draw = jax.jit(lambda key: problem.draw(key, num_rows(name)))
    return root, problem, draw(streams.key(root, 0, streams.Purpose(0)))


def num_rows(name):
    return CASES[name].rows


@functools.cache
def fit_of(name):
    """A compiled function (rows, weights) -> parameters of a first fit."""
    root, problem, _ = problem_of(name)

    def fitted(rows, weights):
        init = problem.model.init(root, rows, weights)
        return problem.model.fit(root, init, rows, weights)[0]

    return jax.jit(fitted)


def same(one, other, tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def weights_of(rows, num):
    floating = [x.dtype for x in jax.tree.leaves(rows) if x.dtype.kind == "f"]
    return jnp.ones(num, floating[0] if floating else jnp.float32)


def test_every_family_is_in_the_table():
    assert set(CASES) == set(registry.families())


@every_family
def test_rows_of_weight_zero_have_no_influence_and_weights_scale_out(name):
    _, _, rows = problem_of(name)
    num, case = num_rows(name), CASES[name]
    half = num // 2
    ones = weights_of(rows, num)
    weights = jnp.where(jnp.arange(num) < half, 1, 0).astype(ones.dtype)
    other = jax.tree.map(
        lambda x: x.at[half:].set(jnp.flip(x[half:], 0) if x.dtype.kind == "i" else 0),
        rows,
    )
    fit = fit_of(name)
    first = fit(rows, weights)
    same(first, fit(other, weights), 0)
    moved = jax.tree.leaves(fit(rows, ones)), jax.tree.leaves(first)
    assert any(not np.allclose(a, b) for a, b in zip(*moved, strict=True)), "control"
    if case.scale_free:
        same(first, fit(rows, 3 * weights), case.tolerance)


@every_family
def test_a_sample_of_a_fitted_model_fits_again_and_keys_matter(name):
    root, problem, rows = problem_of(name)
    num = num_rows(name)
    params = fit_of(name)(rows, weights_of(rows, num))
    sample = jax.jit(lambda key: problem.model.sample(key, params, num))
    one, again = sample(root), sample(root)
    other = sample(jax.random.key(99))
    assert jax.tree.structure(one) == jax.tree.structure(rows)
    for a, b, d in zip(*map(jax.tree.leaves, (one, again, rows)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a.shape, a.dtype) == (d.shape, d.dtype), "another type than real rows"
    changed = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    assert any(not np.array_equal(a, c) for a, c in changed), "the key is ignored"
    refit = fit_of(name)(one, weights_of(one, num))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(refit))
    assert jax.tree.structure(refit) == jax.tree.structure(params)


@every_family
@pytest.mark.parametrize(
    "workflow", ["replace", pytest.param("accumulate", marks=pytest.mark.full)]
)
def test_chunks_are_the_whole_and_mapped_runs_the_single_one(name, workflow):
    """As the lab runs them: chunks bit for bit, seeds side by side within rounding.

    Chunks of two generations at least: a loop of one turn is unrolled by XLA, and its
    last bits may differ.
    """
    condition, task = condition_of(name, workflow)
    program, roots = compiled(condition, task), roots_of(condition)

    def walked(*lengths):
        state, traces = program.blank(roots, *task.values), []
        for length in lengths:
            state, trace = program.walk(length)(roots, state, *task.values)
            traces.append(trace)
        found = jax.tree.map(lambda *x: np.concatenate(x, 1), *traces)
        return jax.tree.map(np.asarray, state.params), found

    if task.observe is None:  # else the lab looks after every generation
        whole, chunks = walked(LAST + 1), walked(2, LAST - 1)
        for a, b in zip(*map(jax.tree.leaves, (whole, chunks)), strict=True):
            np.testing.assert_array_equal(a, b)
    else:
        whole = walked(*[1] * (LAST + 1))
    spec = condition.workflow.make(LAST, task.additive)

    @jax.jit
    def single(root):
        problem = task.make_problem(root, *task.values)._replace(metrics={})
        return loop.run(root, problem, spec, program.num_rows, LAST)[0].params

    first = jax.tree.map(lambda leaf: leaf[0], whole[0])
    same(first, single(roots[0]), CASES[name].rounding)


@every_family
@pytest.mark.x64
def test_parameters_have_the_precision_of_the_rows(name):
    _, _, rows = problem_of(name)
    low = jax.tree.map(
        lambda x: x.astype(jnp.float32) if x.dtype.kind == "f" else x, rows
    )
    params = jax.eval_shape(fit_of(name), low, jnp.ones(num_rows(name), jnp.float32))
    kinds = {leaf.dtype for leaf in jax.tree.leaves(params) if leaf.dtype.kind == "f"}
    assert kinds == {np.dtype("float32")}


@every_family
def test_every_metric_that_is_known_is_measured(name):
    experiment = condition_of(name)[0].experiment
    _, problem, _ = problem_of(name)
    task = condition_of(name)[1]
    if task.observe is None:
        known = {*problem.metrics, *problem.memory_metrics}
        assert known >= set(experiment.measured())
    assert isinstance(experiment, Family)
    assert set(experiment.own_fields()) < {
        f.name for f in dataclasses.fields(experiment)
    }
