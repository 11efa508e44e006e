"""The map over seeds: one after the other is the same as side by side."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import loop, streams, workflows
from collapse.core.seeds import over_seeds
from collapse.core.types import Model, Problem

N, G = 4, 3
WORKFLOW = workflows.replace_multiple(G)


def assert_same_bits(first, second):
    assert jax.tree.structure(first) == jax.tree.structure(second)
    for one, other in zip(*map(jax.tree.leaves, (first, second)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def toy(key, state, scale, table):
    """A number for each seed, a tree of them, and one for all."""
    noise = jax.random.normal(key, state["x"].shape)
    new = {"x": state["x"] + scale * noise, "step": state["step"] + 1}
    return new, jnp.sum(table["row"]) * noise[0], new["step"]


@pytest.mark.parametrize("num", [1, 2, 3])
def test_one_by_one_is_side_by_side(num):
    """Also where the seeds are no multiple of the devices."""
    own = {"x": 0, "step": None}
    in_axes, out_axes = (0, own, None, None), (own, 0, None)
    arguments = (
        streams.seeds(0, num),
        {"x": jnp.arange(2.0 * num).reshape(num, 2), "step": jnp.int32(4)},
        jnp.array(0.5),
        {"row": jnp.arange(3.0)},
    )
    slow, fast = (
        over_seeds(toy, in_axes, out_axes, one_by_one=flag)(*arguments)
        for flag in (True, False)
    )
    assert_same_bits(slow, fast)
    assert slow[0]["x"].shape == (num, 2) and slow[1].shape == (num,)
    assert slow[0]["step"] == slow[2] == 5  # no axis of seeds
    keys, state, *rest = arguments
    for i, x in enumerate(state["x"]):
        alone = toy(keys[i], state | {"x": x}, *rest)
        np.testing.assert_allclose(slow[0]["x"][i], alone[0]["x"], rtol=1e-6)
        np.testing.assert_allclose(slow[1][i], alone[1], rtol=1e-6)


@pytest.mark.parametrize("num", [1, 2, 3])
def test_one_by_one_with_plain_axes(num):
    roots = streams.seeds(0, num)

    def draw(key):
        a, b = jax.random.normal(key, (2,)), jax.random.normal(key)
        return {"a": a, "b": b, "nothing": None}

    slow = over_seeds(draw, one_by_one=True)(roots)
    assert slow["nothing"] is None
    assert_same_bits(slow, over_seeds(draw)(roots))
    assert slow["a"].shape == (num, 2) and slow["b"].shape == (num,)


def problem(one_by_one):
    """A mean with noise, whose fit tells the rows it is trained on."""

    def fit(key, params, batch, weights):
        mean = jnp.sum(weights * batch) / jnp.sum(weights) + jax.random.normal(key)
        return mean, {"rows": jnp.where(weights > 0, batch, 0), "weights": weights}

    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=fit,
        sample=lambda key, params, num: params + jax.random.normal(key, (num,)),
    )

    def draw(key, num):
        return jax.random.normal(key, (num,))

    return Problem(draw, model, {}, one_by_one=one_by_one)


@pytest.fixture
def promotion():
    """The loop compares the slot's number with the generation's, of another type."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("power", [1, 1.5])
def test_slots_one_by_one_train_on_the_same_rows(root, promotion, power):
    """With as many as are needed, and no slot that repeats another."""
    workflow = WORKFLOW if power == 1 else workflows.replace_growing(G, power)
    slow, fast = (
        jax.jit(lambda key, own=own: loop.run(key, own, workflow, N, G)[1])(root)
        for own in map(problem, (True, False))
    )
    assert_same_bits(slow, fast)
    for t, rows in enumerate(np.asarray(slow.info["rows"])):
        assert len(set(rows[rows != 0].tolist())) == N * round((t + 1) ** power)


def test_slots_one_by_one_are_not_written_in_vain(root, promotion):
    written = []

    def sample(key, params, num):
        jax.debug.callback(lambda: written.append(num))
        return jnp.zeros(num) + params

    own = problem(True)
    own = own._replace(model=own.model._replace(sample=sample))
    jax.jit(lambda key: loop.run(key, own, WORKFLOW, N, G)[1])(root)
    jax.effects_barrier()
    assert written == [N] * sum(t + 1 for t in range(1, G + 1))
