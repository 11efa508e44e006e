"""How good a curator is: what it keeps, what that costs, and what is lost by it.

Pure functions of rows, weights and the truth about them, for a metric, a notebook or
the test of a verifier. What needs no truth is in every curated run's `Trace.info`, see
`tally.shares`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.curation.distances import for_each
from collapse.core.types import Weights


class KeepProbabilities(NamedTuple):
    """How often a verifier keeps rows that are right, and rows that are wrong.

    Attributes:
      phi: share of the right rows that is kept; NaN without any.
      psi: share of the wrong rows that is kept; NaN without any.
    """

    phi: Float[Array, ""]
    psi: Float[Array, ""]


def keep_probabilities(
    weights: Weights, right: Bool[Array, " rows"]
) -> KeepProbabilities:
    """Measured phi and psi of a verifier, of the weights that it gave to rows."""
    kept = (weights > 0).astype(weights.dtype)

    def share(those: Array) -> Array:
        chosen = those.astype(kept.dtype)
        return jnp.sum(kept * chosen) / jnp.sum(chosen)

    return KeepProbabilities(share(right), share(~right))


def threshold(probabilities: KeepProbabilities) -> Float[Array, ""]:
    """The share of wrong labels up to which most of the labels kept are right.

    p* = phi / (phi + psi) of Feng et al. 2024 (arXiv:2406.07515): of wrong labels at a
    share p < p* a verifier leaves less than one half.
    """
    return probabilities.phi / (probabilities.phi + probabilities.psi)


def keep_rate(weights: Weights) -> Float[Array, ""]:
    """Share of the candidates that are kept."""
    return jnp.mean((weights > 0).astype(weights.dtype))


def cost(weights: Weights, num: int) -> Float[Array, ""]:
    """Candidates generated for each row that enters the store; infinite if none does.

    Args:
      weights: [candidates], of a slot.
      num: n, positions that there are for them.
    """
    kept = jnp.sum((weights > 0).astype(jnp.int32))
    return weights.shape[0] / jnp.minimum(kept, num).astype(weights.dtype)


def effective_size(weights: Weights) -> Float[Array, ""]:
    """Effective sample size (sum w)^2 / sum w^2 of weighted rows; 0 for no rows.

    So many rows of equal weight give a mean the same variance, if weights and values
    are independent (Kish 1965).
    """
    squares = jnp.sum(weights**2)
    there = squares > 0
    return jnp.where(there, jnp.sum(weights) ** 2 / jnp.where(there, squares, 1), 0)


def lost_coverage(
    points: Float[Array, "rows d"],
    weights: Weights,
    reference: Float[Array, "others d"],
    k: int = 5,
) -> Float[Array, ""]:
    """Share of the reference's neighbourhoods in which no kept row lies.

    The neighbourhood of a real row is the ball about it that reaches to its k-th
    nearest other real row. It is 1 - coverage of Naeem et al. 2020 (arXiv:2002.09797),
    and not 0 for fresh real rows either: for M of them and N of reference it is
    prod_{j=1..k} (N - j) / (M + N - j) on average. Compare with the control, which
    keeps as many rows.

    Args:
      points: [rows, d] candidates.
      weights: [rows], 0 for those that are rejected.
      reference: [others, d] real rows, more than k.
      k: neighbours of a ball.

    Raises:
      ValueError: if there are no k other reference rows.
    """
    if not 1 <= k < reference.shape[0]:
        raise ValueError(
            f"k is {k}, with {reference.shape[0]} reference rows; give more rows than k"
        )

    def reach(index: Array, squares: Array) -> Array:
        others = squares.at[index].set(jnp.inf)
        return -lax.top_k(-others, k)[0][-1]

    radius = for_each(reference, reference, reach)

    def is_empty(index: Array, squares: Array) -> Array:
        return ~jnp.any((squares <= radius[index]) & (weights > 0))

    lost = for_each(reference, points, is_empty)
    return jnp.mean(lost.astype(points.dtype))


def lost_cells(
    cells: Int[Array, " rows"],
    weights: Weights,
    reference: Int[Array, " others"],
    num_cells: int,
) -> Float[Array, ""]:
    """Share of the cells with a reference row that have no kept row.

    For rows that are counted in cells: symbols, classes, modes, squares of a grid.

    Args:
      cells: [rows] cell of each candidate, from 0 to num_cells - 1.
      weights: [rows], 0 for those that are rejected.
      reference: [others] cells of real rows.
      num_cells: number of cells.
    """
    there = jnp.zeros(num_cells, bool).at[reference].set(True)
    kept = (
        jnp.zeros(num_cells, jnp.int32).at[cells].add((weights > 0).astype(jnp.int32))
    )
    lost = (there & (kept == 0)).astype(weights.dtype)
    return jnp.sum(lost) / jnp.sum(there.astype(weights.dtype))
