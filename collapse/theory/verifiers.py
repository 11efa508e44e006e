"""Verified retraining: only generated rows near a verifier's centre are kept.

Rows of a generation are y ~ N(m, sigma^2) with sigma known; a verifier keeps those with
|y - c| <= r, and the next m is the mean of the kept ones. Generation 0 is the mean of
real rows, none of which is verified. Lengths are in units of sigma: `gap` is
(m - c) / sigma, `reach` is r / sigma, and `bias` is |c - mu| / sigma, the verifier's
own error.

References:
  Yi, Liu, Cheng & Xu 2025 (arXiv:2510.16657). In their linear model with inputs along
  the axes every coefficient obeys this map. The formulas are derived here.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from collapse.theory.checks import Curve, Rows, not_negative, schedule, whole
from collapse.theory.truncation import inside


class VerifiedErrors(NamedTuple):
    """Expected squared errors of the mean in units of sigma^2, [G + 1] each."""

    to_verifier: Curve  # E (m_t - c)^2
    to_truth: Curve  # E (m_t - mu)^2


class VerifierWorth(NamedTuple):
    """What a verifier is worth if it keeps as many rows as one likes."""

    first: float  # error of generation 0, 1 / n
    second: float  # of generation 1
    best_generation: float  # with the least error; inf if the error always falls
    best: float  # the least error
    last: float  # in the end: bias^2


def contraction(reach: float) -> float:
    """Slope rho of the map of the mean at the centre: what is left of a small gap.

    rho(z) = 1 - 2 z phi(z) / (2 Phi(z) - 1), which is also the variance of a kept row
    there. It is between 0 (an instant verifier) and 1 (none).
    """
    return float(kept_variance(0.0, reach))


def keep_rate(gap: ArrayLike, reach: float) -> Curve:
    """Share of the generated rows that the verifier keeps [...]."""
    return _kept(gap, reach).mass


def refit(gap: ArrayLike, reach: float) -> Curve:
    """Gap after one fit to infinitely many kept rows [...]; its fixed point is 0.

    The mean of N(gap, 1) between -reach and reach. Its slope is `kept_variance`, which
    is below 1 everywhere. So the verifier's centre is the only fixed point: r sets the
    speed and the bias c - mu sets where it ends.
    """
    return np.asarray(gap, float) + _kept(gap, reach).mean


def kept_variance(gap: ArrayLike, reach: float) -> Curve:
    """Variance of a kept row [...], largest at gap 0; the slope of `refit`, too.

    The kept rows are an exponential family with natural parameter m / sigma^2, so the
    derivative of their mean is their variance over sigma^2.
    """
    return _kept(gap, reach).variance


def path(gap: float, reach: float, num_generations: int) -> Curve:
    """Gap of each generation with infinitely many kept rows [G + 1]."""
    found = np.empty(whole("num_generations", num_generations, 0) + 1)
    found[0] = gap
    for t in range(1, len(found)):
        found[t] = refit(found[t - 1], reach)
    return found


def distance(start: float, reach: float, rows: Rows, num_generations: int) -> Curve:
    """Bound on E (m_t - c)^2 from a given squared gap, equal to it for small gaps.

    rho^(2t) start + sum_{j<=t} rho^(2(t-j)+1) / n_j, where n_j rows are kept for fit j;
    `rows` is n, or a schedule [G + 1] whose first entry is not used. It is an upper
    bound for every start, since slope and variance are largest at the centre, and it
    is exact for the map made linear there. Theorem 4.1 of Yi et al. has rho^(2(t-j)-1)
    if its n_j are the rows kept from model j, which serve fit j + 1.
    """
    sizes, rho = schedule(rows, num_generations), contraction(reach)
    found = np.empty(len(sizes))
    found[0] = not_negative("start", start)
    for t in range(1, len(found)):
        found[t] = rho**2 * found[t - 1] + rho / sizes[t]
    return found


def errors(
    bias: float, reach: float, rows: Rows, num_generations: int
) -> VerifiedErrors:
    """Squared errors of generation 0, the mean of n_0 real rows, and of later ones.

    For the map made linear at the centre, good while bias and 1/n are small. Then
    E m_t - mu = (1 - rho^t) bias, and noise of variance rho / n_t is added by fit t:
    the error to the truth is [(1 - rho^t) bias]^2 plus the variance `distance` starting
    at 1 / n_0.
    """
    sizes, bias = schedule(rows, num_generations), not_negative("bias", bias)
    variance = distance(1 / sizes[0], reach, sizes, num_generations)
    left = contraction(reach) ** np.arange(len(sizes))
    to_verifier = (left * bias) ** 2 + variance
    return VerifiedErrors(to_verifier, ((1 - left) * bias) ** 2 + variance)


def worth(bias: float, reach: float, real: int) -> VerifierWorth:
    """Whether verification helps at first, when it turns, and where it ends.

    For n real rows in generation 0 and infinitely many kept rows. With x = rho^t the
    error is bias^2 (1-x)^2 + x^2 / n, least at x = bias^2 / (bias^2 + 1/n), where it is
    bias^2 / (1 + n bias^2). So an unbiased verifier improves for ever; a biased one
    helps in the first step iff bias^2 (1 - rho) < (1 + rho) / n, ends better than it
    began iff bias^2 < 1 / n, and in between first helps and then reverses. With finite
    numbers of rows `errors` ends above that.
    """
    noise, rho = 1 / whole("real", real, 1), contraction(reach)
    square = not_negative("bias", bias) ** 2

    def error(t: float) -> float:
        """Error of generation t."""
        x = rho**t
        return square * (1 - x) ** 2 + x**2 * noise

    wide = 1 - rho < 1e-12  # every row is kept, to rounding
    best = 0.0 if wide else math.inf
    if square > 0 and not wide:
        turn = math.log(square / (square + noise)) / math.log(rho)
        best = min((math.floor(turn), math.ceil(turn)), key=error)
    return VerifierWorth(noise, error(1), best, error(best), square)


def _kept(gap: ArrayLike, reach: float):
    """The kept rows' z-scores about the model's mean, with reach checked."""
    if np.ndim(reach) or not 0 < reach < math.inf:
        raise ValueError(f"reach must be finite and positive, got {reach}")
    at = np.asarray(gap, float)
    if not np.isfinite(at).all():
        raise ValueError(f"gap must be finite, got {gap!r}")
    return inside(-reach - at, reach - at)
