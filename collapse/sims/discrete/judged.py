"""What is known of single symbols, for judges of them."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.experiment.row_truth import RIGHT_SHARE, Bias, Knowledge

Symbols = Int[Array, " rows"]


def knowledge(root: Key, truth: Float[Array, " M"], *values: Any) -> Knowledge:
    """What is known of symbols whose true shares fall.

    A score is the logarithm of the true share, and a symbol is right if it is one of
    the most frequent ones that have nine tenths of the truth. There is no direction in
    which a judge could be wrong: the bias has to be 0.
    """
    del root, values
    above = jnp.cumsum(truth) - truth  # share of the more frequent ones

    def log_truth(batch: Symbols) -> Float[Array, " rows"]:
        return jnp.log(truth[batch])

    def score(batch: Symbols, bias: Bias) -> Float[Array, " rows"]:
        del bias
        return log_truth(batch)

    def right(batch: Symbols, bias: Bias) -> Bool[Array, " rows"]:
        del bias
        return above[batch] < RIGHT_SHARE

    def log_model(params: Float[Array, " M"], batch: Symbols) -> Float[Array, " rows"]:
        return jnp.log(params[batch])

    return Knowledge(score=score, right=right, log_truth=log_truth, log_model=log_model)
