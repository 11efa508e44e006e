"""A mean under a verifier that errs, beside fresh real rows: errors to order 1 / n.

Rows of a generation are y ~ N(m, 1), in units of their known standard deviation, and a
verifier keeps those with |y - c| <= z, but each of its decisions is turned into its
opposite with probability `noise`. A share of the n rows is real and fresh, and is not
verified. All positions are filled. `verifiers` has the same without noise and real
rows, made linear at the centre; here the bias may be of any size.

References:
  Yi, Liu, Cheng & Xu 2025 (arXiv:2510.16657) for the verifier, Feng et al. 2025
  (arXiv:2406.07515) for its two probabilities. The recursion is derived here.
"""

import math
from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve, in_unit, not_negative, whole
from collapse.theory.truncation import inside

_STEP = 1e-3  # of numerical derivatives; their error is about its square


class KeptRows(NamedTuple):
    """Rows that a verifier keeps of N(m, 1)."""

    share: float  # that is kept
    gap: float  # of their mean to the verifier's centre
    variance: float  # of a kept row


class VerifiedLoop(NamedTuple):
    """A mean of each generation, [G + 1] each, in units of the standard deviation."""

    to_truth: Curve  # E (m_t - mu)^2
    to_verifier: Curve  # E (m_t - c)^2
    kept_share: Curve  # of the candidates of that generation; 1 in generation 0


def kept_rows(gap: float, reach: float, noise: float = 0.0) -> KeptRows:
    """Rows kept of a model whose mean is `gap` from the verifier's centre.

    A row inside is kept with probability 1 - noise and one outside with probability
    noise, so the kept rows are a mixture of the truncated law and the whole one. They
    are an exponential family with natural parameter m, so that the derivative of their
    mean by m is their variance, for any noise.
    """
    if not 0 < reach < math.inf:
        raise ValueError(f"reach must be finite and positive, got {reach}")
    if not 0 <= noise <= 0.5:
        raise ValueError(f"noise must be from 0 to 1/2, got {noise}")
    found = inside(-reach - gap, reach - gap)
    mass, mean, variance = (float(x) for x in found)
    share = (1 - 2 * noise) * mass + noise
    sums = (1 - 2 * noise) * mass * np.array([mean, variance + mean**2]) + [0, noise]
    first, second = sums / share
    return KeptRows(share, gap + first, second - first**2)


def errors(
    bias: float,
    reach: float,
    rows: int,
    num_generations: int,
    workflow: str = "replace",
    noise: float = 0.0,
    real_share: float = 0.0,
) -> VerifiedLoop:
    """Squared errors of a mean whose generated rows are verified, to order 1 / n.

    With k(g), v(g) the kept rows' mean and variance at a gap g, and k' = v, the mean G
    and variance V of the gap obey

      G' = (1-p) G + p [-a bias + (1-a) (k(G) + v'(G) V / 2)]
      V' = [(1-p) + p (1-a) v(G)]^2 V + p^2 [a + (1-a) v(G)] / n,

    where a is the share of real rows and p = 1 under replace, 1 / (t+1) under
    accumulate, whose model is the mean of all rows so far.

    Args:
      bias: |c - mu|.
      reach: z.
      rows: n of each generation, of which n real ones are generation 0.
      num_generations: G.
      workflow: replace or accumulate.
      noise: share of decisions that are wrong, from 0 to 1/2.
      real_share: share of the n rows that is real in later generations.

    Raises:
      ValueError: for a value out of range.
    """
    n, bias = whole("rows", rows, 1), not_negative("bias", bias)
    if workflow not in ("replace", "accumulate"):
        raise ValueError(f"workflow must be replace or accumulate, got {workflow!r}")
    a = in_unit("real_share", real_share)
    found = VerifiedLoop(
        *np.ones((3, whole("num_generations", num_generations, 0) + 1))
    )
    gap, variance = -bias, 1 / n
    for t in range(len(found.to_truth)):
        if t > 0:
            p = 1.0 if workflow == "replace" else 1 / (t + 1)
            low, at, high = (
                kept_rows(gap + step, reach, noise) for step in (-_STEP, 0.0, _STEP)
            )
            bend = (high.variance - low.variance) / (2 * _STEP)
            curve = (high.share - 2 * at.share + low.share) / _STEP**2
            found.kept_share[t] = at.share + curve * variance / 2
            new = -a * bias + (1 - a) * (at.gap + bend * variance / 2)
            gap = (1 - p) * gap + p * new
            slope = (1 - p) + p * (1 - a) * at.variance
            variance = slope**2 * variance + p**2 * (a + (1 - a) * at.variance) / n
        found.to_truth[t] = (gap + bias) ** 2 + variance
        found.to_verifier[t] = gap**2 + variance
    return found
