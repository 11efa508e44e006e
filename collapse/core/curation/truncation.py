"""The share of rows with the largest scores: truncation.

References:
  Qiao et al. 2026, arXiv:2606.13732: truncation towards a point collapses a loop that
  accumulates, which is safe without it.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.ranking import Score, largest
from collapse.core.types import Batch, Curator, Key, Weights


def top_share(score: Score, share: Number, candidates: int = 1) -> Curator:
    """The curator that keeps a share of the candidates, those of the largest scores.

    With 1 / share candidates a row all positions are filled, with more only the first
    of the rows that pass. The control is `at_random(share, candidates, exact=True)`.

    A controller's keep rate leaves the rows of the largest scores, too: with share = 1
    it is the controller that truncates.

    Args:
      score: `(batch, reference) -> [rows]`.
      share: alpha, of all candidates of a slot, rounded to whole rows.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the share is not in [0, 1].
    """
    within("share", share, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del key
        return largest(score(batch, reference), share)

    def rank(key: Key, batch: Batch, reference: object) -> Float[Array, " rows"]:
        del key
        return score(batch, reference)

    return Curator(candidates, weigh, rank=rank)


def nearness(centre: Float[Array, "..."]) -> Score:
    """The score that is larger the nearer a row is to a point: minus their distance.

    Args:
      centre: of the form of a row.
    """

    def score(batch: Batch, reference: object) -> Float[Array, " rows"]:
        del reference
        squares = (batch - centre[None]) ** 2
        return -jnp.sqrt(jnp.sum(squares, axis=tuple(range(1, batch.ndim))))

    return score
