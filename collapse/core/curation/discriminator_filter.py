"""The rows that a discriminator holds to be the most real."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Array, Float

from collapse.core.curation.checks import Number
from collapse.core.curation.discriminator import (
    Training,
    log_odds,
    train,
    values_and_squares,
)
from collapse.core.curation.truncation import top_share
from collapse.core.types import Batch, Curator


def most_realistic(
    share: Number,
    training: Training = Training(values_and_squares),  # noqa: B008 - constants
    *,
    real: Callable[[Any], Batch] | None = None,
    candidates: int = 1,
) -> Curator:
    """The curator that keeps the share of rows most like real ones to a discriminator.

    The discriminator is trained on the candidates of the slot and on real rows of the
    reference, which no generation should be trained on.

    Args:
      share: of the candidates of a slot that is kept.
      training: of the discriminator.
      real: reference -> batch of real rows; None if the reference is one.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the share is not in [0, 1].

    References:
      Yi et al. 2025, arXiv:2510.16657 (for images, with a network in place of the
      regression, and a share of 10 % of each class).
    """
    return top_share(odds_of(training, real), share, candidates)


def odds_of(
    training: Training, real: Callable[[Any], Batch] | None
) -> Callable[[Batch, Any], Float[Array, " rows"]]:
    """The score `(batch, reference) -> log-odds [rows]` of a discriminator of these."""

    def score(batch: Batch, reference: Any) -> Float[Array, " rows"]:
        ours = reference if real is None else real(reference)
        features = training.features(batch)
        found = train(training.features(ours), features, training.ridge, training.steps)
        return log_odds(found, features)

    return score
