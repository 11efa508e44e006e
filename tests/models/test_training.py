"""Training: rows by weight, the schedule, what is kept, and one golden step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from calibrated import Z, assert_tells_apart, count
from hypothesis import given
from hypothesis import strategies as st
from language_cases import BLOCK, KEY, TINY, V, net_of, rows_of, with_bos

from collapse.models.language import training
from collapse.models.language.losses import cross_entropy
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig
from collapse.numerics import minibatches, threefry


@pytest.fixture(autouse=True)
def promotion():
    """Optax multiplies floats by counts."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def loss(weights, rows, key):
    del key
    return jnp.mean(cross_entropy(net_of()[0], weights, rows))


@functools.partial(jax.jit, static_argnames=("train_config", "check"))
def trained(weights, rows, row_weights, train_config, check=False):
    validate = (lambda w: loss(w, rows[:2], None)) if check else None
    return training.train(KEY, weights, rows, row_weights, loss, train_config, validate)


@given(
    # few shapes: each compiles anew
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any),
    steps=st.sampled_from([1, 3, 9]),
    key=st.integers(0, 2**31),
)
def test_rows_are_used_as_often_as_their_share(weights, steps, key):
    own, num = jnp.asarray(weights, jnp.float32), 4 * steps
    order = minibatches.order(jax.random.key(key), own, jnp.int32(num), num)
    used = np.bincount(np.asarray(order)[:num], minlength=len(weights))
    share = num * np.array(weights) / sum(weights)
    assert (used >= np.floor(share - 1e-3)).all()
    assert (used <= np.ceil(share + 1e-3)).all()


def test_whole_epochs_are_shuffled_passes():
    """Each row once in a pass, in an order that no pass and no key repeats."""
    num, passes = 400, 3
    found = []
    for seed in range(2):
        key = jax.random.key(seed)
        steps, most = minibatches.num_steps(0, float(passes), 4, jnp.ones(num), num)
        order = minibatches.order(key, jnp.ones(num), steps * 4, most * 4)
        found += list(np.asarray(order).reshape(passes, num))
    for one in found:
        assert sorted(one) == list(range(num))
    assert len({tuple(one) for one in found}) == 2 * passes
    together = np.corrcoef([*found, np.arange(num)])[np.triu_indices(7, 1)]
    assert np.abs(together).max() < Z / np.sqrt(num - 1)  # 0.28
    count(together.size)


@pytest.mark.statistical
def test_rows_are_used_in_proportion_to_their_weight_at_any_time(root):
    """On average over keys, in both halves of the training; uniform is the control."""
    own = np.array([1.0, 2, 3, 0.5, 0, 1.5])
    num = 12
    many = jax.vmap(
        lambda key: minibatches.order(key, jnp.asarray(own), jnp.int32(num), num)
    )
    orders = np.asarray(many(jax.random.split(root, 4000)))
    counts = (orders[..., None] == np.arange(6)).astype(float)
    share = num / 2 * own / own.sum()
    some = [0, 1, 2, 3, 5]  # the row of no weight is never used
    assert (counts[..., 4] == 0).all()
    for half in (counts[:, :6].sum(1), counts[:, 6:].sum(1)):
        assert_tells_apart(half[:, some], share[some], np.full(5, num / 10))


def test_epochs_grow_with_the_weight_of_the_rows():
    rows, train_config = (
        rows_of(12),
        TrainConfig(epochs=2.0, most_rows=12, batch_size=4),
    )
    weights = net_of()[1]
    for heavy, steps in ((12, 6), (6, 3), (3, 2)):
        own = (jnp.arange(12) < heavy).astype(jnp.float32)
        assert int(trained(weights, rows, own, train_config).steps) == steps


def test_rows_of_no_weight_have_no_influence():
    rows, train_config = rows_of(6), TrainConfig(steps=3, batch_size=4)
    ones = jnp.array([1.0, 1, 1, 0, 0, 0])
    other = rows.at[3:].set(0)
    first, second = (trained(net_of()[1], r, ones, train_config) for r in (rows, other))
    jax.tree.map(np.testing.assert_array_equal, first.weights, second.weights)


def test_a_few_rows_at_a_time_are_one_step():
    rows, ones = rows_of(8), jnp.ones(8)
    train_config = TrainConfig(steps=3, batch_size=8, microbatch_size=8)
    whole = trained(net_of()[1], rows, ones, train_config)
    parts = trained(net_of()[1], rows, ones, train_config._replace(microbatch_size=3))
    assert abs(whole.loss - parts.loss) < 1e-5
    for a, b in zip(*map(jax.tree.leaves, (whole.weights, parts.weights)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_a_gradient_by_few_rows_is_that_of_all():
    """By its size too, which the optimiser hides; never of more rows than stated."""
    seen, rows = [], rows_of(8)

    def counting(weights, rows, key):
        seen.append(len(rows))
        return loss(weights, rows, key)

    whole, parts = (
        training._gradient(counting, TrainConfig(batch_size=8, microbatch_size=most))
        for most in (8, 3)
    )
    own = net_of()[1]
    value, right = whole(own, rows, KEY)
    assert seen.pop() == 8 and not seen
    found, gradient = jax.jit(parts)(own, rows, KEY)
    assert set(seen) == {2}  # of equal sizes, at most 3
    assert float(found) == pytest.approx(float(value), rel=1e-5)
    for a, b in zip(*map(jax.tree.leaves, (gradient, right)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert max(float(abs(g).max()) for g in jax.tree.leaves(right)) > 1e-2


def test_the_rate_rises_then_falls_to_a_tenth():
    train_config = TrainConfig(learning_rate=2.0, warm_up=0.1)
    rate = [
        float(training._learning_rate(train_config, jnp.int32(i), jnp.int32(100)))
        for i in range(100)
    ]
    assert rate[0] == pytest.approx(0.2) and max(rate) == rate[9] == pytest.approx(2.0)
    assert rate[99] == pytest.approx(0.2, abs=0.01)
    assert rate[55] == pytest.approx(1.1, abs=0.05)


def test_the_best_is_kept():
    """A rate so large that training ends worse than it was on its way."""
    rows = rows_of(8)
    train_config = TrainConfig(
        steps=40, learning_rate=1.0, weight_decay=0.0, validation_checks=40
    )
    last = trained(net_of()[1], rows, jnp.ones(8), train_config)
    best = trained(
        net_of()[1], rows, jnp.ones(8), train_config._replace(keep="best"), check=True
    )
    ends = [float(loss(end.weights, rows[:2], None)) for end in (best, last)]
    assert ends[0] < ends[1]
    assert 0 < int(best.kept) < 40 and int(last.kept) == 40
    with pytest.raises(ValueError, match="needs a validation loss"):
        trained(net_of()[1], rows, jnp.ones(8), train_config._replace(keep="best"))


@pytest.mark.x64
def test_seeds_together_are_seeds_one_by_one():
    """Of other numbers of steps, with checks of the validation loss.

    Weights are float64: Adam makes steps of the signs of gradients, which rounding
    turns, so that float32 weights differ by percents.
    """
    rows = rows_of(8)
    weights = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), net_of()[1])
    shares = jnp.stack([jnp.ones(8), jnp.where(jnp.arange(8) < 3, 1.0, 0.0)])
    config = TrainConfig(
        epochs=6.0, most_rows=8, batch_size=2, learning_rate=0.01, keep="best"
    )

    def single(weights, rows, key):
        return loss(weights, rows, key).astype(jnp.float32)

    def fit(own):
        def validate(weights):
            return single(weights, rows[:2], None)

        return training.train(KEY, weights, rows, own, single, config, validate)

    together, alone = jax.jit(jax.vmap(fit))(shares), jax.jit(fit)
    for i, own in enumerate(shares):
        one = alone(own)
        assert (together.steps[i], together.kept[i]) == (one.steps, one.kept)
        np.testing.assert_allclose(together.loss[i], one.loss, rtol=1e-6)
        jax.tree.map(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-6),
            *(together.weights, one.weights),
        )
    assert together.steps.tolist() == [24, 9]
    assert together.kept[0] < 24


def test_a_line_is_learned_by_heart():
    """Near 0 bits, where its characters at random would be 2.3."""
    line = jnp.array([[0, 1, 2, 3, 4, 0, 2, 4]], jnp.int32)
    train_config = TrainConfig(
        steps=200, batch_size=2, learning_rate=1e-2, weight_decay=0.0
    )
    end = trained(net_of()[1], line, jnp.ones(1), train_config)
    assert float(loss(end.weights, line, None)) < 0.02


def test_loss_is_that_of_the_next_character():
    net, weights = net_of()
    rows = rows_of(4)
    log = jax.nn.log_softmax(net.apply(weights, with_bos(rows)))
    right = -np.take_along_axis(np.asarray(log), np.asarray(rows)[..., None], 2)[..., 0]
    np.testing.assert_allclose(
        cross_entropy(net, weights, rows), right, rtol=1e-4, atol=1e-5
    )
    open_ = cross_entropy(net, weights, rows, jnp.array([True, False, True, False]))
    np.testing.assert_allclose(open_[1::2], right[1::2], rtol=1e-4, atol=1e-5)
    log = jax.nn.log_softmax(net.apply(weights, rows))
    next_ = -np.take_along_axis(
        np.asarray(log)[:, :-1], np.asarray(rows)[:, 1:, None], 2
    )
    np.testing.assert_allclose(open_[::2, :-1], next_[::2, :, 0], rtol=1e-4, atol=1e-5)
    assert (open_[::2, -1] == 0).all()


def smooth(weights, rows, key):
    """A loss on which rounding does not grow, whose gradients vary in size."""
    del key
    size = 1 + rows[:, :1].astype(jnp.float32) ** 2
    return jnp.mean(
        size * (weights["kernel"][rows].sum(-1) * weights["scale"][None] - 1) ** 2
    )


def by_optax(weights, rows, order, clip=0.5, decay=2.0, b1=0.9):
    """Six steps of four rows."""
    rates = [0.03 * min((i + 1) / 1.8, fall_of((i - 1.8) / 4.2)) for i in range(6)]
    own = {"b1": b1, "b2": 0.99, "weight_decay": decay}
    own["mask"] = {"kernel": True, "scale": False}
    adamw = optax.adamw(lambda i: jnp.asarray(rates, jnp.float32)[i], **own)
    optimiser = optax.chain(optax.clip_by_global_norm(clip), adamw)
    state = optimiser.init(weights)
    for i in range(6):
        grad = jax.grad(smooth)(weights, rows[order[4 * i : 4 * i + 4]], None)
        updates, state = optimiser.update(grad, state, weights)
        weights = optax.apply_updates(weights, updates)
    return weights


def test_training_is_optax_adamw_with_clipping_and_a_schedule():
    """Step by step, on the same rows; each control differs in one number."""
    rows = rows_of(12)
    weights = {
        "kernel": jnp.linspace(-1, 2, 3 * V, dtype=jnp.float32).reshape(V, 3),
        "scale": jnp.full(BLOCK, 1.5, jnp.float32),
    }
    train_config = TrainConfig(
        steps=6, batch_size=4, learning_rate=0.03, warm_up=0.3, weight_decay=2.0
    )._replace(clip=0.5)
    end = training.train(KEY, weights, rows, jnp.ones(12), smooth, train_config).weights
    order_key, _ = threefry.split(KEY)
    order = minibatches.order(order_key, jnp.ones(12), jnp.int32(24), 24)

    def gap(**change):
        other = by_optax(weights, rows, order, **change)
        pairs = zip(jax.tree.leaves(end), jax.tree.leaves(other), strict=True)
        return max(float(jnp.abs(a - b).max()) for a, b in pairs)

    assert gap() < 1e-5
    for change in ({"clip": 1e9}, {"decay": 1.0}, {"b1": 0.5}):
        assert gap(**change) > 1e-3, change


def fall_of(progress):
    return 0.1 + 0.45 * (1 + np.cos(np.pi * max(progress, 0)))


def test_one_step_from_the_golden_start():
    """Renew the number when network, initial weights, optimiser or draws change."""
    weights = network(TINY).init(jax.random.key(7))
    rows = jnp.arange(4 * BLOCK, dtype=jnp.int32).reshape(4, BLOCK) % V
    train_config = TrainConfig(steps=1, batch_size=4, warm_up=0.0)
    end = trained(weights, rows, jnp.ones(4), train_config)
    assert float(end.loss) == pytest.approx(GOLDEN[0], abs=2e-5)
    assert float(loss(end.weights, rows, None)) == pytest.approx(GOLDEN[1], abs=2e-5)


GOLDEN = (1.616565, 1.593825)  # before and after
