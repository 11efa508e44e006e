"""Verified labels: a generator makes wrong ones, a verifier keeps some of each kind.

A label is wrong with probability p. A verifier keeps right labels with probability
`right` (phi) and wrong ones with probability `wrong` (psi). A student takes the
majority of `votes` kept labels of each example, an odd number, and is the next
generator. One step and the recursion have different thresholds.

References:
  Feng et al. 2025 (arXiv:2406.07515): the threshold of one step. The map and the
  threshold of the recursion are derived here.
"""

import math

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, in_unit, whole


def kept_error(error: float, right: float, wrong: float) -> float:
    """Share of wrong labels among the kept ones, p psi / (p psi + (1-p) phi).

    Raises:
      ValueError: if nothing is kept, or a value is no probability.
    """
    p, phi, psi = in_unit("error", error), *_verifier(right, wrong)
    kept = p * psi + (1 - p) * phi
    if kept == 0:
        raise ValueError(f"error must leave labels to keep, got {error}")
    return p * psi / kept


def threshold(right: float, wrong: float) -> float:
    """Error of the generator below which most kept labels are right, phi / (phi + psi).

    There one step with infinitely many votes turns from no error to errors alone.
    """
    phi, psi = _verifier(right, wrong)
    return phi / (phi + psi)


def majority(error: float, votes: int) -> float:
    """Chance that most of the votes are wrong, each with probability `error`."""
    half = (_odd(votes) + 1) / 2
    return float(scipy.special.betainc(half, half, in_unit("error", error)))


def errors(
    error: float, right: float, wrong: float, votes: int, num_generations: int
) -> Curve:
    """Share of wrong labels of each generation [G + 1], from the one given.

    p' = P(Bin(m, e) > m / 2) with e = `kept_error` of p. It goes to 0 below
    `recursive_threshold` and to 1 above it, faster than geometrically.
    """
    found = np.empty(whole("num_generations", num_generations, 0) + 1)
    found[0] = error
    for t in range(1, len(found)):
        found[t] = majority(kept_error(found[t - 1], right, wrong), votes)
    return found


def recursive_threshold(right: float, wrong: float, votes: int) -> float:
    """Error of the generator below which the recursion ends without errors.

    The unstable fixed point of the map in `errors`: P(Bin(m, e) > m/2) = p(e), with
    p(e) = e phi / (e phi + (1-e) psi). It is above `threshold` for a verifier that is
    better than chance (phi > psi), since the majority corrects errors, too, and falls
    to it as m grows. With one vote every such verifier wins: 1.
    """
    phi, psi = _verifier(right, wrong)
    if phi < psi:  # wrong labels take the place of right ones
        return 1 - recursive_threshold(psi, phi, votes)
    half = (_odd(votes) + 1) / 2
    if phi == psi:
        return 0.5
    if votes == 1 or psi == 0:
        return 1.0
    odds = math.log(phi / psi)

    def gain(u: float) -> float:
        """Log odds of the next error over those of this one, at e = 1 / (1 + e^-u)."""
        tails = scipy.special.betainc(half, half, scipy.special.expit([u, -u]))
        return np.log(tails[0]) - np.log(max(tails[1], 1e-300)) - (u + odds)

    high = 1.0
    while gain(high) < 0:
        high *= 2
    root = scipy.optimize.brentq(gain, 0, high, xtol=1e-14, rtol=1e-14)
    return float(scipy.special.expit(root + odds))


def _verifier(right: float, wrong: float) -> tuple[float, float]:
    """The two rates of keeping, checked."""
    phi, psi = in_unit("right", right), in_unit("wrong", wrong)
    if phi + psi == 0:
        raise ValueError("right and wrong must not both be 0: nothing is kept")
    return phi, psi


def _odd(votes: int) -> int:
    """The number of votes, if it has no ties."""
    if whole("votes", votes, 1) % 2 == 0:
        raise ValueError(f"votes must be odd, so that there are no ties, got {votes}")
    return votes
