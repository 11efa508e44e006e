"""Importance weights by a discriminator of real and generated rows."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, positive
from collapse.core.curation.discriminator import Training, values_and_squares
from collapse.core.curation.discriminator_filter import odds_of
from collapse.core.curation.importance import normalised
from collapse.core.types import Batch, Curator, Key, Weights

Kind = Literal["odds", "probability"]


def by_discriminator(
    exponent: Number = 1.0,
    kind: Kind = "odds",
    training: Training = Training(values_and_squares),  # noqa: B008 - constants
    *,
    real: Callable[[Any], Batch] | None = None,
    most: Number = jnp.inf,
    candidates: int = 1,
) -> Curator:
    """The curator that weighs each row by a power of how real a discriminator holds it.

    The discriminator is trained on the candidates of the slot and on real rows of the
    reference. The effective sample size of its weights is `Trace.info`'s
    `effective_share`; `density_ratio` is the oracle, and `shuffled` the control.

    Args:
      exponent: b > 0.
      kind: of the weights, see `log_ratio`.
      training: of the discriminator.
      real: reference -> batch of real rows; None if the reference is one.
      most: bound of a weight, see `importance.normalised`.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the exponent or the bound is not positive, or the kind unknown.

    References:
      Drayson, Yilmaz & Lampos 2025, arXiv:2502.15654 (probability, b = 10, with rows
      drawn by weight).
    """
    positive("exponent", exponent)
    positive("most", most)
    if kind not in ("odds", "probability"):
        raise ValueError(f"kind is {kind!r}; give 'odds' or 'probability'")
    odds = odds_of(training, real)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del key
        return normalised(log_ratio(odds(batch, reference), kind), exponent, most)

    return Curator(candidates, weigh)


def log_ratio(odds: Float[Array, " rows"], kind: Kind) -> Float[Array, " rows"]:
    """Logarithms of what is raised to the power b, from log-odds of being real.

    "odds" is D / (1 - D), where D tells real rows from *the rows that are weighed*.
    With D exact and b = 1 the weighted rows have the law of real ones, whatever law
    they were drawn from: it is the ratio of the two densities.

    "probability" is D. With b = 1 it gives back the law p_0 of real rows only if the
    rows weighed are a mixture of real and generated ones, a p_0 + (1 - a) p_s, and D
    tells these two apart at their true shares: then D = a p_0 / (a p_0 + (1 - a) p_s).
    b > 1 gives p_0 D^(b-1), which prefers what the model does not generate. For rows
    of the model alone, p_s, and D of equal shares it gives p_s p_0 / (p_0 + p_s):
    weights that never exceed twice those of a row at even odds, at the price of a law
    that is not that of real rows.
    """
    return odds if kind == "odds" else jax.nn.log_sigmoid(odds)
