"""The network that predicts the noise in a row: an MLP with an embedding of the time.

Positions on a torus enter by sine and cosine, so that the prediction is periodic.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from collapse.core.types import Key
from collapse.models.diffusion.noise import Space
from collapse.numerics import draws

_FREQUENCIES = 2.0 ** np.arange(-1, 5)  # of log sigma, in radians a nat


class NetworkConfig(NamedTuple):
    """Architecture of a network.

    Attributes:
      dimension: of a row.
      space: of the rows.
      width: of the hidden layers.
      layers: hidden layers.
      classes: of labelled rows; 0 for rows without labels.
    """

    dimension: int
    space: Space = "euclidean"
    width: int = 64
    layers: int = 3
    classes: int = 0


class Network(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key -> weights, a dict of arrays.
      apply: (weights, points [b, d], sigma [b], labels [b]) -> predicted noise [b, d].
        The label `classes` stands for rows of any class.
    """

    init: Callable[[Key], dict]
    apply: Callable[..., Float[Array, "b d"]]


def network(config: NetworkConfig) -> Network:
    """The functions of a network with this architecture."""
    module = _Denoiser(config)

    def init(key: Key) -> dict:
        """Normal matrices of variance 1 / inputs, and no biases, drawn in one piece."""
        one, kind = jnp.ones(1), jnp.result_type(float)
        point, label = jnp.zeros((1, config.dimension)), jnp.zeros(1, jnp.int32)
        shapes = jax.eval_shape(module.init, key, point, one, label)["params"]
        leaves, tree = jax.tree.flatten(shapes)
        sizes = [math.prod(leaf.shape) if leaf.ndim > 1 else 0 for leaf in leaves]
        drawn = jnp.split(draws.normal(key, (sum(sizes),), kind), np.cumsum(sizes)[:-1])
        found = [
            z.reshape(leaf.shape) / math.sqrt(leaf.shape[0])
            if leaf.ndim > 1
            else jnp.zeros(leaf.shape, kind)
            for z, leaf in zip(drawn, leaves, strict=True)
        ]
        weights: dict = jax.tree.unflatten(tree, found)
        return weights

    def apply(weights: dict, points: Array, sigma: Array, labels: Array) -> Array:
        found: Any = module.apply({"params": weights}, points, sigma, labels)
        return jnp.asarray(found)

    return Network(init, apply)


class _Denoiser(nn.Module):
    """Hidden layers with residual connections after the first."""

    config: NetworkConfig

    @nn.compact
    def __call__(
        self,
        points: Float[Array, "b d"],
        sigma: Float[Array, " b"],
        labels: Int[Array, " b"],
    ) -> Float[Array, "b d"]:
        config, kind = self.config, points.dtype
        dense = lambda size: nn.Dense(size, dtype=kind, param_dtype=kind)  # noqa: E731
        if config.space == "torus":
            points = jnp.concatenate([jnp.sin(points), jnp.cos(points)], axis=1)
        angles = jnp.log(sigma)[:, None] * jnp.asarray(_FREQUENCIES, kind)[None]
        inputs = [points, sigma[:, None], jnp.sin(angles), jnp.cos(angles)]
        if config.classes:
            every = jnp.arange(config.classes + 1, dtype=labels.dtype)
            inputs.append((labels[:, None] == every[None]).astype(kind))
        hidden = nn.silu(dense(config.width)(jnp.concatenate(inputs, axis=1)))
        for _ in range(config.layers - 1):
            hidden = hidden + nn.silu(dense(config.width)(hidden))
        return dense(config.dimension)(hidden)
