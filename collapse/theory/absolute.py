"""Absolute errors of a fitted Gaussian, d = 1: the axes of Shumailov et al. (2024).

Of the first fit both expectations have a closed form, and so has that of the mean in
the end. In between, under replace, they are exact by quadrature: the curves here are
right to about 1e-8 of their values.
"""

import math
from typing import Any

import numpy as np
import scipy  # its parts are loaded when first used: `--help` does not wait for them

from collapse.theory.checks import Curve, Rows, schedule, whole
from collapse.theory.moments import expected_sigma


def mean_error_of_first(n: Rows) -> Curve:
    """E |m - mu| / sigma of the mean m of n normal rows, [] or as n: sqrt(2 / (pi n)).

    2.523e-4 at n = 1e7, where Shumailov et al. (arXiv:2305.17493) have 2.4899e-4.
    """
    return np.sqrt(2 / (math.pi * _sizes(n, 0)))


def deviation_error_of_first(n: Rows, ddof: int) -> Curve:
    """E |s - sigma| / sigma of the standard deviation s of n normal rows, [] or as n.

    With x = (n - ddof) / 2 and a = (n - 1) / 2, s^2 / sigma^2 has the law of a Gamma
    variate of shape a over x. From E |s - 1| = E s - 1 + 2 E (1 - s)+, that is
    E s (1 - 2 P(a + 1/2, x)) - (1 - 2 P(a, x)), with P the regularised incomplete Gamma
    function: near 1 / sqrt(pi n).

    Raises:
      ValueError: n or ddof are out of range; n is at least 2.
    """
    sizes = _sizes(n, ddof)
    a, x = (sizes - 1) / 2, (sizes - ddof) / 2
    flat = np.atleast_1d(sizes)
    mean = np.array([expected_sigma(int(one), 0, ddof)[0] for one in flat])
    above = 1 - 2 * scipy.special.gammainc(a + 0.5, x)
    return mean.reshape(sizes.shape) * above - (1 - 2 * scipy.special.gammainc(a, x))


def mean_error_limit(ddof: int) -> float:
    """E |mu_t - mu| / sigma under replace as n and then t / n grow: 1/sqrt 2 or sqrt 2.

    The run ends as a point, and this is how far from the truth. With s = t / (2n),
    log sigma_s is a Brownian motion B_s less nu s, nu = 2 for ddof 0 and 1 for ddof 1,
    and mu_t is normal with the variance 2 int exp(2 (B_s - nu s)) ds, which is one over
    a Gamma variate of shape nu (Dufresne 1990): Student's t with 2 nu degrees of
    freedom, over sqrt nu, whose variance is 1 for ddof 0 and infinite for ddof 1.
    """
    schedule(2, 0, ddof)
    return math.sqrt(2) if ddof else math.sqrt(0.5)


def mean_error(n: int, num_generations: int, ddof: int) -> Curve:
    """E |mu_t - mu| / sigma under replace [G + 1], of normal rows; n at least 2.

    Given the variances mu_t is normal, so that it is sqrt(2 / (pi n)) E sqrt(W_{t+1})
    with W_1 = 1 and W_k = 1 + S W_{k-1} in law, S the factor by which a fit multiplies
    the variance. For r_k(y) = E sqrt(a + W_k) / sqrt(a + 1), y = log(a + 1), that gives
    r_1 = 1 and r_k(y) = E sqrt(1 + S exp(-y)) r_{k-1}(log(1 + exp(y) / S)), a smooth
    function, which is kept on a grid; r_k(0) is wanted.
    """
    sizes = schedule(n, num_generations, ddof, 2)
    if len(sizes) == 1:
        return np.atleast_1d(mean_error_of_first(n))
    values, weights = _factors(whole("n", n, 2), ddof)
    far = math.log(max(n, len(sizes))) + 20  # where r_k is 1 but for 1e-8
    y = np.linspace(0, far, math.ceil(10 * far))
    spline = scipy.interpolate.make_interp_spline(y, np.eye(len(y)), k=7)
    step = np.zeros((len(y), len(y)))
    for s, w in zip(values, weights, strict=True):
        to = np.minimum(np.logaddexp(0, y - math.log(s)), far)
        step += w * np.sqrt(1 + s * np.exp(-y))[:, None] * spline(to)
    ratio, found = np.ones(len(y)), np.empty(len(sizes))
    for t in range(len(sizes)):
        found[t], ratio = ratio[0], step @ ratio
    return found * mean_error_of_first(n)


def _factors(n: int, ddof: int) -> tuple[Curve, Curve]:
    """Values of the factor S = chi-squared_{n-1} / (n - ddof), and their weights.

    Of the trapezoid rule in log S, whose density is smooth and vanishes at both ends.
    """
    a, x = (n - 1) / 2, (n - ddof) / 2
    spread = math.sqrt(scipy.special.polygamma(1, a))
    low, high = math.log(a / x) - 40 / a - 9 * spread, math.log(a / x) + 9 * spread
    log_s = np.arange(low, high, min(spread / 2, 0.1))
    density = a * log_s - x * np.exp(log_s)
    weights = np.exp(density - density.max())
    kept = weights > 1e-20
    return np.exp(log_s[kept]), weights[kept] / weights[kept].sum()


def deviation_error(n: int, num_generations: int, ddof: int) -> Curve:
    """E |sigma_t - sigma| / sigma under replace [G + 1], of normal rows; n at least 2.

    E sigma_t - 1 + 2 E (1 - sigma_t)+, the last by inverting a Fourier transform: with
    s = c + i u it is the integral of E sigma_t^-s / (s (1 + s)) du / (2 pi), and
    E sigma_t^-s is the power t + 1 of that of one fit, a ratio of Gamma functions.
    """
    sizes = schedule(n, num_generations, ddof, 2)
    below, (a, x) = np.empty(len(sizes)), ((n - 1) / 2, (n - ddof) / 2)
    drift = (scipy.special.psi(a) - math.log(x)) / 2
    spread = math.sqrt(scipy.special.polygamma(1, a)) / 2
    for t in range(len(sizes)):
        c = min(1, a) / (1 + (t + 1) * abs(drift) + math.sqrt(t + 1) * spread)
        last = math.asinh(40 / (c * min(math.sqrt(t + 1) * spread, 1)))
        z = np.linspace(0, last, 800)
        s = c * (1 + 1j * np.sinh(z))
        power = np.exp((t + 1) * _log_moment(a, x, s / 2))
        integrand = (power / (s * (1 + s))).real * c * np.cosh(z)
        below[t] = np.trapezoid(integrand, z) / math.pi
    return expected_sigma(n, num_generations, ddof) - 1 + 2 * below


def _log_moment(a: float, x: float, b: Any) -> Any:
    """Log of E S^-b, Gamma(a - b) x^b / Gamma(a), for S a Gamma variate of a over x.

    By Stirling's series where a is large, since the difference of two logarithms of
    Gamma functions would lose all digits.
    """
    if a < 50:
        gap = scipy.special.loggamma(a - b) - scipy.special.loggamma(a)
        return gap + b * math.log(x)
    small = b / a
    gap = (a - b - 0.5) * np.log1p(-small) + b * (1 + math.log(x / a))
    for k, c in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260)):
        gap = gap + c * ((a - b) ** -k - a**-k)
    return gap


def _sizes(n: Rows, ddof: int) -> Curve:
    """Numbers of rows as floats, each checked; at least 2."""
    sizes = np.asarray(n, np.float64)
    schedule(n, max(sizes.size - 1, 0), ddof, 2)
    return sizes
