"""The multivariate Gaussian: the model whose collapse is known in closed form.

It is fitted to one of three kinds of row (`row_kinds`):

* samples: a row is one point [d].
* statistics: a row is the mean and scatter matrix of a batch of points. The points are
  drawn and discarded: storing G generations takes O(G d^2) memory, not O(G n d).
* law: the same statistics drawn from their exact distribution, in O(d^3) time whatever
  the batch size: the mean is normal and the scatter matrix Wishart, by Bartlett's
  decomposition (Bartlett 1933).

A covariance is always stored as a lower-triangular factor. Statistics are computed in
the standardised coordinates z of x = mean + scale z and then transformed, so that they
stay accurate when a direction has collapsed by many orders of magnitude.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Int

from collapse.core.row_kinds import RowKind, check_row_kind
from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import draws, threefry
from collapse.numerics.estimators import (
    factor_of_gram,
    triangular_factor,
    weighted_moments,
)

# Up to this many batches are pooled by QR of their factors, which resolves directions
# down to 1e-16 of the largest standard deviation; more are pooled by adding their
# scatter matrices, which is d times cheaper and resolves 1e-7. That is enough, since
# pooled data of so many generations do not collapse.
_QR_BATCHES = 20


class GaussianParams(NamedTuple):
    """Parameters of a Gaussian.

    Attributes:
      mean: [d].
      scale: [d, d] lower triangular; the covariance is scale @ scale.T.
    """

    mean: Float[Array, " d"]
    scale: Float[Array, "d d"]


class GaussianStatistics(NamedTuple):
    """Rows that are each the sufficient statistics of a batch of points.

    Attributes:
      mean: [rows, d] of the batch.
      factor: [rows, d, d] lower triangular; factor @ factor.T is the batch's scatter
        matrix sum (x - mean)(x - mean)'.
      scatter: [rows, d, d], the scatter matrix itself: stored, so that many batches are
        pooled by a sum.
    """

    mean: Float[Array, "rows d"]
    factor: Float[Array, "rows d d"]
    scatter: Float[Array, "rows d d"]


def gaussian(
    dimension: int,
    *,
    ddof: int = 0,
    rows: RowKind = "samples",
    batch_size: int | Int[Array, " rows"] = 1,
) -> Model:
    """A Gaussian model, fitted by maximum likelihood (ddof 0) or unbiasedly (ddof 1).

    Where the rows do not span d dimensions the covariance is singular, and it stays
    singular in all later generations. Its mean and covariance are right, but the last
    diagonal entries of its factor may be rounding errors instead of zeros: do not use
    its log-determinant or its density.

    Args:
      dimension: d.
      ddof: 0 divides the scatter by n, as in Shumailov et al.'s public code and Kazdan
        et al.; 1 by n - 1, as in Shumailov et al.'s theorem. The choice changes what
        collapses: see `collapse.theory`.
      rows: kind of row, see the module.
      batch_size: number of points that one row of statistics or law summarises; for law
        it may be an array, one number for each generated row, and then also below d.

    Raises:
      ValueError: for an unknown ddof or kind of row, or where a batch has too few
        points for the law of its scatter (batch_size <= dimension).
    """
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 or 1, got {ddof}")
    check_row_kind(rows)
    if rows == "law" and isinstance(batch_size, int) and batch_size <= dimension:
        raise ValueError(
            f"rows = law needs more than {dimension} samples, got {batch_size}"
        )
    if rows != "law" and not isinstance(batch_size, int):
        raise ValueError(f"batch_size must be one whole number for rows = {rows}")

    def init(key: Key, batch, weights: Weights) -> GaussianParams:
        del key, weights
        mean = batch if rows == "samples" else batch.mean
        return standard(dimension, mean.dtype)

    def fit(key: Key, params, batch, weights: Weights) -> tuple[GaussianParams, Info]:
        del key, params
        if rows == "samples":
            return GaussianParams(*weighted_moments(batch, weights, ddof)), {}
        sizes = batch_size
        if not isinstance(sizes, int):  # the same in each generation of the store
            sizes = jnp.tile(sizes, weights.size // sizes.size)
        return pool(batch, weights, sizes, ddof), {}

    sample = functools.partial(_sample, rows=rows, batch_size=batch_size)
    return Model(init, fit, sample)


def _sample(
    key: Key,
    params: GaussianParams,
    num: int,
    rows: RowKind,
    batch_size: int | Int[Array, " num"],
):
    """Rows of a kind, `num` of them, that a Gaussian generates; consumes the key."""
    if rows == "samples":
        return sample_points(key, params, num)
    dimension, dtype = params.mean.size, params.mean.dtype
    if rows == "law":
        mean, factor = _law(key, num, batch_size, dimension, dtype)
    else:
        assert isinstance(batch_size, int)
        mean, factor = _reduce(key, num, batch_size, dimension, dtype)
    return _statistics(
        params.mean[None] + mean @ params.scale.T, params.scale[None] @ factor
    )


def standard(dimension: int, dtype=None) -> GaussianParams:
    """Parameters of the standard normal in `dimension` dimensions."""
    dtype = dtype or jnp.result_type(float)
    return GaussianParams(jnp.zeros(dimension, dtype), jnp.eye(dimension, dtype=dtype))


def of_rows(rows: Float[Array, "rows d"]) -> GaussianParams:
    """The Gaussian with the mean and the covariance of rows."""
    return GaussianParams(*weighted_moments(rows, jnp.ones(len(rows), rows.dtype)))


def sample_points(key: Key, params: GaussianParams, num: int) -> Float[Array, "num d"]:
    """Independent points of a Gaussian, [num, d]; consumes the key."""
    dimension = params.mean.shape[0]
    z = draws.normal(key, (dimension, num), params.mean.dtype)  # long axis last
    return (params.mean[:, None] + params.scale @ z).T


def log_density(
    params: GaussianParams, points: Float[Array, "m d"]
) -> Float[Array, " m"]:
    """Log-density at each point, in nats; not finite if the covariance is singular."""
    d = params.mean.shape[0]
    centred = (points - params.mean[None]).T
    if d == 1:
        z = centred / params.scale
    else:
        z = solve_triangular(params.scale, centred, lower=True)
    log_root = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(params.scale))))
    return -0.5 * jnp.sum(z**2, axis=0) - log_root - d / 2 * math.log(2 * math.pi)


def pool(
    batch: GaussianStatistics,
    weights: Weights,
    batch_size: int | Int[Array, " rows"],
    ddof: int = 0,
) -> GaussianParams:
    """The Gaussian fitted to all points that weighted rows of statistics summarise.

    The factor of a single row is only divided by a number: under `replace` nothing is
    factorised between generations, so no precision is lost however far the covariance
    has collapsed.
    """
    mass = weights * jnp.asarray(batch_size, weights.dtype)
    total = jnp.sum(mass) - ddof
    num, dimension = batch.mean.shape
    if num == 1:
        scale = batch.factor[0] * jnp.sqrt(weights[0] / total)
        return GaussianParams(batch.mean[0], scale)
    mean = jnp.sum(mass[:, None] * batch.mean, axis=0) / jnp.sum(mass)
    between = jnp.sqrt(mass)[:, None] * (batch.mean - mean[None])
    if dimension == 1 or num <= _QR_BATCHES:
        within = jnp.sqrt(weights)[:, None, None] * jnp.swapaxes(batch.factor, 1, 2)
        rows = jnp.concatenate([within.reshape(-1, dimension), between])
        factor = triangular_factor(rows)
    else:
        within = weights @ batch.scatter.reshape(num, -1)
        gram = within.reshape(dimension, dimension) + between.T @ between
        factor = factor_of_gram(gram, num)
    return GaussianParams(mean, factor / jnp.sqrt(total))


def mixture_moments(params: GaussianParams) -> GaussianParams:
    """The Gaussian with mean and covariance of a mixture of Gaussians in equal parts.

    Args:
      params: leaves [M, ...], of M Gaussians.
    """
    num, dimension = params.mean.shape
    mean = jnp.mean(params.mean, axis=0)
    within = jnp.swapaxes(params.scale, 1, 2).reshape(-1, dimension)
    rows = jnp.concatenate([within, params.mean - mean[None]])
    return GaussianParams(mean, triangular_factor(rows) / math.sqrt(num))


def _statistics(mean: Array, factor: Array) -> GaussianStatistics:
    return GaussianStatistics(mean, factor, factor @ jnp.swapaxes(factor, 1, 2))


def summarise(points: Float[Array, "rows d"], num: int) -> GaussianStatistics:
    """Statistics of `num` batches: the points in order, cut into equal parts."""
    return _statistics(*_moments(points.T, num))


def _moments(columns: Float[Array, "d rows"], num: int):
    """Means [num, d] and scatter factors [num, d, d] of equal batches of columns."""
    columns = columns.reshape(columns.shape[0], num, -1)
    mean = jnp.mean(columns, axis=2)
    centred = columns - mean[:, :, None]
    return mean.T, jax.vmap(lambda batch: triangular_factor(batch.T), 1)(centred)


def _reduce(key: Key, num: int, batch_size: int, dimension: int, dtype):
    """Means [num, d] and scatter factors [num, d, d] of standard normal batches."""
    return _moments(draws.normal(key, (dimension, num * batch_size), dtype), num)


def _law(
    key: Key, num: int, batch_size: int | Int[Array, " num"], dimension: int, dtype
):
    """Means [num, d] and scatter factors [num, d, d], drawn from their distribution.

    That is N(0, I / batch_size) for the mean, and Bartlett's factor for the scatter.
    """
    below = dimension * (dimension - 1) // 2
    normals_key, gamma_key = threefry.split(key)
    z = draws.normal(normals_key, (num * (dimension + below + 1),), dtype)
    sizes = jnp.broadcast_to(jnp.asarray(batch_size, jnp.int32), (num,))
    root = jnp.sqrt(jnp.maximum(sizes, 1).astype(dtype))  # a batch of 0 has no mean
    mean = z[: num * dimension].reshape(num, dimension) / root[:, None]
    off = z[num * dimension : num * (dimension + below)].reshape(num, below)
    freedom = jnp.maximum(sizes - 1, 0)
    return mean, draws.bartlett(gamma_key, off, z[-num:], freedom, dimension)
