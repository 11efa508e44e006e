"""Monitors of a unigram: its shares, and how many rare symbols it still has."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key
from collapse.experiment.monitors import UNKNOWN, Monitor, Sizes
from collapse.numerics.multinomial import multinomial

_RARE = 10  # occurrences in the reference up to which a symbol is rare


def shares(root: Key, sizes: Sizes, truth: Float[Array, " M"]) -> Monitor:
    """The monitor `mean`: squared distance of a model's shares from the reference's.

    Over 1 - sum q^2 of the reference, so that a sample of n has 1 / n on average.
    """
    counts = _counts(root, sizes, truth)
    seen = counts / jnp.sum(counts)
    total = 1 - jnp.sum(seen**2)

    def metric(key: Key, params: Array) -> Float[Array, ""]:
        own = streams.key(key, 0, streams.Purpose.MONITOR)
        drawn = multinomial(own, sizes.samples, params).astype(params.dtype)
        return jnp.sum((drawn / sizes.samples - seen) ** 2) / total

    floor = 1 / sizes.reference + 1 / sizes.samples
    return Monitor(metric, floor, 1.0, 1 / jnp.sum(seen**2))


def survival(root: Key, sizes: Sizes, truth: Float[Array, " M"]) -> Monitor:
    """The monitor `survival`: share of the reference's rare symbols that are lost.

    Rare are those that it has once to ten times.
    """
    counts = _counts(root, sizes, truth)
    rare = ((counts > 0) & (counts <= _RARE)).astype(truth.dtype)
    total = jnp.maximum(jnp.sum(rare), 1)

    def metric(key: Key, params: Array) -> Float[Array, ""]:
        del key
        return jnp.sum(jnp.where(params > 0, 0, rare)) / total

    return Monitor(metric, UNKNOWN, 1.0, 1.0)


def _counts(root: Key, sizes: Sizes, truth: Array) -> Float[Array, " M"]:
    """How often each symbol occurs in the real tokens of the monitor."""
    key = streams.key(root, 0, streams.Purpose.MONITOR)
    return multinomial(key, sizes.reference, truth).astype(truth.dtype)


def share_error(truth: Float[np.ndarray, " M"]):
    """The metric: squared distance of the shares from the truth's, over 1 - sum q^2."""
    total = float(1 - truth @ truth)

    def measure(key: Key, params: Array) -> Float[Array, ""]:
        del key
        return jnp.sum((params - jnp.asarray(truth, params.dtype)) ** 2) / total

    return measure
