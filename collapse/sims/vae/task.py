"""A variational autoencoder in one condition, ready to run."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import memory, streams
from collapse.core.types import Key, Model, Params, Problem
from collapse.data.images import ImageData
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.measures import images as measures
from collapse.measures.classifier import Classifier
from collapse.measures.images import LatentModel, Real
from collapse.models.vae import linear
from collapse.models.vae import model as networks
from collapse.models.vae.network import LEAST_NOISE, VaeConfig, network
from collapse.models.vae.training import TrainConfig
from collapse.numerics import draws
from collapse.sims.vae.experiment import Vae
from collapse.sims.vae.truth import (
    Images,
    images_of,
    known_law,
    shape_of,
    trained_classifier,
)


class VaeValues(NamedTuple):
    """Arrays that enter the compiled programs of a condition.

    Attributes:
      images: the data distribution, and held-out images.
      beta: of the training loss.
      classifier: of real images; None without labels.
      shares: of real images, as the classifier sees them [classes]; None without.
    """

    images: Images
    beta: Float[Array, ""]
    classifier: Classifier | None
    shares: Float[Array, " classes"] | None


def task(condition: Condition[Vae], data: ImageData | None) -> Task:
    """The task of a condition: an autoencoder that learns images, or a factor model."""
    e = condition.experiment
    found, shape = images_of(e, data), shape_of(e, data)
    beta = jnp.asarray(condition["beta"], found.mean.dtype)
    values = VaeValues(found, beta, *trained_classifier(e, data))
    generate, measured = condition["generate"], e.measured()

    def problem(variance: Array | None, *arrays: Any) -> Problem:
        given = VaeValues(*arrays)
        own = model_of(e, shape, generate, given.beta, variance)
        unbiased = model_of(e, shape, generate, given.beta, None)
        seen = latent_model(e, shape, unbiased, generate)
        return _problem(e, given, own, seen, measured)

    def points(key: Key, params: Params, num: int) -> Array:
        return model_of(e, shape, generate, 1.0, None).sample(key, params, num)

    rest = tuple((axis, v) for axis, v in condition.cell.items() if axis != "beta")
    return Task(
        lambda root, *arrays: problem(None, *arrays),
        values,
        points=points,
        program=(condition.workflow, rest),
        biased=lambda root, bias, sizes, *arrays: problem(bias, *arrays),
        reference=_reference(e, data),
        one_by_one=not e.is_linear,  # vmapped convolutions are slow on a processor
    )


def _reference(e: Vae, data: ImageData | None) -> Callable[[Key, int], Array] | None:
    """Images for a monitor: those set apart, or new ones of the known law."""
    dtype = jnp.result_type(float)
    if data is None:
        law = known_law(e)

        def drawn(root: Key, num: int) -> Array:
            key = streams.key(root, 0, streams.Purpose.MONITOR)
            return law.sample(dtype, key, num)

        return drawn
    if data.watched is None:
        return None
    watched = jnp.asarray(data.watched, dtype)
    return lambda root, num: watched[:num]


def model_of(
    e: Vae,
    shape: tuple[int, int],
    generate: Any,
    beta: float | Array,
    variance: Array | None,
) -> Model:
    """The model of a condition; its latents have this variance, 1 if None."""
    if e.is_linear:
        own: Model = linear.ppca(e.latents, generate=generate, latent_variance=variance)
        return own
    training = TrainConfig(
        e.epochs, e.steps, e.batch_size, e.learning_rate, e.weight_decay
    )
    return networks.vae(
        config_of(e, shape),
        training,
        generate=generate,
        beta=beta,
        start=e.start,
        latent_variance=variance,
    )


def config_of(e: Vae, shape: tuple[int, int]) -> VaeConfig:
    """The architecture that an experiment asks for."""
    likelihood: Any = e.pixel_law
    kind: Any = e.network
    return VaeConfig(shape, kind, e.latents, e.width, likelihood)


def latent_model(
    e: Vae, shape: tuple[int, int], model: Model, generate: str
) -> LatentModel:
    """What metrics ask of a model."""
    if e.is_linear:
        return _linear(model, generate == "sample")
    config = config_of(e, shape)
    net = network(config)

    def reconstruct(params: Params, images: Array) -> Array:
        means = net.encode(params.weights, images)[0]
        output = networks.decoded(config, net, params.weights, means)
        return networks.grey(config, output)

    def bounds(key: Key, params: Params, images: Array) -> tuple[Array, Array]:
        own = (config, net, params.weights, images, e.iw_samples)
        return networks.bounds(key, *own)

    return LatentModel(
        model.sample,
        lambda params, images: net.encode(params.weights, images)[0],
        reconstruct,
        bounds,
    )


def _linear(model: Model, noise: bool) -> LatentModel:
    """What metrics ask of probabilistic PCA, all of it exact."""

    def bounds(key: Key, params: Params, images: Array) -> tuple[Array, Array]:
        del key
        found = linear.log_density(params, images, LEAST_NOISE)
        return found, found  # the posterior is exact

    return LatentModel(
        model.sample,
        linear.encode,
        lambda params, images: linear.decode(params, linear.encode(params, images)),
        bounds,
        lambda params: (params.mean, linear.total_variance(params, noise)),
    )


def _problem(
    e: Vae, given: VaeValues, model: Model, seen: LatentModel, measured: tuple[str, ...]
) -> Problem:
    """Real images, the model that learns them, and what is measured."""
    own = given.images
    num = len(own.held_out)
    real = Real(own.held_out, own.mean, own.variance, own.log_density)
    every = measures.image_metrics(seen, real, given.classifier)
    if given.classifier is not None:
        assert given.shares is not None
        every |= measures.class_metrics(
            seen.sample, given.classifier, given.shares, num
        )
    if own.train is None:
        draw = functools.partial(known_law(e).sample, own.mean.dtype)
    else:
        draw = functools.partial(_drawn, own.train)
    remembers = "latent_spread" in measured
    return Problem(
        draw,
        model,
        every,
        remember=memory.first(lambda params: params) if remembers else None,
        memory_metrics=measures.latent_metrics(seen, num) if remembers else {},
    )


def _drawn(train: Float[Array, "rows d"], key: Key, num: int) -> Array:
    """Real images, without replacement."""
    return train[draws.shuffled(key, train.shape[0], num)]
