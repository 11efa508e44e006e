"""Self-confidence: a model's own judgement of the rows that it has generated."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Array, Float

from collapse.core.curation.checks import Number
from collapse.core.curation.truncation import top_share
from collapse.core.types import Batch, Curator, Params


def most_confident(
    log_density: Callable[[Params, Batch], Float[Array, " rows"]],
    share: Number,
    candidates: int = 1,
) -> Curator:
    """The curator that keeps the rows which their model holds to be the most likely.

    By `Curator.context` the current parameters are what the score sees in place of the
    problem's reference. Since no real row is looked at, nothing holds the loop to the
    truth: it is truncation towards the model's own mode.

    Args:
      log_density: `(params, batch) -> [rows]`, up to a constant; for rows of several
        tokens a mean over tokens, say.
      share: of the candidates of a slot that is kept.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the share is not in [0, 1].
    """

    def score(batch: Batch, params: Params) -> Float[Array, " rows"]:
        return log_density(params, batch)

    return top_share(score, share, candidates)._replace(context=_params)


def _params(params: Params, reference: Any) -> Params:
    del reference
    return params
