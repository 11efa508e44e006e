"""Training: rows by weight, the schedule, what is kept, and one golden step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_cases import BLOCK, KEY, TINY, V, marked, net_of, rows_of

from collapse.models import training
from collapse.models.language import nats
from collapse.models.training import Recipe
from collapse.models.transformer import network


@pytest.fixture(autouse=True)
def promotion():
    """Optax multiplies floats by counts."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def loss(weights, rows, key):
    del key
    return jnp.mean(nats(net_of()[0], weights, rows))


@functools.partial(jax.jit, static_argnames=("recipe", "check"))
def trained(weights, rows, row_weights, recipe, check=False):
    validate = (lambda w: loss(w, rows[:2], None)) if check else None
    return training.train(KEY, weights, rows, row_weights, loss, recipe, validate)


@given(
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=12).filter(any),
    steps=st.integers(1, 9),
    key=st.integers(0, 2**31),
)
def test_rows_are_used_as_often_as_their_share(weights, steps, key):
    recipe = Recipe(steps=steps, batch_size=4)
    own = jnp.asarray(weights, jnp.float32)
    num = steps * recipe.batch_size
    order = training._order(jax.random.key(key), own, jnp.int32(num), steps, recipe)
    used = np.bincount(np.asarray(order)[:num], minlength=len(weights))
    share = num * np.array(weights) / sum(weights)
    assert (used >= np.floor(share - 1e-3)).all()
    assert (used <= np.ceil(share + 1e-3)).all()


def test_epochs_grow_with_the_weight_of_the_rows():
    rows, recipe = rows_of(12), Recipe(epochs=2.0, most_rows=12, batch_size=4)
    weights = net_of()[1]
    for count, steps in ((12, 6), (6, 3), (3, 2)):
        own = (jnp.arange(12) < count).astype(jnp.float32)
        assert int(trained(weights, rows, own, recipe).steps) == steps


def test_rows_of_no_weight_have_no_influence():
    rows, recipe = rows_of(6), Recipe(steps=3, batch_size=4)
    ones = jnp.array([1.0, 1, 1, 0, 0, 0])
    other = rows.at[3:].set(0)
    first, second = (trained(net_of()[1], r, ones, recipe) for r in (rows, other))
    jax.tree.map(np.testing.assert_array_equal, first.weights, second.weights)


def test_a_few_rows_at_a_time_are_one_step():
    rows, ones = rows_of(8), jnp.ones(8)
    recipe = Recipe(steps=3, batch_size=8, together=8)
    whole = trained(net_of()[1], rows, ones, recipe)
    parts = trained(net_of()[1], rows, ones, recipe._replace(together=3))
    assert abs(whole.loss - parts.loss) < 1e-5
    for a, b in zip(*map(jax.tree.leaves, (whole.weights, parts.weights)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_the_rate_rises_then_falls_to_a_tenth():
    recipe = Recipe(learning_rate=2.0, warm_up=0.1)
    rate = [
        float(training._rate(recipe, jnp.int32(i), jnp.int32(100))) for i in range(100)
    ]
    assert rate[0] == pytest.approx(0.2) and max(rate) == rate[9] == pytest.approx(2.0)
    assert rate[99] == pytest.approx(0.2, abs=0.01)
    assert rate[55] == pytest.approx(1.1, abs=0.05)


def test_the_best_is_kept():
    """A rate so large that training ends worse than it was on its way."""
    rows = rows_of(8)
    recipe = Recipe(steps=40, learning_rate=1.0, weight_decay=0.0, looks=40)
    last = trained(net_of()[1], rows, jnp.ones(8), recipe)
    best = trained(
        net_of()[1], rows, jnp.ones(8), recipe._replace(keep="best"), check=True
    )
    ends = [float(loss(end.weights, rows[:2], None)) for end in (best, last)]
    assert ends[0] < ends[1]
    assert 0 < int(best.kept) < 40 and int(last.kept) == 40
    with pytest.raises(ValueError, match="needs a validation loss"):
        trained(net_of()[1], rows, jnp.ones(8), recipe._replace(keep="best"))


def test_a_line_is_learned_by_heart():
    """Near 0 bits, where its characters at random would be 2.3."""
    line = jnp.array([[0, 1, 2, 3, 4, 0, 2, 4]], jnp.int32)
    recipe = Recipe(steps=200, batch_size=2, learning_rate=1e-2, weight_decay=0.0)
    end = trained(net_of()[1], line, jnp.ones(1), recipe)
    assert float(loss(end.weights, line, None)) < 0.02


def test_loss_is_that_of_the_next_character():
    net, weights = net_of()
    rows = rows_of(4)
    log = jax.nn.log_softmax(net.apply(weights, marked(rows)))
    right = -np.take_along_axis(np.asarray(log), np.asarray(rows)[..., None], 2)[..., 0]
    np.testing.assert_allclose(nats(net, weights, rows), right, rtol=1e-4, atol=1e-5)
    open_ = nats(net, weights, rows, jnp.array([True, False, True, False]))
    np.testing.assert_allclose(open_[1::2], right[1::2], rtol=1e-4, atol=1e-5)
    log = jax.nn.log_softmax(net.apply(weights, rows))
    next_ = -np.take_along_axis(
        np.asarray(log)[:, :-1], np.asarray(rows)[:, 1:, None], 2
    )
    np.testing.assert_allclose(open_[::2, :-1], next_[::2, :, 0], rtol=1e-4, atol=1e-5)
    assert (open_[::2, -1] == 0).all()


def test_one_step_from_the_golden_start():
    """Renew the number when network, initial weights, optimiser or draws change."""
    weights = network(TINY).init(jax.random.key(7))
    rows = jnp.arange(4 * BLOCK, dtype=jnp.int32).reshape(4, BLOCK) % V
    recipe = Recipe(steps=1, batch_size=4, warm_up=0.0)
    end = trained(weights, rows, jnp.ones(4), recipe)
    assert float(end.loss) == pytest.approx(GOLDEN[0], abs=2e-5)
    assert float(loss(end.weights, rows, None)) == pytest.approx(GOLDEN[1], abs=2e-5)


GOLDEN = (1.616565, 1.593825)  # before and after
