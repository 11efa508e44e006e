"""Covariance matching: rows whose mean and covariance are nearest to real ones."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.distances import as_points
from collapse.core.curation.ranking import number_of
from collapse.core.types import Batch, Curator, Key, Weights

_RIDGE = 1e-9  # of the reference's covariance, relative to its mean variance


def covariance_matched(
    share: Number,
    features: Callable[[Batch], Float[Array, "rows d"]] = as_points,
    *,
    real: Callable[[Any], Batch] | None = None,
    candidates: int = 1,
) -> Curator:
    """The curator that keeps a share of rows with the moments of the reference.

    Rows are chosen one after the other, each so that mean and covariance of those
    chosen come nearest to the reference's. Nothing else of the law is looked at: it is
    what a Frechet distance sees. The control is `at_random(share, candidates,
    exact=True)`. Its time grows with the square of the candidates.

    Args:
      share: of the candidates of a slot, rounded to whole rows.
      features: batch -> [rows, d]; by default the numbers of an array's rows.
      real: reference -> batch of real rows, more than d; None if the reference is one.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the share is not in [0, 1].

    References:
      "CovMatch" is a baseline of Qiao et al. 2026, arXiv:2606.13732; the greedy choice
      is that of herding (Welling 2009, ICML).
    """
    within("share", share, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del key
        ours = features(reference if real is None else real(reference))
        return matched(features(batch), ours, share).astype(jnp.result_type(float))

    return Curator(candidates, weigh)


def matched(
    points: Float[Array, "rows d"], reference: Float[Array, "others d"], share: Number
) -> Bool[Array, " rows"]:
    """Whether each point is chosen, by greedy matching of first and second moments.

    In coordinates z in which the reference has mean 0 and covariance I, what is made
    small in each step is |mean of z|^2 + |mean of z z' - I|^2 (Frobenius norm); of
    equally good points the first is taken.
    """
    moments, goal = _moments(points, reference)
    rows = points.shape[0]
    lengths = jnp.sum(moments**2, axis=1)

    def choose(step: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        chosen, total = carry
        # |total + m_i - (step + 1) goal|^2 without what is the same for every i
        short = total - (step + 1).astype(total.dtype) * goal
        value = jnp.where(chosen, jnp.inf, 2 * moments @ short + lengths)
        newest = jnp.argmin(value)
        return chosen.at[newest].set(True), total + moments[newest]

    start = (jnp.zeros(rows, bool), jnp.zeros_like(goal))
    return lax.fori_loop(0, number_of(share, rows), choose, start)[0]


def _moments(
    points: Float[Array, "rows d"], reference: Float[Array, "others d"]
) -> tuple[Float[Array, "rows p"], Float[Array, " p"]]:
    """First and second moments of each point in white coordinates, and their goal."""
    d = points.shape[1]
    mean = jnp.mean(reference, axis=0)
    centred = reference - mean[None]
    covariance = centred.T @ centred / reference.shape[0]
    least = _RIDGE * jnp.trace(covariance) / d
    factor = jnp.linalg.cholesky(covariance + least * jnp.eye(d, dtype=points.dtype))
    white = solve_triangular(factor, (points - mean[None]).T, lower=True).T
    upper, right = np.triu_indices(d)
    # an entry off the diagonal stands for two of the matrix
    twice = jnp.asarray(np.where(upper == right, 1.0, np.sqrt(2.0)), points.dtype)
    second = white[:, upper] * white[:, right] * twice[None]
    goal = jnp.asarray(np.concatenate([np.zeros(d), upper == right]), points.dtype)
    return jnp.concatenate([white, second], axis=1), goal
