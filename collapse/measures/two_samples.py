"""Statistics of two samples: how far rows of a model are from reference rows.

Each is `(points [m, d], reference [r, d]) -> scalar`, about a squared distance, so that
it grows like the square of a small difference. What it is on average for two samples of
one law is its floor.

`STATISTICS` has them as `reference -> (points -> scalar)`: what depends on the
reference alone is then computed once and not in every generation.
"""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.measures.neighbours import (
    energy_distance,
    mean_similarity,
    squared_distances,
)
from collapse.numerics import ranking

Points = Float[Array, "m d"]
Reference = Float[Array, "r d"]
Statistic = Callable[[Points, Reference], Float[Array, ""]]
Bound = Callable[[Points], Float[Array, ""]]

_RIDGE = 1e-3  # of a discriminant, in units of the features' mean variance
_TAIL = 0.01  # share of the reference beyond each end of a coordinate
_PAIRED = 500  # reference rows whose distances give the width of a kernel


def squared_mean(points: Points, reference: Reference) -> Float[Array, ""]:
    """Squared distance of the means, over the total variance of the reference.

    Two samples of one law have 1 / m + 1 / r on average.
    """
    gap = jnp.mean(points, 0) - jnp.mean(reference, 0)
    return jnp.sum(gap**2) / jnp.sum(jnp.var(reference, 0))


def squared_covariance(points: Points, reference: Reference) -> Float[Array, ""]:
    """Squared Frobenius distance of covariances, over the reference's squared norm."""
    own, theirs = (jnp.atleast_2d(jnp.cov(rows.T)) for rows in (points, reference))
    return jnp.sum((own - theirs) ** 2) / jnp.sum(theirs**2)


def energy(points: Points, reference: Reference) -> Float[Array, ""]:
    """Energy distance without bias (Szekely & Rizzo 2013); 0 for one law on average."""
    return energy_distance(points, reference)


def mmd_to(reference: Reference) -> Bound:
    """A function: the squared maximum mean discrepancy of points from the reference.

    The kernel is a Gaussian one, exp(-|x - y|^2 / (2 width^2)), whose width is that of
    the reference, so that it is the same for all points. The U-statistic, unbiased: 0
    on average for one law, and below 0 about half of the time. It sees all differences,
    best those of about the width, and is at most 2.

    Args:
      reference: at least 2 rows.

    References:
      Gretton et al. 2012, A kernel two-sample test (JMLR 13:723), lemma 6.
    """
    square = squared_width(reference)
    own = mean_similarity(reference, reference, square, same=True)

    def discrepancy(points: Points) -> Float[Array, ""]:
        theirs = mean_similarity(points, points, square, same=True)
        across = mean_similarity(points, reference, square)
        return theirs + own - 2 * across

    return discrepancy


def squared_width(reference: Reference) -> Float[Array, ""]:
    """Squared median distance of two of the reference's first 500 rows; 1 if that is 0.

    The median is the usual width of a kernel (Gretton et al. 2012, sec. 8), there of
    both samples, which would change it from generation to generation.
    """
    rows = reference[:_PAIRED]
    pairs = jnp.triu_indices(len(rows), 1)
    middle = jnp.median(squared_distances(rows, rows)[pairs])
    return jnp.where(middle > 0, middle, 1)


def squared_auc(points: Points, reference: Reference) -> Float[Array, ""]:
    """(2 AUC - 1)^2 of a linear discriminant of x and x^2, trained on the other half.

    AUC is the chance that it ranks a reference row above one of the model: 1/2 where
    the two cannot be told apart by mean and spread.
    """
    halves = [(rows[::2], rows[1::2]) for rows in map(_squares, (points, reference))]
    (own, own_test), (theirs, theirs_test) = halves
    centred = jnp.concatenate([x - x.mean(0)[None] for x in (own, theirs)])
    scatter = centred.T @ centred / len(centred)
    scale = jnp.trace(scatter) / len(scatter)
    ridge = _RIDGE * scale * jnp.eye(len(scatter), dtype=scatter.dtype)
    direction = jnp.linalg.solve(scatter + ridge, theirs.mean(0) - own.mean(0))
    auc = ranking.auc(own_test @ direction, theirs_test @ direction)
    return (2 * auc - 1) ** 2


def squared_tail(points: Points, reference: Reference) -> Float[Array, ""]:
    """Squared relative change of the mass beyond the reference's outer quantiles.

    Mean over coordinates of that below the 1 % and above the 99 % quantile.
    """
    ends = jnp.quantile(reference, jnp.array([_TAIL, 1 - _TAIL]), axis=0)
    outside = (points < ends[:1]) | (points > ends[1:])
    return (jnp.mean(outside.astype(points.dtype)) / (2 * _TAIL) - 1) ** 2


def _squares(rows: Points) -> Float[Array, "m 2*d"]:
    """Each coordinate and its square."""
    return jnp.concatenate([rows, rows**2], axis=1)


def _against(statistic: Statistic) -> Callable[[Reference], Bound]:
    """The statistic as a function of the reference first."""
    return lambda reference: lambda points: statistic(points, reference)


STATISTICS: Mapping[str, Callable[[Reference], Bound]] = {
    "mean": _against(squared_mean),
    "covariance": _against(squared_covariance),
    "energy": _against(energy),
    "mmd": mmd_to,
    "auc": _against(squared_auc),
    "tail": _against(squared_tail),
}
