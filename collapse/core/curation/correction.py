"""Corrections: generated rows are moved towards what is true, and none is rejected.

References:
  Gillman et al. 2024, Self-correcting self-consuming loops for generative model
  training, arXiv:2402.07087.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.keeping import KEEP_ALL, num_rows
from collapse.core.types import Batch, Curator, Key
from collapse.numerics import draws, threefry

Correct: TypeAlias = Callable[[Key, Batch, Any], Batch]


def corrected(correct: Correct, curator: Curator = KEEP_ALL) -> Curator:
    """A curator whose rows are corrected before it weighs them.

    A weight cannot say where a row should have been, so a curator has a field for it;
    a corrected row is still one of the model, with the model's generation as its
    origin. The control is the same curator without a correction.

    Args:
      correct: `(key, batch, reference) -> batch` of the same form.
      curator: what weighs the corrected rows; all are kept by default.
    """
    return curator._replace(correct=correct)


def towards(project: Callable[[Batch, Any], Batch], gamma: Number) -> Correct:
    """The correction (x + gamma P(x)) / (1 + gamma) of every row, P a projection.

    Args:
      project: `(batch, reference) -> batch`, where rows should be, such as
        `nearest_of(centres)`.
      gamma: 0 leaves rows as they are, infinity puts them where they should be.

    Raises:
      ValueError: if gamma is negative.
    """
    within("gamma", gamma, 0)

    def correct(key: Key, batch: Batch, reference: object) -> Batch:
        del key

        def moved(row: Array, goal: Array) -> Array:
            return row + share_of(gamma, row.dtype) * (goal - row)

        return jax.tree.map(moved, batch, project(batch, reference))

    return correct


def replaced(truth: Callable[[Key, int, Any], Batch], gamma: Number) -> Correct:
    """The correction whose law is (p + gamma p_0) / (1 + gamma), p_0 an ideal one.

    That is the paper's correction of strength gamma: each row is replaced with
    probability gamma / (1 + gamma) by one of the ideal law. It is the oracle of every
    correction, and no different from as many fresh real rows but in their origin. A
    deviation of the mean shrinks by 1 / (1 + gamma) in each generation.

    Args:
      truth: `(key, num, reference) -> batch` of rows of the ideal law.
      gamma: strength; 0 changes nothing, infinity replaces all rows.

    Raises:
      ValueError: if gamma is negative.
    """
    within("gamma", gamma, 0)

    def correct(key: Key, batch: Batch, reference: object) -> Batch:
        coin_key, truth_key = threefry.split(key)
        rows = num_rows(batch)
        unit = draws.uniform(coin_key, (rows,))
        there = unit < share_of(gamma, unit.dtype)

        def choose(row: Array, ideal: Array) -> Array:
            return jnp.where(there.reshape(-1, *[1] * (row.ndim - 1)), ideal, row)

        return jax.tree.map(choose, batch, truth(truth_key, rows, reference))

    return correct


def nearest_of(
    centres: Float[Array, "k d"],
) -> Callable[[Float[Array, "rows d"], Any], Float[Array, "rows d"]]:
    """The projection of each row to the nearest of some points.

    The paper's correction of digits: centres of k-means of real images.

    Args:
      centres: [k, d].
    """

    def project(batch: Float[Array, "rows d"], reference: object) -> Array:
        del reference
        # |x - c|^2 without |x|^2, which is the same for all centres
        gaps = jnp.sum(centres**2, axis=1)[None] - 2 * batch @ centres.T
        return centres[jnp.argmin(gaps, axis=1)]

    return project


def share_of(gamma: Number, dtype: Any) -> Float[Array, ""]:
    """The weight gamma / (1 + gamma) of what is ideal; 1 for an infinite gamma."""
    return 1 - 1 / (1 + jnp.asarray(gamma, dtype))
