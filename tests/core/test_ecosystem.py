"""Several models that share rows: a partition, no influence of empty positions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED, X64

from collapse.core import loop, memory, streams, workflows
from collapse.core.ecosystem import dealt, ecosystem, parts, several
from collapse.core.types import Model, Problem
from collapse.models import gaussian
from collapse.numerics import draws

N, M, G = 12, 3, 6
DTYPE = jnp.result_type(float)
TINY = 1e-12 if X64 else 1e-5


def rows_of(num=N):
    return jnp.arange(1.0, num + 1, dtype=DTYPE)[:, None]


def problem(num_models, private=None, **more):
    """Gaussians that share rows; metrics that tell models, keys and memory apart."""
    truth = gaussian.standard(1)
    one = Problem(
        lambda key, num: gaussian.sample_points(key, truth, num),
        gaussian.gaussian(1),
        {
            "mean": lambda key, params: params.mean[0],
            "variance": lambda key, params: params.scale[0, 0] ** 2,
            "drawn": lambda key, params: gaussian.sample_points(key, params, 1)[0, 0],
        },
        remember=memory.first(lambda params: params.mean[0]),
        memory_metrics={"moved": lambda key, params, m: params.mean[0] - m},
    )
    return ecosystem(
        one, num_models, private=private, pooled=gaussian.mixture_moments, **more
    )


def run(root, num_models=M, workflow=None, last=G, **more):
    made = problem(num_models, **more)
    return jax.jit(
        lambda root: loop.run(root, made, workflow or workflows.replace(), N, last)
    )(root)


def equal(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("num", [12, 13, 14])
def test_every_row_is_in_one_part_with_its_weight(root, num):
    weights = jnp.arange(num, dtype=DTYPE)  # the first is 0
    batch, own = parts(root, {"row": rows_of(num)}, weights, M)
    assert own.shape == (M, -(-num // M))
    found, weight = np.ravel(batch["row"]), np.ravel(own)
    for i in range(1, num):
        assert list(weight[found == i + 1]) == [i]
    assert weight[found == 1].sum() == 0
    filled = (np.asarray(own) > 0).sum(1)
    assert filled.max() - filled.min() <= 1


def test_rows_are_dealt_out_at_random():
    """Two rows are in one part with the chance (n - M) / (M (n - 1)), not 1/M."""
    keys = jax.random.split(jax.random.key(SEED), 8000)
    dealt_out = jax.jit(jax.vmap(lambda key: parts(key, rows_of(), jnp.ones(N), M)[0]))
    part = np.argmax((np.asarray(dealt_out(keys)) == [[[1.0]]]).any(2)[..., 0], 1)
    other = np.argmax((np.asarray(dealt_out(keys)) == [[[12.0]]]).any(2)[..., 0], 1)
    assert_tells_apart(part == 0, 1 / M, 1 / 2)
    assert_tells_apart(part == other, (N / M - 1) / (N - 1), 1 / M)


def test_rows_of_weight_0_have_no_influence(root):
    weights = jnp.ones(N, DTYPE).at[jnp.array([1, 4, 5])].set(0)
    model, rows = several(gaussian.gaussian(1), M), rows_of()
    params, _ = model.fit(root, None, rows, weights)
    changed = rows.at[jnp.array([1, 4, 5])].set(1e6)
    equal(model.fit(root, None, changed, weights)[0], params)
    with pytest.raises(AssertionError):
        equal(model.fit(root, None, changed, jnp.ones(N, DTYPE))[0], params)


def test_empty_positions_at_the_end_change_no_part(root):
    one, _ = parts(root, rows_of(), jnp.ones(N, DTYPE), M)
    weights = jnp.ones(2 * N, DTYPE).at[N:].set(0)
    other, own = parts(root, rows_of(2 * N), weights, M)
    equal(other[:, : N // M], one)
    assert not own[:, N // M :].any()


@pytest.mark.parametrize("workflow", ["accumulate", "window", "fixed_budget"])
def test_generation_0_is_that_of_replace(root, workflow):
    made = {
        "accumulate": workflows.accumulate(G),
        "window": workflows.window(2),
        "fixed_budget": workflows.fixed_budget(G),
    }[workflow]
    one = run(root)[1].metrics
    other = run(root, workflow=made)[1].metrics
    for name in one:
        np.testing.assert_allclose(other[name][0], one[name][0], rtol=TINY, atol=TINY)
    assert not np.allclose(other["mean"][1:], one["mean"][1:])


def test_one_model_is_the_plain_run_bit_for_bit(root):
    pools = {"pooled_mean": "mean"}
    state, trace = run(root, 1, pools=pools)
    plain = problem(1)
    again, expected = jax.jit(
        lambda root: loop.run(root, plain, workflows.replace(), N, G)
    )(root)
    equal(state, again)
    found = dict(trace.metrics)
    equal(found.pop("pooled_mean"), expected.metrics["mean"])
    equal(found, expected.metrics)
    assert several(plain.model, 1) is plain.model


def test_a_short_run_is_the_beginning_of_a_long_one(root):
    for made in (workflows.replace(), workflows.fixed_budget(G)):
        equal(
            run(root, workflow=made, last=2)[1].metrics["mean"],
            run(root, workflow=made)[1].metrics["mean"][:3],
        )


def test_chunks_are_the_whole_and_mapped_seeds_the_single_one(root):
    made, workflow = problem(M), workflows.accumulate(G)

    def chunked(root):
        state, first = loop.advance(
            root, made, workflow, N, loop.init(root, made, workflow, N), 3
        )
        state, rest = loop.advance(root, made, workflow, N, state, G - 2)
        return state, jax.tree.map(lambda *x: jnp.concatenate(x), first, rest)

    whole = run(root, workflow=workflow)
    equal(jax.jit(chunked)(root), whole)
    roots = jnp.stack([root, jax.random.key(SEED + 1)])
    mapped = loop.run_seeds(roots, lambda root: made, workflow, N, G)[1].metrics
    for name, curve in whole[1].metrics.items():
        np.testing.assert_allclose(mapped[name][0], curve, rtol=TINY, atol=TINY)
        assert not np.allclose(mapped[name][1], curve)


def test_models_generate_in_turn_so_that_any_span_has_all_of_them(root):
    def sample(key, params, num):
        return {"row": jnp.full((num, 2), params["number"])}

    model = several(Model(lambda *_: None, lambda *_: (None, {}), sample), M)
    params = {"number": jnp.arange(M, dtype=DTYPE)}
    found = model.sample(root, params, N)["row"]
    np.testing.assert_array_equal(found[:, 0], np.arange(N) % M)
    uneven = dealt(sample, root, params, 5)["row"]
    np.testing.assert_array_equal(uneven[:, 1], [0, 1, 2, 0, 1])
    with pytest.raises(ValueError, match="3 models cannot generate 7 rows in equal"):
        model.sample(root, params, 7)


def test_models_draw_other_numbers(root):
    params = jax.tree.map(lambda x: jnp.stack([x] * M), gaussian.standard(1))
    rows = several(gaussian.gaussian(1), M).sample(root, params, N)
    assert len(np.unique(rows)) == N


def test_private_rows_are_in_each_fit_of_their_own_model(root):
    private = 100.0 * (1 + jnp.arange(M, dtype=DTYPE))[:, None, None]
    model = several(gaussian.gaussian(1), M, private)
    weights = jnp.zeros(N, DTYPE).at[:M].set(1)
    params, _ = model.fit(root, None, jnp.zeros((N, 1), DTYPE), weights)
    np.testing.assert_allclose(params.mean[:, 0], [50, 100, 150])
    with pytest.raises(ValueError, match="private must have rows for each of 2 models"):
        several(gaussian.gaussian(1), 2, private)


def test_metrics_are_means_over_models_and_pooled_those_of_the_mixture(root):
    pools = {"pooled_variance": "variance", "pooled_mean": "mean"}
    made = problem(M, pools=pools)
    params = gaussian.GaussianParams(
        jnp.array([[1.0], [2.0], [6.0]], DTYPE), jnp.array([[[1.0]], [[2.0]], [[3.0]]])
    )
    found = {name: float(m(root, params)) for name, m in made.metrics.items()}
    assert found["mean"] == found["pooled_mean"] == pytest.approx(3)
    assert found["variance"] == pytest.approx(14 / 3)
    assert found["pooled_variance"] == pytest.approx(14 / 3 + 14 / 3)  # within, between
    moved = made.memory_metrics["moved"](root, params, jnp.array([0.0, 0.0, 3.0]))
    assert float(moved) == pytest.approx(2)
    with pytest.raises(ValueError, match="'pooled_mean'.* need `pooled`"):
        plain = problem(1)
        ecosystem(plain, M, pools={"pooled_mean": "mean"})


def test_each_model_is_measured_by_numbers_of_its_own():
    """The mean of M independent draws of N(0, 1) has the variance 1 / M."""
    one = problem(1)._replace(
        metrics={"drawn": lambda key, params: draws.normal(key, (), DTYPE)},
        memory_metrics={
            "drawn, too": lambda key, params, m: draws.normal(key, (), m.dtype)
        },
    )
    made, keys = ecosystem(one, M), streams.seeds(SEED, 2000)
    drawn, other = made.metrics["drawn"], made.memory_metrics["drawn, too"]
    nothing = jnp.zeros(M, DTYPE)
    for metric in (drawn, lambda key, params: other(key, params, nothing)):
        found = jax.vmap(lambda key, own=metric: own(key, nothing))(keys)
        assert_tells_apart(np.asarray(found) ** 2, 1 / M, 1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="num_models must be at least 1, got 0"):
        several(gaussian.gaussian(1), 0)
