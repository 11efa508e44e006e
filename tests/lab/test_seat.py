"""Rows curated on the host, between the halves of a step, are curated like all rows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core.types import Curator, Model, Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Curated, HostCurator, Task
from collapse.experiment.workflows import read
from collapse.lab.programs import compiled, roots_of
from collapse.numerics import draws
from collapse.sims.gaussian import Gaussian

N, LAST, SEEDS = 6, 3, 3


def normal(key, num):
    return draws.normal(key, (num, 1))


def fit(key, params, batch, weights):
    total = jnp.maximum(jnp.sum(weights), 1)
    return jnp.sum(weights[:, None] * batch, 0) / total, {"rows": jnp.sum(weights)}


def noise(key, params, num):
    return params[None] + normal(key, num)


MODEL = Model(lambda key, batch, weights: jnp.zeros(1), fit, noise)
PROBLEM = Problem(normal, MODEL, {"mean": lambda key, params: params[0]})


def above(batch):
    """1 for rows above 0.1, as a curator on either side says."""
    return (batch[..., 0] > 0.1).astype(jnp.result_type(float))


def on_the_host(roots, states, batch, spans):
    if batch is None:
        return Curated(None, {"looked_at": np.zeros(len(roots))})
    assert isinstance(batch, jax.Array) and batch.shape[0] == len(roots) == SEEDS
    assert spans.shape == (SEEDS, 2)
    place = np.arange(batch.shape[1])
    inside = (place >= spans[:, :1]) & (place < spans[:, 1:])
    weights = above(np.asarray(batch)) * inside
    return Curated(weights, {"looked_at": weights.sum(1)})


def condition_of(workflow):
    experiment = Gaussian(
        workflows=(workflow,),
        num_generations=LAST,
        num_seeds=SEEDS,
        samples_per_generation=(N,),
        metrics=("mean",),
    )
    experiment = experiment.resolved(0, 0)
    return Condition(experiment, read(workflow), next(experiment.cells()))


def walked(workflow, task, curator, *lengths):
    condition = condition_of(workflow)
    program, roots = compiled(condition, task), roots_of(condition)
    state, traces = program.blank(roots), []
    for length in lengths:
        walk = program.walk(length)
        walk = walk if curator is None else functools.partial(walk, curator)
        state, trace = walk(roots, state)
        traces.append(jax.tree.map(np.asarray, trace))
    return state, jax.tree.map(lambda *x: np.concatenate(x, 1), *traces)


@pytest.mark.parametrize("candidates", [1, 3])
@pytest.mark.parametrize("workflow", ["replace", "accumulate", "mix 0.5 fresh"])
def test_the_host_curates_like_a_curator_of_the_program(workflow, candidates):
    """States, weights, origins and counts; and one step is as good as several."""
    inside = Curator(candidates, lambda key, batch, reference: above(batch))
    own = Task(lambda root: PROBLEM, curator=lambda root: inside)
    plain = walked(workflow, own, None, LAST + 1)
    curator = HostCurator(candidates, on_the_host)
    seat = Task(lambda root: PROBLEM, host_curator=curator)
    for lengths in [(LAST + 1,), (1, 2, 1)]:
        state, trace = walked(workflow, seat, curator, *lengths)
        metrics = dict(trace.metrics)
        looked = metrics.pop("looked_at")
        kept = trace.info["kept_share"][:, 1:]
        share = 0.5 if "mix" in workflow else 1
        np.testing.assert_allclose(looked[:, 1:], kept * share * N * candidates)
        assert looked.shape == (SEEDS, LAST + 1) and looked[:, 1:].any()
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12),
            (state, trace._replace(metrics=metrics)),
            plain,
        )


def test_another_curator_gives_another_run():
    """The control of the test above: the weights of the host are those that count."""
    both, nothing = [], {"looked_at": [0] * SEEDS}
    for weigh in (on_the_host, lambda *_: Curated(np.ones((SEEDS, N)), nothing)):
        curator = HostCurator(1, weigh)
        seat = Task(lambda root: PROBLEM, host_curator=curator)
        both.append(walked("replace", seat, curator, LAST + 1)[1].metrics["mean"])
    np.testing.assert_array_equal(both[0][:, 0], both[1][:, 0])
    assert (both[0] >= both[1]).all() and (both[0][:, -1] > both[1][:, -1]).all()


def rewriting(change):
    """A curator of the host that keeps all candidates, after it has changed them."""

    def weigh(roots, states, batch, spans):
        nothing = {"looked_at": np.zeros(len(roots))}
        if batch is None:
            return Curated(None, nothing)
        return Curated(np.ones(batch.shape[:2]), nothing, change(np.asarray(batch)))

    return HostCurator(1, weigh)


@pytest.mark.parametrize("workflow", ["replace", "mix 0.5 fresh"])
def test_rows_that_the_host_rewrites_are_those_that_are_learned(workflow):
    """Rows given back as they were change no bit, and real ones are not rewritten."""
    changes = {
        "none": lambda batch: None,
        "the same": lambda batch: batch.copy(),
        "others": lambda batch: np.full_like(batch, 7),
    }
    found = {}
    for name, change in changes.items():
        curator = rewriting(change)
        seat = Task(lambda root: PROBLEM, host_curator=curator)
        found[name] = walked(workflow, seat, curator, LAST + 1)
    jax.tree.map(np.testing.assert_array_equal, found["none"], found["the same"])
    store = found["others"][0].store
    made = np.asarray(store.origin) > 0
    np.testing.assert_array_equal(np.asarray(store.data)[..., 0] == 7, made)
    assert made.all() == (workflow == "replace") and made.any()
    means = {name: trace.metrics["mean"] for name, (_, trace) in found.items()}
    np.testing.assert_array_equal(means["others"][:, 0], means["none"][:, 0])
    assert (means["others"][:, 1:] > means["none"][:, 1:]).all()
