"""Maximum likelihood for a Gaussian mixture: the arithmetic under `models.gmm`.

Everything keeps components first and rows last, so that the innermost loop of every
operation is long and contiguous, and reads the rows once per iteration: the M-step's
moments are taken around the means that the E-step just used, in coordinates where the
component had unit covariance, while the rows are still in cache.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

BLOCK_ROWS = 1024  # rows whose intermediates, times a few dozen seeds, stay in cache
UNROLLED_DIMENSIONS = 3  # up to here sums of products beat small matrix products


class GmmParams(NamedTuple):
    """A Gaussian mixture.

    Attributes:
      weights: [K], positive, sum 1.
      means: [K, d], in units of the data.
      covariances: [K, d, d], symmetric, in squared units of the data.
    """

    weights: Float[Array, " K"]
    means: Float[Array, "K d"]
    covariances: Float[Array, "K d d"]


class Rows(NamedTuple):
    """Weighted rows as an iteration wants to read them, padded with weight 0.

    Attributes:
      points: [blocks, d, block].
      weights: [blocks, block], sum 1 over everything.
      used: blocks after which all weights are 0, of every seed mapped over.
      spare: scalar, 10 eps of the weight of an average row (see `maximise`).
    """

    points: Float[Array, "blocks d block"]
    weights: Float[Array, "blocks block"]
    used: Int[Array, ""]
    spare: Float[Array, ""]


class Factor(NamedTuple):
    """Cholesky factor L of each covariance and its inverse, both lower triangular."""

    root: Float[Array, "K d d"]
    inverse: Float[Array, "K d d"]


class Moments(NamedTuple):
    """Sums over rows of responsibility x weight, and of its products with z.

    z is the row seen from the reference it was whitened with, L^-1 (x - mean).
    """

    zeroth: Float[Array, " K"]
    first: Float[Array, "K d"]
    second: Float[Array, "K d d"]


class Progress(NamedTuple):
    """Where the iteration stands; `gain` is the last change of `log_likelihood`."""

    params: GmmParams
    log_likelihood: Float[Array, ""]
    gain: Float[Array, ""]
    iterations: Int[Array, ""]


def pack(batch: Float[Array, "rows d"], weights: Float[Array, " rows"]) -> Rows:
    """Transpose, normalise the weights and cut into blocks of equal size, once a fit.

    NaN if every weight is zero.
    """
    num_rows, dimension = batch.shape
    blocks = -(-num_rows // BLOCK_ROWS)
    block = -(-num_rows // blocks)
    extra = blocks * block - num_rows
    points = jnp.pad(batch.T, ((0, 0), (0, extra))).reshape(dimension, blocks, block)
    weights = jnp.asarray(weights, batch.dtype)
    share = jnp.pad(weights / jnp.sum(weights), (0, extra)).reshape(blocks, block)
    last = jnp.max(jnp.where(weights > 0, jnp.arange(num_rows, dtype=jnp.int32), -1))
    used = _largest(last // block + 1)
    positive = jnp.sum(weights > 0).astype(batch.dtype)
    spare = 10 * jnp.finfo(batch.dtype).eps / positive
    return Rows(points.transpose(1, 0, 2), share, used, spare)


def sum_blocks(rows: Rows, function: Callable[[Array, Array], Any]) -> Any:
    """Sum of `function(points [d, block], weights [block])` over the blocks in use.

    One block after the other, so that no array of components x rows is ever written to
    memory, and none for the empty places that an accumulating store begins with.
    """
    first = (rows.points[0], rows.weights[0])
    if len(rows.points) == 1:
        return function(*first)

    def add(i, total):
        part = function(rows.points[i], rows.weights[i])
        return jax.tree.map(jnp.add, total, part)

    shapes = jax.eval_shape(function, *first)
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return lax.fori_loop(0, rows.used, add, zero)


@jax.custom_batching.custom_vmap
def _largest(value: Int[Array, ""]) -> Int[Array, ""]:
    """The largest value over all seeds mapped over; one number, not one a seed.

    A loop bound of its own for each seed would turn every slice into a gather.
    """
    return value


@_largest.def_vmap
def _(axis_size: int, in_batched: Any, value: Array) -> tuple[Array, bool]:
    del axis_size
    return (jnp.max(value, 0) if in_batched[0] else value), False


def climb(
    params: GmmParams,
    rows: Rows,
    tol: Float[Array, ""] | float,
    max_iter: Int[Array, ""] | int,
    reg_covar: Float[Array, ""] | float,
) -> tuple[Progress, Bool[Array, ""]]:
    """Repeat E- and M-step until the log-likelihood gains less than `tol`.

    Stops as scikit-learn's `GaussianMixture` does: after the M-step that follows the
    evaluation whose gain was below `tol`, so `log_likelihood` is that of the parameters
    one step before the returned ones. Only parameters are carried from iteration to
    iteration: under `vmap`, finished seeds then cost a select of a few numbers.

    Returns:
      Where it ended, and whether that was by `tol`.
    """
    dtype = rows.points.dtype
    tol = jnp.asarray(tol, dtype)
    reg_covar = jnp.asarray(reg_covar, dtype)

    def unfinished(progress):
        return (abs(progress.gain) >= tol) & (progress.iterations < max_iter)

    def step(progress):
        factor = factorise(progress.params.covariances, pivot_floor(reg_covar))
        log_likelihood, moments = expect(progress.params, factor, rows)
        return Progress(
            maximise(progress.params, factor, moments, rows.spare, reg_covar),
            log_likelihood,
            log_likelihood - progress.log_likelihood,
            progress.iterations + 1,
        )

    infinity = jnp.asarray(jnp.inf, dtype)
    start = Progress(params, -infinity, infinity, jnp.int32(0))
    end = lax.while_loop(unfinished, step, start)
    return end, abs(end.gain) < tol


def expect(
    params: GmmParams, factor: Factor, rows: Rows
) -> tuple[Float[Array, ""], Moments]:
    """E-step: mean log-likelihood per unit weight, and the moments of each component."""

    def block(points, weights):
        z, joint = whiten(points, params, factor)
        top, share, total = normalise(joint)
        moments = weighted_moments(share * (weights / total)[None], z)
        return sum_rows(weights * (top + jnp.log(total))), moments

    return sum_blocks(rows, block)


def maximise(
    params: GmmParams,
    factor: Factor,
    moments: Moments,
    spare: Float[Array, ""],
    reg_covar: Float[Array, ""],
) -> GmmParams:
    """M-step: the parameters with the given moments around `params`.

    The scatter around the new mean is the scatter around the old one less the outer
    product of the shift, in units of the old covariance: the two terms are comparable
    unless a component shrinks by orders of magnitude in a single step, and then the
    next step repairs the rounding.

    `spare`, 10 eps of a row, is added to every component's weight as in scikit-learn.
    Deviation: there it lies at the origin; here it lies where the component was, so a
    component without rows stays in place, and shifted data give shifted results.
    """
    weight = moments.zeroth + spare
    shift = moments.first / weight[:, None]
    scatter = moments.second / weight[:, None, None]
    scatter = scatter - shift[:, :, None] * shift[:, None, :]
    scatter = _product(_product(factor.root, scatter), factor.root.swapaxes(1, 2))
    eye = reg_covar * jnp.eye(params.means.shape[1], dtype=params.means.dtype)[None]
    kept = (spare / weight)[:, None, None] * (params.covariances - eye)
    return GmmParams(
        weight / jnp.sum(weight),
        params.means + jnp.sum(factor.root * shift[:, None, :], 2),
        scatter + kept + eye,
    )


def factorise(covariances: Float[Array, "K d d"], floor: Float[Array, ""]) -> Factor:
    """Cholesky factors and their inverses, by elimination of [C | I].

    Written out over columns, all components at once, since a LAPACK call for every
    small matrix would take longer than the E-step. No square root of a negative number:
    pivots below `floor` are raised to it.
    """
    num, d, _ = covariances.shape
    eye = jnp.broadcast_to(jnp.eye(d, dtype=covariances.dtype), (num, d, d))
    left = jnp.concatenate([covariances, eye], 2)
    column = jnp.arange(2 * d)[None]
    rows = []
    for j in range(d):
        pivot = jnp.maximum(left[:, j, j], floor)[:, None]
        row = jnp.where(column == j, pivot, jnp.where(column < j, 0, left[:, j]))
        row = row / jnp.sqrt(pivot)
        left = left - row[:, :d, None] * row[:, None, :]
        rows.append(row)
    both = jnp.stack(rows, 1)
    return Factor(both[:, :, :d].swapaxes(1, 2), both[:, :, d:])


def pivot_floor(reg_covar: Float[Array, ""]) -> Float[Array, ""]:
    """Smallest pivot a covariance S + reg_covar I can have, whatever the rounding.

    Schur complements of S + reg_covar I are at least reg_covar, so raising a pivot to
    it only undoes rounding. The second term keeps squares finite without reg_covar.
    """
    return jnp.maximum(reg_covar, math.sqrt(jnp.finfo(reg_covar.dtype).tiny))


def whiten(
    points: Float[Array, "d m"], params: GmmParams, factor: Factor
) -> tuple[list[Float[Array, "K m"]], Float[Array, "K m"]]:
    """Coordinates z = L^-1 (x - mean), a list of d, and log(weight x density)."""
    d = points.shape[0]
    inverse = factor.inverse
    if d <= UNROLLED_DIMENSIONS:
        away = [points[j][None] - params.means[:, j, None] for j in range(d)]
        z = [
            _sum(inverse[:, i, j, None] * away[j] for j in range(i + 1))
            for i in range(d)
        ]
    else:
        away = points[None] - params.means[:, :, None]
        whole = jnp.einsum("kij,kjm->kim", inverse, away, precision="highest")
        z = [whole[:, i] for i in range(d)]
    log_det = jnp.sum(jnp.log(jnp.diagonal(inverse, axis1=1, axis2=2)), 1)
    constant = jnp.log(params.weights) + log_det - d / 2 * math.log(2 * math.pi)
    return z, constant[:, None] - 0.5 * _sum(zi * zi for zi in z)


def normalise(
    joint: Float[Array, "K m"],
) -> tuple[Float[Array, " m"], Float[Array, "K m"], Float[Array, " m"]]:
    """`top`, `share`, `total` with sum_k exp(joint) = exp(top) x total, total >= 1.

    `share / total` is the posterior of each component.
    """
    top = jnp.max(joint, 0)
    share = jnp.exp(joint - top[None])
    return top, share, jnp.sum(share, 0)


def weighted_moments(
    mass: Float[Array, "K m"], z: Sequence[Float[Array, "K m"]]
) -> Moments:
    """Sums over m of mass, mass z and mass z z'."""
    d = len(z)
    first = [mass * zi for zi in z]
    if d > UNROLLED_DIMENSIONS:
        whole = jnp.stack(first, 1)
        second = jnp.einsum("kim,jkm->kij", whole, jnp.stack(z), precision="highest")
        return Moments(sum_rows(mass), sum_rows(whole), second)
    pairs = [(i, j) for i in range(d) for j in range(i + 1)]
    products = [first[i] * z[j] for i, j in pairs]
    sums = sum_rows(jnp.stack([mass, *first, *products]))
    at = {pair: sums[1 + d + place] for place, pair in enumerate(pairs)}
    second = [
        jnp.stack([at[max(i, j), min(i, j)] for j in range(d)], 1) for i in range(d)
    ]
    return Moments(sums[0], sums[1 : 1 + d].T, jnp.stack(second, 1))


def sum_rows(terms: Float[Array, "*leading m"]) -> Float[Array, "*leading"]:
    """Sum over the last axis, as a product with ones.

    XLA on CPU sums products by vector instructions and reduces the last axis value by
    value: this is four times faster.
    """
    return terms @ jnp.ones(terms.shape[-1], terms.dtype)


def _product(a: Float[Array, "K d d"], b: Float[Array, "K d d"]) -> Array:
    """Matrix products of many small matrices, fused instead of called one by one."""
    return jnp.sum(a[:, :, :, None] * b[:, None, :, :], 2)


def _sum(terms):
    """Sum without the integer 0 that `sum` starts from."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
