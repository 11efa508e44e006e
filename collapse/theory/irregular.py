"""Two irregular families: the edge of a uniform law, and a mean with spikes.

Maximum likelihood is consistent in both. Their densities are not smooth in the
parameter, as the theorem asks that keeps accumulated data safe (Barzilai & Shamir,
arXiv:2505.19046); that it asks for more than consistency is shown there by examples of
another kind. Both families and their laws are derived here.

* Uniform on [0, theta]: the fit is the largest row. Under replace theta shrinks; under
  accumulate no later row is larger, so the first fit stays for ever.
* A mean theta in d dimensions. With probability exp(-|theta|^2 / 2) a row is normal
  about theta, on a plane; else it is a number u, uniform on (0, 1], off the plane. The
  truth theta = 0 has no row off the plane, but every fit has some. At one value of the
  mean, 1 in each coordinate, there are also models whose rows off the plane are copies
  of a few numbers. Once a row off the plane is seen, such a model that copies it has
  infinitely higher likelihood than all without copies.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from collapse.theory.checks import Curve, Rows, in_unit, schedule, whole
from collapse.theory.recursions import Moments


class Spiky(NamedTuple):
    """What a workflow does to fits of a mean with spikes."""

    failed: Curve  # [G + 1] probability that a fit copies rows
    mean_error: Curve  # [G + 1] E |theta_t|^2 / d


def uniform_replace(n: Rows, num_generations: int) -> Moments:
    """Moments [G + 1] of a uniform law whose edge is the largest of n newest rows.

    Each generation multiplies the edge by the largest of n uniforms, a Beta(n, 1)
    variate, so E theta_t^p is the product of n_i / (n_i + p). In units of the truth's
    variance 1/12 the error of the mean is 3 E (1 - theta)^2.
    """
    sizes = schedule(n, num_generations)
    return _of_edge(np.cumprod(sizes / (sizes + 1)), np.cumprod(sizes / (sizes + 2)))


def uniform_accumulate(n: int, num_generations: int) -> Moments:
    """Moments [G + 1] of the same law if all rows so far are kept: those of the first.

    No generated row lies beyond the edge of the model that generates it, so the edge is
    the largest of the n real rows at every generation.
    """
    sizes = schedule(whole("n", n, 1), num_generations)
    return _of_edge(sizes / (sizes + 1), sizes / (sizes + 2))


def uniform_below(n: int, num_generations: int, edge: float) -> Curve:
    """Probability [G + 1] that the fitted edge is below `edge`, under replace.

    -log theta_t is the sum of t + 1 exponential variates of rate n: a Gamma law.

    Raises:
      ValueError: an argument is out of range; the edge is in units of the true one.
    """
    fits = np.arange(1, len(schedule(whole("n", n, 1), num_generations)) + 1)
    with np.errstate(divide="ignore"):
        least = -n * np.log(in_unit("edge", edge))
    return scipy.special.gammaincc(fits, least)


def _of_edge(first: NDArray[Any], second: NDArray[Any]) -> Moments:
    """Moments of the uniform law, from the first two moments of its edge."""
    return Moments(second, 3 * (1 - 2 * first + second))


def spiky_replace(n: int, num_generations: int, dimension: int) -> Spiky:
    """Law [G + 1] of a mean with spikes fitted to the n newest rows.

    As `spiky_accumulate`, with m' = m / 2 + noise of variance 1/n for the mean of the
    newest rows. A fit that copies rows generates copies, and stays, but for the chance
    exp(-n d / 2) that a batch has none, which is left out.
    """
    return _spiky(n, num_generations, dimension, lambda fits: (0.5, 1.0))


def spiky_accumulate(n: int, num_generations: int, dimension: int) -> Spiky:
    """Law [G + 1] of a mean with spikes fitted to all rows so far.

    As long as no row lies off the plane, the fit is half the mean m of all rows. None
    of the next n rows lies off it with probability exp(-n |m|^2 / 8). That leaves a
    share (1 + n V / 4)^(-d/2) of the runs, and in these each coordinate of m is normal,
    of variance V / (1 + n V / 4) if it was V before. After k batches
    m' = m (k + 1/2) / (k + 1) + noise of variance 1 / (n (k + 1)^2). In units of 1/n
    nothing depends on n: more rows a generation do not help. The first generation alone
    leaves (5/4)^(-d/2).

    Runs with more numbers off the plane at once than a model can copy, 100, are counted
    as failed; their probability is below 1e-12 in at most 100 dimensions.
    """

    def step(fits: int) -> tuple[float, float]:
        return (fits + 0.5) / (fits + 1), 1 / (fits + 1) ** 2

    return _spiky(n, num_generations, dimension, step)


def _spiky(
    n: int,
    num_generations: int,
    dimension: int,
    step: Callable[[int], tuple[float, float]],
) -> Spiky:
    """The law of fits, from (factor, noise) of the mean after so many fits."""
    last = len(schedule(whole("n", n, 1), num_generations))
    d = whole("dimension", dimension, 1)
    found = Spiky(*np.empty((2, last)))
    alive, variance = 1.0, 1.0  # runs without a row off the plane; n Var m in these
    for t in range(last):
        found.failed[t] = 1 - alive
        found.mean_error[t] = alive * variance / (4 * n) + (1 - alive)
        alive *= (1 + variance / 4) ** (-d / 2)
        factor, noise = step(t + 1)
        variance = factor**2 * variance / (1 + variance / 4) + noise
    return found


def spiky_first(dimension: int) -> float:
    """Probability that the first generation of rows makes fits copy: 1 - (4/5)^(d/2).

    Whatever the number of rows, under replace and under accumulate. No other share
    e(theta) of rows off the plane, with e(0) = 0, can give more than 1 - 2^(-d/2): the
    fit is at least as likely as the truth, so n (-log(1 - e)) is at most what the fit
    gains on the plane, half a chi-squared variate.
    """
    return -math.expm1(whole("dimension", dimension, 1) / 2 * math.log(0.8))
