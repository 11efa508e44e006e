"""What principal components of pure noise hold, and how well they seem to predict.

A table has m rows of p independent normal metrics, and an outcome that depends on none
of them. Components are those of the correlation matrix. Their share of variance, and
the R2 of a regression on them, are far from 0 where rows are few: nine noise metrics on
18 rows have 83 % of their variance in five components, on which noise regresses with an
R2 of 5/17. What a study reports is to be compared with these (Kim et al. 2024,
AGORABENCH, arXiv 2412.03679, report 93.4 % in five components of its metrics).

Derived here. A column of normal noise, centred and divided by its norm, is a uniform
direction u_j in the m - 1 dimensions across the constant vector. The correlation matrix
is U'U with U = [u_1 .. u_p], which has the nonzero eigenvalues of sum_j u_j u_j' and
the trace p.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, in_unit, whole

_BLOCK = 1 << 20  # entries of tables that are drawn at a time


class NoiseShare(NamedTuple):
    """Share of the variance of noise that its first components hold.

    Attributes:
      mean: expected share.
      mean_error: its standard error from simulation; 0 where it is exact.
      quantiles: [levels] of the share.
      quantile_errors: [levels] standard errors from simulation; 0 where exact.
    """

    mean: float
    mean_error: float
    quantiles: Curve
    quantile_errors: Curve


def noise_share(
    k: int,
    metrics: int,
    rows: int,
    levels: Sequence[float] = (0.05, 0.5, 0.95),
    draws: int = 20_000,
    seed: int = 0,
) -> NoiseShare:
    """Share of the first k components of pure noise: mean and quantiles.

    Exact in two cases. A table has min(rows - 1, metrics) components, and so many hold
    all. Of two metrics with the correlation r the first one holds (1 + |r|) / 2, where
    r is one coordinate of a uniform direction in d = rows - 1 dimensions:
    r^2 ~ Beta(1/2, (d - 1)/2) and E|r| = Gamma(d/2) / (sqrt(pi) Gamma((d + 1)/2)).
    Else `draws` tables of directions are drawn.

    Args:
      k: number of components.
      metrics: p, columns of the table.
      rows: m, at least 2.
      levels: of the quantiles.
      draws: tables that are simulated, at least 2. Errors fall like 1 / sqrt(draws).
      seed: of the simulation.
    """
    k, p = whole("k", k, 1), whole("metrics", metrics, 1)
    d, num = whole("rows", rows, 2) - 1, whole("draws", draws, 2)
    at = np.array([in_unit("levels", level) for level in levels])
    if k >= min(d, p):
        return NoiseShare(1.0, 0.0, np.ones(at.size), np.zeros(at.size))
    if p == 2:
        size = np.sqrt(scipy.stats.beta.ppf(at, 0.5, (d - 1) / 2))
        log_mean = math.lgamma(d / 2) - math.lgamma((d + 1) / 2)
        mean = (1 + math.exp(log_mean) / math.sqrt(math.pi)) / 2
        return NoiseShare(mean, 0.0, (1 + size) / 2, np.zeros(at.size))
    shares = np.sort(_drawn(k, p, d, num, np.random.default_rng(seed)))
    error = float(shares.std(ddof=1) / math.sqrt(num))
    # a quantile is as far off as those order statistics are whose rank is off by the
    # standard error of a binomial count
    reach = np.sqrt(at * (1 - at) / num)
    ends = [np.quantile(shares, np.clip(at + s * reach, 0, 1)) for s in (-1, 1)]
    found = np.asarray(np.quantile(shares, at))
    return NoiseShare(float(shares.mean()), error, found, (ends[1] - ends[0]) / 2)


def _drawn(k: int, p: int, d: int, num: int, rng: np.random.Generator) -> Curve:
    """Shares [num] of the first k components of p directions in d dimensions."""
    found, block = np.empty(num), max(1, _BLOCK // (p * d))
    for start in range(0, num, block):
        u = rng.standard_normal((min(block, num - start), d, p))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        turned = np.swapaxes(u, 1, 2)
        square = turned @ u if p <= d else u @ turned  # the smaller of the two
        found[start : start + block] = np.linalg.eigvalsh(square)[:, -k:].sum(1) / p
    return found


def noise_r2(k: int, rows: int) -> float:
    """Expected in-sample R2 of an outcome that k predictors have no bearing on.

    k / (rows - 1), whatever the predictors are: R2 is the squared length of the
    projection of a unit vector from rows - 1 to k dimensions, and the squared
    coordinates of a random direction have equal means, which sum to 1. The same is true
    of every outcome whose rows are permuted.

    Args:
      k: number of linearly independent predictors, beside the constant.
      rows: at least k + 1.
    """
    k, m = _regressed(k, rows, 1)
    return k / (m - 1)


def noise_r2_quantile(k: int, rows: int, level: float) -> float:
    """Quantile of the in-sample R2 of a normal outcome, independent of the predictors.

    Squares of k of rows - 1 coordinates of a uniform direction have the law
    Beta(k/2, (rows - 1 - k)/2).

    Args:
      k: number of linearly independent predictors, beside the constant.
      rows: at least k + 1, where R2 is 1.
      level: of the quantile.
    """
    k, m = _regressed(k, rows, 1)
    if k == m - 1:
        return 1.0
    found = scipy.stats.beta.ppf(in_unit("level", level), k / 2, (m - 1 - k) / 2)
    return float(found)


def out_of_sample_r2(r2: float, k: int, rows: int) -> float:
    """R2 on new rows of a regression on k normal predictors that `rows` rows fitted.

    1 - (1 - R2) (n - 2) / (n - k - 2) with n rows: one minus a ratio of expected
    squared errors, that of the regression and that of the mean of the n rows. Derived:
    both have the factor 1 + 1/n, as the mean is not known. The slopes add, for a new
    row x less the mean, x' S^-1 x residual variances, where S is the sum of squares of
    n rows less their mean. The mean of S^-1 is C^-1 / (n - k - 2) (inverse Wishart), so
    that they add (1 + 1/n) k / (n - k - 2). For noise it is -k / (n - k - 2).

    Predictors are given. That is so for all p components, which span the metrics. Of
    fewer, fitted to the same n rows, it is a guide only: new rows have smaller scores
    on them, so that noise predicts less badly (17 rows, five components of nine noise
    metrics: about -0.28 in place of -0.5).

    Args:
      r2: of the regression on infinitely many rows.
      k: number of predictors, beside the constant.
      rows: n, rows that the regression is fitted to, at least k + 3; in leave-one-out
        one fewer than there are.
    """
    k, n = _regressed(k, rows, 3)
    return 1 - (1 - in_unit("r2", r2)) * (n - 2) / (n - k - 2)


def _regressed(k: int, rows: int, more: int) -> tuple[int, int]:
    k = whole("k", k, 1)
    return k, whole("rows", rows, k + more)
