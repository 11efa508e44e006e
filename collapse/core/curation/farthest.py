"""Farthest-point selection: rows that cover as much as so few can.

References:
  Gonzalez 1985, Clustering to minimize the maximum intercluster distance (Theor.
  Comput. Sci. 38:293): the largest distance of a row to the nearest one chosen is at
  most twice the smallest possible.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.distances import as_points, squared
from collapse.core.curation.ranking import number_of
from collapse.core.types import Batch, Curator, Key, Weights


def spread_out(
    share: Number,
    features: Callable[[Batch], Float[Array, "rows d"]] = as_points,
    candidates: int = 1,
) -> Curator:
    """The curator that keeps a share of the rows, far from one another.

    It prefers the edges: kept rows vary more than those they are chosen from. The
    control is `at_random(share, candidates, exact=True)`. Its time grows with the
    square of the candidates.

    Args:
      share: of the candidates of a slot, rounded to whole rows.
      features: batch -> [rows, d]; by default the numbers of an array's rows.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the share is not in [0, 1].
    """
    within("share", share, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del key, reference
        return far_apart(features(batch), share).astype(jnp.result_type(float))

    return Curator(candidates, weigh)


def far_apart(points: Float[Array, "rows d"], share: Number) -> Bool[Array, " rows"]:
    """Whether each point is chosen: the first one, then the farthest from all chosen.

    Of equally far ones the first.
    """
    rows = points.shape[0]

    def choose(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        chosen, nearest = carry
        # a chosen one is never taken again, not even if the others are copies of it
        newest = jnp.argmax(jnp.where(chosen, -1, nearest))
        gaps = squared(points[newest], points)
        return chosen.at[newest].set(True), jnp.minimum(nearest, gaps)

    start = (jnp.zeros(rows, bool), jnp.full(rows, jnp.inf, points.dtype))
    return lax.fori_loop(0, number_of(share, rows), choose, start)[0]
