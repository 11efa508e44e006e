"""Probabilistic PCA: the linear variational autoencoder, whose best fit is closed.

A row is x = mean + W z + noise, with latents z ~ N(0, I_k) and noise of one variance in
all directions. Its posterior of latents is normal, so the evidence lower bound of the
best linear encoder is the log-likelihood itself.

References:
  Tipping & Bishop 1999, Probabilistic principal component analysis (J. R. Stat. Soc. B
  61:611), sec. 3.2; Lucas et al. 2019 (arXiv:1911.02469), linear autoencoders.
"""

import math
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import draws, threefry


class LinearParams(NamedTuple):
    """A probabilistic PCA.

    Attributes:
      mean: [d].
      loadings: [d, k], W: orthogonal columns, the longest first.
      noise: variance of the noise.
    """

    mean: Float[Array, " d"]
    loadings: Float[Array, "d k"]
    noise: Float[Array, ""]


def ppca(
    latents: int,
    *,
    generate: Literal["mean", "sample"] = "sample",
    latent_variance: Float[Array, ""] | None = None,
) -> Model:
    """Probabilistic PCA as a `Model`, fitted by maximum likelihood to rows [rows, d].

    With the eigenvalues l_1 >= ... >= l_d of the rows' covariance (squares divided by
    the number of rows) the noise is the mean of l_{k+1}, ..., l_d, and W has the first
    k eigenvectors, of length sqrt(l_i - noise). So the total variance of the fitted
    model is that of its rows.

    Args:
      latents: k, at most d; with k = d there is no noise.
      generate: rows with their noise, or the decoder's mean: mean + W z alone.
      latent_variance: of the latents that rows are generated from; 1 if None.
    """

    def init(key: Key, batch: Array, weights: Weights) -> LinearParams:
        return fit(key, None, batch, weights)[0]

    def fit(
        key: Key, params, batch: Array, weights: Weights
    ) -> tuple[LinearParams, Info]:
        del key, params
        shares = weights / jnp.sum(weights)
        mean = shares @ batch
        centred = jnp.sqrt(shares)[:, None] * (batch - mean[None])
        values, vectors = jnp.linalg.eigh(centred.T @ centred)
        values, vectors = jnp.maximum(values, 0), vectors[:, ::-1]
        rest = values.size - latents
        noise = jnp.sum(values[:rest]) / max(rest, 1)
        lengths = jnp.sqrt(jnp.maximum(values[::-1][:latents] - noise, 0))
        return LinearParams(
            mean, _signed(vectors[:, :latents]) * lengths[None], noise
        ), {}

    def sample(key: Key, params: LinearParams, num: int) -> Array:
        latent_key, noise_key = threefry.split(key)
        dtype = params.mean.dtype
        z = draws.normal(latent_key, (latents, num), dtype)  # long axis last
        if latent_variance is not None:
            z = z * jnp.sqrt(latent_variance.astype(dtype))
        rows = params.mean[:, None] + params.loadings @ z
        if generate == "sample":
            size = (params.mean.size, num)
            rows = rows + jnp.sqrt(params.noise) * draws.normal(noise_key, size, dtype)
        return rows.T

    return Model(init, fit, sample)


def _signed(vectors: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """Eigenvectors whose largest entry is positive: their sign is free."""
    largest = jnp.argmax(jnp.abs(vectors), axis=0)
    entry = jnp.take_along_axis(vectors, largest[None], axis=0)
    return jnp.where(entry < 0, -vectors, vectors)


def encode(params: LinearParams, rows: Float[Array, "m d"]) -> Float[Array, "m k"]:
    """Posterior means of the latents of rows [m, k]; 0 of a latent that is not used."""
    squares = jnp.sum(params.loadings**2, axis=0) + params.noise
    along = (rows - params.mean[None]) @ params.loadings
    return along / jnp.where(squares > 0, squares, 1)[None]


def decode(params: LinearParams, latents: Float[Array, "m k"]) -> Float[Array, "m d"]:
    """Means of rows given their latents [m, d]."""
    return params.mean[None] + latents @ params.loadings.T


def log_density(
    params: LinearParams, rows: Float[Array, "m d"], least_noise: float = 0.0
) -> Float[Array, " m"]:
    """Log-density of each row, in nats, with at least so much noise.

    A model fitted to decoder means has no noise, and no density without some.
    """
    noise = jnp.maximum(params.noise, least_noise)
    squares = jnp.sum(params.loadings**2, axis=0)
    units = params.loadings / jnp.sqrt(jnp.where(squares > 0, squares, 1))[None]
    centred = rows - params.mean[None]
    along = centred @ units
    # what is left of a row is taken by itself: a difference of squares would lose it
    beside = centred - along @ units.T
    d, k = params.loadings.shape
    kept = squares + noise
    distance = (
        jnp.sum(along**2 / kept[None], axis=1) + jnp.sum(beside**2, axis=1) / noise
    )
    volume = jnp.sum(jnp.log(kept)) + (d - k) * jnp.log(noise)
    return -(distance + volume + d * math.log(2 * math.pi)) / 2


def total_variance(params: LinearParams, noise: bool = True) -> Float[Array, ""]:
    """Trace of the covariance of generated rows, or of decoder means alone."""
    of_latents = jnp.sum(params.loadings**2)
    return of_latents + params.mean.size * params.noise if noise else of_latents
