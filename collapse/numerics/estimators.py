"""Estimators: deterministic functions of arrays.

Moments and covariance factors of weighted rows, distances between Gaussians and between
mixtures, and probabilities of balls.
"""

import math

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import erf, gammainc
from jaxtyping import Array, Float


def weighted_mean(
    rows: Float[Array, "rows d"], weights: Float[Array, " rows"]
) -> Float[Array, " d"]:
    """Mean of weighted rows; scaling all weights changes nothing.

    Returns:
      [d]; NaN if every weight is zero.
    """
    return jnp.sum(weights[:, None] * rows, axis=0) / jnp.sum(weights)


def weighted_moments(
    rows: Float[Array, "rows d"], weights: Float[Array, " rows"], ddof: int = 0
) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and lower-triangular covariance factor of weighted rows.

    The covariance is factor @ factor.T = sum_i w_i (x_i - mean)(x_i - mean)' divided by
    sum_i w_i - ddof: with ddof 0 the maximum-likelihood estimate, whose expectation is
    1 - 1/n times the true covariance for n rows of weight 1; with ddof 1 the unbiased
    one. The relative standard error of a variance is about sqrt(2/n). The factor is
    returned, because by rounding a collapsing covariance soon has no Cholesky factor.

    Args:
      rows: [rows, d].
      weights: [rows], non-negative. With ddof 1 they count repetitions of rows, so
        their scale matters.
      ddof: 0 or 1.
    """
    mean = weighted_mean(rows, weights)
    centred = jnp.sqrt(weights)[:, None] * (rows - mean[None])
    return mean, triangular_factor(centred) / jnp.sqrt(jnp.sum(weights) - ddof)


def triangular_factor(rows: Float[Array, "rows d"]) -> Float[Array, "d d"]:
    """Lower-triangular L with L L' = rows' rows and a non-negative diagonal.

    By QR of the rows, which resolves directions down to 1e-16 of the largest. Never NaN
    for finite rows, whatever their rank.
    """
    d = rows.shape[1]
    if d == 1:
        return jnp.sqrt(jnp.sum(rows**2))[None, None]
    upper = jnp.linalg.qr(rows, mode="r")
    upper = upper * jnp.where(jnp.diagonal(upper) < 0, -1, 1)[:, None].astype(
        rows.dtype
    )
    return jnp.pad(upper, ((0, d - upper.shape[0]), (0, 0))).T


def factor_of_gram(gram: Float[Array, "d d"], num: int) -> Float[Array, "d d"]:
    """Lower-triangular L with L L' = gram, a sum of `num` Gram matrices.

    Never NaN for finite entries, whatever the rank: the diagonal is first increased by
    a relative 8 (d + sqrt(num)) eps, ten times the largest observed rounding error, and
    the rows of the factor are then scaled so that L L' has the diagonal of `gram`. So
    variances are exact and correlations too small by about 1e-13, in float32 1e-4;
    directions of less variance than that, at a unit diagonal, are lost.
    """
    d = gram.shape[0]
    eps, tiny = jnp.finfo(gram.dtype).eps, jnp.finfo(gram.dtype).tiny
    diagonal = jnp.diagonal(gram)
    raised = diagonal * (1 + 8 * (d + math.sqrt(num)) * eps) + tiny
    factor = jnp.linalg.cholesky(gram + jnp.diag(raised - diagonal))
    return factor * jnp.sqrt(diagonal / raised)[:, None]


def log_det(factor: Float[Array, "d d"]) -> Float[Array, ""]:
    """Log-determinant of L L' for a triangular factor L; -inf if singular."""
    return 2 * jnp.sum(jnp.log(jnp.abs(jnp.diagonal(factor))))


def w2_squared(
    mean_a: Float[Array, " d"],
    factor_a: Float[Array, "d d"],
    mean_b: Float[Array, " d"],
    factor_b: Float[Array, "d d"],
) -> Float[Array, ""]:
    """Squared 2-Wasserstein distance between Gaussians with covariances F F'.

    |m_a - m_b|^2 + |F_a|^2 + |F_b|^2 - 2 |F_a' F_b|_*. The nuclear norm is the trace of
    (A^1/2 B A^1/2)^1/2, computed without a matrix square root, so that covariances may
    be singular. In one dimension (m_a - m_b)^2 + (s_a - s_b)^2. No sampling error; in
    squared units of the data. The rounding error is about 1e-16 of the variances.

    References:
      Givens & Shortt 1984 (Michigan Math. J. 31:231).
    """
    shift = jnp.sum((mean_a - mean_b) ** 2)
    if mean_a.shape[0] == 1:
        return shift + (jnp.abs(factor_a[0, 0]) - jnp.abs(factor_b[0, 0])) ** 2
    nuclear = jnp.sum(jnp.linalg.svd(factor_a.T @ factor_b, compute_uv=False))
    spread = jnp.sum(factor_a**2) + jnp.sum(factor_b**2) - 2 * nuclear
    return shift + jnp.maximum(spread, 0)


def gaussian_divergence(
    mean_p: Float[Array, " d"],
    factor_p: Float[Array, "d d"],
    mean_q: Float[Array, " d"],
    factor_q: Float[Array, "d d"],
) -> Float[Array, ""]:
    """KL(p, q) of Gaussians with covariances F F', in nats: q's expected excess loss.

    (|F_q^-1 F_p|^2 + |F_q^-1 (m_p - m_q)|^2 - d - log det_p + log det_q) / 2, not
    finite if q is singular. No sampling error.

    Args:
      mean_p, mean_q: means.
      factor_p, factor_q: lower-triangular factors.
    """
    d = mean_p.shape[0]
    both = jnp.concatenate([factor_p, (mean_p - mean_q)[:, None]], axis=1)
    if d == 1:
        scaled = both / factor_q
    else:
        scaled = solve_triangular(factor_q, both, lower=True)
    return (jnp.sum(scaled**2) - d - log_det(factor_p) + log_det(factor_q)) / 2


def mixture_l2_squared(
    weights_a: Float[Array, " K"],
    means_a: Float[Array, "K d"],
    covariances_a: Float[Array, "K d d"],
    weights_b: Float[Array, " J"],
    means_b: Float[Array, "J d"],
    covariances_b: Float[Array, "J d d"],
) -> Float[Array, ""]:
    """Integral of (p_a - p_b)^2 for two Gaussian mixtures, in closed form.

    Sum over pairs of a_i a_j N(m_i - m_j; 0, C_i + C_j). No sampling error; in units of
    one over a volume of the data. For a collapsing model it grows like 1 / sqrt(det).
    """

    def overlap(w: Array, m: Array, c: Array, v: Array, n: Array, e: Array) -> Array:
        d = m.shape[1]
        delta = m[:, None, :] - n[None, :, :]
        chol = jnp.linalg.cholesky(c[:, None] + e[None])
        solved = jnp.linalg.solve(chol, delta[..., None])[..., 0]
        log_root = jnp.sum(jnp.log(jnp.diagonal(chol, axis1=-2, axis2=-1)), axis=-1)
        log_pdf = -0.5 * jnp.sum(solved**2, -1) - log_root - d / 2 * jnp.log(2 * jnp.pi)
        return jnp.sum(w[:, None] * v[None, :] * jnp.exp(log_pdf))

    a = (weights_a, means_a, covariances_a)
    b = (weights_b, means_b, covariances_b)
    return overlap(*a, *a) + overlap(*b, *b) - 2 * overlap(*a, *b)


def chi_cdf(radius: Float[Array, "..."], d: int) -> Float[Array, "..."]:
    """P(|z| <= radius) for d independent standard normals; 0 below radius 0.

    Up to d = 20 by the finite sum for half-integers (Abramowitz & Stegun 26.4.4, 5),
    ten times as fast as the incomplete gamma function; the absolute error is eps.
    """
    radius = jnp.maximum(radius, 0)
    if d > 20:
        return gammainc(jnp.array(d / 2, radius.dtype), radius**2 / 2)
    if d == 1:
        return erf(radius / jnp.sqrt(jnp.array(2, radius.dtype)))
    if d == 2:
        return -jnp.expm1(-(radius**2) / 2)
    radius = jnp.minimum(radius, 40)  # the result is 1 there; no power overflows
    series = jnp.ones_like(radius)
    for k in range(d - 2, 2, -2):
        series = 1 + series * radius**2 / k
    first = math.sqrt(2 / math.pi) * radius if d % 2 else radius**2 / 2
    below = chi_cdf(radius, 2 - d % 2)
    return jnp.maximum(below - first * series * jnp.exp(-(radius**2) / 2), 0)


def ball_mass(
    mean: Float[Array, " d"],
    factor: Float[Array, "d d"],
    radius: Float[Array, ""],
    directions: Float[Array, "m d"],
) -> Float[Array, ""]:
    """P(|x| < radius) for x = mean + factor @ z, averaged over directions of z.

    Along a unit vector u the set {r : |mean + r factor u| < radius} is an interval and
    |z| has a chi law, so only the direction of z is sampled: exact in one dimension,
    and otherwise of far lower variance than counting samples. Each direction is used
    together with its opposite. Accurate at any scale of the factor, zero included.

    Args:
      directions: [m, d] unit vectors.
    """
    d = mean.shape[0]
    along = directions @ factor.T
    # divided by the largest entry first: squares of a collapsed factor underflow
    tiny = jnp.finfo(mean.dtype).tiny
    largest = jnp.maximum(jnp.max(jnp.abs(along), axis=1), tiny)
    along = along / largest[:, None]
    length = jnp.maximum(jnp.sqrt(jnp.sum(along**2, axis=1)), tiny)
    b = along @ mean / length
    disc = b**2 - (jnp.sum(mean**2) - radius**2)
    root = jnp.sqrt(jnp.maximum(disc, 0))
    scale = jnp.maximum(length * largest, tiny)
    ends = jnp.stack([(-b - root) / scale, (-b + root) / scale])
    # u and -u contribute the parts r >= 0 and r <= 0 of one interval of r
    lower, upper = jnp.sign(ends) * chi_cdf(jnp.abs(ends), d) / 2
    return jnp.mean(jnp.where(disc > 0, upper - lower, 0))
