"""Limits of the variance under every workflow, from a limiting Gaussian process.

Large samples make all regular estimators alike (Dey & Donoho, arXiv:2410.22812): with n
rows a generation, theta_t - theta* = n^-1/2 Z_t, where Z_t follows a linear recursion
driven by independent W_t of variance 1, in units of one fit to real data. The paper
treats discarding and augmenting; the other rows are derived here.

n grows first, then t. At a given n what is bounded here may grow slowly: under
`fixed_budget` the variance of an unbiased fit grows like t^(1/n): see
`theory.fixed_budget`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve, whole


class Limit(NamedTuple):
    """One row of the table.

    Attributes:
      workflow: label, as the command line's; `mix a` keeps a share a of real rows.
      recursion: of Z_k, k = t + 1 the number of fits.
      variance: [G + 1] Var Z_t.
      limit: of the variance; inf if it diverges.
    """

    workflow: str
    recursion: str
    variance: Curve
    limit: float


def limits(
    num_generations: int, real_fractions: Sequence[float] = (0.5, 0.1, 0.01)
) -> list[Limit]:
    """Variance and its limit for every workflow, in units of the first fit's.

    The efficiency of a workflow relative to real data alone is 1 / variance:
    6 / pi^2 = 0.61 for `accumulate`.
    """
    k = np.arange(1.0, whole("num_generations", num_generations, 0) + 2)
    rows = [
        Limit("replace", "Z_k = Z_{k-1} + W_k", k, math.inf),
        Limit(
            "replace_multiple",
            "Z_k = Z_{k-1} + W_k / sqrt k",
            np.cumsum(1 / k),
            math.inf,
        ),
        Limit(
            "accumulate",
            "Z_k = Z_{k-1} + W_k / k",
            np.cumsum(1 / k**2),
            math.pi**2 / 6,
        ),
        Limit(
            "fixed_budget",
            "Z_k = M_k + sqrt((k-1)/k) V_k, "
            "M_k = M_{k-1} + (Z_{k-1} - M_{k-1} + W_k) / k",
            _subsample(k),
            math.pi**2 / 2 - 2,
        ),
    ]
    for a in real_fractions:
        if not 0 < a <= 1:
            raise ValueError(f"real_fractions must be in (0, 1], got {a}")
        rows += [_fresh(a, k), _fixed(a, k)]
    rows.append(
        Limit(
            "first block and newest, n each",
            "Z_k = (W_1 + Z_{k-1} + W_k) / 2",
            1 + (1 - 0.25 ** (k - 1)) / 3,
            4 / 3,
        )
    )
    return rows


def _subsample(k: Curve) -> Curve:
    """Var Z_k: the pool's mean moves by (sqrt((k-2)/(k-1)) V + W) / k."""
    before = np.maximum(k - 1, 1)
    steps = np.where(k > 1, ((before - 1) / before + 1) / k**2, 1.0)
    return np.cumsum(steps) + (k - 1) / k


def _fresh(a: float, k: Curve) -> Limit:
    """Limit if a share a of the n rows is real and new each time: an AR(1) process."""
    limit = 1 / (a * (2 - a))
    variance = limit + (1 - limit) * (1 - a) ** (2 * (k - 1))
    return Limit(f"mix {a:g} fresh", "Z_k = (1-a) Z_{k-1} + W_k", variance, limit)


def _fixed(a: float, k: Curve) -> Limit:
    """Limit if the same share of the first n rows is kept for ever.

    R and W are the parts of the fit due to kept and to synthetic rows, sqrt(a) R and
    sqrt(1-a) W. The kept rows' weight in Z goes from sqrt(a) to 1 / sqrt(a).
    """
    decay = (1 - a) ** (k - 1)
    kept = (1 - decay) / math.sqrt(a) + decay * math.sqrt(a)
    limit = (1 - a) / (a * (2 - a))
    noise = limit + (1 - a - limit) * decay**2
    recursion = "Z_k = (1-a) Z_{k-1} + sqrt(a) R + sqrt(1-a) W_k"
    return Limit(f"mix {a:g} fixed", recursion, kept**2 + noise, 1 / a + limit)
