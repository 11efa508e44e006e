"""Mixtures of equal round normal kernels: samples, moments, and the log-density."""

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from collapse.numerics import blocks, draws, threefry
from collapse.numerics.multinomial import categorical
from collapse.numerics.threefry import Key

_GROUP = 10  # kernels that are added at once


class Kernels(NamedTuple):
    """A mixture of equal round normals.

    Attributes:
      centres: [rows, d].
      weights: [rows], non-negative, sum 1; empty positions have 0.
      bandwidth: standard deviation of each normal, in every direction.
    """

    centres: Float[Array, "rows d"]
    weights: Float[Array, " rows"]
    bandwidth: Float[Array, ""]


def sample(key: Key, mixture: Kernels, num: int) -> Float[Array, "num d"]:
    """Independent points of the mixture. Consumes the key."""
    centres, weights, bandwidth = mixture
    pick_key, noise_key = threefry.split(key)
    picked = centres[categorical(pick_key, weights, num)]
    # long axis last
    noise = draws.normal(noise_key, (centres.shape[1], num), centres.dtype)
    return picked + bandwidth * noise.T


def moments(mixture: Kernels) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and triangular factor of the covariance, that of the kernel included.

    Of equal rows and bandwidth 0 the factor is 0, as a Gaussian's.
    """
    centres, weights, bandwidth = mixture
    mean = weights @ centres
    centred = centres - mean[None]
    kernel = bandwidth**2 * jnp.eye(mean.size, dtype=mean.dtype)
    covariance = (weights[:, None] * centred).T @ centred + kernel
    factor = jnp.linalg.cholesky(covariance)  # of zeros NaN
    return mean, jnp.where(jnp.all(covariance == 0), covariance, factor)


def log_density(mixture: Kernels, points: Float[Array, "m d"]) -> Float[Array, " m"]:
    """Log-density in nats at points [m, d].

    Exact far from all centres too, down to half of the least number of the type; below
    it is -inf. NaN for bandwidth 0: there is no density, as for a Gaussian without
    variance. Rows are taken in blocks, and those of slots that a store has yet to fill
    are skipped.
    """
    rows = blocks.pack(mixture.centres, mixture.weights)
    start = jnp.full(points.shape[0], -jnp.inf, points.dtype)

    def add(i: Array | int, total: Array) -> Array:
        block = (rows.points[i].T, rows.weights[i])
        return add_kernels(total, *block, mixture.bandwidth, points)

    if len(rows.points) == 1:
        return add(0, start)
    found: Array = lax.fori_loop(0, rows.used, add, start)
    return found


def add_kernels(
    total: Float[Array, " m"],
    centres: Float[Array, "rows d"],
    weights: Float[Array, " rows"],
    bandwidth: Float[Array, ""],
    points: Float[Array, "m d"],
) -> Float[Array, " m"]:
    """log(exp(total) + sum_i w_i N(points; centres_i, bandwidth^2 I)).

    With a fixed bandwidth the log-density of all rows so far needs no more than this of
    the new ones: start from -inf, add every generation with weights 1, and take off the
    logarithm of the number of rows.

    Args:
      total: [m], a logarithm; -inf where nothing was added yet.
      centres: [rows, d].
      weights: [rows], of any sum; a row of weight 0 has no influence.
      bandwidth: standard deviation of a kernel in each direction.
      points: [m, d].
    """
    d, spare = points.shape[1], -len(weights) % _GROUP
    scale = 1 / (math.sqrt(2) * bandwidth)
    # Differences: |x|^2 + |y|^2 - 2 x.y would cancel where the bandwidth is small.
    there = points.T * scale
    centres = jnp.pad(centres * scale, ((0, spare), (0, 0))).reshape(-1, _GROUP, d)
    logs = jnp.pad(jnp.log(weights), (0, spare), constant_values=-jnp.inf)

    # One pass, group by group, relative to the largest term so far: no array of rows x
    # points is written to memory, which would take longer than the exponentials.
    def add(
        carry: tuple[Array, Array], group: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        (top, mass), (rows, logs) = carry, group
        terms = [
            logs[i] - sum((rows[i, k] - there[k]) ** 2 for k in range(d))
            for i in range(_GROUP)
        ]
        new = functools.reduce(jnp.maximum, terms, top)
        added = sum(jnp.exp(term - new) for term in terms)
        return (new, mass * jnp.exp(top - new) + added), None

    normal = d * (jnp.log(bandwidth) + math.log(2 * math.pi) / 2)
    top = jnp.maximum(total + normal, jnp.finfo(points.dtype).min / 2)  # finite
    start = (top, jnp.exp(total + normal - top))
    top, mass = lax.scan(add, start, (centres, logs.reshape(-1, _GROUP)))[0]
    return top + jnp.log(mass) - normal
