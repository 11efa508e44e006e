"""Expected determinants of fitted covariances, exact in every dimension.

Rows are normal, n a generation; a fit divides squares by rows - `ddof`. Everything is
over the determinant of the true covariance. The determinant is what Kazdan et al.
(arXiv:2410.16713) plot beside the trace; they give no formula, these are derived here.

Three facts carry them. For weights c_j and independent y_j ~ N(0, S) the k-th compound
of sum_j c_j y_j y_j' has the mean k! e_k(c) times that of S, with e_k the elementary
symmetric polynomial. A determinant is linear in each matrix of rank one. And of m rows
drawn from N without replacement, the compounds of their scatter and of their second
moment are, on average, fixed multiples of those of the pool (Cauchy and Binet).
"""

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import NDArray

from collapse.theory.checks import Curve, schedule, whole


def replace(n: int, num_generations: int, ddof: int, dimension: int) -> Curve:
    """E det S_t / det Sigma of fits to n rows of the generation before.

    Each fit multiplies it by prod_{i=1..d} (n - i) / (n - ddof): it goes to 0 for
    either ddof where d > 1, and is 0 at once for n <= d. Typical runs lose more: their
    logarithm drifts by `moments.log_det_mean`, and rare runs carry the mean.
    """
    n, d = _checked(n, num_generations, ddof, dimension)
    return _first(n, ddof, d) ** np.arange(1.0, num_generations + 2)


def accumulate(n: int, num_generations: int, ddof: int, dimension: int) -> Curve:
    """E det S_t / det Sigma of fits to all rows so far.

    In units of the last fit, new rows add to its scatter, N - ddof, n - 1 squares of
    weight 1 and one of weight N / (N + n), that of their mean.
    """
    n, d = _checked(n, num_generations, ddof, dimension)
    found = np.empty(num_generations + 1)
    level = _first(n, ddof, d)
    for t in range(num_generations + 1):
        found[t] = level
        old, new = (t + 1) * n, (t + 2) * n
        scatter = old - ddof
        added = _squares(n, old / new, scatter, d)
        level *= (scatter / (new - ddof)) ** d * float(_choices(d) @ added)
    return found


def fixed_budget(n: int, num_generations: int, ddof: int, dimension: int) -> Curve:
    """E det S_t / det Sigma of fits to n rows drawn from all so far.

    A recursion in the pool's determinant: a subset's compounds are those of the pool
    times `_kept`, and its mean's distance from the pool's is what the scatter lacks of
    the second moment.
    """
    n, d = _checked(n, num_generations, ddof, dimension)
    found = np.empty(num_generations + 1)
    level = _first(n, 0, d)  # of the pool, divided by its rows
    share = np.arange(d + 1)
    for t in range(num_generations + 1):
        pool, total = (t + 1) * n, (t + 2) * n
        second, scatter = _kept(n, pool, d)
        found[t] = level * scatter[d] * (pool / (n - ddof)) ** d
        weight = pool * n / total  # of the new rows' mean, as a square
        own = _squares(n, weight / n, n - ddof, d)  # compounds of the new scatter
        before = np.append(0.0, _squares(n, 0.0, n - ddof, d)[:-1])
        moved = before * weight * (second - scatter) / n * (share > 0)
        level *= (pool / total) ** d * float(_choices(d) @ (own * scatter + moved))
    return found


def _checked(
    n: int, num_generations: int, ddof: int, dimension: int
) -> tuple[int, int]:
    n, d = whole("n", n, 1), whole("dimension", dimension, 1)
    schedule(n, num_generations, ddof)
    return n, d


def _first(n: int, ddof: int, d: int) -> float:
    """Expected determinant of one fit to n rows of the unit covariance."""
    return float(np.prod(np.maximum(n - np.arange(1.0, d + 1), 0) / (n - ddof)))


def _squares(n: int, weight: float, unit: float, d: int) -> NDArray[np.float64]:
    """Terms k! e_k / unit^k, k = 0..d: n - 1 squares of weight 1, one of `weight`."""
    k = np.arange(d + 1)
    steps = np.maximum(n - np.arange(1.0, d + 1), 0) / unit
    equal = np.cumprod(np.append(1.0, steps))  # (n - 1) (n - 2) ... (n - k) / unit^k
    return equal + k * np.append(0.0, equal[:-1]) * weight / unit


def _kept(n: int, pool: int, d: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compounds of n rows' second moment and scatter, over the pool's scatter's."""
    i = np.arange(d + 1)
    left = np.maximum(n - i, 0) / np.maximum(pool - i, 1)
    second = np.cumprod(np.append(1.0, left[:-1]))  # C(n, k) / C(pool, k)
    return second, np.cumprod(left) * pool / n  # the same for k + 1, times pool / n


def _choices(d: int) -> NDArray[np.float64]:
    return np.asarray(scipy.special.comb(d, np.arange(d + 1)))
