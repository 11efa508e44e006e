"""Whether the lab and a peer reach the same result: beside every speed.

Both end with one number a seed, of independent seeds. The difference of their means is
compared with its standard error by Welch's test, which cares for few seeds and unequal
spread. About a hundred pairs are compared, so that at LEVEL one of them would be called
different by chance once in a hundred runs.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

LEVEL = 1e-4


class Comparison(NamedTuple):
    """The means of lab and peer, and what their difference may be."""

    lab: float
    peer: float
    error: float  # standard error of the difference
    agree: bool

    def words(self, peer: str) -> str:
        """`loop 0.356 ± 0.008`, and more where it differs from the lab."""
        told = f"{peer} {self.peer:.4g} ± {self.error:.1g}"
        return told if self.agree else f"{told} **differs from the lab**"


def compare(lab: Any, peer: Any) -> Comparison:
    """The comparison of two independent lists of numbers.

    Raises:
      ValueError: for fewer than two, or for what is not finite.
    """
    one, other = (np.asarray(x, float).ravel() for x in (lab, peer))
    if min(one.size, other.size) < 2:
        raise ValueError("two seeds at least are needed for a standard error")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("a result is not finite")
    error = float(np.sqrt(one.var(ddof=1) / one.size + other.var(ddof=1) / other.size))
    p_value = stats.ttest_ind(one, other, equal_var=False).pvalue
    agree = bool(p_value > LEVEL) if error else bool(one.mean() == other.mean())
    return Comparison(float(one.mean()), float(other.mean()), error, agree)
