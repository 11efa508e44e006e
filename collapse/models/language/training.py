"""Training of a network on weighted sequences: AdamW over minibatches, compiled.

Every row is used in proportion to its weight: over a whole training the number of its
uses is its share of all uses, rounded down or up, spread evenly over time and in random
order. With equal weights and whole epochs these are the shuffled passes of the papers.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.core.types import Key, Weights
from collapse.models.language import parallel
from collapse.numerics import minibatches, threefry

Loss = Callable[..., Float[Array, ""]]


class TrainConfig(NamedTuple):
    """How a network is trained.

    Attributes:
      steps: of the optimiser, if `epochs` is 0.
      epochs: passes over rows of weight 1, so that training grows with the data; 0 for
        a fixed number of steps.
      most_rows: largest total weight of the rows, which bounds the steps of `epochs`.
      batch_size: rows of a step.
      devices: that compute a step's gradient together, each of a share of its rows;
        above 1, within a mesh that has them as `MODEL_AXIS`.
      microbatch_size: at most so many rows have their gradient computed at once; a step
        averages the gradients of its microbatches. The activations of a few rows fit
        into the processor's cache.
      learning_rate: its maximum; at the end it is a tenth of that.
      warm_up: share of the steps before the maximum.
      weight_decay: of matrices, embeddings included; norms have none.
      clip: maximum norm of a gradient.
      keep: the weights after the last step, or those of the lowest validation loss.
      validation_checks: how often the validation loss is computed, with keep = best.
      target_shift: how far ahead the character is that a position learns to predict: 1
        for the next one, 2 for the one behind it, see `losses.cross_entropy`.
    """

    steps: int = 1000
    epochs: float = 0.0
    most_rows: int = 0
    batch_size: int = 8
    devices: int = 1
    microbatch_size: int = 8
    learning_rate: float = 3e-3
    warm_up: float = 0.1
    weight_decay: float = 0.1
    clip: float = 1.0
    keep: Literal["last", "best"] = "last"
    validation_checks: int = 10
    target_shift: Literal[1, 2] = 1


class TrainResult(NamedTuple):
    """The result of a training.

    Attributes:
      weights: of the network.
      loss: mean over the last tenth of the steps, nats per character.
      steps: number of steps taken.
      kept: the step whose weights these are.
    """

    weights: dict
    loss: Float[Array, ""]
    steps: Int[Array, ""]
    kept: Int[Array, ""]


def train(
    key: Key,
    weights: dict,
    rows: Int[Array, "rows block"],
    row_weights: Weights,
    loss: Loss,
    config: TrainConfig,
    validate: Callable[[dict], Float[Array, ""]] | None = None,
) -> TrainResult:
    """The network's weights after training on weighted rows; consumes the key.

    Args:
      weights: of the network, to start from.
      rows: [rows, block] tokens.
      row_weights: [rows], non-negative.
      loss: (weights, minibatch [b, block], key) -> mean loss; with several devices, and
        a piece of it, as `parallel.gradient` calls it.
      config: how to train.
      validate: weights -> loss on rows that are not trained on; needed for keep = best.

    Raises:
      ValueError: for keep = best without `validate`.
    """
    if validate is None and config.keep == "best":
        raise ValueError("keep = best needs a validation loss")
    order_key, step_key = threefry.split(key)
    own = (config.steps, config.epochs, config.batch_size)
    steps, most = minibatches.num_steps(*own, row_weights, config.most_rows)
    uses = (steps * config.batch_size, most * config.batch_size)
    order = minibatches.order(order_key, row_weights, *uses)
    optimiser = _optimiser(config)
    gradient = _gradient(loss, config)
    late = steps - jnp.maximum(steps // 10, 1)

    def body(i: Array, carry):
        weights, state, total = carry
        batch = lax.dynamic_slice_in_dim(
            order, i * config.batch_size, config.batch_size
        )
        value, grad = gradient(weights, rows[batch], threefry.fold_in(step_key, i))
        updates, state = optimiser.update(grad, state, weights)
        rate = _learning_rate(config, i, steps)
        weights = jax.tree.map(lambda w, u: w - rate * u, weights, updates)
        return weights, state, total + jnp.where(i >= late, value, 0)

    start = (weights, optimiser.init(weights), jnp.float32(0))
    if config.keep == "last":
        weights, _, total = lax.fori_loop(0, steps, body, start)
        kept = steps
    else:
        assert validate is not None  # it was asked for above
        every = jnp.maximum(steps // config.validation_checks, 1)
        total, weights, kept = _best(body, start, steps, every, validate)
    loss_at_end = total / (steps - late).astype(total.dtype)
    return TrainResult(weights, loss_at_end, steps, kept)


def _best(
    body: Callable[..., Any],
    start: tuple[dict, Any, Array],
    steps: Int[Array, ""],
    every: Int[Array, ""],
    validate: Callable[[dict], Array],
) -> tuple[Array, dict, Array]:
    """Sum of losses, the best weights at a check, and the step whose they are.

    Args:
      body: (step, weights and what else training carries) -> these after it.
      start: what it carries at first.
      steps: number of steps.
      every: so many steps there is a check, and after the last.
      validate: weights -> loss that is checked.
    """

    def until_check(carry):
        done, carry, best = carry
        end = jnp.minimum(done + every, steps)
        carry = lax.fori_loop(done, end, body, carry)
        return end, carry, _better(validate, carry[0], end, best)

    zero = jnp.zeros((), jnp.int32)
    none = (zero, start, (start[0], jnp.float32(jnp.inf), zero))
    found = lax.while_loop(lambda carry: carry[0] < steps, until_check, none)
    _, (_, _, total), (weights, _, kept) = found
    return total, weights, kept


def _gradient(loss: Loss, config: TrainConfig) -> Callable[..., Any]:
    """A function that gives loss and gradient of a minibatch, by microbatches."""
    count = max(1, -(-config.batch_size // config.microbatch_size))
    while config.batch_size % count:  # microbatches are of equal size
        count += 1
    if config.devices > 1:
        return parallel.gradient(loss, config.batch_size, count, config.devices)
    whole = jax.value_and_grad(loss)
    if count == 1:
        return whole

    def gradient(weights: dict, rows: Array, key: Key) -> tuple[Array, dict]:
        microbatches = rows.reshape(count, -1, *rows.shape[1:])

        def add(total: tuple[Array, dict], i: Array) -> tuple[Any, None]:
            part = whole(weights, microbatches[i], threefry.fold_in(key, i))
            return jax.tree.map(lambda a, b: a + b / count, total, part), None

        zeros = jax.tree.map(jnp.zeros_like, (jnp.float32(0), weights))
        return lax.scan(add, zeros, jnp.arange(count, dtype=jnp.int32))[0]

    return gradient


def _optimiser(config: TrainConfig) -> optax.GradientTransformation:
    """AdamW without learning rate: that depends on the number of steps, an array."""

    def matrices(weights: dict) -> dict:
        return jax.tree.map(lambda leaf: leaf.ndim > 1, weights)

    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.scale_by_adam(b1=0.9, b2=0.99),
        optax.add_decayed_weights(config.weight_decay, matrices),
    )


def _learning_rate(config: TrainConfig, i: Array, steps: Array) -> Array:
    """Learning rate of step i: a linear rise, then half a cosine down to a tenth."""
    now, end = (jnp.asarray(x, jnp.float32) for x in (i, steps))
    rise = jnp.maximum(config.warm_up * end, 1)
    progress = jnp.clip((now - rise) / jnp.maximum(end - rise, 1), 0, 1)
    fall = 0.1 + 0.9 * (1 + jnp.cos(math.pi * progress)) / 2
    return config.learning_rate * jnp.minimum((now + 1) / rise, fall)


def _better(
    validate: Callable[[dict], Array],
    weights: dict,
    step: Array,
    best: tuple[dict, Array, Array],
) -> tuple[dict, Array, Array]:
    """The best weights so far, with their validation loss and step."""
    value = validate(weights).astype(best[1].dtype)
    new = (weights, value, step.astype(best[2].dtype))
    return jax.tree.map(lambda a, b: jnp.where(value < best[1], a, b), new, best)
