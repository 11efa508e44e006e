"""Training of a denoiser on weighted rows: Adam on the mean square of its error.

Each step draws its rows independently, in proportion to their weights, and noises them
at times equally spaced in s. The minimiser is the score of the weighted rows' noised
law, for any weights: of finitely many rows a kernel density (`score`).
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.core.types import Key, Weights
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion.network import Network
from collapse.models.diffusion.noise import NoiseProcess
from collapse.numerics import draws, threefry
from collapse.numerics.multinomial import categorical

_WARM_UP = 0.05  # share of the steps in which the learning rate rises
_LEAST = 1e-3  # s of the least noise in training
_WITHOUT_LABEL = 0.1  # of training rows, so that any class can be predicted, too


class TrainConfig(NamedTuple):
    """How a network is trained.

    Attributes:
      steps: of the optimiser.
      batch_size: rows of a step.
      learning_rate: its maximum; it falls to 0 by half a cosine.
    """

    steps: int = 2000
    batch_size: int = 128
    learning_rate: float = 3e-3


class Rows(NamedTuple):
    """Rows of a batch.

    Attributes:
      points: [rows, d], in units of the noise in space, in radians on a torus.
      labels: [rows], of their classes from 0 on; 0 where there are none.
    """

    points: Float[Array, "rows d"]
    labels: Int[Array, " rows"]


def train(
    key: Key,
    weights: dict,
    rows: Rows,
    row_weights: Weights,
    delta: Float[Array, ""],
    net: Network,
    noise: NoiseProcess,
    config: TrainConfig,
    classes: int = 0,
) -> tuple[dict, Float[Array, ""]]:
    """The network's weights after training, and its loss; consumes the key.

    Args:
      key: of all random numbers.
      weights: to start from.
      rows: that are trained on.
      row_weights: [rows], non-negative.
      delta: time of early stopping: lower times are not trained for.
      net: the network's functions.
      noise: that rows are noised by.
      config: how it is trained.
      classes: of labelled rows; 0 for none.

    Returns:
      Weights after the last step; mean loss of the last tenth of the steps, 1 for a
      network that predicts nothing.
    """
    size, kind = config.batch_size, rows.points.dtype
    order_key, step_key = threefry.split(key)
    used = categorical(order_key, row_weights, config.steps * size)
    first, last = noise_lib.bounds(noise, delta)
    first = jnp.maximum(first, _LEAST)  # at 0 there is no noise to predict
    optimiser = optax.scale_by_adam(b1=0.9, b2=0.99)
    late = config.steps - max(config.steps // 10, 1)

    def loss(weights: dict, batch: Rows, sigma: Array, z: Array) -> Array:
        return jnp.mean(
            (net.apply(weights, batch.points, sigma, batch.labels) - z) ** 2
        )

    def body(i: Array, carry: tuple) -> tuple:
        weights, state, total = carry
        chosen = lax.dynamic_slice_in_dim(used, i * size, size)
        batch = jax.tree.map(lambda leaf: leaf[chosen], rows)
        own = (noise, first, last, classes)
        batch, sigma, z = _noised(threefry.fold_in(step_key, i), batch, *own)
        value, slope = jax.value_and_grad(loss)(weights, batch, sigma, z)
        updates, state = optimiser.update(slope, state)
        rate = _learning_rate(config, i).astype(kind)
        weights = jax.tree.map(lambda w, u: w - rate * u, weights, updates)
        return weights, state, total + jnp.where(i >= late, value, 0)

    start = (weights, optimiser.init(weights), jnp.zeros((), kind))
    weights, _, total = lax.fori_loop(0, config.steps, body, start)
    return weights, total / (config.steps - late)


def _noised(
    key: Key, batch: Rows, noise: NoiseProcess, first: Array, last: Array, classes: int
) -> tuple[Rows, Array, Array]:
    """The batch noised at times of its own, their sigma [b] and the noise [b, d]."""
    size, d = batch.points.shape
    noise_key, time_key, label_key = threefry.split(key, 3)
    kind, index = batch.points.dtype, jnp.arange(size)
    share = (index.astype(kind) + draws.uniform(time_key, (size,), kind)) / size
    alpha, sigma = noise_lib.scales(
        noise, noise_lib.time(noise, first + (last - first) * share)
    )
    z = draws.normal(noise_key, (d, size), kind).T  # long axis last
    points = alpha[:, None] * batch.points + sigma[:, None] * z
    labels = batch.labels
    if classes:
        hidden = draws.uniform(label_key, (size,), kind) < _WITHOUT_LABEL
        labels = jnp.where(hidden, classes, labels)
    return Rows(noise_lib.wrap(noise, points), labels), sigma, z


def _learning_rate(config: TrainConfig, i: Array) -> Array:
    """Learning rate of step i: a linear rise, then half a cosine down to 0."""
    done = (i.astype(jnp.float32) + 1) / config.steps
    rise = jnp.minimum(done / _WARM_UP, 1)
    return config.learning_rate * rise * (1 + jnp.cos(math.pi * done)) / 2
