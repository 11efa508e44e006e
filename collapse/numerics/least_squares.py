"""Weighted least squares, from rows or from their Gram matrix, with several targets.

All solve min_w sum_i v_i (y_i - x_i'w)^2 + penalty |w|^2 with row weights v_i, for
several targets y at once. Where the rows do not determine w and there is no penalty,
`minimum_norm` gives the solution of smallest norm, as `numpy.linalg.lstsq` does.
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Bool, Float

Penalty = float | Float[Array, ""]


def solve_rows(
    rows: Float[Array, "rows d"],
    targets: Float[Array, "c rows"],
    weights: Float[Array, " rows"],
    penalty: Penalty = 0.0,
    minimum_norm: bool = False,
) -> Float[Array, "c d"]:
    """Least-squares solution by QR of the rows, [c, d].

    As accurate as `numpy.linalg.lstsq`: the error grows with the condition number of
    the rows, not with its square.

    Args:
      rows: [rows, d]; at least d of them, unless with `minimum_norm` or a penalty.
      targets: [c, rows].
      weights: [rows], non-negative; weight 2 counts a row twice.
      penalty: ridge, not scaled by the number of rows; may be traced.
      minimum_norm: the solution of smallest norm where there are many; singular values
        below eps max(rows, d) times the largest count as zero. No effect with a
        penalty.

    Returns:
      [c, d]; NaN if the rows are singular, without `minimum_norm` and penalty.

    Raises:
      ValueError: when traced, for fewer rows than d without either.
    """
    d = rows.shape[1]
    root = jnp.sqrt(weights)
    x, y = root[:, None] * rows, (root[None] * targets).T
    if not is_absent(penalty):
        ridge = jnp.sqrt(jnp.asarray(penalty, rows.dtype)) * jnp.eye(d, dtype=x.dtype)
        x = jnp.concatenate([x, ridge])
        y = jnp.concatenate([y, jnp.zeros((d, y.shape[1]), y.dtype)])
    q, r = jnp.linalg.qr(x)
    if not minimum_norm:
        # the part of a column that is orthogonal to those before it, over its length
        own = jnp.abs(jnp.diagonal(r)) / jnp.linalg.norm(r, axis=0)
        least = max(x.shape) * jnp.finfo(x.dtype).eps
        r = jnp.where(jnp.min(own) > least, r, jnp.nan)
    if minimum_norm:
        return (_pseudo_inverse(r, max(x.shape)) @ (q.T @ y)).T
    if d == 1:
        return (q.T @ y).T / r
    return solve_triangular(r, q.T @ y).T


def solve_gram(
    gram: Float[Array, "d d"],
    moments: Float[Array, "c d"],
    penalty: Penalty = 0.0,
    minimum_norm: bool = False,
) -> Float[Array, "c d"]:
    """Least-squares solution from the Gram matrix X'VX and the moments X'Vy, [c, d].

    By Cholesky factorisation. Singular rows without `minimum_norm` or a penalty give
    wrong numbers that may look plausible. Otherwise the error is that of `solve_rows`
    times the condition number of X with columns scaled to equal length (for normal
    rows 2 at n = 10 d, 20 at n = 1.2 d).

    Args:
      gram: [d, d].
      moments: [c, d].
      penalty: as in `solve_rows`.
      minimum_norm: as in `solve_rows`; eigenvalues below 8 d eps times the largest
        count as 0. In float32 these are directions below 1e-2 of the largest singular
        value: do not use it there for rows that determine w.
    """
    d = gram.shape[0]
    if not is_absent(penalty):
        gram = gram + jnp.asarray(penalty, gram.dtype) * jnp.eye(d, dtype=gram.dtype)
    if minimum_norm:
        values, vectors = jnp.linalg.eigh(gram)
        positive = values > 8 * d * jnp.finfo(gram.dtype).eps * values[-1]
        inverse = masked_inverse(values, positive)
        return ((moments @ vectors) * inverse[None]) @ vectors.T
    if d == 1:
        return moments / gram
    return cho_solve((jnp.linalg.cholesky(gram), True), moments.T).T


def solve_factor(
    factor: Float[Array, "d d"], moments: Float[Array, "c d"]
) -> Float[Array, "c d"]:
    """Least-squares solution from a lower factor L of the Gram matrix L L' = X'X.

    The error grows with the condition number of X, not with its square.

    Args:
      factor: [d, d], of rows that determine w.
      moments: [c, d], X'y.
    """
    if factor.shape[0] == 1:
        return moments / factor**2
    half = solve_triangular(factor, moments.T, lower=True)
    return solve_triangular(factor, half, lower=True, trans=1).T


def solve_spectrum(
    vectors: Float[Array, "d d"],
    singular: Float[Array, " d"],
    moments: Float[Array, "c d"],
    copies: Float[Array, ""],
    penalty: Penalty = 0.0,
) -> Float[Array, "c d"]:
    """Least-squares solution for `copies` times the same rows, with known SVD, [c, d].

    Args:
      vectors: [d, d] right singular vectors of X, in columns.
      singular: [d] its singular values; directions of singular value 0 get 0.
      moments: [c, d] X'y, summed over the copies.
      copies: weight of the rows, > 0.
      penalty: as in `solve_rows`.
    """
    divisor = copies * singular**2 + jnp.asarray(penalty, singular.dtype)
    inverse = masked_inverse(divisor, singular > 0)
    return ((moments @ vectors) * inverse[None]) @ vectors.T


def spectrum(
    rows: Float[Array, "rows d"], num_rows: int | None = None
) -> tuple[Float[Array, "d d"], Float[Array, " d"]]:
    """Right singular vectors (columns) and singular values, negligible ones set to 0.

    Args:
      rows: [rows, d], or a factor R with R'R = X'X.
      num_rows: of X, if a factor is given: values below eps max(num_rows, d) times the
        largest are negligible.
    """
    num, d = rows.shape
    if num > d:
        rows = jnp.linalg.qr(rows, mode="r")
    rows = jnp.pad(rows, ((0, d - rows.shape[0]), (0, 0)))
    _, singular, transposed = jnp.linalg.svd(rows)
    least = max(num_rows or num, d) * jnp.finfo(rows.dtype).eps * singular[0]
    return transposed.T, jnp.where(singular > least, singular, 0)


def masked_inverse(
    values: Float[Array, "..."], mask: Bool[Array, "..."]
) -> Float[Array, "..."]:
    """1 / values where `mask` is true, else 0; gradients are finite, too."""
    return jnp.where(mask, 1 / jnp.where(mask, values, 1), 0)


def _pseudo_inverse(matrix: Float[Array, "k d"], size: int) -> Float[Array, "d k"]:
    left, singular, right = jnp.linalg.svd(matrix, full_matrices=False)
    positive = singular > size * jnp.finfo(matrix.dtype).eps * singular[0]
    inverse = masked_inverse(singular, positive)
    return (right.T * inverse[None]) @ left.T


def is_absent(penalty: Penalty) -> bool:
    """Whether a penalty is a Python 0, so that the compiled program has none."""
    return not isinstance(penalty, jax.Array) and penalty == 0
