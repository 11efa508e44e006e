"""Real data that hold a drifting model: constant shares, and full re-anchoring.

The drift is the squared distance of a model from what it should be, V_t = E |e_t|^2.
Each generation adds independent noise whose variance, summed over coordinates, is s,
and a share a of real rows pulls e back to (1 - a) e. Two recursions are in use:

* V_t = (1-a)^2 (V_{t-1} + s): the real rows know the truth, their noise is none. It is
  what `mixing.least_anchor` and `mixing.anchored_drift` have.
* V_t = (1-a)^2 V_{t-1} + s, here called `pooled`: the fit to real and synthetic rows
  together has the noise s of as many real rows.

Both hold D with about s / (2 D) where s is much smaller than D. Drift and noise have
one unit, any.

Source: derived here. Re-anchoring on sight has a module of its own, `triggers`.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, in_unit, not_negative, whole
from collapse.theory.mixing import anchored_drift, least_anchor


class Held(NamedTuple):
    """What a rule of re-anchoring holds, and what it costs.

    Attributes:
      drift: mean of |e|^2 over generations, each after its pull.
      use: real generations a generation: 1 if all rows are real, a at a share a.
    """

    drift: float
    use: float


def constant(share: float, noise: float, pooled: bool = False) -> Held:
    """The drift that a constant share of real rows ends at, and the share.

    s (1-a)^2 / [a (2-a)], and s / [a (2-a)] if `pooled`; inf without real rows, 0
    without noise.
    """
    a, s = in_unit("share", share), not_negative("noise", noise)
    if s == 0 or a == 0:
        return Held(math.inf if s else 0.0, a)
    return Held((s if pooled else s * (1 - a) ** 2) / (a * (2 - a)), a)


def least_share(drift: float, noise: float, pooled: bool = False) -> float:
    """The least constant share that holds a drift for ever: inverse of `constant`.

    1 - sqrt(D / (D + s)), as `mixing.least_anchor`; if `pooled` 1 - sqrt(1 - s / D),
    and inf for D < s, which real rows alone do not reach.
    """
    if not pooled:
        return least_anchor(drift, noise)
    d, s = not_negative("drift", drift), not_negative("noise", noise)
    if d < s:
        return math.inf
    # the stable form: no difference of nearly equal numbers where s is small
    return s / d / (1 + math.sqrt(1 - s / d)) if s else 0.0


def curve(
    share: float,
    noise: float,
    num_generations: int,
    start: float = 0.0,
    pooled: bool = False,
) -> Curve:
    """V_t under a constant share from V_0 = `start` [G + 1].

    D + (1-a)^(2t) (V_0 - D) with D of `constant`; V_0 + s t without real rows.
    """
    limit = constant(share, noise, pooled).drift
    v = not_negative("start", start)
    t = np.arange(whole("num_generations", num_generations, 0) + 1.0)
    if math.isinf(limit) or limit == 0 == share:  # none that counts
        return v + noise * t
    if share == 1:
        return np.where(t > 0, limit, v)
    # without a difference of nearly equal numbers at small shares
    log_kept = 2 * t * math.log1p(-share)
    return v * np.exp(log_kept) - limit * np.expm1(log_kept)


def drift_at(
    generation: int,
    share: float,
    noise: float,
    start: float = 0.0,
    pooled: bool = False,
) -> float:
    """V_t of `curve` for one generation t, however late."""
    t = whole("generation", generation, 0)
    limit = constant(share, noise, pooled).drift
    v = not_negative("start", start)
    if math.isinf(limit) or limit == 0 == share:  # no real rows that count
        return v + noise * t
    if share == 1:
        return limit if t else v
    log_kept = 2 * t * math.log1p(-share)
    return v * math.exp(log_kept) - limit * math.expm1(log_kept)


def first_passage(
    tolerance: float,
    share: float,
    noise: float,
    start: float = 0.0,
    pooled: bool = False,
) -> float:
    """The first generation t with V_t of `curve` above a tolerance; inf for never.

    0 if it begins above it. V_t tends to its limit D from one side, so that it passes
    D' between V_0 and D once, at (1-a)^(2t) = (D - D') / (D - V_0).
    """
    most, v = not_negative("tolerance", tolerance), not_negative("start", start)
    limit = constant(share, noise, pooled).drift
    if v > most:
        return 0.0
    if limit <= most:
        return math.inf
    if math.isinf(limit):
        guess = (most - v) / noise
    elif share == 1:
        guess = 0.0
    else:
        left = math.log1p(-(most - v) / (limit - v))
        guess = left / (2 * math.log1p(-share))
    if guess > 2**53:  # where generations are no whole numbers any more
        return guess
    # the root is a whole number at times, which rounding may miss by one
    last = max(math.floor(guess), 1)
    for t in (last - 1, last):
        if drift_at(t, share, noise, v, pooled) > most:
            return float(t)
    return last + 1.0


def share_until(
    tolerance: float, noise: float, num_generations: int, pooled: bool = False
) -> float:
    """The least constant share that holds a drift from V_0 = 0 until generation G.

    0 where G generations without real rows stay below it; less than `least_share`
    everywhere else, and inf where no share does.
    """
    most, s = not_negative("tolerance", tolerance), not_negative("noise", noise)
    generations = whole("num_generations", num_generations, 0)
    if s * generations <= most:
        return 0.0
    for_ever = least_share(most, s, pooled)
    if math.isinf(for_ever):
        return math.inf

    def excess(a: float) -> float:
        """V_G above the tolerance; falls with the share."""
        return drift_at(generations, a, s, 0.0, pooled) - most

    if excess(for_ever) >= 0:  # to rounding: after many generations they are one
        return for_ever
    tiny = np.finfo(np.float64).tiny
    return scipy.optimize.brentq(
        excess, 0, for_ever, xtol=tiny, rtol=1e-14, maxiter=10_000
    )


def decaying(scale: float, noise: float, num_generations: int) -> Curve:
    """V_t under the shares a_t = min(1, c / t) of real rows, exactly [G + 1].

    The recursion of `mixing.anchored_drift`: it grows without bound for every c.
    """
    c = not_negative("scale", scale)
    t = np.arange(1.0, whole("num_generations", num_generations, 0) + 1)
    return anchored_drift(np.minimum(1, c / t), noise)


def decaying_leading(scale: float, noise: float, num_generations: int) -> Curve:
    """V_t of `decaying` to leading order at large t [G + 1]: s t / (1 + 2c)."""
    c, s = not_negative("scale", scale), not_negative("noise", noise)
    t = np.arange(whole("num_generations", num_generations, 0) + 1.0)
    return s * t / (1 + 2 * c)


def periodic(period: int, noise: float) -> Held:
    """Mean drift if every P-th generation is fitted to real rows alone, and 1/P.

    The generations of a cycle have the drifts 0, s, ..., (P-1) s, each after its own
    noise and pull; their mean is s (P-1) / 2, and the largest of them s (P-1).
    """
    p, s = whole("period", period, 1), not_negative("noise", noise)
    return Held(s * (p - 1) / 2, 1 / p)


def longest_period(drift: float, noise: float) -> float:
    """The longest period P whose mean drift of `periodic` is D at most; inf for s = 0.

    The whole part of 1 + 2 D / s.
    """
    d, s = not_negative("drift", drift), not_negative("noise", noise)
    if s == 0:
        return math.inf
    found = 2 * d / s
    # D = s (P-1) / 2, divided again, may be less than P - 1 by a rounding
    return 1.0 + math.floor(found * (1 + 4 * np.finfo(np.float64).eps))
