"""Scores of rows, and the rows of the largest scores."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.curation.checks import Number
from collapse.core.types import Batch, Weights

# `(batch, reference) -> [rows]`, larger is better; a NaN is the smallest score
Score: TypeAlias = Callable[[Batch, Any], Float[Array, " rows"]]


def places(scores: Float[Array, " rows"]) -> Int[Array, " rows"]:
    """Place of each row in falling order of scores, from 0; of equal ones in order."""
    rows = scores.shape[0]
    order = jnp.argsort(-scores, stable=True)  # NaN comes last
    index = jnp.arange(rows, dtype=jnp.int32)
    return jnp.zeros(rows, jnp.int32).at[order].set(index)


def number_of(share: Number, rows: int) -> Int[Array, ""]:
    """The number of rows that a share is, rounded to the nearest, halves up."""
    count = jnp.asarray(share, jnp.result_type(float)) * rows
    return jnp.floor(count + 0.5).astype(jnp.int32)


def largest(scores: Float[Array, " rows"], share: Number) -> Weights:
    """Weights of 1 for this share of the rows, those of the largest scores, else 0."""
    kept = places(scores) < number_of(share, scores.shape[0])
    return kept.astype(jnp.result_type(float))
