"""How many synthetic rows help beside fresh real ones, if the sampler is biased.

Every generation is fitted to r new real rows from N(0, 1) and s rows of the newest
model, pooled: mean m, unbiased variance v. The sampler generates with b times the
variance of its model. Generated rows are independent given the model, and symmetric
about its mean with a given excess `kurtosis`, 0 for normal ones. The error is
E m^2 + E (sqrt v - 1)^2, the squared Wasserstein-2 distance between normal laws.

All moments of m and v up to the second order of v are exact. E sqrt v is that of a
gamma law with the mean and variance of v, which is exact for real rows alone.

References:
  Alemohammad et al. 2024 (arXiv:2307.01850): for b < 1 there is a number of synthetic
  rows beyond which they do harm. The recursion is derived here.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, not_negative, whole


class PooledMoments(NamedTuple):
    """Moments of mean and variance of a fit, [G + 1] each."""

    mean_error: Curve  # E m^2
    variance: Curve  # E v
    mean_fourth: Curve  # E m^4
    product: Curve  # E m^2 v
    variance_square: Curve  # E v^2


class KeptRows(NamedTuple):
    """Rows of a normal model after a keep rule about its mean."""

    variance: float  # over that of the model
    kurtosis: float  # excess


def moments(
    real: int,
    synthetic: int,
    bias: float,
    num_generations: int,
    kurtosis: float = 0.0,
) -> PooledMoments:
    """Exact moments of each generation; generation 0 has the real rows alone.

    Given the model, m' and v' are quadratic in sums of independent rows, so the vector
    (m^2, v, m^4, m^2 v, v^2) has a linear recursion in expectation.
    """
    step, start = _recursion(real, synthetic, bias, kurtosis), _first(real)
    found = np.empty((whole("num_generations", num_generations, 0) + 1, 6))
    found[0] = start
    for t in range(1, len(found)):
        found[t] = step @ found[t - 1]
    return PooledMoments(*found.T[1:])


def errors(
    real: int,
    synthetic: int,
    bias: float,
    num_generations: int,
    kurtosis: float = 0.0,
) -> Curve:
    """E m^2 + E (sqrt v - 1)^2 of each generation [G + 1]."""
    found = moments(real, synthetic, bias, num_generations, kurtosis)
    return _distance(found.mean_error, found.variance, found.variance_square)


def late_error(real: int, synthetic: int, bias: float, kurtosis: float = 0.0) -> float:
    """Limit of `errors` as generations go on; inf if the moments have none."""
    step = _recursion(real, synthetic, bias, kurtosis)[1:]
    inner = step[:, 1:]
    if max(abs(np.linalg.eigvals(inner))) >= 1:
        return math.inf
    mean, variance, _, _, square = np.linalg.solve(np.eye(5) - inner, step[:, 0])
    return float(_distance(mean, variance, square))


def real_error(real: int) -> float:
    """The error of a fit to the real rows alone, 1/r + 2 - 2 c_4(r)."""
    _, mean, variance, _, _, square = _first(real)
    return float(_distance(mean, variance, square))


def threshold(real: int, bias: float, kurtosis: float = 0.0) -> float:
    """Largest number of synthetic rows that do no harm in the end; inf if all help.

    The error falls at first and rises later, as the variance tends to the plateau
    w / (1 - (1-w) b) with w = r / (r + s).
    """
    most = real_error(real)

    def helps(synthetic: int) -> bool:
        return late_error(real, synthetic, bias, kurtosis) <= most

    low, high = 0, 1
    while helps(high):
        if high > 2**32:
            return math.inf
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if helps(middle) else (low, middle)
    return float(low)


def threshold_limit(bias: float, kurtosis: float = 0.0) -> float:
    """Limit of `threshold` as the number of real rows grows; inf for b = 1.

    (9 - b - (2 + kurtosis) b^2) / (1-b)^2, to leading order in 1/r: s rows save
    s (2-b) / r^2 of the mean's error and s (4 - (2+kurtosis) b^2) / (4 r^2) of the
    scale's, and cost [s (1-b)]^2 / (4 r^2) + 3 s (1-b) / (4 r^2) by what the variance
    lacks. So more real rows do not make room for more synthetic ones.
    """
    b = not_negative("bias", bias)
    if b == 1:
        return math.inf
    return max(0.0, 9 - b - (2 + kurtosis) * b**2) / (1 - b) ** 2


def kept(share: float, side: str) -> KeptRows:
    """Spread of normal rows of which the share nearest to the mean or farthest is kept.

    With z the cut, P the law of z^2 and k = 2, 4: E z^k among "inner" rows is 1 and 3
    times P(chi2_{k+1} <= z^2) / share, and among "outer" ones P(chi2_{k+1} > z^2) /
    share. Rows that a sampler with bias b generates then have b times that variance, so
    a rule that keeps outer rows can correct a narrow sampler.
    """
    if np.ndim(share) or not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    if side not in ("outer", "inner"):
        raise ValueError(f"side must be outer or inner, got {side!r}")
    if share == 1:
        return KeptRows(1.0, 0.0)
    law, inverse = {
        "outer": (scipy.special.gammaincc, scipy.special.gammainccinv),
        "inner": (scipy.special.gammainc, scipy.special.gammaincinv),
    }[side]
    cut = inverse(0.5, share)  # z^2 / 2
    variance = law(1.5, cut) / share
    fourth = 3 * law(2.5, cut) / share
    return KeptRows(float(variance), float(fourth / variance**2 - 3))


def correcting_share(bias: float) -> float:
    """Share of outer rows that are as spread as real ones: b times `kept` is 1."""
    if not 0 < not_negative("bias", bias) <= 1:
        raise ValueError(f"bias must be above 0 and at most 1, got {bias}")
    if bias == 1:
        return 1.0

    def excess(share: float) -> float:
        """Variance of the kept rows beyond that of real ones."""
        return bias * kept(share, "outer").variance - 1

    low = 0.5
    while excess(low) < 0:
        low /= 2
    return scipy.optimize.brentq(excess, low, 1, xtol=1e-14)


def _first(real: int) -> Curve:
    """Moments (1, m^2, v, m^4, m^2 v, v^2) of a fit to real rows."""
    r = whole("real", real, 2)
    return np.array([1, 1 / r, 1, 3 / r**2, 1 / r, (r + 1) / (r - 1)])


def _distance(mean: Curve, variance: Curve, square: Curve) -> Curve:
    """The error, with E sqrt v of a gamma law of these moments of v."""
    shape = variance**2 / np.maximum(square - variance**2, 1e-300)
    inverse = 1 / np.maximum(shape, 50)  # log Gamma loses the digits of its difference
    large = -inverse / 8 + inverse**3 / 192 - inverse**5 / 640
    small = scipy.special.gammaln(shape + 0.5) - scipy.special.gammaln(shape)
    log_ratio = np.where(shape > 50, large, small - np.log(shape) / 2)
    scale = np.sqrt(variance)
    return mean + (scale - 1) ** 2 - 2 * scale * np.expm1(log_ratio)


def _recursion(real: int, synthetic: int, bias: float, kurtosis: float) -> Curve:
    """Matrix [6, 6] from the moments (1, m^2, v, m^4, m^2 v, v^2) to the next ones.

    With y the mean and q the sum of squares of the s generated rows about it, u = b v:
    E y^2 = m^2 + u/s, E y^4 = m^4 + 6 m^2 u/s + (3 + k/s) u^2/s^2, E q = (s-1) u,
    E q^2 = (s-1) u^2 (s + 1 + k (s-1)/s), E (y-m)^2 q = (s-1) (u^2/s) (1 + k/s). With x
    and p those of the real rows and n = r + s, m' = (r x + s y) / n and
    v' = (p + q + (r s/n) (x-y)^2) / (n-1).
    """
    r, s = whole("real", real, 2), whole("synthetic", synthetic, 1)
    b, k = not_negative("bias", bias), float(kurtosis)
    if not -2 <= k < math.inf:
        raise ValueError(f"kurtosis must be at least -2, got {kurtosis}")
    one, mm, v, m4, mmv, vv = np.eye(6)
    u, uu, mmu = b * v, b**2 * vv, b * mmv
    n, c = r + s, r * s / (r + s)
    y2, y4 = mm + u / s, m4 + 6 * mmu / s + (3 + k / s) * uu / s**2
    q, q2 = (s - 1) * u, (s - 1) * (s + 1 + k * (s - 1) / s) * uu
    y2q = (s - 1) * (mmu + (1 + k / s) * uu / s)
    d2, d4 = one / r + y2, 3 * one / r**2 + 6 * y2 / r + y4  # of x - y
    mean2 = (r * one + s**2 * y2) / n**2
    mean4 = (3 * r**2 * one + 6 * r * s**2 * y2 + s**4 * y4) / n**4
    mean2d2 = (3 * one + (r**2 - 4 * r * s + s**2) / r * y2 + s**2 * y4) / n**2
    mean2q = (r * q + s**2 * y2q) / n**2
    squares = (r - 1) * one + q + c * d2
    product = c * mean2d2 + (r - 1) * mean2 + mean2q
    both = (r**2 - 1) * one + 2 * (r - 1) * q + q2  # E (p + q)^2
    cross = (r - 1) * d2 + q / r + y2q  # E (x-y)^2 (p + q)
    fourth = c**2 * d4 + 2 * c * cross + both
    scale = n - 1
    return np.array(
        [one, mean2, squares / scale, mean4, product / scale, fourth / scale**2]
    )
