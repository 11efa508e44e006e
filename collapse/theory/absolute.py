"""Absolute errors of a fitted Gaussian, d = 1: the axes of Shumailov et al. (2024).

Of the first fit both expectations are exact. Of later ones under replace the mean is a
sum whose terms have random sizes: there is no closed form but in the end.
"""

import math

import numpy as np
import scipy  # its parts are loaded when first used: `--help` does not wait for them

from collapse.theory.checks import Curve, Rows, schedule
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


def _sizes(n: Rows, ddof: int) -> Curve:
    """Numbers of rows as floats, each checked; at least 2."""
    sizes = np.asarray(n, np.float64)
    schedule(n, max(sizes.size - 1, 0), ddof, 2)
    return sizes
