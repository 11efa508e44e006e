"""Diffusion with an exact score whose reverse process is stopped early.

A model fitted to rows generates rows of their law p, noised up to the time d at which
its reverse process is stopped: P_d p. Noise multiplies modes of a law by factors: on
the line, with the Ornstein-Uhlenbeck process x -> e^-d x + (1 - e^-2d)^(1/2) z, the
mean of the j-th Hermite polynomial by e^-jd; on the circle, with Brownian motion of
variance 2 d, the k-th Fourier coefficient by e^-k^2 d. A mode is a mean over rows, so
its expectation follows a linear recursion, exact for any number of rows: what it would
be with infinitely many, and no error of learning or of steps.

With r the rate of a mode, j or k^2, and a share a of fresh real rows, generation t has
the part m_t = q (a + (1 - a) m_{t-1}) of the truth's mode, q = e^-rd and m_0 = q.
Without fresh rows all modes die, the fine ones first: early stopping is a low-pass
filter whose passes add up.

Setting: arXiv:2606.13796; derived here.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse.theory.checks import Curve, in_unit, not_negative, whole

Times = float | Sequence[float] | Curve  # one, or one a generation [G + 1]


def replace(rate: float, delta: Times, num_generations: int) -> Curve:
    """Part [G + 1] of a mode that is left of the truth's, under replace.

    Each model is fitted to rows of the last one: the product of e^-(rate d). Under
    replace_multiple and replace_growing it is the same.

    Args:
      rate: of the mode, j or k^2.
      delta: time d of early stopping, or one a generation [G + 1].
      num_generations: G.
    """
    factors = _factors(rate, delta, num_generations)
    found: Curve = np.cumprod(factors, dtype=np.float64)
    return found


def mix(rate: float, delta: Times, num_generations: int, real_share: float) -> Curve:
    """The same if a share of the rows is real, new ones or those of generation 0."""
    share = in_unit("real_share", real_share)
    return _recursion(
        _factors(rate, delta, num_generations),
        lambda before: share + (1 - share) * before[-1],
    )


def accumulate(rate: float, delta: Times, num_generations: int) -> Curve:
    """The same if all rows so far are kept; also of a fixed budget drawn from them."""
    return _recursion(
        _factors(rate, delta, num_generations),
        lambda before: (1 + math.fsum(before)) / (len(before) + 1),
    )


def window(rate: float, delta: Times, num_generations: int, size: int) -> Curve:
    """The same if the rows of the last `size` generations are kept."""
    size = whole("size", size, 1)
    return _recursion(
        _factors(rate, delta, num_generations),
        lambda before: float(np.mean([1.0, *before][-size:])),
    )


def limit(rate: float, delta: float, real_share: float) -> float:
    """Part of a mode that is left in the end with a share a of real rows.

    a q / (1 - (1 - a) q), q = e^-(rate d).
    """
    share = in_unit("real_share", real_share)
    return share * _factor(rate, delta) / (1 - contraction(rate, delta, real_share))


def contraction(rate: float, delta: float, real_share: float) -> float:
    """Factor a generation of a mode's distance from its limit: (1 - a) e^-(rate d)."""
    return (1 - in_unit("real_share", real_share)) * _factor(rate, delta)


def hermite(
    weights: NDArray[Any],
    means: NDArray[Any],
    deviations: NDArray[Any],
    order: int,
) -> Curve:
    """Mean [d] of the Hermite polynomial He_j of each coordinate of a normal mixture.

    He_j is orthogonal under the standard normal, with leading coefficient 1. For one
    normal, sum over i of j! / (2^i i! (j - 2i)!) (s^2 - 1)^i m^(j - 2i).

    Args:
      weights: [K], summing to 1.
      means: [K, d].
      deviations: [K], standard deviations, the same in all directions.
      order: j.
    """
    j, wide = whole("order", order, 0), np.asarray(deviations)[:, None] ** 2 - 1
    total = np.zeros(np.shape(means))
    for i in range(j // 2 + 1):
        count = math.factorial(j) / (
            2**i * math.factorial(i) * math.factorial(j - 2 * i)
        )
        total = total + count * wide**i * np.asarray(means, float) ** (j - 2 * i)
    found: Curve = np.asarray(weights) @ total
    return found


def fourier(
    weights: NDArray[Any],
    means: NDArray[Any],
    deviations: NDArray[Any],
    mode: int,
) -> NDArray[np.complex128]:
    """Mean [d] of e^(i k x) of each angle of a mixture of wrapped normals.

    Args:
      weights: [K], summing to 1.
      means: [K, d], in radians.
      deviations: [K], before wrapping.
      mode: k.
    """
    k, spread = whole("mode", mode, 0), np.asarray(deviations)[:, None]
    each = np.exp(1j * k * np.asarray(means) - (k * spread) ** 2 / 2)
    found: NDArray[np.complex128] = np.asarray(weights) @ each
    return found


def _factor(rate: float, delta: float) -> float:
    return math.exp(-not_negative("rate", rate) * not_negative("delta", delta))


def _factors(rate: float, delta: Times, num_generations: int) -> Curve:
    """What noise leaves of a mode in each generation [G + 1]."""
    shape = (whole("num_generations", num_generations, 0) + 1,)
    times = np.asarray(delta, np.float64)
    if times.shape not in ((), shape):
        raise ValueError(
            f"delta must be one number or {shape}, got shape {times.shape}"
        )
    if not ((times >= 0) & (times < math.inf)).all():
        raise ValueError(f"delta must be finite and not negative, got {delta}")
    found: Curve = np.exp(-not_negative("rate", rate) * np.broadcast_to(times, shape))
    return found


def _recursion(factors: Curve, of_rows: Callable[[list[float]], float]) -> Curve:
    """Parts [G + 1], each the factor times that of the rows that are fitted to."""
    found = [float(factors[0])]
    for factor in factors[1:]:
        found.append(float(factor) * of_rows(found))
    return np.array(found)
