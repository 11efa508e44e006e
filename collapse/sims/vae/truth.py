"""What autoencoders learn from: real images, or a factor model whose law is known."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key
from collapse.data.images import ImageData
from collapse.data.images.factors import Factors, factors
from collapse.measures import classifier as seeing
from collapse.measures.classifier import Classifier
from collapse.models.vae import linear
from collapse.models.vae.linear import LinearParams, ppca
from collapse.sims.vae.experiment import Vae

_CLASSIFIERS: dict[Any, Classifier] = {}  # of data -> trained on them


class Images(NamedTuple):
    """Images of a data distribution.

    Attributes:
      train: [rows, d] that real images are drawn from; None for a known law.
      held_out: [m, d] that metrics look at.
      mean: [d] of the data distribution: of all training images, or the law's.
      variance: trace of its covariance.
      log_density: of each held-out image [m], under a known law; else None.
    """

    train: Float[Array, "rows d"] | None
    held_out: Float[Array, "m d"]
    mean: Float[Array, " d"]
    variance: Float[Array, ""]
    log_density: Float[Array, " m"] | None


class Law(NamedTuple):
    """A factor model, and its sampler."""

    params: LinearParams

    def sample(self, dtype: Any, key: Key, num: int) -> Float[Array, "num d"]:
        """Images of the law; consumes the key."""
        own = jax.tree.map(lambda x: jnp.asarray(x, dtype), self.params)
        rows: Array = ppca(own.loadings.shape[1]).sample(key, own, num)
        return rows


def shape_of(e: Vae, data: ImageData | None) -> tuple[int, int]:
    """Height and width of an image."""
    return (e.side, e.side) if data is None else data.shape


def factors_of(e: Vae) -> Factors:
    """The factor model that an experiment asks for."""
    return factors(e.side, e.factors, e.pixel_noise)


def known_law(e: Vae) -> Law:
    """The factor model as parameters of a probabilistic PCA."""
    mean, loadings, noise = map(jnp.asarray, factors_of(e))
    return Law(LinearParams(mean, loadings, noise))


def images_of(e: Vae, data: ImageData | None) -> Images:
    """The images that models learn, and those that metrics look at."""
    dtype = jnp.result_type(float)
    if data is not None:
        train = jnp.asarray(data.train, dtype)
        held = jnp.asarray(data.held_out[: e.measured_rows], dtype)
        variance = jnp.asarray(data.train.var(0).sum(), dtype)
        mean = jnp.asarray(data.train.mean(0), dtype)
        return Images(train, held, mean, variance, None)
    law = known_law(e)
    key = streams.key(streams.root(e.seed), 0, streams.Purpose.HELD_OUT)
    held = law.sample(dtype, key, e.measured_rows)
    own = jax.tree.map(lambda x: jnp.asarray(x, dtype), law.params)
    density = linear.log_density(own, held)
    return Images(None, held, own.mean, linear.total_variance(own), density)


def trained_classifier(
    e: Vae, data: ImageData | None
) -> tuple[Classifier | None, Float[Array, " classes"] | None]:
    """A classifier of all training images, and what it says of them; else None.

    The same for all seeds, from a key of the experiment.
    """
    if data is None or data.labels is None:
        return None, None
    dtype = jnp.result_type(float)
    images = jnp.asarray(data.train, dtype)
    name = (data.sha256, e.seed, e.imbalance, str(dtype))
    if name not in _CLASSIFIERS:
        key = streams.key(streams.root(e.seed), 0, streams.Purpose.TRUTH)
        labels = jax.nn.one_hot(data.labels, data.labels.max() + 1, dtype=dtype)
        _CLASSIFIERS[name] = seeing.train(key, images, labels)
    found = _CLASSIFIERS[name]
    return found, seeing.shares(found, images)
