"""Curation by preference: of K generated candidates one is chosen by its reward.

A choice is that of Bradley and Terry: candidate i with probability e^{r_i} / sum_j
e^{r_j}. Models are shares of M states and fit infinitely many chosen candidates. The
mixed recursion is p_{t+1} = (p_ref + lam q_t) / (1 + lam), with q_t the law of a
choice among K candidates from p_t and p_0 = p_ref.

References:
  Ferbach, Bertrand, Bose & Gidel 2024 (arXiv:2407.09499): the recursion, the bound of
  `divergence_bound` and the growth of the reward. `sharp_divergence_bound`, and what
  has two camps, are derived here.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import NDArray

from collapse.theory.checks import Curve, distribution, in_unit, not_negative, whole

Numbers: TypeAlias = Sequence[float] | NDArray[Any]


def best_of(shares: Numbers, rewards: Numbers, candidates: int) -> Curve:
    """Law of the choice among K candidates drawn from the shares [M].

    Exact: 1 / sum_j w_j with w = e^r is the integral of e^{-s sum_j w_j} over s > 0, so
    q(x) = K p_x w_x int e^{-s w_x} (sum_y p_y e^{-s w_y})^(K-1) ds. The trapezoidal
    rule in log s has an error of e^-40. The same as summing over all counts of the K
    candidates, which costs binomial(K + M - 1, K) terms.
    """
    p, w, number = _setting(shares, rewards, candidates)
    step = 0.2
    ends = -40 - math.log(number), math.log(40 / w.min())
    s = np.exp(np.arange(ends[0], ends[1] + step, step))[:, None]
    survived = np.exp(-s * w)
    others = (survived @ p) ** (number - 1)
    chosen = number * p * w * step * (s * survived * others[:, None]).sum(0)
    return chosen / chosen.sum()


def tilted(shares: Numbers, rewards: Numbers) -> Curve:
    """Limit of `best_of` for many candidates, p e^r / Z [M]."""
    p, w, _ = _setting(shares, rewards, 1)
    return p * w / (p @ w)


def mixed(
    reference: Numbers, rewards: Numbers, candidates: int, lam: float, generations: int
) -> Curve:
    """Shares of each generation of the mixed recursion [G + 1, M], p_0 = p_ref.

    `lam` is the ratio of curated to real rows; inf is the pure loop.
    """
    p, _, _ = _setting(reference, rewards, candidates)
    curated = 1.0 if lam == math.inf else _share(lam)
    found = np.empty((whole("generations", generations, 0) + 1, len(p)))
    found[0] = p
    for t in range(1, len(found)):
        chosen = best_of(found[t - 1], rewards, candidates)
        found[t] = (1 - curated) * p + curated * chosen
    return found


def divergence(shares: Numbers, reference: Numbers) -> float:
    """KL(p || q) of two distributions in nats; inf if p has a state that q has not."""
    p, q = distribution("shares", shares), distribution("reference", reference)
    if p.shape != q.shape:
        raise ValueError(f"reference must have {len(p)} shares, got {len(q)}")
    return float(scipy.special.rel_entr(p, q).sum())


def divergence_bound(lam: float, candidates: int) -> float:
    """Published bound on KL(p_t || p_ref), -log(1 - lam (K-1)); inf from 1/(K-1) on.

    A choice multiplies no share by more than K, so p_t <= c_t p_ref with
    c_{t+1} = (1 + lam K c_t) / (1 + lam) and c_0 = 1, which ends at
    1 / (1 - lam (K-1)). It holds in every generation, for every reward and alphabet.
    It is sharp for the largest ratio of shares, not for their mean logarithm.
    """
    _share(lam)
    left = 1 - lam * (whole("candidates", candidates, 1) - 1)
    return -math.log(left) if left > 0 else math.inf


def sharp_divergence_bound(lam: float, candidates: int) -> float:
    """Least upper bound on KL(p_t || p_ref) over t, rewards and alphabets.

    -int_0^1 log(1 + lam - lam K F^(K-1)) dF up to lam = 1 / (K-1), where it is still
    finite; above it is inf. No set gains more than the same share of a continuous
    alphabet on which the best candidate always wins, since q(A) <= 1 - (1 - p(A))^K.
    There the distribution function F of the rewards' ranks u obeys
    (1 + lam) F = u + lam F^K, and has a point mass at the best one if lam (K-1) > 1.
    """
    _share(lam)
    number = whole("candidates", candidates, 1)
    if lam * (number - 1) > 1 + 1e-12:
        return math.inf

    def minus_log_density(rank: float) -> float:
        """Logarithm of the density where the distribution function is `rank`."""
        least = np.finfo(float).tiny  # at the end of the range it is 0 to rounding
        return -math.log(max(1 + lam - lam * number * rank ** (number - 1), least))

    return scipy.integrate.quad(minus_log_density, 0, 1, epsabs=1e-13, limit=200)[0]


def reverse_divergence_bound(lam: float) -> float:
    """Bound on KL(p_ref || p_t) for every K, log(1 + lam).

    For p_t >= p_ref / (1 + lam): no state of the reference dies, whatever the reward.
    """
    return math.log1p(not_negative("lam", lam))


def expected_reward(shares: Numbers, rewards: Numbers) -> float:
    """E e^r in units of the largest e^r."""
    p, w, _ = _setting(shares, rewards, 1)
    return float(p @ w)


def reward_bound(shares: Numbers, rewards: Numbers, candidates: int) -> float:
    """Lower bound on E e^r after one curation, in units of the largest e^r.

    E w + (K-1)/K Var w / w_max: given the K candidates the choice has the mean
    sum w^2 / sum w, which is their mean plus their squares about it over sum w.
    """
    p, w, number = _setting(shares, rewards, candidates)
    mean = p @ w
    return float(mean + (number - 1) / number * (p @ (w - mean) ** 2))


def camps(share: float, q: float, gap: float, num_generations: int) -> Curve:
    """Share a of camp A in each generation [G + 1], with two rewards at odds.

    With probability q rows are curated by a reward that favours A by `gap`, else by
    one that favours B by as much; many candidates. With E = e^gap,
    a' = q a E / (a E + 1 - a) + (1-q) a / (a + (1-a) E).
    """
    q, gain = in_unit("q", q), math.exp(-not_negative("gap", gap))
    found = np.empty(whole("num_generations", num_generations, 0) + 1)
    found[0] = a = in_unit("share", share)
    for t in range(1, len(found)):
        other = (1 - a) * gain
        a = q * a / (a + other) + (1 - q) * a * gain / (a * gain + 1 - a) if a else 0.0
        found[t] = a
    return found


def camps_limit(q: float, gap: float) -> float:
    """Share of camp A in the end, from any share between 0 and 1.

    a* = q + (2q - 1) / (e^gap - 1), cut to [0, 1]. Both camps survive iff
    1 / (1 + e^gap) < q < e^gap / (1 + e^gap).
    """
    q = in_unit("q", q)
    if not_negative("gap", gap) == 0:
        raise ValueError("gap must be positive: without one every share is a limit")
    return float(np.clip(q + (2 * q - 1) / math.expm1(gap), 0, 1))


def camps_slope(q: float, gap: float) -> float:
    """What is left of a small deviation from `camps_limit` after one generation.

    e^gap / (1 + e^gap)^2 / (q (1-q)) where both survive. It is 1 at the ends of that
    range, where the approach is slower than geometric.
    """
    limit, gain = camps_limit(q, gap), math.exp(gap)
    if limit in (0, 1):
        other = q if limit == 0 else 1 - q  # of the camp that dies
        return other * gain + (1 - other) / gain
    return gain / (1 + gain) ** 2 / (q * (1 - q))


def _setting(
    shares: Numbers, rewards: Numbers, candidates: int
) -> tuple[Curve, Curve, int]:
    """Shares, weights e^r of at most 1 and K, checked."""
    p, r = distribution("shares", shares), np.asarray(rewards, np.float64)
    if r.shape != p.shape or not np.isfinite(r).all():
        raise ValueError("rewards must be finite, one for each share")
    if np.ptp(r) > 700:
        raise ValueError("rewards must span 700 at most, so that e^r has digits")
    return p, np.exp(r - r.max()), whole("candidates", candidates, 1)


def _share(lam: float) -> float:
    """Share of curated rows, lam / (1 + lam)."""
    return not_negative("lam", lam) / (1 + lam)
