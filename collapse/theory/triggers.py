"""Re-anchoring on sight: a generation of real rows only when the drift is large.

The drift e_t is a random walk in d directions. Generation t adds independent noise of
variance s_j along direction j, S = sum_j s_j in all. Once |e| passes a threshold h the
generation is fitted to real rows alone, which sets e to 0. At the same mean of |e|^2
this takes fewer real rows than a constant share, by the factor `saving` if h is much
larger than a step:

* (d+2)/d for equal s_j: 3 in one direction, 2 in two, hardly any in many.
* (1 + 1/g)/2 with g = sum_j p_j / (1 + 4 p_j), p_j = s_j / S, for unequal ones. This is
  (d'+2)/d' for the dimension d' of `ball_dimension`. The participation ratio
  1 / sum_j p_j^2 in the place of d' is a bound from above only.
* S / theta^2 for the best of all rules, an ellipsoid: `best_trigger`.

`in_steps` corrects for steps that are not small (normal noise, equal s_j).

References:
  Astrom & Bernhardsson 2002 (IEEE Conference on Decision and Control): 3 for one
  direction. Siegmund 1985 (Sequential Analysis, chapter 10): overshoot of a walk.
  The rest is derived here.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.anchoring import Held
from collapse.theory.checks import Curve, not_negative, positive

# mean overshoot of a far boundary by a normal walk, in steps: -zeta(1/2) / sqrt(2 pi)
OVERSHOOT = 0.5825971579390106


class Ellipsoid(NamedTuple):
    """A trigger that weighs directions: sum_j w_j e_j^2 >= P.

    It re-anchors every P generations on average, and the mean of |e|^2 is
    S P / (2 saving).

    Attributes:
      weights: [d] w_j, smaller where the noise is larger; sum_j w_j s_j = 1.
      saving: over the constant share at the same mean of |e|^2.
    """

    weights: Curve
    saving: float


def triggered(
    threshold: float, noise: float, dimension: float = 1.0, in_steps: bool = False
) -> Held:
    """Mean drift under a threshold on |e|, and real generations a generation.

    d h^2 / [2 (d+2)] and S / h^2. With `in_steps` the walk is seen once a generation
    and ends beyond h: its squared radius there is on average
    R = (h + 0.5826 sqrt(S/d))^2 + S/4. The use is S / R, the drift
    d / [2 (d+2)] (R + S/d) - S/2. What is neglected falls like 1/h.

    Args:
      threshold: h, in the unit of the square root of `noise`.
      noise: S, that of all directions together.
      dimension: d, equal directions; that of `ball_dimension` for others.
      in_steps: correct for the overshoot of normal steps.
    """
    h, s = positive("threshold", threshold), not_negative("noise", noise)
    d = _dimension(dimension)
    if not in_steps:
        return Held(d * h**2 / (2 * (d + 2)), s / h**2)
    radius = (h + OVERSHOOT * math.sqrt(s / d)) ** 2 + s / 4
    drift = d / (2 * (d + 2)) * (radius + s / d) - s / 2
    return Held(max(drift, 0.0), min(s / radius, 1.0))


def threshold(
    drift: float, noise: float, dimension: float = 1.0, in_steps: bool = False
) -> float:
    """The threshold on |e| that holds a mean drift: the inverse of `triggered`.

    sqrt(2 D (d+2) / d). With `in_steps` 0 where the correction leaves no threshold:
    every generation is to be real.
    """
    most, s = positive("drift", drift), not_negative("noise", noise)
    d = _dimension(dimension)
    if not in_steps:
        return math.sqrt(2 * most * (d + 2) / d)
    radius = 2 * (d + 2) / d * (most + s / 2) - s / d
    inner = math.sqrt(max(radius - s / 4, 0.0))
    return max(inner - OVERSHOOT * math.sqrt(s / d), 0.0)


def saving(dimension: float) -> float:
    """How many times fewer real rows a trigger takes than a constant share.

    (d+2)/d, at the same mean drift, for a drift that is many steps large.
    """
    d = _dimension(dimension)
    return (d + 2) / d


def participation(noises: Sequence[float] | Curve) -> float:
    """Participation ratio (sum_j s_j)^2 / sum_j s_j^2 of the variances of directions.

    `saving` of it is more than any trigger saves, if directions differ.
    """
    p = _shares(noises)
    return float(1 / (p @ p))


def ball_dimension(noises: Sequence[float] | Curve) -> float:
    """The dimension of which formulas for equal directions are exact for these.

    4 g / (1 - g) with g = sum_j p_j / (1 + 4 p_j). Between the participation ratio and
    the number of directions, as p / (1 + 4 p) is concave and 1 / (1 + 4 p) convex.
    """
    p = _shares(noises)
    g = float((p / (1 + 4 * p)).sum())
    # 1 - g without a difference: p - p / (1 + 4 p) = 4 p^2 / (1 + 4 p)
    return g / float((p**2 / (1 + 4 * p)).sum())


def best_trigger(noises: Sequence[float] | Curve) -> Ellipsoid:
    """The trigger that needs the least real rows at a given mean of |e|^2.

    Weights w_j = p_j / theta, where p_j is the positive root of
    2 s_j p^2 + theta p = 1 and theta = sum_j s_j p_j; the saving is S / theta^2. No
    other rule of when to re-anchor does better in continuous time.
    """
    s = _shares(noises)  # S = 1: the saving has no unit

    def roots(theta: float) -> Curve:
        return 2 / (theta + np.sqrt(theta**2 + 8 * s))

    def excess(theta: float) -> float:
        return float(s @ roots(theta)) - theta

    # no trigger saves more than 3 or less than 1
    theta = scipy.optimize.brentq(excess, 0.5, 1, xtol=1e-15, rtol=1e-15)
    total = float(np.sum(np.asarray(noises, np.float64)))
    return Ellipsoid(roots(theta) / theta / total, 1 / theta**2)


def _dimension(dimension: float) -> float:
    """The dimension, if it is at least 1."""
    if np.ndim(dimension) or not 1 <= dimension < math.inf:
        raise ValueError(f"dimension must be finite and at least 1, got {dimension}")
    return float(dimension)


def _shares(noises: Sequence[float] | Curve) -> Curve:
    """Shares [d] of the directions in the noise."""
    s = np.asarray(noises, np.float64)
    if s.ndim != 1 or not (np.isfinite(s) & (s >= 0)).all() or not s.any():
        raise ValueError("noises must be a vector of variances, of which one is not 0")
    scaled = s / s.max()  # whose squares do not underflow
    return scaled / scaled.sum()
