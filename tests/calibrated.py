"""Statistical assertions that share one budget of false alarms.

A correct lab fails the whole suite with probability about SUITE_FALSE_ALARM at most,
under a key nobody has tried. Every check gets an equal part, so the thresholds below
are the only ones: no test has a tolerance of its own. A failure under a new key is
answered by more draws or by a fix, never by another key.

A test that cannot fail proves nothing. Each statistical test therefore shows that it
rejects a wrong expectation (`assert_tells_apart`, or `pytest.raises` around the others)
and that the error it is after is larger than what it can detect.

Draws come from independent seeds along the first axis; generations of one seed are not
independent and never count as draws. NumPy and JAX arrays are both accepted.
"""

import math
from collections.abc import Callable

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

SUITE_FALSE_ALARM = 1e-4
# Checks in the whole suite, from above: that of a vector counts as its length, that of
# a negative control not at all. A session that makes more fails (`false_alarms`). Ten
# times as many would raise Z by 8 %.
NUM_CHECKS = 4000
Z = float(scipy.stats.norm.isf(SUITE_FALSE_ALARM / NUM_CHECKS / 2))  # 5.57

_made = 0


def count(checks: int = 1) -> None:
    """Count checks that have passed, and so might have been false alarms."""
    global _made
    _made += checks


def counted() -> int:
    """Number of checks so far in this process."""
    return _made


def assert_mean(draws: ArrayLike, expected: ArrayLike) -> None:
    """The mean over seeds is `expected`, within Z standard errors of the draws.

    The threshold is for a nearly normal mean: keep skewness / sqrt(S) under about 0.05,
    by more seeds, fewer generations or a logarithm. NaN fails. Draws that do not vary
    must equal the expectation exactly; compare such things with a tolerance instead.

    Args:
      draws: [S, ...] one entry a seed, S at least 2.
      expected: [...] or a scalar, known without error.
    """
    draws, expected = np.asarray(draws, np.float64), np.asarray(expected, np.float64)
    error, se = draws.mean(0) - expected, _standard_error(draws)
    if not (abs(error) <= Z * se).all():
        with np.errstate(divide="ignore", invalid="ignore"):
            raise AssertionError(f"{error / se} standard errors, allowed {Z:.2f}")
    count(error.size)


def detectable(draws: ArrayLike, power: float = 0.999) -> NDArray[np.float64]:
    """Smallest error of the expectation that `assert_mean` sees with this power, [...].

    Every test of a mean asserts that it is smaller than the effect it looks for.

    Args:
      draws: [S, ...] as in `assert_mean`.
      power: probability of rejecting an expectation that is wrong by that much.
    """
    draws = np.asarray(draws, np.float64)
    return (Z + scipy.stats.norm.isf(1 - power)) * _standard_error(draws)


def assert_tells_apart(draws: ArrayLike, right: ArrayLike, wrong: ArrayLike) -> None:
    """The mean is `right`, and the test is sharp enough to reject `wrong`, and does.

    Args:
      draws: [S, ...] as in `assert_mean`.
      right: [...] the expectation.
      wrong: [...] the negative control: what a likely mistake would give. It has to
        differ detectably in at least one entry.
    """
    assert_mean(draws, right)
    effect = abs(np.asarray(wrong, np.float64) - np.asarray(right, np.float64))
    smallest = detectable(draws)
    assert (smallest < effect).any(), f"blind: sees {smallest}, effect {effect}"
    try:
        assert_mean(draws, wrong)
    except AssertionError:
        return
    raise AssertionError("the negative control was not rejected")


def assert_cdf(draws: ArrayLike, cdf: Callable[[NDArray], NDArray]) -> None:
    """The draws come from a continuous law with this distribution function.

    Dvoretzky-Kiefer-Wolfowitz bound with Massart's constant (Ann. Probab. 18:1269,
    1990): valid at every number of draws, no normality needed.

    Args:
      draws: [S] values.
      cdf: vectorised distribution function.
    """
    gap = _cdf_gap(np.asarray(draws, np.float64), cdf)
    allowed = _dkw(np.size(draws), SUITE_FALSE_ALARM / NUM_CHECKS)
    assert gap <= allowed, f"gap {gap:.4f} between the CDFs, allowed {allowed:.4f}"
    count()


def assert_same_law(first: ArrayLike, second: ArrayLike) -> None:
    """Two independent sets of draws come from the same law, discrete or continuous.

    With equal numbers of at least 458 draws, the two-sample bound of Wei & Dudley
    (Stat. Probab. Lett. 82:636, 2012), which is not proved for all other sizes. There
    each sample gets its own one-sample bound and half of the false alarms: always
    valid, and blind to gaps up to 1.5 times as wide.

    Args:
      first: [S] values.
      second: [S'] values. Paired draws are not independent and may not be compared.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    assert not np.isnan([first.sum(), second.sum()]).any(), "NaN among the draws"
    at = np.concatenate([first, second])
    shares = [
        np.searchsorted(np.sort(x), at, "right") / x.size for x in (first, second)
    ]
    gap = abs(shares[0] - shares[1]).max()
    allowed = _two_sample_threshold(first.size, second.size)
    assert gap <= allowed, f"gap {gap:.4f} between the CDFs, allowed {allowed:.4f}"
    count()


def detectable_gap(num: int, num_second: int | None = None, power=0.999) -> float:
    """Smallest largest gap of two CDFs that is sure to be seen with this power.

    A guarantee from the same bounds, so it is generous: real power is higher.

    Args:
      num: draws given to `assert_cdf`, or in the first set of `assert_same_law`.
      num_second: draws in the second set of `assert_same_law`; None for `assert_cdf`.
      power: probability of rejecting laws whose CDFs differ by that much somewhere.
    """
    if num_second is None:
        return _dkw(num, SUITE_FALSE_ALARM / NUM_CHECKS) + _dkw(num, 1 - power)
    slack = _dkw(num, (1 - power) / 2) + _dkw(num_second, (1 - power) / 2)
    return _two_sample_threshold(num, num_second) + slack


def _standard_error(draws: NDArray) -> NDArray:
    """Standard error of the mean over the first axis."""
    assert len(draws) > 1, "one draw has no standard error"
    return draws.std(0, ddof=1) / math.sqrt(len(draws))


def _dkw(num: int, false_alarm: float) -> float:
    """Gap that the empirical CDF exceeds with at most this probability."""
    return math.sqrt(math.log(2 / false_alarm) / (2 * num))


def _two_sample_threshold(num: int, num_second: int) -> float:
    """Gap allowed between two empirical CDFs."""
    false_alarm = SUITE_FALSE_ALARM / NUM_CHECKS
    if num == num_second >= 458:
        return math.sqrt(2) * _dkw(num, false_alarm)
    return _dkw(num, false_alarm / 2) + _dkw(num_second, false_alarm / 2)


def _cdf_gap(draws: NDArray, cdf: Callable[[NDArray], NDArray]) -> float:
    """Largest distance of the empirical CDF from `cdf`; NaN if any draw is."""
    steps, values = np.arange(draws.size + 1) / draws.size, cdf(np.sort(draws))
    return float(np.max([steps[1:] - values, values - steps[:-1]]))
