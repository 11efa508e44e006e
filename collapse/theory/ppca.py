"""Probabilistic PCA trained on its own rows: what is exact, and what is to first order.

The fit to rows of covariance S has the eigenvalues l_1, ..., l_k of S in its k leading
directions and the mean of the others, the noise, in all the rest: its trace is that of
S. So the total variance and the error of the mean obey `theory.moments` under every
workflow, whatever n, d, k and the first rows' law (`total`). What is split between the
k directions and the noise is exact where the directions are known (`known_subspace`);
where they are fitted, it is known for many rows (`leading`) and to first order in 1/n
(`split`).

References:
  Tipping & Bishop 1999 (J. R. Stat. Soc. B 61:611), sec. 3.2, the fit; Lawley 1956
  (Biometrika 43:128), sec. 2, the bias of eigenvalues to first order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from collapse.theory.checks import Curve, whole
from collapse.theory.recursions import Moments


class Split(NamedTuple):
    """Variance of a fitted model by direction.

    Attributes:
      leading: [G + 1, k] eigenvalues of its covariance in the k leading directions.
      noise: [G + 1] variance in each of the other directions.
    """

    leading: NDArray[np.float64]
    noise: Curve


def leading(eigenvalues: Sequence[float] | Curve, k: int) -> tuple[Curve, float]:
    """The k leading eigenvalues and the noise of a fit to infinitely many rows.

    This is what the first fit cuts off: of a data distribution with more than k
    directions those beyond the k-th become equal, at their mean. A second fit to
    infinitely many rows of the model finds the same model again.

    Args:
      eigenvalues: [d] of the data distribution's covariance, in any order.
      k: latents, fewer than d.
    """
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64))[::-1]
    if not 0 < k < len(values):
        raise ValueError(f"k must be from 1 to {len(values) - 1}, got {k}")
    return values[:k], float(values[k:].mean())


def total(moments: Moments, rows: int, population: int = 0) -> Moments:
    """Moments where real rows are drawn without replacement from a population.

    Exact for whole batches of rows: given the first fit all later moments are
    proportional to its variance. Of a whole population the first fit is certain.

    Args:
      moments: of the workflow, for real rows that are independent.
      rows: n of the first fit.
      population: real rows that there are, whose mean and covariance (squares divided
        by their number) are the units; 0 for an unlimited number.
    """
    if not population:
        return moments
    n, size = whole("rows", rows, 1), whole("population", population, rows)
    error = 0.0 if n == size else (size - n) / (size - 1) / n
    variance = (1 - error) * moments.variance / moments.variance[0]
    # a later mean is the first one and noise that does not depend on it
    since = (moments.mean_error - moments.mean_error[0]) / moments.variance[0]
    return Moments(variance, error + (1 - error) * since)


def means(n: int, num_generations: int, first: float, mean_error: float = 0) -> Moments:
    """Moments under replace where generated rows are decoder means, without noise.

    Rows of generation 0's model then span k directions, and later fits have no noise at
    all: from there on the law is that of a Gaussian in these directions. Exact, given
    generation 0's model. The variance is that of generated rows.

    Args:
      n: rows of a generation, at least k + 2.
      num_generations: G.
      first: variance of generation 0's decoder means, a sum over k latents.
      mean_error: of generation 0.
    """
    lost = 1 - 1 / whole("n", n, 2)
    variance = first * lost ** np.arange(num_generations + 1.0)
    return Moments(variance, mean_error + np.cumsum(np.append(0, variance[:-1])) / n)


def accumulated_means(
    eigenvalues: Sequence[float] | Curve, k: int, num_generations: int
) -> Split:
    """Variances of fits under accumulate to infinitely many decoder means a generation.

    Of t + 1 parts one is real, and only it has noise: the noise is that of the first
    fit over t + 1. Decoder means keep their covariance, as they do under replace. So
    the expected loss of real rows grows without bound, like (d - k) (t + 1) / 2:
    accumulation cannot put back what the decoder never draws.

    Args:
      eigenvalues: [d] of the data distribution's covariance.
      k: latents, fewer than d.
      num_generations: G.
    """
    values, noise = leading(eigenvalues, k)
    fits = np.arange(1.0, num_generations + 2)
    return Split(values[None] - noise * (1 - 1 / fits)[:, None], noise / fits)


def known_subspace(
    eigenvalues: Sequence[float] | Curve, k: int, n: int, num_generations: int
) -> Split:
    """Expected variances under replace where the k directions are given, not fitted.

    Exact: all of them fall as (1 - 1/n)^(t + 1), since each is a sum of squares of
    normal rows about their mean, the noise pooled over d - k directions.
    """
    values, noise = leading(eigenvalues, k)
    fall = (1 - 1 / whole("n", n, 2)) ** (np.arange(num_generations + 1.0) + 1)
    return Split(values[None] * fall[:, None], noise * fall)


def log_noise(d: int, k: int, n: int, num_generations: int) -> Curve:
    """Expected logarithm of the noise over the true one, where directions are given.

    Exact under replace: a generation multiplies the noise by a chi-square variable of
    (n - 1)(d - k) degrees of freedom over n (d - k). It falls by about
    1/n + 1/(n (d - k)) a generation, where a variance of its own would fall by 2/n.
    """
    freedom = (whole("n", n, 2) - 1) * (whole("d", d, k + 1) - k)
    step = special.digamma(freedom / 2) - np.log(n * (d - k) / 2)
    return step * (np.arange(num_generations + 1.0) + 1)


def split(
    eigenvalues: Sequence[float] | Curve, k: int, n: int, num_generations: int
) -> Split:
    """Expected variances under replace where directions are fitted, to order t / n.

    A fit finds the directions in which its rows vary most, so that an eigenvalue takes
    from those below it:

        E l_i' = l_i (1 - 1/n + 1/n sum_{j != i} l_j / (l_i - l_j)),

    with j over all other directions, those of the noise d - k times. Among the k
    leading ones nothing is lost or gained in sum. From the noise they take so much that
    it falls by about (k + 1) / n a generation: faster than the variance as a whole,
    which the trace holds to (1 - 1/n). Good while the gaps l_i - l_j stay large beside
    their standard errors, l_i sqrt(2 / n); the error is of order (t / n)^2 and 1 / n^2
    where the d - k smallest eigenvalues of the truth are equal. The first fit has them
    one by one; here their mean stands for all, which is an error of order 1 / n.
    """
    values, noise = leading(eigenvalues, k)
    rest = len(np.asarray(eigenvalues)) - k
    found = Split(np.empty((num_generations + 1, k)), np.empty(num_generations + 1))
    for t in range(num_generations + 1):
        gaps = values[:, None] - values[None]
        np.fill_diagonal(gaps, np.inf)
        own = (values[None] / gaps).sum(1)
        taken = values / (values - noise)
        # one new model from the old one: all on the right are the old values
        values, noise = (
            values * (1 - 1 / n + own / n) + rest * noise * taken / n,
            noise * (1 - 1 / n - taken.sum() / n),
        )
        found.leading[t], found.noise[t] = values, noise
    return found
