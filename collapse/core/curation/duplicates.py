"""Deduplication: of rows that are almost alike only the first is kept.

References:
  Abbas et al. 2023, SemDeDup, arXiv:2303.09540 (a row goes if an earlier one of its
  cluster is too similar).
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.distances import as_points, for_each
from collapse.core.types import Batch, Curator, Key, Weights


def without_duplicates(
    distance: Number,
    features: Callable[[Batch], Float[Array, "rows d"]] = as_points,
    candidates: int = 1,
) -> Curator:
    """The curator that rejects a row nearer than a distance to an earlier candidate.

    The earlier one counts whether or not it is kept itself, so that all rows are
    decided at once: of a chain of near neighbours the first alone is left. Two kept
    rows are never nearer than the distance. Under a workflow that gives the first
    positions to real rows, the candidates of these positions count, too. The control is
    `shuffled`, or `at_random` with the rate measured, since a distance sets no rate.

    Args:
      distance: eps, Euclidean, between features.
      features: batch -> [rows, d]; by default the numbers of an array's rows.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the distance is negative.
    """
    within("distance", distance, 0)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del key, reference
        first = is_first(features(batch), distance)
        return first.astype(jnp.result_type(float))

    return Curator(candidates, weigh)


def is_first(points: Float[Array, "rows d"], distance: Number) -> Bool[Array, " rows"]:
    """Whether each point has no earlier one nearer than the distance."""
    index = jnp.arange(points.shape[0], dtype=jnp.int32)
    bound = jnp.asarray(distance, points.dtype) ** 2

    def alone(i: Array, squares: Array) -> Array:
        return ~jnp.any((squares < bound) & (index < i))

    return for_each(points, points, alone)
