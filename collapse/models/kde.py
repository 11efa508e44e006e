"""A Gaussian kernel density estimate: every row is kept, with a normal around it.

References:
  Silverman 1986, Density estimation for statistics and data analysis, sec. 3.4 and 4.3.
"""

import functools
import math
from typing import Literal, NamedTuple, get_args

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.gmm import blocks
from collapse.numerics import draws, threefry
from collapse.numerics.multinomial import categorical

BandwidthRule = Literal["fixed", "scott", "silverman", "std"]
_GROUP = 10  # rows whose kernels are added at once


class KDEParams(NamedTuple):
    """A mixture of equal round normals.

    Attributes:
      points: [rows, d], their centres.
      weights: [rows], sum 1; empty places have 0.
      bandwidth: standard deviation of each normal, in every direction.
    """

    points: Float[Array, "rows d"]
    weights: Float[Array, " rows"]
    bandwidth: Float[Array, ""]


def kde(
    dimension: int,
    bandwidth_rule: BandwidthRule = "fixed",
    bandwidth: float | Float[Array, ""] = 1.0,
) -> Model:
    """A kernel density estimate as a model.

    Rules say what `bandwidth` is multiplied by, for n rows in d dimensions. Of unequal
    weights n is the effective number (sum w)^2 / sum w^2, as in `scipy.stats`.

    * fixed: 1.
    * scott: n^(-1 / (d + 4)), whatever the scale of the data, as in scikit-learn.
    * silverman: (n (d + 2) / 4)^(-1 / (d + 4)), as in scikit-learn.
    * std: silverman's factor times the unbiased standard deviation of the rows (the
      root of its mean square over dimensions); for d = 1 what `scipy.stats` does.

    Args:
      dimension: d.
      bandwidth_rule: see above.
      bandwidth: may be traced.

    Raises:
      ValueError: for an unknown rule.
    """
    if bandwidth_rule not in get_args(BandwidthRule):
        allowed = get_args(BandwidthRule)
        raise ValueError(f"bandwidth_rule must be in {allowed}, got {bandwidth_rule!r}")

    def init(key: Key, batch: Array, weights: Weights) -> KDEParams:
        return fit(key, None, batch, weights)[0]

    def fit(key: Key, params, batch: Array, weights: Weights) -> tuple[KDEParams, Info]:
        del key, params
        shares = weights / jnp.sum(weights)
        num = 1 / jnp.sum(shares**2)
        power = -1 / (dimension + 4)
        factor = jnp.asarray(bandwidth, batch.dtype)
        if bandwidth_rule == "scott":
            factor = factor * num**power
        elif bandwidth_rule != "fixed":
            factor = factor * (num * (dimension + 2) / 4) ** power
        if bandwidth_rule == "std":
            centred = batch - (shares @ batch)[None]
            square = shares @ jnp.sum(centred**2, axis=1) / dimension
            factor = factor * jnp.sqrt(square * num / (num - 1))
        return KDEParams(batch, shares, factor), {}

    return Model(init, fit, sample_points)


def sample_points(key: Key, params: KDEParams, num: int) -> Float[Array, "num d"]:
    """Independent points of the density. Consumes the key."""
    pick_key, noise_key = threefry.split(key)
    centres = params.points[categorical(pick_key, params.weights, num)]
    shape = (params.points.shape[1], num)  # long axis last
    noise = draws.normal(noise_key, shape, params.points.dtype)
    return centres + params.bandwidth * noise.T


def moments(params: KDEParams) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and covariance of the density, that of the kernel included."""
    mean = params.weights @ params.points
    centred = params.points - mean[None]
    kernel = params.bandwidth**2 * jnp.eye(mean.size, dtype=mean.dtype)
    return mean, (params.weights[:, None] * centred).T @ centred + kernel


def log_density(params: KDEParams, points: Float[Array, "m d"]) -> Float[Array, " m"]:
    """Log-density, exact far from all rows too.

    Rows are taken in blocks, and those of places a store has yet to fill are skipped.
    """
    rows = blocks.pack(params.points, params.weights)
    start = jnp.full(points.shape[0], -jnp.inf, points.dtype)

    def add(i: Array | int, total: Array) -> Array:
        block = (rows.points[i].T, rows.weights[i])
        return add_kernels(total, *block, params.bandwidth, points)

    if len(rows.points) == 1:
        return add(0, start)
    return lax.fori_loop(0, rows.used, add, start)


def add_kernels(
    total: Float[Array, " m"],
    centres: Float[Array, "rows d"],
    weights: Float[Array, " rows"],
    bandwidth: Float[Array, ""],
    points: Float[Array, "m d"],
) -> Float[Array, " m"]:
    """log(exp(total) + sum_i weights_i N(points; centres_i, bandwidth^2 I)).

    With a fixed bandwidth the log-density of all rows so far needs no more than this of
    the new ones: start from -inf, add every generation with weights 1, and take off the
    logarithm of the number of rows.

    Args:
      total: [m], a logarithm; -inf where nothing was added yet.
      weights: [rows], of any sum; a row of weight 0 has no influence.
    """
    d, spare = points.shape[1], -len(weights) % _GROUP
    scale = 1 / (math.sqrt(2) * bandwidth)
    # Differences: |x|^2 + |y|^2 - 2 x.y would cancel where the bandwidth is small.
    there = points.T * scale
    centres = jnp.pad(centres * scale, ((0, spare), (0, 0))).reshape(-1, _GROUP, d)
    logs = jnp.pad(jnp.log(weights), (0, spare), constant_values=-jnp.inf)

    # One pass, group by group, relative to the largest term so far: no array of rows x
    # points is written to memory, which would take longer than the exponentials.
    def add(carry: tuple[Array, Array], group: tuple[Array, Array]):
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
