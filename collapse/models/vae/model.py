"""A variational autoencoder of images, trained by the evidence lower bound."""

import functools
import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.vae.network import VaeConfig, VaeNetwork, network, noise_variance
from collapse.models.vae.training import TrainConfig, train
from collapse.numerics import draws, threefry

_GROUP = 256  # images at a time through convolutions, to save memory
Generate = Literal["mean", "sample"]


class VaeParams(NamedTuple):
    """A variational autoencoder.

    Attributes:
      weights: of the network.
    """

    weights: dict


def vae(
    config: VaeConfig,
    train_config: TrainConfig = TrainConfig(),  # noqa: B008 - immutable
    *,
    generate: Generate = "mean",
    beta: float | Float[Array, ""] = 1.0,
    start: Literal["scratch", "previous"] = "scratch",
    latent_variance: Float[Array, ""] | None = None,
) -> Model:
    """A variational autoencoder that is trained on images [rows, d].

    Its info is `loss` (nats an image at the end of training) and `steps`.

    Args:
      config: architecture of the network.
      train_config: how it is trained.
      generate: whether a generated image is the decoder's mean, or drawn from its
        distribution of pixels.
      beta: factor of the divergence between posterior and prior in the loss.
      start: weights that training starts from: new ones, or the previous generation's.
      latent_variance: of the latents that images are generated from; 1 if None.
    """
    net = network(config)
    loss = functools.partial(_training_loss, config, net, beta)

    def init(key: Key, batch: Array, weights: Weights) -> VaeParams:
        del batch, weights
        if start == "previous":
            return VaeParams(net.init(key))
        shapes = jax.eval_shape(net.init, key)  # each fit draws its own
        return VaeParams(jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes))

    def fit(
        key: Key, params: VaeParams, batch: Array, weights: Weights
    ) -> tuple[VaeParams, Info]:
        init_key, key = threefry.split(key)
        begin = params.weights if start == "previous" else net.init(init_key)
        end = train(key, begin, batch, weights, loss, train_config)
        return VaeParams(end.weights), {"loss": end.loss, "steps": end.steps}

    def sample(key: Key, params: VaeParams, num: int) -> Array:
        latent_key, pixel_key = threefry.split(key)
        latents = draws.normal(latent_key, (config.latents, num), jnp.float32).T
        if latent_variance is not None:
            latents = latents * jnp.sqrt(latent_variance)
        seen = grey(config, decoded(config, net, params.weights, latents))
        if generate == "mean":
            return seen
        return _drawn(pixel_key, config, params.weights, seen)

    return Model(init, fit, sample)


def _drawn(
    key: Key, config: VaeConfig, weights: dict, mean: Float[Array, "num d"]
) -> Float[Array, "num d"]:
    """Images with these means, drawn pixel by pixel; consumes the key."""
    if config.likelihood == "bernoulli":
        return (draws.uniform(key, mean.shape, mean.dtype) < mean).astype(mean.dtype)
    # of this shape: XLA takes 15 seconds to compile the sum with a transposed sample
    noise = draws.normal(key, mean.shape, mean.dtype)
    return mean + jnp.sqrt(noise_variance(weights)) * noise


def decoded(
    config: VaeConfig, net: VaeNetwork, weights: dict, latents: Float[Array, "num k"]
) -> Float[Array, "num d"]:
    """The decoder's output for many latents, some at a time through convolutions."""
    num = latents.shape[0]
    if config.kind == "mlp" or num <= _GROUP:
        return net.decode(weights, latents)
    count = -(-num // _GROUP)
    padded = jnp.pad(latents, ((0, count * _GROUP - num), (0, 0)))
    groups = padded.reshape(count, _GROUP, -1)
    found = lax.map(lambda group: net.decode(weights, group), groups)
    return found.reshape(count * _GROUP, -1)[:num]


def grey(config: VaeConfig, output: Float[Array, "num d"]) -> Float[Array, "num d"]:
    """Grey levels that a decoder's output stands for."""
    return jax.nn.sigmoid(output) if config.likelihood == "bernoulli" else output


def log_likelihood(
    config: VaeConfig,
    weights: dict,
    images: Float[Array, "num d"],
    output: Float[Array, "num d"],
) -> Float[Array, " num"]:
    """Log-likelihood of each image given the decoder's output, in nats.

    Bernoulli: that of a black and white image, averaged over images whose pixels are
    white with the probability of their grey level: minus the binary cross-entropy.
    """
    if config.likelihood == "bernoulli":
        return -jnp.sum(optax.sigmoid_binary_cross_entropy(output, images), axis=1)
    variance = noise_variance(weights)
    squares = jnp.sum((images - output) ** 2, axis=1) / variance
    return -(squares + config.pixels * jnp.log(2 * math.pi * variance)) / 2


def bounds(
    key: Key,
    config: VaeConfig,
    net: VaeNetwork,
    weights: dict,
    images: Float[Array, "m d"],
    num: int,
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Two lower bounds of the log-likelihood of each image, each [m], in nats.

    The evidence lower bound, its mean over `num` draws of the latents, and the
    importance-weighted bound with these draws, which is tighter (Burda et al. 2016,
    arXiv:1509.00519). Consumes the key.
    """
    mean, log_variance = net.encode(weights, images)

    def one(i: Array) -> Array:
        noise = draws.normal(threefry.fold_in(key, i), mean.shape, mean.dtype)
        latents = mean + jnp.exp(log_variance / 2) * noise
        output = decoded(config, net, weights, latents)
        ratio = jnp.sum(noise**2 + log_variance - latents**2, axis=1) / 2
        return log_likelihood(config, weights, images, output) + ratio

    each = lax.map(one, jnp.arange(num, dtype=jnp.int32))
    tight = jax.scipy.special.logsumexp(each, axis=0) - math.log(num)
    return jnp.mean(each, axis=0), tight


def divergence(
    mean: Float[Array, "num k"], log_variance: Float[Array, "num k"]
) -> Float[Array, " num"]:
    """Divergence of each image's posterior from the prior N(0, I), in nats."""
    each = mean**2 + jnp.exp(log_variance) - log_variance - 1
    return jnp.sum(each, axis=1) / 2


def _training_loss(
    config: VaeConfig,
    net: VaeNetwork,
    beta: float | Array,
    key: Key,
    weights: dict,
    images: Float[Array, "b d"],
) -> Float[Array, ""]:
    """Minus the evidence lower bound of a minibatch with beta, summed, in nats."""
    mean, log_variance = net.encode(weights, images)
    noise = draws.normal(key, mean.shape, mean.dtype)
    output = net.decode(weights, mean + jnp.exp(log_variance / 2) * noise)
    fit = log_likelihood(config, weights, images, output)
    return jnp.sum(beta * divergence(mean, log_variance) - fit)
