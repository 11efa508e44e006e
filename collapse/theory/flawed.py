"""A Gaussian whose generator is flawed, and one whose rows are selected.

The fit is regular: maximum likelihood of mean and variance. What is wrong is what the
models generate: every row is shifted by a constant, or loses a share of its variance,
or only the rows nearest to a target are kept. The flaws of all generations add up,
under accumulate, too. Units: standard deviations and variances of the truth, whose mean
is 0.

Settings: Alemohammad et al. (arXiv:2307.01850) for a share of the variance, Qiao et al.
(2606.13732) for selection under accumulate. Derived here.
"""

import math

import numpy as np
import scipy

from collapse.theory.checks import in_unit, not_negative, schedule, whole
from collapse.theory.recursions import Moments


def replace(n: int, num_generations: int, shift: float, kept: float = 1.0) -> Moments:
    """Moments [G + 1] of fits to the n newest rows of a flawed generator; exact.

    The mean drifts by `shift` in each generation, so its squared error grows like
    (shift t)^2, and the variance is multiplied by kept (1 - 1/n).

    Args:
      n: rows a generation.
      num_generations: G.
      shift: added to every generated row.
      kept: variance of a generated row, as a multiple of the model's.

    Raises:
      ValueError: an argument is out of range.
    """
    return _flawed(n, num_generations, shift, kept, "newest")


def accumulate(
    n: int, num_generations: int, shift: float, kept: float = 1.0
) -> Moments:
    """Moments [G + 1] of fits to all rows so far; arguments as in `replace`; exact.

    The k-th batch moves the mean of all rows by shift / k, so the mean drifts by
    shift (1/2 + 1/3 + ... + 1/(t + 1)), like log t, and its error has no bound. The
    variance shrinks like t^-(1 - kept). A shift also widens it: means of the batches
    differ.
    """
    return _flawed(n, num_generations, shift, kept, "all")


def fixed_budget(
    n: int, num_generations: int, shift: float, kept: float = 1.0
) -> Moments:
    """Moments [G + 1] of fits to n of all rows so far; n at least 2; exact.

    The mean drifts as under `accumulate`; other arguments as in `replace`.
    """
    return _flawed(whole("n", n, 2), num_generations, shift, kept, "some")


def _flawed(
    n: int, num_generations: int, shift: float, kept: float, fit: str
) -> Moments:
    """Moments of fits to the newest, all or some rows, by their second moments.

    E P, E P^2 and E Q of the pool, whose rows have mean P and mean square Q, and m1, m2
    of the fitted mean obey a linear recursion.
    """
    last = len(schedule(whole("n", n, 1), num_generations))
    rho = not_negative("kept", kept)
    if not math.isfinite(shift):
        raise ValueError(f"shift must be finite, got {shift}")
    found = Moments(*np.empty((2, last)))
    first, second, square = 0.0, 1 / n, 1.0
    for t in range(last):
        pool = n * (t + 1)
        # of the mean of a subset about that of the pool
        miss = (square - second) * (pool - n) / (n * max(pool - 1, 1))
        m1, m2 = first, second + miss * (fit == "some")
        variance = square - m2
        found.variance[t], found.mean_error[t] = variance, m2
        moved = m2 + 2 * shift * m1 + shift**2  # squared mean of the next generator
        batch = moved + rho * variance / n, moved + rho * variance
        old = 0 if fit == "newest" else t + 1  # batches that stay
        cross = second + shift * first
        second = (old**2 * second + 2 * old * cross + batch[0]) / (old + 1) ** 2
        first = (old * first + m1 + shift) / (old + 1)
        square = (old * square + batch[1]) / (old + 1)
    return found


def selected(
    keep: float, target: float, num_generations: int, everything: bool
) -> Moments:
    """Moments [G + 1] where the share of rows nearest to a target is kept; n infinite.

    Every generated row is normal, given that it is among the `keep` nearest to the
    target. Its mean and variance are those of a truncated normal variate. Under replace
    (`everything` False) mean and variance go to target and 0 at geometric speed. If all
    rows so far are kept they go there like powers of t (`selected_power`); so they do
    under fixed_budget, which is the same for infinitely many rows.

    Args:
      keep: share of rows that are kept, in (0, 1).
      target: in standard deviations from the true mean.
      num_generations: G.
      everything: whether all rows so far are trained on, or the newest.

    Raises:
      ValueError: an argument is out of range.
    """
    last = len(schedule(1, num_generations))
    keep = _share(keep)
    if not math.isfinite(target):
        raise ValueError(f"target must be finite, got {target}")
    found = Moments(*np.empty((2, last)))
    mean, variance = -float(target), 1.0  # distance from the target
    for t in range(last):
        found.variance[t], found.mean_error[t] = variance, (mean + target) ** 2
        own, spread = _nearest(mean, variance, keep)
        share = 1 / (t + 2) if everything else 1.0  # of the newest batch
        gap = own - mean
        variance += share * (spread - variance) + share * (1 - share) * gap**2
        mean += share * gap
    return found


def selected_power(keep: float) -> float:
    """Power p with which the variance of accumulated selected rows falls, like t^-p.

    p = 2 z phi(z) / keep, with z the quantile at which a normal variate is nearer to 0
    with probability `keep`: what the nearest rows of a model at the target lack of its
    variance. Between 0 (all are kept) and 1.
    """
    share = _share(keep)
    z = scipy.special.ndtri((1 + share) / 2)
    return float(2 * z * _bell(z) / share)


def _share(keep: float) -> float:
    if not 0 < in_unit("keep", keep) < 1:
        raise ValueError(f"keep must be between 0 and 1, got {keep}")
    return float(keep)


def _nearest(mean: float, variance: float, keep: float) -> tuple[float, float]:
    """Mean and variance of the share of normal rows that are nearest to 0."""
    deviation = math.sqrt(variance)
    if deviation == 0:
        return mean, 0.0
    centre = -abs(mean) / deviation
    z = scipy.special.ndtri((1 + keep) / 2)

    def missing(r: float) -> float:
        ndtr = scipy.special.ndtr
        return float(ndtr(centre + r) - ndtr(centre - r) - keep)

    radius = scipy.optimize.brentq(missing, 0.0, z + abs(centre) + 1, xtol=1e-14)
    low, high = centre - radius, centre + radius
    first = (_bell(low) - _bell(high)) / keep
    second = 1 + (low * _bell(low) - high * _bell(high)) / keep
    sign = -1.0 if mean < 0 else 1.0  # `centre` is that of a mean above 0
    return mean + sign * deviation * first, variance * (second - first**2)


def _bell(x: float) -> float:
    """Density of the standard normal."""
    return math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
