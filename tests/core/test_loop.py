"""The loop: what makes runs repeatable, comparable and resumable."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import loop, streams, workflows
from collapse.core.devices import seed_devices
from collapse.core.types import Model, Problem
from collapse.models import gaussian
from collapse.models.gmm import model as gmm

N, G, D = 8, 10, 2
WORKFLOWS = {
    "replace": workflows.replace(),
    "accumulate": workflows.accumulate(G),
    "fixed_budget": workflows.fixed_budget(G),
    "mix": workflows.mix(0.25),
}
BY_ROW = ("toy", "samples", "mixture")
keys = st.integers(0, 2**31).map(jax.random.key)


def problem(kind):
    """A mean with noise, a Gaussian, or a mixture, whose fit iterates with a key."""
    measure = {
        "first": lambda key, params: jax.tree.leaves(params)[0].ravel()[0],
        "random": lambda key, params: jax.random.normal(key),
    }
    if kind == "toy":
        toy = Model(
            init=lambda key, batch, weights: jnp.zeros(()),
            fit=lambda key, params, batch, weights: (
                jnp.sum(weights * batch) / jnp.sum(weights) + jax.random.normal(key),
                {"weight": jnp.sum(weights)},
            ),
            sample=lambda key, params, num: params + jax.random.normal(key, (num,)),
        )
        return Problem(lambda key, num: jax.random.normal(key, (num,)), toy, measure)
    truth = gaussian.standard(D)
    if kind == "mixture":
        model = gmm.gmm(2, dimension=D, max_iter=20, tol=1e-3)
    else:
        model = gaussian.gaussian(
            D, rows=kind, batch_size=1 if kind == "samples" else N
        )
    write = gaussian.sample_points if kind in BY_ROW else model.sample
    return Problem(lambda key, num: write(key, truth, num), model, measure)


@functools.cache
def _program(name, kind, length):
    """One compiled chunk: (key, state) -> state, trace; length 0 gives the start."""
    args = (problem(kind), WORKFLOWS[name], N if kind in BY_ROW else 1)
    if length == 0:
        return jax.jit(lambda key: loop.init(key, *args))
    return jax.jit(lambda key, state: loop.advance(key, *args, state, length))


def compiled(name, kind, *lengths):
    """A run in chunks: key -> last state, trace."""

    def run(key):
        state, traces = _program(name, kind, 0)(key), []
        for length in lengths:
            state, trace = _program(name, kind, length)(key, state)
            traces.append(trace)
        return state, jax.tree.map(lambda *xs: jnp.concatenate(xs), *traces)

    return run


def assert_bitwise(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


CASES = [(name, "toy") for name in WORKFLOWS]
CASES += [("fixed_budget", "samples"), ("accumulate", "law"), ("replace", "mixture")]
WEEKLY = [
    ("mix", "toy"),
    ("fixed_budget", "toy"),
    ("accumulate", "law"),
]  # they take longest to compile


@pytest.mark.parametrize(
    ("name", "kind"),
    [pytest.param(*c, marks=[pytest.mark.slow] * (c in WEEKLY)) for c in CASES],
)
@given(key=keys)
def test_chunks_are_bitwise_the_whole_and_a_short_run_its_beginning(name, kind, key):
    state, whole = compiled(name, kind, G + 1)(key)
    short = compiled(name, kind, 1, 4)(key)[1]
    assert_bitwise(short, jax.tree.map(lambda leaf: leaf[:5], whole))
    assert_bitwise(compiled(name, kind, 1, 4, 1, 5)(key), (state, whole))


MAKERS = {
    "accumulate": workflows.accumulate,
    "fixed_budget": workflows.fixed_budget,
    "replace_multiple": workflows.replace_multiple,
    "window": lambda last: workflows.window(2),
    "mix": lambda last: workflows.mix(0.25, "fixed"),
}


@pytest.mark.x64
@pytest.mark.parametrize("name", MAKERS)
def test_workflows_for_fewer_generations_begin_alike(name, root):
    """The store of the longer run has other sizes, and sums another rounding."""
    short, long = (
        jax.jit(
            lambda key, last=last: loop.run(
                key, problem("samples"), MAKERS[name](last), N, last
            )[1]
        )(root)
        for last in (3, 6)
    )
    for one, other in zip(jax.tree.leaves(short), jax.tree.leaves(long), strict=True):
        np.testing.assert_allclose(
            np.asarray(one, float), np.asarray(other[:4], float), rtol=1e-12
        )


def test_a_workflow_made_for_fewer_generations_is_refused(root):
    for make in (workflows.accumulate, workflows.replace_multiple):
        with pytest.raises(ValueError, match="made for 3"):
            loop.run(root, problem("toy"), make(3), N, 4)


@pytest.mark.x64
@pytest.mark.parametrize(("name", "kind"), CASES)
@given(seed=st.integers(0, 2**31))
def test_mapped_over_seeds_is_the_single_run(name, kind, seed):
    roots = streams.seeds(seed, 3)  # not a multiple of the devices
    mapped = _mapped(name, kind)(roots)
    for i in range(3):
        single = compiled(name, kind, G + 1)(roots[i])[1]
        for a, b in zip(jax.tree.leaves(mapped), jax.tree.leaves(single), strict=True):
            # a gain in likelihood at convergence is rounding alone, hence atol
            np.testing.assert_allclose(
                np.asarray(a[i], float), np.asarray(b, float), rtol=1e-12, atol=1e-10
            )


@functools.cache
def _mapped(name, kind):
    args = (problem(kind), WORKFLOWS[name], N if kind in BY_ROW else 1, G)
    return loop.over_seeds(lambda key: loop.run(key, *args)[1])


def test_run_seeds_gives_every_seed_its_run(root):
    roots = streams.seeds(5, 2)
    args = (WORKFLOWS["replace"], N, G)
    state, traces = loop.run_seeds(roots, lambda key: problem("toy"), *args)
    assert state.generation == G
    assert_bitwise(traces, _mapped("replace", "toy")(roots))


@given(key=keys)
def test_generation_zero_is_the_same_under_all_workflows(key):
    zero = [
        jax.tree.map(lambda leaf: leaf[0], compiled(name, "toy", G + 1)(key)[1])
        for name in WORKFLOWS
    ]
    for other in zero[1:]:
        for a, b in zip(jax.tree.leaves(zero[0]), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(
                np.asarray(a, float), np.asarray(b, float), 1e-12
            )


@pytest.mark.parametrize("num_generations", [0, 1, 200])
def test_fit_is_traced_once_however_many_generations(root, num_generations):
    """Beside the one time that the start of a run asks it for shapes."""
    traced = []

    def fit(key, params, batch, weights):
        traced.append(1)
        return jnp.mean(batch), {}

    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=fit,
        sample=lambda key, params, num: params + jax.random.normal(key, (num,)),
    )
    toy = Problem(lambda key, num: jax.random.normal(key, (num,)), model, {})
    args = (toy, workflows.replace(), 4)
    state = jax.jit(lambda key: loop.init(key, *args))(root)
    assert len(traced) == 1
    traced.clear()
    walk = jax.jit(lambda key, now: loop.advance(key, *args, now, num_generations + 1))
    state, _ = walk(root, state)
    assert len(traced) == 1
    walk(root, state)  # further on by the same program
    assert len(traced) == 1 and walk._cache_size() == 1


def test_what_is_not_finite_is_marked_and_what_follows_too(root):
    def measure(key, params):
        return jnp.where(params > 3, jnp.inf, params)

    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=lambda key, params, batch, weights: (params + 1, {}),
        sample=lambda key, params, num: jnp.zeros(num),
    )
    toy = Problem(lambda key, num: jnp.zeros(num), model, {"params": measure})
    _, trace = loop.run(root, toy, workflows.replace(), 2, 4)
    assert trace.finite.tolist() == [True, True, True, False, False]


def test_parameters_that_are_not_finite_are_marked_where_no_metric_sees_them(root):
    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=lambda key, params, *_: (jnp.where(params < 2, params + 1, jnp.nan), {}),
        sample=lambda key, params, num: jnp.zeros(num),
    )
    blind = {"one": lambda key, params: jnp.ones(())}
    toy = Problem(lambda key, num: jnp.zeros(num), model, blind)
    _, trace = loop.run(root, toy, workflows.replace(), 2, 3)
    assert trace.finite.tolist() == [True, True, False, False]


def test_each_generation_and_purpose_has_numbers_of_its_own(root):
    _, trace = compiled("replace", "toy", G + 1)(root)
    assert len(set(np.asarray(trace.metrics["random"]).tolist())) == G + 1


def test_seeds_are_split_over_the_devices_there_are():
    assert len(seed_devices()) == jax.device_count() == 2


def test_no_more_devices_are_used_than_the_thread_pool_can_bear(monkeypatch):
    monkeypatch.delenv("NPROC")
    assert len(seed_devices()) == 1
