"""Which texts an operator keeps, and what that was worth, counted against the truth."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from collapse.data.errors import DataError
from collapse.data.quality import checks
from collapse.numerics import ranking

Scores = Float[np.ndarray, " n"] | Bool[np.ndarray, " n"]


class KeptTexts(NamedTuple):
    """What an operator did to the candidates that it was given.

    Attributes:
      candidates: number of them.
      kept: number of those that were kept.
      good: number of candidates that are good.
      phi: share of the good ones that were kept; NaN if none is good.
      psi: share of the bad ones that were kept; NaN if all are good.
      auc: chance that a good one has a higher score than a bad one, ties count half;
        NaN if all are good or all bad.
      skills: number of different skills among the candidates.
      lost_skills: share of them that no kept candidate has; NaN if there is none.
    """

    candidates: int
    kept: int
    good: int
    phi: float
    psi: float
    auc: float
    skills: int
    lost_skills: float


def account(
    scores: Scores | Sequence[float],
    kept: Bool[np.ndarray, " n"] | Sequence[bool],
    good: Bool[np.ndarray, " n"] | Sequence[bool],
    skills: Sequence[str],
) -> KeptTexts:
    """What an operator kept of its candidates, in numbers.

    phi and psi are those of Feng et al. 2024 (arXiv 2406.07515): probabilities that a
    verifier keeps a right and a wrong row.

    Args:
      scores: [n] by which it chose, higher is better; for one without scores what it
        kept, True or False.
      kept: [n] whether each candidate was kept.
      good: [n] whether it is good in truth.
      skills: [n] the skill that each asks for; "" for none, which is not counted.

    Raises:
      DataError: if they are not all as long, or a score is NaN.
    """
    values = _ranked(scores)
    chosen, true = np.asarray(kept, bool), np.asarray(good, bool)
    sizes = {"kept": chosen.shape, "good": true.shape, "skills": (len(skills),)}
    for field, shape in sizes.items():
        if shape != values.shape:
            raise DataError(
                f"{field}: shape {shape}, but scores have {values.shape}; give one "
                "entry for each candidate"
            )
    every = {skill for skill in skills if skill}
    pairs = zip(skills, chosen, strict=True)
    left = {skill for skill, was_kept in pairs if skill and was_kept}
    return KeptTexts(
        candidates=len(values),
        kept=int(chosen.sum()),
        good=int(true.sum()),
        phi=_share(chosen[true]),
        psi=_share(chosen[~true]),
        auc=float(ranking.auc(values[~true], values[true])),
        skills=len(every),
        lost_skills=len(every - left) / len(every) if every else math.nan,
    )


def top(
    scores: Scores | Sequence[float], rate: float, generator: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Whether each candidate is kept: the share of them with the highest scores [n].

    Which ones of equal scores are kept is drawn, so that the order of the candidates
    does not matter.

    Args:
      scores: [n] without NaN.
      rate: share that is kept, see `count`.
      generator: for ties; used in any case.

    Raises:
      DataError: for a rate outside [0, 1] or a score that is NaN.
    """
    values = _ranked(scores)
    num = count(rate, len(values))
    order = np.lexsort((generator.permutation(len(values)), -values))
    return _mask(order[:num], len(values))


def at_random(
    n: int, rate: float, generator: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Whether each of n candidates is kept, drawn without looking at any [n].

    The control for `top`: it keeps as many.

    Args:
      n: number of candidates.
      rate: share that is kept, see `count`.
      generator: draws them.

    Raises:
      DataError: for a rate outside [0, 1], or a number below 0.
    """
    checks.at_least("n", n, 0)
    return _mask(generator.permutation(n)[: count(rate, n)], n)


def count(rate: float, n: int) -> int:
    """Whole number of n candidates that is next to their share, halves upwards.

    Raises:
      DataError: for a rate outside [0, 1].
    """
    return math.floor(checks.share("rate", rate) * n + 0.5)


def _ranked(scores: Scores | Sequence[float]) -> Float[np.ndarray, " n"]:
    """Scores as numbers [n]; raises DataError for NaN or what is no list."""
    values = np.asarray(scores, float)
    if values.ndim != 1:
        raise DataError(f"scores: shape {values.shape}; give one for each candidate")
    if np.isnan(values).any():
        raise DataError("scores: some are NaN; give numbers, infinite ones if need be")
    return values


def _mask(positions: np.ndarray, n: int) -> Bool[np.ndarray, " n"]:
    """True at these positions [n]."""
    found = np.zeros(n, bool)
    found[positions] = True
    return found


def _share(which: Bool[np.ndarray, " m"]) -> float:
    """Share of True; NaN if there is nothing."""
    return float(which.mean()) if len(which) else math.nan
