"""Expectation-maximisation for a Gaussian mixture with full covariances.

Components are the first axis and rows the last one of every array, so that the
innermost loop is long and contiguous. An iteration reads the rows once: while they are
in cache, the E-step also computes the sums that the M-step needs, around the current
means and in coordinates where each component has unit covariance.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.numerics.blocks import PaddedRows, sum_blocks, sum_rows

UNROLLED_DIMENSIONS = 6  # up to here sums of products are faster than matrix products


class GmmParams(NamedTuple):
    """Parameters of a Gaussian mixture.

    Attributes:
      weights: [K], positive, sum 1.
      means: [K, d], in units of the data.
      covariances: [K, d, d], symmetric, in squared units of the data.
    """

    weights: Float[Array, " K"]
    means: Float[Array, "K d"]
    covariances: Float[Array, "K d d"]


class Factor(NamedTuple):
    """Cholesky factor L of each covariance and its inverse, both lower triangular."""

    root: Float[Array, "K d d"]
    inverse: Float[Array, "K d d"]


class ComponentSums(NamedTuple):
    """Sums over rows of mass, mass z and mass z z' for each component.

    Mass is a row's weight times its posterior, and z = L^-1 (x - mean) is the row,
    whitened with the component's mean and Cholesky factor L.
    """

    zeroth: Float[Array, " K"]
    first: Float[Array, "K d"]
    second: Float[Array, "K d d"]


class Progress(NamedTuple):
    """State of the iteration; `gain` is the last change of `log_likelihood`."""

    params: GmmParams
    log_likelihood: Float[Array, ""]
    gain: Float[Array, ""]
    iterations: Int[Array, ""]


def iterate(
    params: GmmParams,
    rows: PaddedRows,
    tol: float | Float[Array, ""],
    max_iter: int | Int[Array, ""],
    reg_covar: float | Float[Array, ""],
) -> tuple[Progress, Bool[Array, ""]]:
    """Parameters after E- and M-steps until the log-likelihood gains less than `tol`.

    Stops as scikit-learn's `GaussianMixture` does: with the M-step after the E-step
    that found the small change, so `log_likelihood` belongs to the parameters one step
    before the returned ones. The loop carries parameters only, so that under `vmap` a
    seed that has converged costs little.

    Returns:
      The last state, and whether `tol` (not `max_iter`) stopped the iteration.
    """
    dtype = rows.points.dtype
    tol, reg_covar = jnp.asarray(tol, dtype), jnp.asarray(reg_covar, dtype)
    max_iter = jnp.asarray(max_iter, jnp.int32)

    def unfinished(now: Progress) -> Bool[Array, ""]:
        return (jnp.abs(now.gain) >= tol) & (now.iterations < max_iter)

    def step(now: Progress) -> Progress:
        factor = factorise(now.params.covariances, pivot_floor(reg_covar))
        log_likelihood, sums = expect(now.params, factor, rows)
        return Progress(
            maximise(now.params, factor, sums, rows.extra_mass, reg_covar),
            log_likelihood,
            log_likelihood - now.log_likelihood,
            now.iterations + 1,
        )

    infinity = jnp.asarray(jnp.inf, dtype)
    start = Progress(params, -infinity, infinity, jnp.zeros((), jnp.int32))
    end = lax.while_loop(unfinished, step, start)
    return end, jnp.abs(end.gain) < tol


def expect(
    params: GmmParams, factor: Factor, rows: PaddedRows
) -> tuple[Float[Array, ""], ComponentSums]:
    """E-step: mean log-likelihood per unit weight, and the sums for the M-step."""

    def block(points: Array, weights: Array) -> tuple[Array, ComponentSums]:
        z, joint = whiten(points, params, factor)
        top, share, total = normalise(joint)
        sums = component_sums(share * (weights / total)[None], z)
        return sum_rows(weights * (top + jnp.log(total))), sums

    return sum_blocks(rows, block)


def maximise(
    params: GmmParams,
    factor: Factor,
    sums: ComponentSums,
    extra_mass: Float[Array, ""],
    reg_covar: Float[Array, ""],
) -> GmmParams:
    """M-step: the parameters that have the given sums, taken around `params`.

    The scatter around the new mean is that around the old one minus the outer product
    of the shift, in units of the old covariance. Cancellation loses digits only if a
    component shrinks by orders of magnitude in one step; the next step recovers them.

    `extra_mass`, 10 eps of a row, is added to every component's mass as in
    scikit-learn. Deviation: there it is at the origin, here at the component's old mean
    and covariance, so that a component without rows does not move, and shifted data
    give shifted results.
    """
    mass = sums.zeroth + extra_mass
    shift = sums.first / mass[:, None]
    scatter = sums.second / mass[:, None, None]
    scatter = scatter - shift[:, :, None] * shift[:, None, :]
    scatter = _product(_product(factor.root, scatter), factor.root.swapaxes(1, 2))
    floor = reg_covar * jnp.eye(shift.shape[1], dtype=shift.dtype)[None]
    kept = (extra_mass / mass)[:, None, None] * (params.covariances - floor)
    return GmmParams(
        mass / jnp.sum(mass),
        params.means + jnp.sum(factor.root * shift[:, None, :], 2),
        scatter + kept + floor,
    )


def factorise(covariances: Float[Array, "K d d"], floor: Float[Array, ""]) -> Factor:
    """Cholesky factors and their inverses, by Gaussian elimination of [C | I].

    The loop is over columns, for all components at once: a LAPACK call for each small
    matrix would take longer than the E-step. Pivots below `floor` are raised to it, so
    that a covariance which is indefinite by rounding gives no NaN.
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
    """The smallest pivot that a covariance S + reg_covar I can have.

    Its Schur complements are at least reg_covar, so that raising a pivot to reg_covar
    corrects rounding only. For reg_covar 0 the floor keeps squares of z finite.
    """
    return jnp.maximum(reg_covar, math.sqrt(jnp.finfo(reg_covar.dtype).tiny))


def whiten(
    points: Float[Array, "d m"], params: GmmParams, factor: Factor
) -> tuple[list[Float[Array, "K m"]], Float[Array, "K m"]]:
    """Whitened rows z = L^-1 (x - mean), a list of d, and log(weight x density)."""
    d, inverse = len(points), factor.inverse
    if d <= UNROLLED_DIMENSIONS:
        away = [points[j][None] - params.means[:, j, None] for j in range(d)]
        z = [
            _sum(inverse[:, i, j, None] * away[j] for j in range(i + 1))
            for i in range(d)
        ]
    else:
        differences = points[None] - params.means[:, :, None]
        whole = jnp.einsum("kij,kjm->kim", inverse, differences, precision="highest")
        z = [whole[:, i] for i in range(d)]
    log_det = jnp.sum(jnp.log(jnp.diagonal(inverse, axis1=1, axis2=2)), 1)
    constant = jnp.log(params.weights) + log_det - d / 2 * math.log(2 * math.pi)
    return z, constant[:, None] - 0.5 * _sum(zi * zi for zi in z)


def normalise(
    joint: Float[Array, "K m"],
) -> tuple[Float[Array, " m"], Float[Array, "K m"], Float[Array, " m"]]:
    """`top`, `share`, `total`: sum_k exp(joint) = exp(top) total, total >= 1.

    `share / total` is the posterior of each component.
    """
    top = jnp.max(joint, 0)
    share = jnp.exp(joint - top[None])
    return top, share, jnp.sum(share, 0)


def component_sums(
    mass: Float[Array, "K m"], z: Sequence[Float[Array, "K m"]]
) -> ComponentSums:
    """Sums over rows of mass, mass z and mass z z'."""
    d = len(z)
    first = [mass * zi for zi in z]
    if d > UNROLLED_DIMENSIONS:
        scaled, whole = jnp.stack(first, 1), jnp.stack(z, 1)
        second = jnp.einsum("kim,kjm->kij", scaled, whole, precision="highest")
        return ComponentSums(sum_rows(mass), sum_rows(scaled), second)
    # one product with ones for each row of the matrix: a single product of all terms
    # would not vectorise
    sums = [
        sum_rows(jnp.stack([first[i], *(first[i] * z[j] for j in range(i + 1))]))
        for i in range(d)
    ]
    square = [[sums[max(i, j)][1 + min(i, j)] for j in range(d)] for i in range(d)]
    return ComponentSums(
        sum_rows(mass),
        jnp.stack([row[0] for row in sums], 1),
        jnp.stack([jnp.stack(row, 1) for row in square], 1),
    )


def _product(a: Float[Array, "K d d"], b: Float[Array, "K d d"]) -> Array:
    """Products of many small matrices, as one sum that the compiler fuses."""
    return jnp.sum(a[:, :, :, None] * b[:, None, :, :], 2)


def _sum(terms: Iterable[Array]) -> Array:
    """Sum without the integer 0 that `sum` starts from."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
