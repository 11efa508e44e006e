"""Samplers: from noise back to rows, in steps or at once.

A predictor gives the expected noise in points [num, d], of alpha and sigma. Steps are
those of a process whose noise is alpha x0 + sigma z at every time: `ddpm` draws from
the reverse process, `ddim` follows its probability flow and draws nothing.

References:
  Ho, Jain & Abbeel 2020 (arXiv:2006.11239), ancestral sampling (variance `beta tilde`);
  Song, Meng & Ermon 2021 (arXiv:2010.02502), DDIM.
"""

import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from collapse.core.types import Key, Weights
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion.noise import NoiseProcess
from collapse.numerics import draws

Sampler = Literal["ddpm", "ddpm_large", "ddim"]
Predict = Callable[[Array, Array, Array], Float[Array, "num d"]]
_BLOCK = 32  # points whose distances to all rows are in memory at once
_TURNS = 2  # of wrapped kernels: images farther away have weight e^-17 at the last time


def sample(
    key: Key,
    predict: Predict,
    shape: tuple[int, int],
    delta: Float[Array, ""],
    noise: NoiseProcess,
    sampler: Sampler,
    steps: int,
) -> Float[Array, "num d"]:
    """Points [num, d] of the reverse process stopped at time delta; consumes the key.

    Args:
      key: of all random numbers.
      predict: (points, alpha, sigma) -> expected noise in the points.
      shape: num and d.
      delta: time of early stopping, above 0 or 0.
      noise: of the process.
      sampler: how a step is taken.
      steps: from the last time to delta, equally spaced in s.
    """
    num, d = shape
    first, last = noise_lib.bounds(noise, delta)
    grid = last + (first - last) * jnp.linspace(0, 1, steps + 1, dtype=delta.dtype)
    alphas, sigmas = noise_lib.scales(noise, noise_lib.time(noise, grid))
    # all at once: the generator is compiled a single time; long axis last
    z = draws.normal(key, (1 + steps * (sampler != "ddim"), d, num), delta.dtype)
    # on a torus the last time leaves all angles nearly equally likely
    start = noise_lib.wrap(noise, sigmas[0] * z[0].T)

    def body(i: Array, points: Array) -> Array:
        (a, b), (high, low) = (
            lax.dynamic_slice(x, (i,), (2,)) for x in (alphas, sigmas)
        )
        found = predict(points, a, high)
        if sampler == "ddim":
            points = (points - high * found) * (b / a) + low * found
            return noise_lib.wrap(noise, points)
        kept = a / b  # alpha from the lower time to the higher
        added = high**2 - (kept * low) ** 2  # variance between them
        spread = jnp.sqrt(jnp.maximum(added, 0))
        if sampler == "ddpm":
            spread = low * spread / high
        fresh = lax.dynamic_index_in_dim(z, i + 1, keepdims=False)
        points = (points - added / high * found) / kept + spread * fresh.T
        return noise_lib.wrap(noise, points)

    found: Array = lax.fori_loop(0, steps, body, start)
    return found


def noised(
    key: Key, rows: Float[Array, "num d"], delta: Float[Array, ""], noise: NoiseProcess
) -> Float[Array, "num d"]:
    """The rows noised up to time delta; consumes the key.

    It is what the reverse process stopped there gives with the exact score of the rows'
    law, without an error of steps.
    """
    num, d = rows.shape
    alpha, sigma = noise_lib.scales(noise, delta)
    z = draws.normal(key, (d, num), rows.dtype).T
    return noise_lib.wrap(noise, alpha * rows + sigma * z)


def score(
    rows: Float[Array, "rows d"],
    weights: Weights,
    points: Float[Array, "num d"],
    level: tuple[Float[Array, ""], Float[Array, ""]],
    noise: NoiseProcess,
) -> Float[Array, "num d"]:
    """Expected noise in points [num, d]: the exact minimiser of the denoising loss.

    Of finitely many rows it is that of a kernel density: a sampler that follows it down
    to time 0 gives back the rows themselves.

    Args:
      rows: [rows, d] that are trained on.
      weights: [rows], of any sum; rows of weight 0 have no influence.
      points: [num, d].
      level: alpha and sigma.
      noise: of the process.
    """
    alpha, sigma = level
    logs = jnp.log(weights)

    def one(point: Float[Array, " d"]) -> Float[Array, " d"]:
        gaps = noise_lib.wrap(noise, point[None] - alpha * rows) / sigma
        if noise.space == "euclidean":
            near = jnp.sum(gaps**2, axis=1)
            return jax.nn.softmax(logs - near / 2) @ gaps
        turns = 2 * math.pi * jnp.arange(-_TURNS, _TURNS + 1).astype(rows.dtype)
        images = gaps[..., None] + turns[None, None] / sigma
        # given the row, dimensions are independent
        own = jax.nn.softmax(-(images**2) / 2, axis=2)
        mass = jax.nn.logsumexp(-(images**2) / 2, axis=2)
        shares = jax.nn.softmax(logs + jnp.sum(mass, axis=1))
        return shares @ jnp.sum(own * images, axis=2)

    return lax.map(one, points, batch_size=min(_BLOCK, len(points)))
