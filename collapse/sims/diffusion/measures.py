"""What is measured of a diffusion model, all of one sample that it generates."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core.types import Key, Metric, Params
from collapse.data import laws
from collapse.data.laws import RING_NOISE, RING_SCALE, Law
from collapse.measures import metrics as m
from collapse.measures import neighbours
from collapse.measures.modes import fourier_mode, hermite_mode
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion.model import DiffusionParams
from collapse.models.diffusion.noise import NoiseProcess
from collapse.numerics import kernels
from collapse.sims.diffusion.fields import MODES, RARE
from collapse.theory import diffusion as theory


def points(params: DiffusionParams) -> Float[Array, "m d"]:
    """The generated rows [m, d] that are measured."""
    return params.seen.points


def of_samples(
    held_out: Float[Array, "m d"], space: neighbours.Space
) -> dict[str, Metric]:
    """Metrics by distances to real rows, and to those that were trained on."""

    def distance(key: Key, params: Params) -> Float[Array, ""]:
        return neighbours.energy_distance(points(params), held_out, space)

    def pair(key: Key, params: Params) -> neighbours.PrecisionRecall:
        return neighbours.precision_recall(points(params), held_out, space=space)

    def score(key: Key, params: Params) -> Float[Array, ""]:
        trained = params.rows.points
        there = trained[jnp.argmax(params.shares)][None]  # for empty positions
        trained = jnp.where(params.shares[:, None] > 0, trained, there)
        return neighbours.generalisation_score(points(params), trained, space)

    return {
        "energy_distance": distance,
        "precision": lambda key, params: pair(key, params).precision,
        "recall": lambda key, params: pair(key, params).recall,
        "generalisation_score": score,
    }


def variance_ratio(truth: Float[Array, " d"]) -> Metric:
    """Mean over columns of the variance of generated rows, over the truth's."""

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        return jnp.mean(jnp.var(points(params), axis=0, ddof=1) / truth)

    return measure


def off_manifold(key: Key, params: Params) -> Float[Array, ""]:
    """Mean squared distance from the ring's radius, over that of its noise.

    That of the truth is 1 to first order in its noise.
    """
    radius = RING_SCALE * jnp.sqrt(jnp.sum(points(params) ** 2, axis=1))
    return jnp.mean((radius - 1) ** 2) / RING_NOISE**2


def of_law(name: str, law: Law) -> dict[str, Metric]:
    """Metrics of a law that is a mixture: modes and rare components."""
    found: dict[str, Metric] = {}
    for order in MODES[name]:
        if law.space == "torus":
            metric = fourier_mode(points, order, theory.fourier(*law[1:], order))
        else:
            metric = hermite_mode(points, order, theory.hermite(*law[1:], order))
        found[f"mode_{order}"] = metric
    for k in RARE.get(name, ()):
        member = functools.partial(_membership, law, k - 1)
        weight = float(law.weights[k - 1])
        found[f"survival_{k}"] = m.survival(_seen, member, weight, 0)
    return found


def _seen(key: Key, params: Params, num: int) -> Float[Array, "m d"]:
    return points(params)


def _membership(law: Law, k: int, rows: Float[Array, "m d"]) -> Float[Array, " m"]:
    """The truth's probability that a row belongs to a component."""
    logs = laws.log_density(law, rows)
    top = jnp.max(logs, axis=1, keepdims=True)
    shares = jnp.exp(logs - top)
    return shares[:, k] / jnp.sum(shares, axis=1)


def within_class(
    centres: Float[np.ndarray, "K d"],
    variances: Float[np.ndarray, " K"],
    space: neighbours.Space,
) -> Metric:
    """Mean over classes of the variance of their rows, over that of real ones.

    Unbiased for each class; of those with two generated rows at least.

    Args:
      centres: [K, d] of the classes, about which differences are taken.
      variances: [K] of real rows, means over d.
      space: of the rows.
    """

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        rows, labels = params.seen
        classes = jnp.arange(len(variances), dtype=labels.dtype)
        member = (labels[:, None] == classes[None]).astype(rows.dtype)
        count = jnp.maximum(jnp.sum(member, axis=0), 1)
        gaps = rows[:, None] - jnp.asarray(centres, rows.dtype)[None]
        if space == "torus":
            gaps = neighbours.wrapped(gaps)
        mean = jnp.sum(member[..., None] * gaps, axis=0) / count[:, None]
        square = jnp.sum(member[..., None] * (gaps - mean[None]) ** 2, axis=0)
        variance = jnp.mean(square, axis=1) / jnp.maximum(count - 1, 1)
        present = (count > 1).astype(rows.dtype)
        ratio = variance / jnp.asarray(variances, rows.dtype)
        return jnp.sum(present * ratio) / jnp.maximum(jnp.sum(present), 1)

    return measure


def log_loss(
    held_out: Float[Array, "m d"],
    noise: NoiseProcess,
    known: Float[Array, " m"] | None,
) -> Metric:
    """Mean negative log-density of held-out rows under an exact score, in nats.

    The excess over the truth's where that is known. The model is a kernel density.

    Args:
      held_out: [m, d].
      noise: up to the time at which a sampler stops.
      known: [m], log-density of the truth.
    """

    def density(params: Any, rows: Array) -> Array:
        alpha, sigma = noise_lib.scales(noise, params.time)
        own = kernels.Kernels(alpha * params.rows.points, params.shares, sigma)
        return kernels.log_density(own, rows)

    return m.test_error(density, held_out, known)
