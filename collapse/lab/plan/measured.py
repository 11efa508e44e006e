"""The noise that a generation adds, estimated from measured drifts, with an interval.

MeasuredNoise is the variance that a generation adds to the drift, summed over d equal
directions. Nothing is read or printed here.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used
from numpy.typing import NDArray

LEVEL = 0.95  # of intervals
_LARGE = 50.0  # order from which Bessel functions are taken from their expansion
_FAR = 1e6  # argument from which they are taken from another
_DEPTH = 25.0  # log-likelihood below its maximum, from where on it counts as 0
_POINTS = 4001  # of the likelihood


class MeasuredNoise(NamedTuple):
    """The noise s of one generation.

    Attributes:
      value: most likely one.
      low: lower end of its interval; that of a known noise is the value.
      high: upper end.
      source: "known", "generations" or "run".
      drifts: number of those that were measured; 0 of a known one.
    """

    value: float
    low: float
    high: float
    source: str
    drifts: int


def known(noise: float) -> MeasuredNoise:
    """A noise that has no error."""
    return MeasuredNoise(noise, noise, noise, "known", 0)


def of_generations(drifts: Sequence[float], dimension: float) -> MeasuredNoise:
    """The noise from squared drifts of single generations, independent of each other.

    Each is s / d times a chi-square variable with d degrees of freedom, so that their
    sum has k d degrees: the mean, and an exact interval.

    Args:
      drifts: [k] of one generation each.
      dimension: d.
    """
    total, degrees = math.fsum(drifts), dimension * len(drifts)
    tail = (1 - LEVEL) / 2
    # of degrees * total: the noise of all directions
    low = float(dimension * total / scipy.stats.chi2.isf(tail, degrees))
    high = float(dimension * total / scipy.stats.chi2.ppf(tail, degrees))
    return MeasuredNoise(total / len(drifts), low, high, "generations", len(drifts))


def of_run(
    drifts: Sequence[float], dimension: float, share: float = 0.0
) -> MeasuredNoise:
    """The noise from the squared drifts |e_t|^2 of generations 1, 2, ... of one run.

    The run is a random walk from 0 in d directions, pulled back by a real share a:
    |e_t|^2 / (1-a)^2 is s / d times a non-central chi-square variable whose centre is
    |e_{t-1}|^2. Directions need not be known. The likelihood has s as its only scale,
    so that the interval from the prior ds / s covers s with the stated probability
    exactly (the right Haar measure of scale changes: Stein 1965), for any number of
    generations; of one it is the interval of chi-square.

    Args:
      drifts: [T] above 0, that of generation 0 is 0.
      dimension: d.
      share: a, below 1.
    """
    after = np.asarray(drifts, np.float64) / (1 - share) ** 2
    before = np.concatenate([[0.0], np.asarray(drifts, np.float64)[:-1]])

    def log_likelihood(u: NDArray[np.float64]) -> NDArray[np.float64]:
        scale = np.exp(u)[:, None] / dimension
        each = _log_density(after[None], before[None], scale, dimension)
        found: NDArray[np.float64] = each.sum(1)
        return found

    peak = _peak(log_likelihood, math.log(after.max()))
    best = log_likelihood(np.array([peak]))[0]

    def is_out(u: float) -> bool:
        return not log_likelihood(np.array([u]))[0] > best - _DEPTH

    grid = np.linspace(_edge(is_out, peak, -1), _edge(is_out, peak, 1), _POINTS)
    weight = np.exp(log_likelihood(grid) - best)
    below = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    tail = (1 - LEVEL) / 2
    low, high = np.interp([tail, 1 - tail], below / below[-1], grid)
    value, first, last = (math.exp(u) for u in (peak, low, high))
    return MeasuredNoise(value, first, last, "run", len(drifts))


def _peak(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], centre: float
) -> float:
    """Where a function of log s is largest."""
    # noise is at most a few times the largest drift, and may be far less
    grid = np.linspace(centre - 30, centre + 5, 141)
    k = int(np.clip(np.argmax(function(grid)), 1, len(grid) - 2))
    found = scipy.optimize.minimize_scalar(
        lambda u: -float(function(np.array([u]))[0]),
        bounds=(grid[k - 1], grid[k + 1]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.x)


def _edge(is_out: Callable[[float], bool], start: float, sign: int) -> float:
    """A place beyond the last that counts, to one side, at most 1.4 times as far."""
    step = 1e-3
    while not is_out(start + sign * step):
        step *= 1.4
    return start + sign * step


def _log_density(
    after: NDArray[np.float64],
    before: NDArray[np.float64],
    scale: NDArray[np.float64],
    dimension: float,
) -> NDArray[np.float64]:
    """Log density of a squared distance, given the one before a normal step.

    With q' after and q before, c the variance of a direction and v = d/2 - 1:
    (q'/q)^(v/2) exp(-(q + q') / 2c) I_v(sqrt(q q') / c) / 2c; chi-square for q = 0.
    """
    order = dimension / 2 - 1
    first = order * np.log(after / (2 * scale)) - after / (2 * scale)
    first = first - scipy.special.gammaln(order + 1)
    safe = np.where(before > 0, before, after)
    gap = (np.sqrt(after) - np.sqrt(safe)) ** 2 / (2 * scale)
    later = order / 2 * np.log(after / safe) - gap
    later = later + _log_scaled_bessel(order, np.sqrt(after * safe) / scale)
    return np.where(before > 0, later, first) - np.log(2 * scale)


def _log_scaled_bessel(order: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(I_v(x) exp(-x)), also where that underflows; v above -1."""
    if order >= _LARGE:  # uniform expansion (Abramowitz & Stegun 9.7.7), to 1e-5
        root = np.sqrt(order**2 + x**2)
        t = order / root
        found = root - x - order * np.arcsinh(order / x)
        found = found - np.log(2 * math.pi * root) / 2
        return found + np.log1p((3 * t - 5 * t**3) / 24 / order)
    small, large = x < 0.01 * math.sqrt(order + 1), x > _FAR  # ive gives 0, or nan
    series = order * np.log(x / 2) - scipy.special.gammaln(order + 1)
    series = series + np.log1p(np.where(small, x, 0) ** 2 / 4 / (order + 1)) - x
    far = np.log1p((1 - 4 * order**2) / (8 * np.where(large, x, _FAR)))
    far = far - np.log(2 * math.pi * x) / 2
    middle = np.log(scipy.special.ive(order, np.where(small | large, 1.0, x)))
    return np.where(small, series, np.where(large, far, middle))
