"""Noise of a diffusion: how rows are noised, and at which times a sampler stops.

Rows x0 at time tau are alpha x0 + sigma z with z standard normal. In space the noise
preserves variance, alpha = e^-tau and sigma^2 = 1 - e^-(2 tau): the Ornstein-Uhlenbeck
process, with alpha^2 the `alpha bar` of Ho et al. On a torus angles (in radians) do a
Brownian motion, alpha = 1 and sigma^2 = 2 tau, and are wrapped. At equal times noise
takes the same from the j-th Hermite polynomial, e^-(j tau), and from the Fourier mode
k, e^-(k^2 tau), whatever the schedule: that only spaces the times of a sampler, and of
training, which are equally spaced in s from 0 to 1.

References:
  Ho, Jain & Abbeel 2020 (arXiv:2006.11239), linear schedule; Song et al. 2021
  (arXiv:2011.13456), its limit of many steps; Nichol & Dhariwal 2021
  (arXiv:2102.09672), cosine schedule; Jing et al. 2022 (arXiv:2206.01729), torus.
"""

import math
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Space = Literal["euclidean", "torus"]
Schedule = Literal["cosine", "linear"]
FIRST_RATE, LAST_RATE = 0.1, 20.0  # of the linear schedule, times its steps
LAST_TIME = (FIRST_RATE + LAST_RATE) / 4  # of the linear schedule, tau at s = 1
_OFFSET = 0.008  # of the cosine schedule


class NoiseProcess(NamedTuple):
    """What rows are noised by.

    Attributes:
      space: of the rows.
      schedule: of times.
    """

    space: Space = "euclidean"
    schedule: Schedule = "cosine"


def time(noise: NoiseProcess, s: Float[Array, "..."]) -> Float[Array, "..."]:
    """The time tau at s in [0, 1], or up to where tau is `LAST_TIME`."""
    if noise.schedule == "linear":
        return (FIRST_RATE * s + (LAST_RATE - FIRST_RATE) * s**2 / 2) / 2
    return jnp.log(_cosine(jnp.zeros_like(s))) - jnp.log(_cosine(s))


def position(noise: NoiseProcess, tau: Float[Array, "..."]) -> Float[Array, "..."]:
    """The s at which the time is tau, at most `LAST_TIME`; inverse of `time`."""
    if noise.schedule == "linear":
        slope = LAST_RATE - FIRST_RATE
        return (jnp.sqrt(FIRST_RATE**2 + 4 * slope * tau) - FIRST_RATE) / slope
    level = jnp.exp(-tau) * _cosine(jnp.zeros_like(tau))
    return jnp.arccos(level) * (2 / math.pi) * (1 + _OFFSET) - _OFFSET


def _cosine(s: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.cos((s + _OFFSET) / (1 + _OFFSET) * (math.pi / 2))


def bounds(noise: NoiseProcess, delta: Float[Array, ""]) -> tuple[Array, Array]:
    """First and last s of training and sampling, of early stopping at time delta."""
    last = position(noise, jnp.full_like(delta, LAST_TIME))
    return position(noise, delta), last


def scales(
    noise: NoiseProcess, tau: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The factors of rows and of noise, alpha and sigma, at times tau."""
    if noise.space == "torus":
        return jnp.ones_like(tau), jnp.sqrt(2 * tau)
    return jnp.exp(-tau), jnp.sqrt(-jnp.expm1(-2 * tau))


def wrap(noise: NoiseProcess, points: Float[Array, "..."]) -> Float[Array, "..."]:
    """Points of the space: on a torus angles in [-pi, pi), else as they are."""
    if noise.space == "euclidean":
        return points
    turn = 2 * math.pi
    return points - turn * jnp.floor((points + math.pi) / turn)
