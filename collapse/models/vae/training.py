"""Training of a network on weighted rows: Adam over minibatches, compiled."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.core.types import Key, Weights
from collapse.numerics import minibatches, threefry


class TrainConfig(NamedTuple):
    """How a network is trained; the defaults are those of Shumailov et al.'s code.

    Attributes:
      epochs: passes over rows of weight 1, if `steps` is 0: training grows with data.
      steps: of the optimiser, whatever the amount of data; 0 for epochs.
      batch_size: rows of a step.
      learning_rate: constant.
      weight_decay: added to the gradient, as PyTorch's Adam does.
    """

    epochs: float = 30.0
    steps: int = 0
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5


class TrainResult(NamedTuple):
    """The result of a training.

    Attributes:
      weights: of the network.
      loss: mean over the last tenth of the steps, nats an image.
      steps: number of steps taken.
    """

    weights: dict
    loss: Float[Array, ""]
    steps: Int[Array, ""]


def train(
    key: Key,
    weights: dict,
    rows: Float[Array, "rows d"],
    row_weights: Weights,
    loss: Callable[[Key, dict, Array], Float[Array, ""]],
    config: TrainConfig,
) -> TrainResult:
    """The network's weights after training on weighted rows; consumes the key.

    Args:
      weights: of the network, to start from.
      rows: [rows, d].
      row_weights: [rows], non-negative. With `epochs` their sum should be at most the
        number of rows: no more steps are taken.
      loss: (key, weights, minibatch [b, d]) -> loss summed over its rows.
      config: how to train.
    """
    order_key, step_key = threefry.split(key)
    size = config.batch_size
    epochs = 0.0 if config.steps else config.epochs
    own = (config.steps, epochs, size, row_weights, row_weights.size)
    steps, most = minibatches.num_steps(*own)
    used = minibatches.order(order_key, row_weights, steps * size, most * size)
    optimiser = optax.flatten(
        optax.chain(
            optax.add_decayed_weights(config.weight_decay),
            optax.scale_by_adam(),
            optax.scale(-config.learning_rate),
        )
    )
    late = steps - jnp.maximum(steps // 10, 1)

    def body(i: Array, carry):
        weights, state, total = carry
        batch = rows[lax.dynamic_slice_in_dim(used, i * size, size)]
        own = threefry.fold_in(step_key, i)
        value, grad = jax.value_and_grad(lambda w: loss(own, w, batch))(weights)
        updates, state = optimiser.update(grad, state, weights)
        weights = optax.apply_updates(weights, updates)
        return weights, state, total + jnp.where(i >= late, value, 0)

    start = (weights, optimiser.init(weights), jnp.float32(0))
    weights, _, total = lax.fori_loop(0, steps, body, start)
    seen = ((steps - late) * size).astype(total.dtype)
    return TrainResult(weights, total / seen, steps)
