"""A curator of every kind, for rows in the plane, and a normal model of one number."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import X64

from collapse.core.curation import keep_all
from collapse.core.curation.at_random import at_random
from collapse.core.curation.confidence import most_confident
from collapse.core.curation.correction import corrected, nearest_of, replaced, towards
from collapse.core.curation.covariance import covariance_matched
from collapse.core.curation.discriminator_filter import most_realistic
from collapse.core.curation.discriminator_weights import by_discriminator
from collapse.core.curation.duplicates import without_duplicates
from collapse.core.curation.farthest import spread_out
from collapse.core.curation.importance import density_ratio
from collapse.core.curation.labels import verify_labels
from collapse.core.curation.preference import best_of
from collapse.core.curation.shuffled import shuffled
from collapse.core.curation.truncation import nearness, top_share
from collapse.core.curation.verifier import accept_lines, accept_points
from collapse.core.types import Model, Problem
from collapse.numerics import draws

ROUNDING = 1e-12 if X64 else 1e-5  # relative, of a few operations


def log_normal(points, mean):
    return -jnp.sum((points - mean[None]) ** 2, axis=1) / 2


def origin():
    return jnp.zeros(2)


def all_curators():
    """By name. Rows are [rows, 2], params [2] their mean, the reference real rows."""

    def right(batch, reference):
        return batch[:, 0] > 0

    def reward(batch, reference):
        return batch[:, 1]

    def normal(params, batch):
        return log_normal(batch, params)

    def truth(batch, reference):
        return log_normal(batch, jnp.mean(reference, 0))

    def fresh(key, num, reference):
        return draws.normal(key, (num, 2))

    centres = jnp.array([[1.0, 0.0], [-1.0, 0.0]])
    return {
        "at random": at_random(0.5),
        "at random, exact": at_random(0.5, exact=True),
        "points": accept_points(origin(), 1.0),
        "points, flipped": accept_points(origin(), 1.0, flip=0.2),
        "lines": accept_lines(
            jnp.ones(1), 0.5, 0.5, read=lambda batch: (batch[:, :1], batch[:, 1])
        ),
        "labels": verify_labels(right, 0.9, 0.3),
        "best of 3": best_of(3, reward),
        "top share": top_share(nearness(origin()), 0.5, 2),
        "confidence": most_confident(normal, 0.5),
        "density ratio": density_ratio(truth, normal),
        "filter": most_realistic(0.5),
        "odds": by_discriminator(),
        "probability": by_discriminator(2.0, "probability", most=3.0),
        "duplicates": without_duplicates(0.7),
        "farthest": spread_out(0.5),
        "covariance": covariance_matched(0.5),
        "towards": corrected(towards(nearest_of(centres), 0.5)),
        "replaced": corrected(replaced(fresh, 0.5), keep_all()),
        "shuffled": shuffled(accept_points(origin(), 1.0)),
    }


# those that keep every candidate
KEEPING = {"density ratio", "odds", "probability", "towards", "replaced"}


def plane():
    """Rows of the plane, normal with an unknown mean, and a reference of real ones."""

    def fit(key, params, batch, weights):
        total = jnp.sum(weights)
        mean = weights @ batch / jnp.maximum(total, 1e-9)
        return mean, {"rows": jnp.sum((weights > 0).astype(float)), "total": total}

    model = Model(
        init=lambda key, batch, weights: batch[0],
        fit=fit,
        sample=lambda key, params, num: params[None] + draws.normal(key, (num, 2)),
    )
    reference = draws.normal(jax.random.key(99), (40, 2))
    metrics = {"mean": lambda key, params: jnp.sum(params)}
    return Problem(
        lambda key, num: draws.normal(key, (num, 2)),
        model,
        metrics,
        reference=reference,
    )


def line(spread=None):
    """Numbers [rows], normal; params [2] are mean and variance (maximum likelihood).

    Args:
      spread: the standard deviation, if it is known; else it is fitted.
    """

    def fit(key, params, batch, weights):
        weights = weights / jnp.sum(weights)
        mean = weights @ batch
        variance = weights @ (batch - mean[None]) ** 2
        return jnp.stack(
            [mean, variance if spread is None else jnp.array(spread**2)]
        ), {}

    def sample(key, params, num):
        return params[0] + jnp.sqrt(params[1]) * draws.normal(key, (num,))

    def draw(key, num):
        return (1.0 if spread is None else spread) * draws.normal(key, (num,))

    def mean(key, params):
        return params[0]

    def variance(key, params):
        return params[1]

    model = Model(lambda key, batch, weights: jnp.zeros(2), fit, sample)
    return Problem(draw, model, {"mean": mean, "variance": variance})


def weights_of(curator, batch, reference=None, key=None, params=None):
    """What a curator gives to rows, on the host."""
    key = jax.random.key(0) if key is None else key
    given = curator.context(params, reference) if curator.context else reference
    if curator.correct is not None:
        batch = curator.correct(jax.random.key(1), batch, given)
    return np.asarray(curator.weigh(key, batch, given))
