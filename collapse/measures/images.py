"""Metrics of latent-variable models of images; names: `catalogue.IMAGES`.

Losses and reconstructions are of real images that no generation is trained on: losses
of different generations on what they were trained on do not compare. What is measured
of generated images is measured of as many in each generation, since Fréchet distance,
precision and recall depend on the number.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Key, Memory, MemoryMetric, Metric, Params
from collapse.measures import classifier as seeing
from collapse.measures.classifier import Classifier
from collapse.measures.neighbours import precision_recall

ACTIVE = 0.01  # variance of a latent's posterior means, above which it is used
LEFT = 0.1  # of its true share, above which a class counts as kept
TAIL = 0.1  # mass of the rarest classes that are watched

Images = Float[Array, "m d"]


class LatentModel(NamedTuple):
    """What metrics ask of a model with latents.

    Attributes:
      sample: (key, params, num) -> [num, d] generated images.
      encode: (params, images) -> [m, k] posterior means of latents.
      reconstruct: (params, images) -> [m, d] decoded posterior means.
      bounds: (key, params, images) -> evidence lower bound and importance-weighted
        bound of each image's log-likelihood, each [m], in nats.
      moments: params -> mean [d] and total variance [] of generated images; None to
        estimate them from a sample.
    """

    sample: Callable[[Key, Params, int], Images]
    encode: Callable[[Params, Images], Array]
    reconstruct: Callable[[Params, Images], Images]
    bounds: Callable[[Key, Params, Images], tuple[Array, Array]]
    moments: Callable[[Params], tuple[Array, Array]] | None = None


class Real(NamedTuple):
    """Real images that generated ones are compared with.

    Attributes:
      held_out: [m, d], that no generation is trained on.
      mean: [d] of the data distribution.
      variance: [], the trace of its covariance.
      log_density: true log-density of each held-out image [m]; None if not known.
    """

    held_out: Images
    mean: Float[Array, " d"]
    variance: Float[Array, ""]
    log_density: Float[Array, " m"] | None = None

    def far(self, mean: Float[Array, " d"]) -> Array:
        """Squared distance of a mean from that of real images, over their variance."""
        return jnp.sum((mean - self.mean) ** 2) / self.variance


def image_metrics(
    model: LatentModel, real: Real, classifier: Classifier | None = None
) -> dict[str, Metric]:
    """Metrics that need no labels, by name.

    As many images are generated as are held out, m: unequal numbers would favour
    precision or recall.

    * negative_elbo, negative_iw_bound: minus the mean bound of held-out images.
    * test_error: mean true log-density of held-out images minus their importance-
      weighted bound; only with a known law. The images' own scatter cancels.
    * reconstruction_error: mean squared difference, a pixel.
    * variance_ratio, mean_error: of generated images; from a sample of m the first is
      unbiased, the second too large by variance / m.
    * precision, recall: see `neighbours.precision_recall`, k = 5, in the classifier's
      features; in pixels without one.
    * frechet_distance: see `frechet_distance`, in the same features.
    * active_latents: latents whose posterior means vary by more than 0.01 over held-out
      images (Burda et al. 2016, arXiv:1509.00519, sec. 5.2).

    Args:
      model: its functions.
      real: what it is compared with.
      classifier: whose features are used; None for pixels.
    """
    held, truth = real.held_out, real.log_density

    def seen(images: Images) -> Array:
        return images if classifier is None else seeing.features(classifier, images)

    def generated(key: Key, params: Params) -> Images:
        return model.sample(key, params, len(held))

    def moments(key: Key, params: Params) -> tuple[Array, Array]:
        if model.moments is not None:
            return model.moments(params)
        images = generated(key, params)
        return jnp.mean(images, axis=0), jnp.sum(jnp.var(images, axis=0, ddof=1))

    def realism(key: Key, params: Params):
        return precision_recall(seen(generated(key, params)), seen(held))

    found: dict[str, Metric] = {
        "negative_elbo": lambda key, p: -jnp.mean(model.bounds(key, p, held)[0]),
        "negative_iw_bound": lambda key, p: -jnp.mean(model.bounds(key, p, held)[1]),
        **_of_encoding(model, held),
        "variance_ratio": lambda key, p: moments(key, p)[1] / real.variance,
        "mean_error": lambda key, p: real.far(moments(key, p)[0]),
        "precision": lambda key, p: realism(key, p).precision,
        "recall": lambda key, p: realism(key, p).recall,
        "frechet_distance": lambda key, p: frechet_distance(
            seen(generated(key, p)), seen(held)
        ),
    }
    if truth is not None:
        found["test_error"] = lambda key, p: jnp.mean(
            truth - model.bounds(key, p, held)[1]
        )
    return found


def _of_encoding(model: LatentModel, held: Images) -> dict[str, Metric]:
    """Metrics of held-out images' latents; see `image_metrics`."""

    def reconstruction(key: Key, params: Params) -> Array:
        del key
        return jnp.mean((model.reconstruct(params, held) - held) ** 2)

    def active(key: Key, params: Params) -> Array:
        del key
        spread = jnp.var(model.encode(params, held), axis=0)
        return jnp.sum((spread > ACTIVE).astype(held.dtype))

    return {"reconstruction_error": reconstruction, "active_latents": active}


def class_metrics(
    sample: Callable[[Key, Params, int], Images],
    classifier: Classifier,
    truth: Float[Array, " classes"],
    num: int,
) -> dict[str, Metric]:
    """Metrics of the classes of generated images, as the classifier sees them.

    * tail_mass_10pct: share of the rarest classes, as many as carry at most a tenth of
      the real images (one at least), over their real share.
    * class_survival: share of the classes of which at least a tenth of their real share
      is still generated.
    * class_distance: half the sum of |share - real share|.

    Args:
      sample: (key, params, num) -> [num, d].
      classifier: trained on real images.
      truth: [classes] shares of real images, as the classifier sees them; none is 0.
      num: images that are generated.
    """
    order = jnp.argsort(truth)
    within = jnp.cumsum(truth[order]) <= TAIL
    rare = jnp.zeros(truth.shape, bool).at[order].set(within.at[0].set(True))
    rare = rare.astype(truth.dtype)

    def found(key: Key, params: Params) -> Array:
        return seeing.shares(classifier, sample(key, params, num))

    def survival(key: Key, params: Params) -> Array:
        return jnp.mean((found(key, params) >= LEFT * truth).astype(truth.dtype))

    return {
        "tail_mass_10pct": lambda key, p: (found(key, p) @ rare) / (truth @ rare),
        "class_survival": survival,
        "class_distance": lambda key, p: jnp.sum(jnp.abs(found(key, p) - truth)) / 2,
    }


def latent_metrics(model: LatentModel, num: int) -> Mapping[str, MemoryMetric]:
    """Metrics of generated images as generation 0's encoder sees them.

    * latent_spread: standard deviation of their posterior means, over images and
      latents together (Shumailov et al. 2024, supplement, latents of the autoencoder).

    The memory is generation 0's parameters, see `core.memory.first`.
    """

    def spread(key: Key, params: Params, first: Memory) -> Array:
        return jnp.std(model.encode(first, model.sample(key, params, num)))

    return {"latent_spread": spread}


def frechet_distance(
    first: Float[Array, "rows f"], second: Float[Array, "others f"]
) -> Float[Array, ""]:
    """Squared Wasserstein-2 distance of the Gaussians fitted to two sets of features.

    |m - m'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2) (Heusel et al. 2017,
    arXiv:1706.08500). Too large for few rows: by (2 + (f + 1) / 2) tr(S) / rows for
    equal variances in all f directions, so that only values of equal numbers compare.
    """
    (mean, cov), (other, its) = (_moments(x) for x in (first, second))
    values, vectors = jnp.linalg.eigh(cov)
    root = (vectors * jnp.sqrt(jnp.maximum(values, 0))[None]) @ vectors.T
    shared = jnp.linalg.eigvalsh(root @ its @ root)
    cross = jnp.sum(jnp.sqrt(jnp.maximum(shared, 0)))
    gap = jnp.sum((mean - other) ** 2)
    return gap + jnp.trace(cov) + jnp.trace(its) - 2 * cross


def _moments(rows: Float[Array, "rows f"]) -> tuple[Array, Array]:
    """Mean and covariance of rows."""
    mean = jnp.mean(rows, axis=0)
    centred = rows - mean[None]
    return mean, centred.T @ centred / len(rows)
