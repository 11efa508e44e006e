"""Moments of a standard normal variable of which only an interval is kept.

What verifiers and selections do to normal rows, in units of their standard deviation.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import ArrayLike

from collapse.theory.checks import Curve

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(100)


class Truncated(NamedTuple):
    """A standard normal variable, given that it is in an interval; [...] each."""

    mass: Curve  # probability of the interval
    mean: Curve
    variance: Curve


def inside(low: ArrayLike, high: ArrayLike) -> Truncated:
    """Mass, mean and variance of a standard normal variable between two bounds [...].

    By Gauss-Legendre quadrature relative to the largest density. The textbook formula
    of the variance, 1 + (a phi(a) - b phi(b)) / Z - mean^2, loses its digits where the
    interval is narrow or far from 0, as it is late in a selection.

    Raises:
      ValueError: if a lower bound is not below the upper one.
    """
    a, b = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    if not (a < b).all():
        raise ValueError(f"low must be below high, got {low!r} and {high!r}")
    nearest = np.clip(0.0, a, b)
    reach = np.sqrt(nearest**2 + 80)  # beyond it the density is below e^-40 of its top
    left, right = np.maximum(a, -reach), np.minimum(b, reach)
    half = ((right - left) / 2)[..., None]
    shift = ((right + left) / 2 - nearest)[..., None] + half * _NODES  # from nearest
    weights = _WEIGHTS * np.exp(-shift * (nearest[..., None] + shift / 2))
    weights /= weights.sum(-1, keepdims=True)
    mean = (weights * shift).sum(-1)
    variance = (weights * (shift - mean[..., None]) ** 2).sum(-1)
    return Truncated(_mass(a, b), nearest + mean, variance)


def _mass(a: Curve, b: Curve) -> Curve:
    """Probability of [a, b]: a difference of tails, so that far intervals keep it."""
    right = a > 0
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    return scipy.special.ndtr(high) - scipy.special.ndtr(low)
