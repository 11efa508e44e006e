"""Every family obeys the protocol of models, tasks and the loop: one table, one test.

What is asked here is what the loop and the studies rely on; see `conformance.CASES`.
"""

import contextlib
import dataclasses
import functools

import jax
import numpy as np
import pytest
from conformance import CASES
from conftest import X64

import collapse
from collapse.core import loop, streams
from collapse.experiment import registry
from collapse.experiment.family import Family
from collapse.lab import session
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.weights import zero_weight
from collapse.lab.programs import compiled, roots_of
from collapse.lab.run import prepare
from collapse.models.language.architecture import SIZES, Size

SEEDS, LAST = 2, 3
# of one worker, which compiles the fit of a family once
every_family = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in CASES]
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


def same(one, other, tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_every_family_is_in_the_table():
    pretrained = {"hf"}  # of another framework, which is not compiled
    every = {*registry.families(), *registry.alone()}
    assert set(CASES) == every - pretrained


@every_family
def test_its_model_keeps_every_rule(name, monkeypatch):
    """Those of `collapse.check_model`; rows of weight 0 change no bit, moreover."""
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    case, (_, problem, _) = CASES[name], problem_of(name)
    double = X64 and not case.network
    report = collapse.check_model(
        problem.model,
        problem.draw,
        num_rows=case.rows,
        tolerance=case.tolerance if double or case.network else None,
        precision="float64" if double else "float32",
        on_fail="report",
    )
    assert report.failed == case.broken, str(report)
    assert report.skipped == case.not_told
    exact = Trial(lambda root: (problem.model, problem.draw), case.rows, tolerance=0)
    zero_weight(exact)


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
