"""Measures of samples by distances between rows: neighbours, energy, kernels.

For models without a density: images, molecules, anything that generates rows. Rows are
vectors, or angles on a torus, whose differences are taken the short way round.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

Space = Literal["euclidean", "torus"]
NEIGHBOURS = 5  # of a row's neighbourhood, for precision and recall
BLOCK = 256  # rows whose distances to all others are in memory at once
_FEW = 8  # features up to which differences are taken one by one


class PrecisionRecall(NamedTuple):
    """How much of the generated rows is realistic, and how much of reality they cover.

    Attributes:
      precision: share of the generated rows that lie among the real ones.
      recall: share of the real rows that lie among the generated ones.
    """

    precision: Float[Array, ""]
    recall: Float[Array, ""]


def precision_recall(
    generated: Float[Array, "rows d"],
    real: Float[Array, "others d"],
    k: int = NEIGHBOURS,
    space: Space = "euclidean",
) -> PrecisionRecall:
    """Improved precision and recall: shares of rows within the other set's manifold.

    The manifold of a set is the union of balls about its rows, each of which reaches to
    the k-th nearest other row of the set. Hallucinated rows lower precision, lost modes
    lower recall. A perfect model does not reach 1: fresh real rows fall outside at the
    edges, the more so in many dimensions. Both depend on the numbers of rows, so that
    only values of equal numbers compare.

    Args:
      generated: [rows, d], more than k.
      real: [others, d], more than k, best as many as are generated. Rows that the model
        was not trained on, or else a model that memorises has precision 1.
      k: neighbours of a ball.
      space: of the rows; angles on a torus are in radians.

    Raises:
      ValueError: if a set has no more than k rows.

    References:
      Kynkäänniemi et al. 2019, Improved precision and recall metric for assessing
      generative models (arXiv:1904.06991), section 2.
    """
    reach_real, reach_generated = (
        neighbour_distances(rows, k, space) for rows in (real, generated)
    )
    inside = within(generated, real, reach_real, space)
    covered = within(real, generated, reach_generated, space)
    return PrecisionRecall(_share(inside, real.dtype), _share(covered, real.dtype))


def generalisation_score(
    generated: Float[Array, "rows d"],
    training: Float[Array, "others d"],
    space: Space = "euclidean",
) -> Float[Array, ""]:
    """Mean distance of generated rows to the nearest training row: 0 for copies.

    It falls as a model goes over to repeating its training rows. What a model without
    this fault reaches is the same of as many fresh real rows; it falls with the number
    of training rows, so that only values of equal numbers compare.

    Args:
      generated: [rows, d].
      training: [others, d] rows that the model was fitted to, or any other reference.
      space: of the rows.

    References:
      Shi et al. 2025, A closer look at model collapse: from a generalization-to-
      memorization perspective (arXiv:2509.16499).
    """
    return jnp.mean(nearest_distances(generated, training, space))


def energy_distance(
    first: Float[Array, "rows d"],
    second: Float[Array, "others d"],
    space: Space = "euclidean",
) -> Float[Array, ""]:
    """Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'|: 0 for equal laws alone.

    The estimate is the U-statistic, which leaves out the distance of a row to itself:
    unbiased, so that it is negative about half of the time for equal laws.

    On a torus |x - y| is the length of the chord between the points (cos x, sin x) of
    the circles, at most 2 for each angle. The length of the arc would not do: as a
    series in cos k(x - y) it has odd k alone, so that laws that differ in even Fourier
    modes would have distance 0.

    Args:
      first: [rows, d], at least 2.
      second: [others, d], at least 2.
      space: of the rows.

    Raises:
      ValueError: if a set has fewer than 2 rows.

    References:
      Székely & Rizzo 2013, Energy statistics (J. Stat. Plan. Inference 143:1249).
    """
    if min(len(first), len(second)) < 2:
        raise ValueError("an energy distance needs 2 rows of each law at least")
    if space == "torus":
        first, second = embedded(first), embedded(second)

    def total(index: Array, squared: Array) -> Array:
        del index
        return jnp.sum(jnp.sqrt(squared))

    def total_of_others(index: Array, squared: Array) -> Array:
        return jnp.sum(jnp.sqrt(squared.at[index].set(0)))  # rounding leaves some there

    def own(rows: Array) -> Array:
        each = _for_each(rows, rows, "euclidean", total_of_others)
        return jnp.mean(each) / (len(rows) - 1)

    across = jnp.mean(_for_each(first, second, "euclidean", total)) / len(second)
    return 2 * across - own(first) - own(second)


def squared_distances(
    rows: Float[Array, "rows d"], others: Float[Array, "others d"]
) -> Float[Array, "rows others"]:
    """Squared distance of each row to each of the others; for few rows."""
    return _for_each(rows, others, "euclidean", lambda index, squared: squared)


def mean_similarity(
    rows: Float[Array, "rows d"],
    others: Float[Array, "others d"],
    squared_width: Float[Array, ""],
    same: bool = False,
) -> Float[Array, ""]:
    """Mean Gaussian kernel exp(-|x - y|^2 / (2 width^2)) over pairs of rows and others.

    Args:
      rows: [rows, d].
      others: [others, d].
      squared_width: the squared width of the kernel.
      same: whether the others are the rows themselves, at least 2; the kernel of a row
        and itself is then left out.
    """

    def total(index: Array, squared: Array) -> Array:
        near = jnp.exp(-squared / (2 * squared_width))
        return jnp.sum(near.at[index].set(0) if same else near)

    each = _for_each(rows, others, "euclidean", total)
    return jnp.mean(each) / (len(others) - same)


def nearest_distances(
    rows: Float[Array, "rows d"],
    others: Float[Array, "others d"],
    space: Space = "euclidean",
) -> Float[Array, " rows"]:
    """Distance [rows] of each row to the nearest of the others; exact 0 for a copy."""

    def nearest(index: Array, squared: Array) -> Array:
        # once more, by differences: a squared distance of a copy that comes from a
        # product of matrices is rounding error, and its root is not small
        gap = _difference(rows[index], others[jnp.argmin(squared)], space)
        return jnp.sqrt(jnp.sum(gap**2))

    return _for_each(rows, others, space, nearest)


def neighbour_distances(
    rows: Float[Array, "rows d"], k: int, space: Space = "euclidean"
) -> Float[Array, " rows"]:
    """Distance [rows] of each row to the k-th nearest of the other rows of its set.

    Raises:
      ValueError: if there are no k other rows.
    """
    if not 1 <= k < len(rows):
        raise ValueError(f"{k} neighbours need {k + 1} rows at least, got {len(rows)}")

    def reach(index: Array, squared: Array) -> Array:
        return jnp.sqrt(_smallest(squared.at[index].set(jnp.inf), k))

    return _for_each(rows, rows, space, reach)


def within(
    rows: Float[Array, "rows d"],
    others: Float[Array, "others d"],
    reach: Float[Array, " others"],
    space: Space = "euclidean",
) -> Bool[Array, " rows"]:
    """Whether each row lies in a ball about one of the others [rows].

    Args:
      rows: [rows, d].
      others: [others, d] centres.
      reach: [others] radii.
      space: of the rows.
    """

    def inside(index: Array, squared: Array) -> Array:
        del index
        return jnp.any(squared <= reach**2)

    return _for_each(rows, others, space, inside)


def embedded(angles: Float[Array, "rows m"]) -> Float[Array, "rows 2*m"]:
    """Points (cos, sin) of angles in radians: the torus as a surface in 2 m axes."""
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=1)


def wrapped(angles: Float[Array, "..."]) -> Float[Array, "..."]:
    """Angles in [-pi, pi), the same points of the circle, in radians."""
    turn = 2 * jnp.pi
    return angles - turn * jnp.floor((angles + jnp.pi) / turn)


def _for_each(
    rows: Float[Array, "rows d"],
    others: Float[Array, "others d"],
    space: Space,
    reduce: Callable[[Int[Array, ""], Float[Array, " others"]], Array],
) -> Array:
    """`reduce(index, squared distances to all others)` of each row, in blocks."""
    products = space == "euclidean" and rows.shape[1] > _FEW
    if products:  # about the centre, where less is lost to rounding
        centre = jnp.mean(others, axis=0)[None]
        rows, others = rows - centre, others - centre
    lengths = jnp.sum(others**2, axis=1)

    def one(index: Array) -> Array:
        row = rows[index]
        if products:
            shared = jnp.matmul(others, row, precision=lax.Precision.HIGHEST)
            return reduce(index, jnp.maximum(lengths - 2 * shared + row @ row, 0))
        gaps = _difference(row[:, None], others.T, space)
        return reduce(index, jnp.sum(gaps**2, axis=0))

    index = jnp.arange(len(rows), dtype=jnp.int32)
    return lax.map(one, index, batch_size=min(BLOCK, len(rows)))


def _smallest(values: Float[Array, " n"], k: int) -> Float[Array, ""]:
    """The k-th smallest value, equal ones counted each.

    By k passes, from each distinct value to the next: `lax.top_k` sorts on a CPU, which
    takes 30 times as long.
    """

    def next_one(_: Array, found: Array) -> Array:
        above = jnp.min(jnp.where(values > found, values, jnp.inf))
        return jnp.where(jnp.sum((values <= found).astype(jnp.int32)) < k, above, found)

    return lax.fori_loop(1, k, next_one, jnp.min(values))


def _difference(x: Array, y: Array, space: Space) -> Array:
    """The difference x - y, on a torus the short way round."""
    return wrapped(x - y) if space == "torus" else x - y


def _share(inside: Bool[Array, " rows"], dtype: jnp.dtype) -> Float[Array, ""]:
    return jnp.mean(inside.astype(dtype))
