"""Gaussian mixture with full covariances, fitted by expectation-maximisation.

The model in which collapse was first shown (Shumailov et al. 2023, arXiv:2305.17493,
section 4.1; Nature 631:755). The iteration itself is in `collapse.models.gmm_em`.
"""

import math
from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from collapse import draws
from collapse.models import gmm_em as em
from collapse.models.gmm_em import GmmParams
from collapse.types import Info, Key, Model, Weights

MAX_LLOYD = 300  # scikit-learn's bound


def gmm(
    num_components: int,
    *,
    dimension: int,
    tol: float | Float[Array, ""] = 1e-3,
    max_iter: int | Int[Array, ""] = 100,
    reg_covar: float | Float[Array, ""] = 1e-6,
    start: Literal["kmeans++", "previous"] = "kmeans++",
) -> Model:
    """Mixture of `num_components` Gaussians in `dimension` dimensions.

    Batches are [rows, d] and parameters `GmmParams`. A fit reports

      iterations: E- and M-steps done.
      converged: whether the last gain was below `tol`.
      log_likelihood: mean per unit weight, nats a row, of the parameters before the
        last step.
      gain: its last change. A small gain tells collapse from an unfinished fit.

    Args:
      num_components: K.
      dimension: d. Time and compile time grow with d^2 and d.
      tol: smallest gain in `log_likelihood` worth another iteration.
      max_iter: most iterations of a fit.
      reg_covar: added to the diagonal of every covariance after every step, in squared
        units of the data: a component cannot become narrower than its square root.
        With 0 a component that collapses onto a point stays finite but meaningless.
      start: "kmeans++" begins every fit afresh (the key is consumed), "previous" at the
        parameters handed in (the key is not used).

    `tol`, `max_iter` and `reg_covar` mean what they mean in scikit-learn's
    `GaussianMixture`, and may be traced.

    Raises:
      ValueError: if a size is not positive or `start` is unknown.
    """
    if num_components < 1 or dimension < 1:
        raise ValueError(
            "num_components and dimension must be positive, "
            f"got {num_components} and {dimension}"
        )
    if start not in ("kmeans++", "previous"):
        raise ValueError(f'start must be "kmeans++" or "previous", got {start!r}')

    def init(key: Key, batch: Array, weights: Weights) -> GmmParams:
        rows = _pack(batch, weights, dimension)
        return kmeans_start(key, rows, num_components, reg_covar)

    def fit(
        key: Key, params: GmmParams, batch: Array, weights: Weights
    ) -> tuple[GmmParams, Info]:
        rows = _pack(batch, weights, dimension)
        if start == "kmeans++":
            params = kmeans_start(key, rows, num_components, reg_covar)
        end, converged = em.climb(params, rows, tol, max_iter, reg_covar)
        info = {
            "iterations": end.iterations,
            "converged": converged,
            "log_likelihood": end.log_likelihood,
            "gain": end.gain,
        }
        return end.params, info

    return Model(init, fit, sample_points)


def sample_points(key: Key, params: GmmParams, num: int) -> Float[Array, "num d"]:
    """Independent rows of the mixture; consumes the key.

    Each row picks its component independently, so the counts are multinomial and the
    order of rows carries no information.
    """
    pick_key, noise_key = jax.random.split(key)
    d, dtype = params.means.shape[1], params.means.dtype
    pick = draws.uniform(pick_key, (num,), dtype)
    noise = draws.normal(noise_key, (d, num), dtype)
    root = em.factorise(params.covariances, em.pivot_floor(jnp.zeros((), dtype))).root
    # All K candidates of a row by one product, then a chain of selects: both vectorise,
    # a gather of each row's mean and root does not.
    moved = jnp.einsum("kij,jm->kim", root, noise, precision="highest")
    candidates = params.means[:, :, None] + moved
    edges = jnp.cumsum(params.weights)
    rows = candidates[-1]
    for k in reversed(range(len(edges) - 1)):
        rows = jnp.where((pick < edges[k])[None], candidates[k], rows)
    return rows.T


def log_density(params: GmmParams, points: Float[Array, "m d"]) -> Float[Array, " m"]:
    """Log of the mixture's density at each point, in nats."""
    top, _, total = _evaluate(params, points)
    return top + jnp.log(total)


def responsibilities(
    params: GmmParams, points: Float[Array, "m d"]
) -> Float[Array, "K m"]:
    """Posterior probability of each component at each point; columns sum to 1."""
    _, share, total = _evaluate(params, points)
    return share / total[None]


def moments(params: GmmParams) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and covariance of the whole mixture.

    After a fit they are those of the weighted rows (for the covariance, plus
    `reg_covar` on the diagonal), whatever the components are: collapse of these two is
    collapse of a single Gaussian.
    """
    mean = jnp.sum(params.weights[:, None] * params.means, 0)
    away = params.means - mean[None]
    each = params.covariances + away[:, :, None] * away[:, None, :]
    return mean, jnp.sum(params.weights[:, None, None] * each, 0)


def kmeans_start(
    key: Key,
    rows: em.Rows,
    num_components: int,
    reg_covar: float | Float[Array, ""],
) -> GmmParams:
    """Moments of the clusters of k-means; consumes the key.

    scikit-learn's default start with weighted rows: k-means++ seeds, then Lloyd's
    iteration until no row changes its cluster. Deviation: a cluster that loses all its
    rows keeps its centre instead of moving to the farthest row.
    """
    points = rows.points.transpose(1, 0, 2).reshape(rows.points.shape[1], -1)
    weights = rows.weights.reshape(-1)
    origin = points @ weights
    centred = points - origin[:, None]  # so that a far origin costs no digits
    seeds = _plus_plus(key, centred, weights, num_components)
    centres = _lloyd(centred, weights, seeds)
    mass = weights[None] * _nearest(centred, centres)
    d, dtype = points.shape[0], points.dtype
    reg = jnp.asarray(reg_covar, dtype)
    eye = jnp.broadcast_to(jnp.eye(d, dtype=dtype), (num_components, d, d))
    uniform = jnp.full((num_components,), 1 / num_components, dtype)
    reference = GmmParams(uniform, centres + origin[None], reg * eye)
    around = [centred[i][None] - centres[:, i, None] for i in range(d)]
    return em.maximise(
        reference,
        em.Factor(eye, eye),
        em.weighted_moments(mass, around),
        rows.spare,
        reg,
    )


def _plus_plus(
    key: Key, points: Float[Array, "d m"], weights: Float[Array, " m"], num: int
) -> Float[Array, "K d"]:
    """Greedy k-means++ seeds (Arthur & Vassilvitskii 2007, SODA), [K, d].

    Each next seed is the best of 2 + log K rows, drawn in proportion to weight times
    squared distance from the nearest seed. Where fewer than K rows differ, seeds
    repeat.
    """
    u = draws.uniform(key, (num, 2 + int(math.log(num))), points.dtype)
    far = jnp.full_like(weights, math.sqrt(jnp.finfo(weights.dtype).max))

    def add(nearest, u):
        mass = weights * nearest
        mass = jnp.where(jnp.sum(mass) > 0, mass, weights)
        candidates = points[:, _draw_rows(u, mass)].T
        left = jnp.minimum(nearest[None], _squared_distance(points, candidates))
        best = jnp.argmin(left @ weights)
        return left[best], candidates[best]

    return lax.scan(add, far, u)[1]


def _draw_rows(u: Float[Array, " t"], mass: Float[Array, " m"]) -> Int[Array, " t"]:
    """Row numbers drawn in proportion to `mass`; a row of mass 0 is never drawn."""
    # Prefix sums in parallel round differently from row to row, so a row of mass 0
    # could seem to own a sliver.
    reached = jnp.where(mass > 0, jnp.cumsum(mass), 0)
    target = u * jnp.max(reached) * (1 - jnp.finfo(mass.dtype).eps)
    index = jnp.arange(len(mass), dtype=jnp.int32)
    beyond = reached[None] > target[:, None]
    # the first one beyond; argmax does the same and does not vectorise
    return jnp.min(jnp.where(beyond, index[None], len(mass) - 1), 1)


def _lloyd(
    points: Float[Array, "d m"],
    weights: Float[Array, " m"],
    centres: Float[Array, "K d"],
) -> Float[Array, "K d"]:
    """Centres after Lloyd's iteration, run until no row changes its cluster."""
    ones = jnp.ones(points.shape[1], points.dtype)

    def step(carry):
        iterations, _, old = carry
        mass = weights[None] * _nearest(points, old)
        sums = jnp.stack([mass, *(mass * row[None] for row in points)]) @ ones
        total = sums[0][:, None]
        new = jnp.where(total > 0, sums[1:].T / jnp.where(total > 0, total, 1), old)
        return iterations + 1, old, new

    def unfinished(carry):
        # The same clusters give the same centres to the last bit, so comparing centres
        # saves carrying every row's cluster.
        iterations, old, new = carry
        return jnp.any(old != new) & (iterations < MAX_LLOYD)

    first = step((jnp.int32(0), centres, centres))
    return lax.while_loop(unfinished, step, first)[2]


def _nearest(
    points: Float[Array, "d m"], centres: Float[Array, "K d"]
) -> Float[Array, "K m"]:
    """1 where a centre is the nearest one of a point (the first of equals), else 0."""
    which = jnp.argmin(_squared_distance(points, centres), 0)
    here = jnp.arange(len(centres))[:, None] == which[None]
    return here.astype(points.dtype)


def _squared_distance(
    points: Float[Array, "d m"], centres: Float[Array, "K d"]
) -> Float[Array, "K m"]:
    total = (points[0][None] - centres[:, 0, None]) ** 2
    for i in range(1, len(points)):
        total = total + (points[i][None] - centres[:, i, None]) ** 2
    return total


def _evaluate(params: GmmParams, points: Float[Array, "m d"]):
    """`em.normalise` of the components' joint log-density at the points."""
    floor = em.pivot_floor(jnp.zeros((), params.means.dtype))
    factor = em.factorise(params.covariances, floor)
    return em.normalise(em.whiten(points.T, params, factor)[1])


def _pack(batch: Array, weights: Weights, dimension: int) -> em.Rows:
    if batch.ndim != 2 or batch.shape[1] != dimension:
        raise ValueError(f"rows must be [rows, {dimension}], got {batch.shape}")
    return em.pack(batch, weights)
