"""Importance weights: rows of one law, weighed as if they were drawn from another."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, positive
from collapse.core.types import Batch, Curator, Key, Params, Weights


def density_ratio(
    log_truth: Callable[[Batch, Any], Float[Array, " rows"]],
    log_model: Callable[[Params, Batch], Float[Array, " rows"]],
    exponent: Number = 1.0,
    most: Number = jnp.inf,
    candidates: int = 1,
) -> Curator:
    """The oracle of importance weights: (p_0 / p_model)^b from two known densities.

    With b = 1 and no bound a weighted sum over generated rows estimates the sum over
    real ones without bias from the model, for what the model can still generate.

    Args:
      log_truth: `(batch, reference) -> [rows]`, log-density of the data distribution.
      log_model: `(params, batch) -> [rows]`, log-density of the model that generated
        the rows, which it is given by `Curator.context`.
      exponent: b > 0.
      most: bound of a weight, see `normalised`.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the exponent or the bound is not positive.
    """
    positive("exponent", exponent)
    positive("most", most)

    def weigh(key: Key, batch: Batch, both: tuple[Params, object]) -> Weights:
        del key
        params, reference = both
        ratio = log_truth(batch, reference) - log_model(params, batch)
        return normalised(ratio, exponent, most)

    return Curator(candidates, weigh, context=_both)


def normalised(
    log_ratio: Float[Array, " rows"], exponent: Number, most: Number
) -> Weights:
    """Weights ratio^b of mean 1, those above a bound cut to it.

    The mean is 1 so that generated rows keep their total weight beside real ones. What
    the bound takes away is given to all rows in proportion, once; so the largest weight
    may exceed the bound by the factor by which the mean had fallen. A weight that
    underflows is 0, and its row is rejected.

    Args:
      log_ratio: [rows]; -inf and NaN reject a row, rows of +inf share all weight.
      exponent: b; 0 < b.
      most: bound of a weight whose mean is 1; inf for none.
    """
    dtype = jnp.result_type(float)
    power = jnp.asarray(exponent, dtype) * log_ratio.astype(dtype)
    power = jnp.where(jnp.isnan(power), -jnp.inf, power)
    largest = jnp.max(power)
    # relative to the largest, which is 1: a finite number whatever the ratio is
    infinite = largest == jnp.inf
    relative = jnp.exp(power - jnp.where(jnp.isfinite(largest), largest, 0))
    weights = jnp.where(infinite, (power == jnp.inf).astype(dtype), relative)
    cut = jnp.minimum(_of_mean_one(weights), jnp.asarray(most, dtype))
    return _of_mean_one(cut)


def _both(params: Params, reference: Any) -> tuple[Params, Any]:
    return params, reference


def _of_mean_one(weights: Weights) -> Weights:
    """The weights in proportion, with mean 1; zeros stay zeros."""
    mean = jnp.mean(weights)
    return weights / jnp.where(mean > 0, mean, 1)
