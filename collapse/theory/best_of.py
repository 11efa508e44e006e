"""The best of n candidates by a reward, exactly, and how far from its law that leads.

Candidates are drawn independently from shares of M states, and one of those with the
highest reward is chosen, each with the same chance. (`preferences` has the choice by
chance of Bradley and Terry.)

References:
  Stiennon et al. 2020 (arXiv:2009.01325), appendix G.3, and Beirami et al. 2024
  (arXiv:2401.01879), where `divergence_bound` is shown to be a bound: it is reached
  only where no two candidates are alike.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from collapse.theory.checks import Curve, distribution, in_unit, whole

Numbers: TypeAlias = Sequence[float] | NDArray[Any]


def law(shares: Numbers, rewards: Numbers, candidates: int) -> Curve:
    """Law of the candidate that is chosen among n from the shares [M].

    All n candidates have at most a reward r with probability F(r)^n, so that one with
    reward r is chosen with probability F(r)^n - F(r-)^n; states with equal rewards
    have their parts of it in proportion to their shares.
    """
    p, r = distribution("shares", shares), np.asarray(rewards, np.float64)
    if r.shape != p.shape or not np.isfinite(r).all():
        raise ValueError("rewards must be finite, one for each share")
    number = whole("candidates", candidates, 1)
    same = (r[:, None] == r) @ p
    below = (r[:, None] > r) @ p
    chosen = (below + same) ** number - below**number
    own = np.divide(p * chosen, same, out=np.zeros_like(p), where=same > 0)
    return own / own.sum()


def divergence_bound(candidates: int) -> float:
    """Least upper bound on KL(law || shares), ln n - (n-1)/n, over shares and rewards.

    The value for a continuous reward without ties, whatever the reward is: there the
    density of the rank u in [0, 1] is n u^(n-1).
    """
    number = whole("candidates", candidates, 1)
    return math.log(number) - (number - 1) / number


def chosen_right(right: float, accuracy: float, candidates: int) -> float:
    """Chance that the chosen one is right, by a judge who is mistaken at random.

    A candidate is right with probability `right`, and the judge says of each the truth
    with probability `accuracy`. One of those of which it speaks well is chosen, or one
    of all if there is none.
    """
    p, a = in_unit("right", right), in_unit("accuracy", accuracy)
    shares = (p * a, p * (1 - a), (1 - p) * a, (1 - p) * (1 - a))
    return float(law(shares, (1, 0, 0, 1), candidates)[:2].sum())
