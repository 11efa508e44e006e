"""Mixtures of equal round normal kernels: samples, moments, and the log-density."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.numerics import blocks, draws, threefry
from collapse.numerics.exponential import exp2_down
from collapse.numerics.multinomial import categorical
from collapse.numerics.threefry import Key

_GROUP = 10  # kernels that are added at once
_BLOCK = 200  # of a store that fills: few kernels of a block have no weight yet


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
    rows = blocks.pack(mixture.centres, mixture.weights, _BLOCK)
    start = jnp.full(points.shape[0], -jnp.inf, points.dtype)

    def add(i: Array | int, total: Array) -> Array:
        block = (rows.points[i].T, rows.weights[i])
        return add_kernels(total, *block, mixture.bandwidth, points)

    if len(rows.points) == 1:
        return add(0, start)
    found: Array = lax.fori_loop(0, rows.used, add, start)
    return found


def grown_log_density(
    before: Float[Array, " m"],
    old: Kernels,
    new: Kernels,
    points: Float[Array, "m d"],
    first: Int[Array, ""],
    num: int,
) -> Float[Array, " m"]:
    """Log-density of a mixture that has grown, computed for its newest kernels alone.

    The others have to have the centres and the bandwidth that they had, and weights of
    the same ratios. Where the weights have not, the result is NaN.

    Args:
      before: [m], that of the old mixture.
      old: the mixture before; of no influence, like `before`, where `first` is 0.
      new: the mixture, with weight 0 beyond its newest kernels.
      points: [m, d].
      first: index of the first new kernel.
      num: new kernels; static.
    """
    centres, weights = (
        lax.dynamic_slice_in_dim(leaf, first, num)
        for leaf in (new.centres, new.weights)
    )
    is_old = jnp.arange(len(new.weights), dtype=jnp.int32) < first
    kept = jnp.sum(jnp.where(is_old, new.weights, 0))
    moved = jnp.abs(new.weights - kept * old.weights) > 1e-3 * new.weights
    total = before + jnp.where(jnp.any(is_old & moved), jnp.nan, jnp.log(kept))
    return add_kernels(total, centres, weights, new.bandwidth, points)


def add_kernels(
    total: Float[Array, " m"],
    centres: Float[Array, "rows d"],
    weights: Float[Array, " rows"],
    bandwidth: Float[Array, ""],
    points: Float[Array, "m d"],
) -> Float[Array, " m"]:
    """log(exp(total) + sum_i w_i N(points; centres_i, bandwidth^2 I)).

    Args:
      total: [m], a logarithm; -inf where nothing was added yet.
      centres: [rows, d].
      weights: [rows], of any sum; a row of weight 0 has no influence.
      bandwidth: standard deviation of a kernel in each direction.
      points: [m, d].
    """
    d, spare = points.shape[1], -len(weights) % _GROUP
    scale = math.sqrt(math.log2(math.e) / 2) / bandwidth  # for powers of 2
    # Differences: |x|^2 + |y|^2 - 2 x.y would cancel where the bandwidth is small.
    there = points.T * scale
    centres = jnp.pad(centres * scale, ((0, spare), (0, 0))).reshape(-1, _GROUP, d)
    logs = jnp.pad(jnp.log2(weights), (0, spare), constant_values=-jnp.inf)

    # One pass, group by group, relative to the largest term so far: no array of rows x
    # points is written to memory, which would take longer than the exponentials.
    def add(
        carry: tuple[Array, Array], group: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        (top, mass), (rows, logs) = carry, group
        new = top
        for i in range(_GROUP):
            term = logs[i] - sum((rows[i, k] - there[k]) ** 2 for k in range(d))
            new = jnp.where(new > term, new, term)  # jnp.maximum is slower
        mass = mass * exp2_down(top - new)
        for i in range(_GROUP):
            # There - here: were it the same expression as above, XLA would store it.
            square = sum((there[k] - rows[i, k]) ** 2 for k in range(d))
            below = (logs[i] - new) - square
            # Far away the two expressions differ by more than the range of exponents.
            mass = mass + exp2_down(jnp.where(below > 0, 0, below))
        return (new, mass), None

    normal = d * (jnp.log(bandwidth) + math.log(2 * math.pi) / 2)
    before = (total + normal) * math.log2(math.e)
    nothing = jnp.finfo(points.dtype).min / 2  # finite
    top = jnp.maximum(before, nothing)
    start = (top, exp2_down(before - top))
    top, mass = lax.scan(add, start, (centres, logs.reshape(-1, _GROUP)))[0]
    found = top * math.log(2) + jnp.log(mass) - normal
    found = jnp.where(top == nothing, -jnp.inf, found)
    return jnp.where(bandwidth > 0, found, jnp.nan)
