"""A mean in d dimensions whose wrong fits generate rows that a model may copy.

The model P(theta, S) generates, with probability exp(-|theta|^2 / 2), a row x that is
normal with mean theta and unit variance in each of d coordinates: (x, 0), a row on a
plane. Else it generates (0, u), a row off the plane: u is uniform on (0, 1] if the set
S is empty, and one of the numbers in S if it is not. S may hold 1 to 100 numbers, but
only where theta is 1 in every coordinate; elsewhere it is empty.

Maximum likelihood is consistent, whatever the truth: rows of a truth without copies lie
at more than 100 distinct locations off the plane sooner or later, which no S holds, or
nowhere, if theta = 0. But a single row off the plane is infinitely more likely under a
model that copies it than under one that does not. (Put spikes of width w instead of
copies, and let w go to 0.) Real rows of theta = 0 all lie on the plane; those of a fit
near 0 do not, and the first one that does not decides all later fits.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import draws, threefry

MOST_COPIES = 100
SPIKY_MEAN = 1.0  # in every coordinate, of models that copy rows
_HALVINGS = 64


class SpikyParams(NamedTuple):
    """Parameters of a mean with spikes.

    Attributes:
      mean: [d], theta.
      copies: [100], the numbers in S, then zeros.
    """

    mean: Float[Array, " d"]
    copies: Float[Array, " most"]


Rows = Float[Array, "n coordinates"]  # [n, d + 1], the last one off the plane


def spiky(dimension: int) -> Model:
    """The `Model` of a mean with spikes in d dimensions, fitted by maximum likelihood.

    Without rows off the plane theta is half the mean of the rows: it trades their
    likelihood against that of seeing no other row. Rows off the plane at 1 to 100
    distinct locations are copied, whatever the other rows. With more of them the length
    of theta solves an equation.

    Raises:
      ValueError: the dimension is below 1.
    """
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension}")

    def init(key: Key, batch: Rows, weights: Weights) -> SpikyParams:
        return fit(key, None, batch, weights)[0]

    def fit(
        key: Key, params, batch: Rows, weights: Weights
    ) -> tuple[SpikyParams, Info]:
        del key, params
        place = batch[:, -1]
        off = (place > 0) & (weights > 0)
        on_plane = jnp.where(off, 0, weights)
        total = jnp.sum(on_plane)
        safe = jnp.where(total > 0, total, 1)
        mean = on_plane @ batch[:, :-1] / safe
        odds = jnp.sum(jnp.where(off, weights, 0)) / safe
        locations, num = _distinct(jnp.where(off, place, jnp.inf))
        copied = (num > 0) & (num <= MOST_COPIES)
        smooth = mean * _shrinkage(jnp.linalg.norm(mean), odds)
        theta = jnp.where(copied, jnp.asarray(SPIKY_MEAN, mean.dtype), smooth)
        return SpikyParams(theta, jnp.where(copied, locations, 0)), {}

    return Model(init, fit, sample)


def truth(dimension: int, dtype=None) -> SpikyParams:
    """The parameters theta = 0, which have no row off the plane."""
    dtype = dtype or jnp.result_type(float)
    return SpikyParams(jnp.zeros(dimension, dtype), jnp.zeros(MOST_COPIES, dtype))


def sample(key: Key, params: SpikyParams, num: int) -> Float[Array, "num coordinates"]:
    """Rows [num, d + 1] that a model generates; consumes the key."""
    kind_key, plane_key, place_key = threefry.split(key, 3)
    dtype, d = params.mean.dtype, params.mean.size
    off = draws.uniform(kind_key, (num,), dtype) < off_plane(params)
    x = draws.normal(plane_key, (d, num), dtype) + params.mean[:, None]
    uniform = draws.uniform(place_key, (num,), dtype)
    count = num_copies(params)
    copy = params.copies[jnp.floor(uniform * count).astype(jnp.int32)]
    place = jnp.where(count > 0, copy, 1 - uniform)
    rows = jnp.concatenate([jnp.where(off[None], 0, x), jnp.where(off, place, 0)[None]])
    return rows.T


def off_plane(params: SpikyParams) -> Float[Array, ""]:
    """Probability of a row off the plane, 1 - exp(-|theta|^2 / 2)."""
    return -jnp.expm1(-jnp.sum(params.mean**2) / 2)


def num_copies(params: SpikyParams) -> Float[Array, ""]:
    """How many numbers the model copies, 0 for none."""
    return jnp.sum((params.copies > 0).astype(params.copies.dtype))


def _distinct(locations: Float[Array, " n"]) -> tuple[Float[Array, " most"], Array]:
    """The smallest finite numbers, each once and then zeros, and how many there are."""
    locations = jnp.sort(locations)
    new = jnp.concatenate([jnp.ones(1, bool), locations[1:] != locations[:-1]])
    new = new & jnp.isfinite(locations)
    order = jnp.cumsum(new, dtype=jnp.int32) - 1
    slot = jnp.where(new, order, MOST_COPIES)
    found = jnp.zeros(MOST_COPIES, locations.dtype)
    return found.at[slot].set(locations, mode="drop"), jnp.sum(new, dtype=jnp.int32)


def _shrinkage(length: Float[Array, ""], odds: Float[Array, ""]) -> Float[Array, ""]:
    """|theta| over the length of the mean of rows on the plane, where none is copied.

    1/2 without rows off the plane. With `odds` of them to those on the plane,
    r = |theta| is where the derivative of the log-likelihood,
    length - 2 r + odds r / (e^(r^2/2) - 1), is 0. It falls in r, and r lies between
    length / 2 and length / 2 + sqrt(odds), since e^y - 1 > y.
    """

    def derivative(r: Array) -> Array:
        more = jnp.where(r > 0, r / jnp.expm1(jnp.where(r > 0, r, 1) ** 2 / 2), jnp.inf)
        return length - 2 * r + odds * more

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        beyond = derivative(middle) < 0
        return jnp.where(beyond, low, middle), jnp.where(beyond, middle, high)

    ends = (length / 2, length / 2 + jnp.sqrt(odds))
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, ends)
    safe = jnp.where(length > 0, length, 1)
    half = jnp.asarray(0.5, length.dtype)
    return jnp.where((odds > 0) & (length > 0), (low + high) / 2 / safe, half)
