"""Selection towards a target: of all generated rows the nearest ones are kept.

Rows are normal, N(m, v) in one dimension; the share alpha of them that is nearest to
the target u is kept and fitted to, infinitely many each time. Means are distances from
the target. Under `accumulate` the pool holds the real rows and all that were kept, as
many of each generation. Rows that are kept at random change nothing in this limit: that
is the control.

References:
  Qiao et al. 2026 (arXiv:2606.13732): selection makes accumulating collapse, too, with
  tr Sigma_t = O(t^-psi). The exponent is derived here.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, in_unit, not_negative, whole
from collapse.theory.truncation import inside


class Selected(NamedTuple):
    """Models of each generation, [G + 1] each."""

    mean: Curve  # distance from the target
    variance: Curve


def keep_nearest(mean: float, variance: float, share: float) -> tuple[float, float]:
    """Mean and variance of the share of N(mean, variance) that is nearest to 0."""
    alpha, spread = _kept_share(share), not_negative("variance", variance)
    if alpha == 1 or spread == 0:
        return float(mean), spread
    scale = math.sqrt(spread)
    gap = abs(mean) / scale

    def beyond(high: float) -> float:
        """Share of z-scores in [-high - 2 gap, high] beyond the one asked for."""
        ends = scipy.special.ndtr([high, -high - 2 * gap])
        return ends[0] - ends[1] - alpha

    # the interval goes as far beyond the target as its near end is before it
    ends = scipy.special.ndtri([alpha, (1 + alpha) / 2]) + [0, 1e-9]
    high = ends[0] if beyond(ends[0]) >= 0 else scipy.optimize.brentq(beyond, *ends)
    kept = inside(-high - 2 * gap, high)
    # the target is at -gap: what is kept is nearer to it
    new = math.copysign(scale * (gap + kept.mean), mean)
    return new, float(spread * kept.variance)


def selected(
    mean: float, variance: float, share: float, num_generations: int, workflow: str
) -> Selected:
    """Mean and variance of each generation, of which the nearest share is kept.

    Generation 0 has all real rows, with the given mean and variance. Under `replace` a
    model has the moments of the kept rows; under `accumulate` it has those of the pool,
    the averages over batches of y and y^2.
    """
    replaced = _is_replace(workflow)
    keep_nearest(mean, variance, share)  # checks them
    found = Selected(*np.empty((2, whole("num_generations", num_generations, 0) + 1)))
    found.mean[0], found.variance[0] = mean, variance
    for t in range(1, len(found.mean)):
        old, spread = found.mean[t - 1], found.variance[t - 1]
        new, kept = keep_nearest(old, spread, share)
        part = 1.0 if replaced else 1 / (t + 1)
        found.mean[t] = old + part * (new - old)
        between = part * (1 - part) * (new - old) ** 2
        found.variance[t] = (1 - part) * spread + part * kept + between
    return found


def basin(share: float, workflow: str) -> float:
    """Gap in standard deviations below which the mean arrives at the target.

    From farther away the variance is gone before the mean has arrived, and the mean
    stops short. The unstable fixed point of mean / sqrt(variance): in one generation
    under `replace`; in a late one, which moves a pool by little, under `accumulate`.
    There it is near 2 / z, with Phi(z) = alpha, and inf up to alpha = 1/2.
    """
    replaced, alpha = _is_replace(workflow), _kept_share(share)
    if alpha == 1 or (not replaced and alpha <= 0.5):
        return 0.0 if alpha == 1 else math.inf

    def gain(gap: float) -> float:
        """Growth of the gap in standard deviations, a negative number near 0."""
        new, kept = keep_nearest(gap, 1.0, alpha)
        if replaced:
            return new / math.sqrt(kept) - gap
        return new - gap - gap / 2 * (kept - 1 + (new - gap) ** 2)

    high = 1.0
    while gain(high) < 0:
        high *= 2
    return scipy.optimize.brentq(gain, 1e-3, high, xtol=1e-12)


def contraction(share: float, dimension: int = 1) -> float:
    """Factor rho of the variance of kept rows once the mean is at the target.

    1 - 2 z phi(z) / alpha with Phi(z) = (1 + alpha) / 2. For d independent coordinates
    and the rows nearest in distance, each has P(chi2_{d+2} <= c) / alpha, where
    P(chi2_d <= c) = alpha: selection is milder in many dimensions.
    """
    alpha, d = _kept_share(share), whole("dimension", dimension, 1)
    half = scipy.special.gammaincinv(d / 2, alpha)  # c / 2
    return float(scipy.special.gammainc(d / 2 + 1, half) / alpha) if alpha < 1 else 1.0


def exponent(share: float, dimension: int = 1) -> float:
    """Power 1 - rho of t with which variance and gap fall under accumulate in the end.

    Each new batch moves the pool by 1 / (t+1) of (rho - 1) of its variance and of its
    distance from the target; what the batches' means add falls faster, with twice
    that power.
    Under replace the variance is multiplied by rho in every generation.
    """
    return 1 - contraction(share, dimension)


def _kept_share(share: float) -> float:
    """The share that is kept, above 0."""
    if in_unit("share", share) == 0:
        raise ValueError("share must be positive: nothing is kept")
    return float(share)


def _is_replace(workflow: str) -> bool:
    if workflow not in ("replace", "accumulate"):
        raise ValueError(f"workflow must be replace or accumulate, got {workflow!r}")
    return workflow == "replace"
