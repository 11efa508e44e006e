"""A Gaussian mixture with full covariances, fitted by expectation-maximisation.

One of the three models in which collapse was first shown: Shumailov et al. 2024, Nature
631:755, supplement 4.1 (arXiv:2305.17493). This file has the model, and densities and
moments of its parameters; the algorithm is in `em`, its starting point in `kmeans`.
"""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.gmm import em as gmm_em
from collapse.models.gmm.em import GmmParams
from collapse.models.gmm.kmeans import kmeans_start
from collapse.numerics import draws
from collapse.numerics.blocks import PaddedRows, pack

Start = Literal["kmeans++", "previous"]


def gmm(
    num_components: int,
    *,
    dimension: int,
    tol: float | Float[Array, ""] = 1e-3,
    max_iter: int | Int[Array, ""] = 100,
    reg_covar: float | Float[Array, ""] = 1e-6,
    start: Start = "kmeans++",
) -> Model:
    """A mixture of Gaussians, fitted to weighted rows by maximum likelihood.

    Batches are [rows, d] and parameters `GmmParams`, both in the batch's dtype. A fit
    reports `iterations`; `converged`, whether `tol` ended it; `log_likelihood`, the
    mean per unit weight, in nats, of the parameters before the last step; and `gain`,
    its last change. The last three distinguish collapse from an unfinished fit.

    Args:
      num_components: K.
      dimension: d. Every iteration takes time in proportion to rows x K x d^2.
      tol: the fit stops when the log-likelihood changes by less.
      max_iter: maximum number of iterations of a fit.
      reg_covar: added to the diagonal of every covariance in every step, in squared
        units of the data: no component gets narrower than its square root. With 0 a
        component that collapses onto one point stays finite but is meaningless.
      start: "kmeans++" starts every fit from k-means clusters and consumes the key,
        "previous" starts from the given parameters and does not use the key.

    `tol`, `max_iter` and `reg_covar` mean what they mean in scikit-learn's
    `GaussianMixture`; from the same starting point the two agree up to rounding. All
    three may be traced.

    Raises:
      ValueError: if a size is not positive or `start` unknown; while tracing, if rows
        are not [rows, d].
    """
    _check(num_components, dimension, start)

    def init(key: Key, batch: Array, weights: Weights) -> GmmParams:
        rows = _pack(batch, weights, dimension)
        return kmeans_start(key, rows, num_components, reg_covar)

    def fit(
        key: Key, params: GmmParams, batch: Array, weights: Weights
    ) -> tuple[GmmParams, Info]:
        rows = _pack(batch, weights, dimension)
        if start == "kmeans++":
            params = kmeans_start(key, rows, num_components, reg_covar)
        end, converged = gmm_em.iterate(params, rows, tol, max_iter, reg_covar)
        info = {
            "iterations": end.iterations,
            "converged": converged,
            "log_likelihood": end.log_likelihood,
            "gain": end.gain,
        }
        return end.params, info

    return Model(init, fit, sample_points)


def _check(num_components: int, dimension: int, start: str) -> None:
    """Raise ValueError for a size that is not positive, or an unknown start."""
    if num_components < 1 or dimension < 1:
        raise ValueError(
            "num_components and dimension must be positive, "
            f"got {num_components} and {dimension}"
        )
    if start not in get_args(Start):
        raise ValueError(f"start must be one of {get_args(Start)}, got {start!r}")


def sample_points(key: Key, params: GmmParams, num: int) -> Float[Array, "num d"]:
    """Independent rows of the mixture, [num, d]; consumes the key.

    Each row draws its component independently, so the counts are multinomial and the
    rows are in random order.
    """
    pick_key, noise_key = jax.random.split(key)
    d, dtype = params.means.shape[1], params.means.dtype
    pick = draws.uniform(pick_key, (num,), dtype)
    noise = draws.normal(noise_key, (d, num), dtype)
    # the row that each component would give, then a chain of selects: these vectorise,
    # while gathering each row's mean and factor would not
    moved = jnp.einsum("kij,jm->kim", _factor(params).root, noise, precision="highest")
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
    """Mean [d] and covariance [d, d] of the whole mixture.

    After a fit they are those of the weighted rows, plus `reg_covar` on the diagonal,
    whatever the components are: they collapse as those of a single Gaussian.
    """
    mean = jnp.sum(params.weights[:, None] * params.means, 0)
    away = params.means - mean[None]
    each = params.covariances + away[:, :, None] * away[:, None, :]
    return mean, jnp.sum(params.weights[:, None, None] * each, 0)


def mixture(params: GmmParams) -> GmmParams:
    """The mixture of M mixtures in equal parts, with M K components.

    Args:
      params: leaves [M, K, ...], of M mixtures.
    """
    weights, means, covariances = (x.reshape(-1, *x.shape[2:]) for x in params)
    return GmmParams(weights / params.weights.shape[0], means, covariances)


def _evaluate(
    params: GmmParams, points: Float[Array, "m d"]
) -> tuple[Float[Array, " m"], Float[Array, "K m"], Float[Array, " m"]]:
    """`top`, `share` and `total` of `em.normalise`, for these points."""
    _, joint = gmm_em.whiten(points.T, params, _factor(params))
    return gmm_em.normalise(joint)


def _factor(params: GmmParams) -> gmm_em.Factor:
    unregularised = jnp.zeros((), params.covariances.dtype)
    return gmm_em.factorise(params.covariances, gmm_em.pivot_floor(unregularised))


def _pack(batch: Array, weights: Weights, dimension: int) -> PaddedRows:
    if batch.ndim != 2 or batch.shape[1] != dimension:
        raise ValueError(f"rows must be [rows, {dimension}], got {batch.shape}")
    return pack(batch, weights)
