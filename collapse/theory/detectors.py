"""Rows weighed by a detector's probability that they are real.

Rows come from the mixture a p_0 + (1-a) p_s of real and synthetic ones. A calibrated
detector has D(x) = a p_0(x) / (a p_0(x) + (1-a) p_s(x)). Rows are weighed by D^b. All
laws are shares of M states, and the number of rows is infinite.

A miscalibrated detector has the log odds logit(D) / `temperature` + `shift`: it is too
cautious above temperature 1, and takes too many rows for real if the shift is positive.

References:
  Drayson, Yilmaz & Lampos 2025 (arXiv:2502.15654) weigh by D^10, with a temperature.
  The formulas are derived here.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import NDArray

from collapse.theory.checks import Curve, distribution, in_unit, not_negative

Numbers: TypeAlias = Sequence[float] | NDArray[Any]


def probability(
    real: Numbers,
    synthetic: Numbers,
    share: float,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> Curve:
    """What the detector says of each state, D [M]; 0 where nothing is real.

    Args:
      real: shares p_0 [M].
      synthetic: shares p_s [M].
      share: a, of real rows, above 0 and below 1.
      temperature: divides the log odds; 1 is calibrated.
      shift: is added to the log odds; 0 is calibrated.
    """
    return np.exp(_log_probability(real, synthetic, share, temperature, shift))


def reweighted(
    real: Numbers,
    synthetic: Numbers,
    share: float,
    power: float,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> Curve:
    """Law of the rows after weighing them by D^power [M].

    For a calibrated detector p_0 D^(b-1) / Z: exactly the real law at b = 1, the
    mixture at b = 0, and above 1 a law that leans away from what models generate.
    """
    p, q, a = _setting(real, synthetic, share)
    log_weight = not_negative("power", power) * _log_weight(p, q, a, temperature, shift)
    found = (a * p + (1 - a) * q) * np.exp(log_weight - log_weight.max())
    return found / found.sum()


def effective_share(
    real: Numbers,
    synthetic: Numbers,
    share: float,
    power: float,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> float:
    """Effective number of weighed rows over that of all, (E w)^2 / E w^2.

    For a calibrated detector and b = 1 it is a / E_0 D, at least the share of real
    rows.
    """
    p, q, a = _setting(real, synthetic, share)
    log_weight = not_negative("power", power) * _log_weight(p, q, a, temperature, shift)
    weight, pool = np.exp(log_weight - log_weight.max()), a * p + (1 - a) * q
    return float((pool @ weight) ** 2 / (pool @ weight**2))


def best_power(
    real: Numbers,
    synthetic: Numbers,
    share: float,
    temperature: float = 1.0,
    shift: float = 0.0,
) -> float:
    """The power b whose law is nearest to the real one, in KL(p_0 || law).

    The laws are an exponential family in b with statistic log D, so the divergence is
    convex, and least where E log D is that of the real law. It is 1 for a calibrated
    detector, tends to `temperature` as the share of real rows goes to 0, and is above
    1 where a detector is too cautious or takes too many rows for real. 1 also where D
    is the same for all states, so that every power is as good.
    """
    p, q, a = _setting(real, synthetic, share)
    log_weight = _log_weight(p, q, a, temperature, shift)
    real_too = p > 0
    log_weight, pool = log_weight[real_too], (a * p + (1 - a) * q)[real_too]
    target = p[real_too] @ log_weight
    if np.ptp(log_weight) < 1e-14 * max(1.0, -log_weight.min()):
        return 1.0

    def excess(power: float) -> float:
        """E log D under the law of that power, over that of the real one."""
        tilt = pool * np.exp(power * (log_weight - log_weight.max()))
        return (tilt / tilt.sum()) @ log_weight - target

    high = 1.0
    while excess(high) < 0:
        high *= 2
    return scipy.optimize.brentq(excess, 0, high, xtol=1e-13, rtol=1e-13)


def _setting(
    real: Numbers, synthetic: Numbers, share: float
) -> tuple[Curve, Curve, float]:
    """Both laws and the share of real rows, checked."""
    p, q = distribution("real", real), distribution("synthetic", synthetic)
    if p.shape != q.shape:
        raise ValueError(f"synthetic must have {len(p)} shares as real has")
    if not 0 < in_unit("share", share) < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    return p, q, float(share)


def _log_probability(
    real: Numbers, synthetic: Numbers, share: float, temperature: float, shift: float
) -> Curve:
    """Logarithm of D [M]; -inf where nothing is real."""
    return _log_weight(*_setting(real, synthetic, share), temperature, shift)


def _log_weight(
    p: Curve, q: Curve, a: float, temperature: float, shift: float
) -> Curve:
    """`_log_probability` of checked laws; -inf stays finite, -1e9, for powers of 0."""
    if np.ndim(temperature) or not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive, got {temperature}")
    if not math.isfinite(shift):
        raise ValueError(f"shift must be finite, got {shift}")
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(a * p) - np.log((1 - a) * q)
    odds = np.where((p == 0) & (q == 0), 0.0, odds)
    said = scipy.special.log_expit(odds / temperature + shift)
    return np.maximum(said, -1e9)
