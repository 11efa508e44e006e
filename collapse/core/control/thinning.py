"""How many generated rows are trained on beside the real ones, and of how many.

Real rows can count more in two ways: by a weight (`trust`), or by leaving generated
rows out. And of more candidates than are needed the best may be kept, always or only
while the drift is above a policy's level. Both are one action, the keep rate: the share
of the candidates that may be kept.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from collapse.core.control import trust
from collapse.core.control.policy import Number


class Thinning(NamedTuple):
    """What a policy may do to generated rows.

    Attributes:
      candidates: rows generated for each that can be kept.
      share: of the candidates that is kept where the best are, at least 1 / candidates.
      always: whether the best of the candidates are kept in every generation; else only
        in those in which the policy re-anchors, and the first ones in all others.
      by_rows: whether trust leaves generated rows out, in place of weighing real ones;
        with one candidate a row.
      least: rows that a fit needs.
    """

    candidates: int = 1
    share: float = 1.0
    always: bool = True
    by_rows: bool = False
    least: int = 1


def best_share(variance: Number, share: Number) -> Number:
    """Share of the generated rows that is best for the next fit, if all rows count 1.

    In units of the variance of a fit to n rows: of a real and m generated rows, both in
    multiples of n, the squared error of the fit is (a + m + m^2 V) / (a + m)^2, least
    at m = a / (2 a V - 1), or at all rows where that is more than there are: where
    V <= 1 / (2 a (1 - a)). The V of a constant share tends to 1 / (a (2 - a)), which is
    below that, so that none is left out: rows are left out only where the drift is
    larger for a time.

    Args:
      variance: V, squared error of the model that generates, see `trust`.
      share: a, of real rows; 1 - a is the most that m can be.
    """
    excess = 2 * share * variance - 1
    some = (excess > 0) & (share < 1)
    best = share / jnp.where(some, excess * (1 - share), 1)
    return jnp.where(some, jnp.minimum(best, 1), 1)


def chosen(kind: Array, variance: Number, drift: Number, share: Number) -> Number:
    """Share of the generated rows in the next fit; see `trust.chosen` for the rest."""
    known = jnp.where(kind == trust.MEASURED, jnp.maximum(drift, 0), variance)
    return jnp.where(kind == trust.EQUAL, 1, best_share(known, share))


def enough(
    thinning: Thinning, part: Number, granted: Number, num_rows: Number
) -> Number:
    """The share of the generated rows, or what a fit needs beside the real ones."""
    others = num_rows - granted
    missing = jnp.clip(thinning.least - granted, 0, others)
    least = missing / jnp.maximum(others, 1)
    return jnp.maximum(part, least)


def keep_rate(thinning: Thinning, part: Number, alarm: Bool[Array, ""]) -> Number:
    """Share of the candidates that may be kept in the next generation.

    Args:
      thinning: what a policy may do.
      part: share of the generated rows that is trained on.
      alarm: whether the policy re-anchors.
    """
    if thinning.candidates == 1:
        return part
    selects = jnp.asarray(thinning.always) | alarm
    return jnp.where(selects, thinning.share * part, 1)
