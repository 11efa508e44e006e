"""Networks of variational autoencoders: encoder and decoder as pure functions.

An image is a flat row of pixels. The encoder gives mean and log-variance of a normal
posterior of its latents, the decoder the logits of grey levels (Bernoulli likelihood)
or their mean (Gaussian likelihood, with one noise variance that is learned, too).

References:
  Kingma & Welling 2014 (arXiv:1312.6114); Shumailov et al. 2024 (doi
  10.1038/s41586-024-07566-y), supplement and published code: the convolutions.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from collapse.core.types import Key
from collapse.models.vae.convolution import Doubling, Halving

Kind = Literal["mlp", "conv"]
Likelihood = Literal["bernoulli", "gaussian"]
LEAST_NOISE = 1e-4  # variance of pixels: a standard deviation of 1 % of their range


class VaeConfig(NamedTuple):
    """Architecture of a variational autoencoder.

    Attributes:
      shape: height and width of an image.
      kind: "mlp" has one hidden layer on each side; "conv" Shumailov et al.'s two
        convolutions of stride 2, for sides that are multiples of 4.
      latents: k.
      width: of a hidden layer, or channels of the first convolution; the second has
        twice as many.
      likelihood: of pixels.
    """

    shape: tuple[int, int]
    kind: Kind = "mlp"
    latents: int = 20
    width: int = 128
    likelihood: Likelihood = "bernoulli"

    @property
    def pixels(self) -> int:
        """Length d of a row."""
        return self.shape[0] * self.shape[1]


class VaeNetwork(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key -> weights, a dict of arrays.
      encode: (weights, images [b, d]) -> mean and log-variance of latents, each [b, k].
      decode: (weights, latents [b, k]) -> [b, d] logits of grey levels, or their mean.
    """

    init: Callable[[Key], dict]
    encode: Callable[[dict, Array], tuple[Array, Array]]
    decode: Callable[[dict, Array], Float[Array, "b d"]]


def network(config: VaeConfig) -> VaeNetwork:
    """The functions of a network with this architecture.

    Raises:
      ValueError: for convolutions of images whose sides are no multiples of 4.
    """
    if config.kind == "conv" and any(side % 4 for side in config.shape):
        raise ValueError(f"convolutions need sides that 4 divides, got {config.shape}")
    module = _Autoencoder(config)

    def init(key: Key) -> dict:
        return module.init(key, jnp.zeros((1, config.pixels), jnp.float32))["params"]

    def encode(weights: dict, images: Array) -> Any:
        return module.apply({"params": weights}, images, method="encode")

    def decode(weights: dict, latents: Array) -> Any:
        return module.apply({"params": weights}, latents, method="decode")

    return VaeNetwork(init, encode, decode)


def noise_variance(weights: dict) -> Float[Array, ""]:
    """Variance of pixels about the decoder's mean, of a Gaussian likelihood."""
    return LEAST_NOISE + jnp.exp(weights["log_noise"])


class _Autoencoder(nn.Module):
    config: VaeConfig

    def setup(self) -> None:
        c = self.config
        if c.kind == "mlp":
            self.encoder = [_dense(c.width)]
            self.decoder = [_dense(c.width), _dense(c.pixels)]
        else:
            self.encoder = [Halving(c.width, _INIT), Halving(2 * c.width, _INIT)]
            small = c.pixels // 16 * 2 * c.width
            self.expand = _dense(small)
            self.decoder = [Doubling(c.width, _INIT), Doubling(1, _INIT)]
        self.mean, self.log_variance = _dense(c.latents), _dense(c.latents)
        if c.likelihood == "gaussian":
            start = nn.initializers.constant(math.log(0.1))
            self.log_noise = self.param("log_noise", start, (), jnp.float32)

    def __call__(self, images: Array) -> Array:
        return self.decode(self.encode(images)[0])

    def encode(self, images: Array) -> tuple[Array, Array]:
        x = images
        if self.config.kind == "conv":
            x = x.reshape(-1, *self.config.shape, 1)
        for layer in self.encoder:
            x = nn.relu(layer(x))
        x = x.reshape(x.shape[0], -1)
        return self.mean(x), self.log_variance(x)

    def decode(self, latents: Array) -> Array:
        x = latents
        if self.config.kind == "conv":
            height, width = (side // 4 for side in self.config.shape)
            x = self.expand(x).reshape(-1, height, width, 2 * self.config.width)
        for i, layer in enumerate(self.decoder):
            x = layer(nn.relu(x) if i else x)
        return x.reshape(x.shape[0], -1)


# PyTorch's usual initial scale, which the published code has; biases begin at 0
_INIT = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def _dense(width: int) -> Any:
    return nn.Dense(width, kernel_init=_INIT)
