"""Quality classifiers: linear functions of hashed character n-grams.

`fitted` learns from texts that are good and texts that are not, as the fastText filter
of DCLM does (Li et al. 2024, arXiv 2406.11794); fastText has a linear classifier of
hashed n-grams, too, of words and below them learned vectors. `graded` learns a
teacher's grades from 0 to 5, as FineWeb-Edu does (Penedo et al. 2024, arXiv 2406.17557)
with the output of a pretrained network in place of n-grams.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Float
from scipy.special import expit

from collapse.data.errors import DataError
from collapse.data.quality import checks
from collapse.data.quality.grams import ORDERS, SIZE, hashed

PENALTY = 1e-4
HIGHEST_GRADE = 5
_STEPS = 2000
_GRADIENT = 1e-6  # largest entry where the fit stops; rows have length 1
_RESIDUAL = 1e-10  # relative, where the fit of grades stops


class TextScorer(NamedTuple):
    """A linear function of the n-grams of a text.

    Attributes:
      weights: [size].
      offset: score of an empty text.
      orders: of its n-grams.
    """

    weights: Float[np.ndarray, " size"]
    offset: float
    orders: tuple[int, ...]

    def score(self, texts: Sequence[str]) -> Float[np.ndarray, " texts"]:
        """Score of each text [texts]: log-odds, or a grade, which is not rounded."""
        features = hashed(texts, len(self.weights), self.orders, normalised=True)
        return features @ self.weights + self.offset


def fitted(
    positive: Sequence[str],
    negative: Sequence[str],
    size: int = SIZE,
    orders: Sequence[int] = ORDERS,
    penalty: float = PENALTY,
) -> TextScorer:
    """A classifier whose scores are the log-odds that a text is a positive one.

    They are those of a draw from all texts that are given: with three times as many
    positive ones as negative ones the odds are three times as high. Regularised
    logistic regression, fitted by L-BFGS from zero, so that the same texts give the
    same classifier.

    Args:
      positive: texts of the kind to keep, one at least.
      negative: others, one at least.
      size: columns of the hashed n-grams.
      orders: of the n-grams.
      penalty: times half the squared weights is added to the mean loss. The offset is
        free.

    Raises:
      DataError: if there is no text of a kind, or the penalty is not above 0.
    """
    for field, texts in (("positive", positive), ("negative", negative)):
        checks.several(field, texts)
        if not len(texts):
            raise DataError(f"{field}: there is no text; give one at least")
    _check_penalty(penalty)
    features = hashed([*positive, *negative], size, orders, normalised=True)
    signs = np.repeat([1.0, -1.0], [len(positive), len(negative)])
    found = scipy.optimize.minimize(
        loss_and_gradient,
        np.zeros(size + 1),
        (features, signs, penalty),
        method="L-BFGS-B",
        jac=True,
        options={
            "maxiter": _STEPS,
            "maxfun": 2 * _STEPS,
            "gtol": _GRADIENT,
            "ftol": 0.0,
        },
    )
    return TextScorer(found.x[:-1], float(found.x[-1]), tuple(orders))


def loss_and_gradient(
    parameters: Float[np.ndarray, " size+1"],
    features: scipy.sparse.csr_array,
    signs: Float[np.ndarray, " texts"],
    penalty: float,
) -> tuple[float, Float[np.ndarray, " size+1"]]:
    """Mean logistic loss with its penalty, and the gradient in all parameters.

    Args:
      parameters: [size + 1] weights, and the offset as the last.
      features: [texts, size].
      signs: [texts] 1 for positive texts, -1 for negative ones.
      penalty: as in `fitted`.
    """
    weights, offset = parameters[:-1], parameters[-1]
    margins = signs * (features @ weights + offset)
    loss = np.logaddexp(0, -margins).mean() + penalty / 2 * weights @ weights
    slopes = -signs * expit(-margins) / len(signs)
    gradient = features.T @ slopes + penalty * weights
    return float(loss), np.append(gradient, slopes.sum())


def graded(
    texts: Sequence[str],
    grades: Sequence[float] | Float[np.ndarray, " texts"],
    size: int = SIZE,
    orders: Sequence[int] = ORDERS,
    penalty: float = PENALTY,
) -> TextScorer:
    """A scorer that predicts a teacher's grade of a text, by ridge regression.

    Scores are not rounded and may lie below 0 or above 5. The released scorer of
    FineWeb-Edu rounds them before it compares them with a threshold.

    Args:
      texts: one at least.
      grades: [texts] from 0 to 5, whole or not.
      size: columns of the hashed n-grams.
      orders: of the n-grams.
      penalty: times the squared weights is added to the mean squared error. The offset
        is free.

    Raises:
      DataError: if there is no text, grades are not as many as texts or not from 0 to
        5, or the penalty is not above 0.
    """
    _check_penalty(penalty)
    features = hashed(texts, size, orders, normalised=True)
    target = np.asarray(grades, float)
    if target.shape != (len(texts),) or not len(texts):
        raise DataError(
            f"grades: shape {target.shape} for {len(texts)} texts; give one for each, "
            "and one text at least"
        )
    if not ((target >= 0) & (target <= HIGHEST_GRADE)).all():
        raise DataError(f"grades: some are not from 0 to {HIGHEST_GRADE}; leave out")
    mean, middle = features.mean(axis=0), target.mean()

    # rows less their mean, which would not be sparse
    centred = scipy.sparse.linalg.LinearOperator(
        features.shape,
        matvec=lambda weights: features @ weights.ravel() - mean @ weights.ravel(),
        rmatvec=lambda errors: features.T @ errors - mean * errors.sum(),
        dtype=float,
    )
    weights = scipy.sparse.linalg.lsqr(
        centred,
        target - middle,
        damp=np.sqrt(penalty * len(texts)),
        atol=_RESIDUAL,
        btol=_RESIDUAL,
        iter_lim=_STEPS,
    )[0]
    return TextScorer(weights, float(middle - mean @ weights), tuple(orders))


def _check_penalty(penalty: float) -> None:
    """Raise DataError unless the penalty is above 0 and finite."""
    if not 0 < penalty < np.inf:
        raise DataError(f"penalty: {penalty}; give a number above 0")
