"""Rows that a linear regressor is trained on: inputs x and labels y, or statistics.

Inputs are fresh in every generation or fixed for all. A generation is stored as its
points (samples), as the Gram matrix X'X and the moments X'y of a batch (statistics), or
as the same two drawn from their exact distribution (law): X'X is Wishart, by Bartlett's
decomposition, and given X'X = L L' the moments are L (L'w + noise). Labels and moments
have an axis c: entry 0 is noisy; entry 1, if there is one, belongs to the twin, the
same regressor without label noise.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Key
from collapse.numerics import draws, threefry
from collapse.numerics.least_squares import spectrum

Inputs = Callable[[Key, int], Float[Array, "d num"]]
Noise = float | Float[Array, ""]


class FreshSamples(NamedTuple):
    """Rows that are one point each, with fresh inputs.

    Attributes:
      x: [rows, d].
      y: [rows, c].
    """

    x: Float[Array, "rows d"]
    y: Float[Array, "rows c"]


class FixedSamples(NamedTuple):
    """Rows that are one point each, with inputs of a fixed design.

    Attributes:
      design_row: [rows], number of the design's row that is labelled.
      y: [rows, c].
    """

    design_row: Int[Array, " rows"]
    y: Float[Array, "rows c"]


class FreshStatistics(NamedTuple):
    """Rows that are each the statistics of a batch of points.

    Attributes:
      gram: [rows, d, d], X'X of the batch.
      moment: [rows, c, d], X'y.
    """

    gram: Float[Array, "rows d d"]
    moment: Float[Array, "rows c d"]

    @property
    def additive(self) -> bool:
        """True: a sum of rows is a row, which `workflows.accumulate_sums` uses."""
        return True


class FreshFactor(NamedTuple):
    """One row, the statistics of a batch of points that is trained on alone.

    Attributes:
      factor: [1, d, d], lower triangular L with L L' = X'X.
      moment: [1, c, d], X'y.
    """

    factor: Float[Array, "1 d d"]
    moment: Float[Array, "1 c d"]


class FixedStatistics(NamedTuple):
    """Rows that are each the statistics of labels for a whole fixed design.

    Attributes:
      moment: [rows, c, d], X'y.
      copies: [rows], how many times the design was labelled; their moments are summed.
    """

    moment: Float[Array, "rows c d"]
    copies: Float[Array, " rows"]

    @property
    def additive(self) -> bool:
        """True: a sum of rows is a row, which `workflows.accumulate_sums` uses."""
        return True


class Design(NamedTuple):
    """A fixed design: inputs that every generation labels.

    Attributes:
      x: [n, d]; None where only X'X is known.
      factor: [d, d] with factor @ factor.T = X'X.
      vectors: [d, d] right singular vectors of X, in columns.
      singular: [d] singular values of X, negligible ones 0.
    """

    x: Float[Array, "n d"] | None
    factor: Float[Array, "d d"]
    vectors: Float[Array, "d d"]
    singular: Float[Array, " d"]


def normal_inputs(
    dimension: int,
    factor: Float[Array, "d d"] | None = None,
    active: Array | None = None,
    dtype=None,
    draw_dtype=None,
) -> Inputs:
    """A function (key, num) -> [d, num] that draws inputs from N(0, factor @ factor.T).

    Args:
      dimension: d.
      factor: [d, d]; None for the identity.
      active: [d] leading coordinates that exist; the others are 0.
      dtype: of the inputs.
      draw_dtype: of the random normals, if not the same.
    """
    dtype = jnp.dtype(dtype or jnp.result_type(float))

    def draw(key: Key, num: int) -> Float[Array, "d num"]:
        # the long axis last
        z = draws.normal(key, (dimension, num), draw_dtype or dtype).astype(dtype)
        return _coloured(z, factor, active)

    return draw


def gram_factors(
    key: Key,
    num: int,
    batch_size: int | Int[Array, " num"],
    dimension: int,
    factor: Float[Array, "d d"] | None = None,
    active: Array | None = None,
    dtype=None,
) -> Float[Array, "num d d"]:
    """Lower factors L, L L' distributed as X'X of `batch_size` normal rows each."""
    normals_key, gamma_key = threefry.split(key)
    below = dimension * (dimension - 1) // 2
    z = draws.normal(normals_key, (num * (below + 1),), dtype)
    off, spare = z[: num * below].reshape(num, below), z[num * below :]
    found = draws.bartlett(gamma_key, off, spare, batch_size, dimension)
    found = found if factor is None else factor[None] @ found
    return found if active is None else jnp.where(active[None, :, None], found, 0)


def design_of(x: Float[Array, "n d"]) -> Design:
    """The fixed design with these rows."""
    upper = jnp.linalg.qr(x, mode="r")
    upper = jnp.pad(upper, ((0, x.shape[1] - upper.shape[0]), (0, 0)))
    return Design(x, upper.T, *spectrum(upper, x.shape[0]))


def design_of_factor(factor: Float[Array, "d d"]) -> Design:
    """A fixed design of which only X'X = factor @ factor.T is known."""
    return Design(None, factor, *spectrum(factor.T))


def label(
    x: Float[Array, "d num"],
    coefficients: Float[Array, "c d"],
    noise_variance: Noise,
    key: Key,
    draw_dtype=None,
) -> Float[Array, "c num"]:
    """Labels x'w, with noise in entry 0 of c; consumes the key."""
    e = draws.normal(key, (x.shape[1],), draw_dtype or x.dtype).astype(x.dtype)
    noise = _noise_in_entry_0(coefficients.shape[0], _root(noise_variance, x.dtype) * e)
    return coefficients @ x + noise


def fresh_statistics(
    x: Float[Array, "d rows"], y: Float[Array, "c rows"], num: int
) -> FreshStatistics:
    """Gram matrices and moments of `num` equal batches, in order."""
    if num == 1:  # a batched product of batch 1 is three times as slow
        return FreshStatistics((x @ x.T)[None], (y @ x.T)[None])
    x, y = (jnp.moveaxis(a.reshape(a.shape[0], num, -1), 1, 0) for a in (x, y))
    transposed = jnp.swapaxes(x, 1, 2)
    return FreshStatistics(x @ transposed, y @ transposed)


def labellings(moment: Float[Array, "rows c d"]) -> FixedStatistics:
    """Rows for moments of single labellings of a fixed design."""
    return FixedStatistics(moment, jnp.ones(moment.shape[0], moment.dtype))


def fresh_law(
    key: Key,
    factors: Float[Array, "num d d"],
    coefficients: Float[Array, "c d"],
    noise_variance: Noise,
) -> FreshStatistics:
    """Gram matrices, given by factors, and moments drawn for them; consumes the key."""
    gram = factors @ jnp.swapaxes(factors, 1, 2)
    moments = jax.vmap(lambda own: coefficients @ own)(gram)
    return FreshStatistics(gram, _with_noise(key, moments, factors, noise_variance))


def factor_law(
    key: Key,
    factor: Float[Array, "1 d d"],
    coefficients: Float[Array, "c d"],
    noise_variance: Noise,
) -> FreshFactor:
    """One batch's Gram factor, and moments drawn given it; consumes the key."""
    moment = ((coefficients @ factor[0]) @ factor[0].T)[None]
    return FreshFactor(factor, _with_noise(key, moment, factor, noise_variance))


def fixed_law(
    key: Key,
    design: Design,
    coefficients: Float[Array, "c d"],
    noise_variance: Noise,
    num: int,
) -> FixedStatistics:
    """Moments of `num` labellings of a fixed design, drawn from their normal law."""
    mean = (coefficients @ design.factor) @ design.factor.T
    moments = jnp.broadcast_to(mean[None], (num, *mean.shape))
    factors = jnp.broadcast_to(design.factor[None], (num, *design.factor.shape))
    return labellings(_with_noise(key, moments, factors, noise_variance))


def _with_noise(
    key: Key,
    moments: Float[Array, "num c d"],
    factors: Float[Array, "num d d"],
    noise_variance: Noise,
) -> Float[Array, "num c d"]:
    """The moments plus X'e, which given X'X = L L' has the law of L times a normal."""
    num, d, dtype = moments.shape[0], moments.shape[2], moments.dtype
    z = draws.normal(key, (num * d,), dtype).reshape(num, d)
    noise = jnp.einsum("nij,nj->ni", factors, z)
    noise = _root(noise_variance, dtype) * noise
    return moments + jax.vmap(lambda own: _noise_in_entry_0(moments.shape[1], own))(
        noise
    )


def _noise_in_entry_0(c: int, noise: Float[Array, " k"]) -> Float[Array, "c k"]:
    """The noise in entry 0 and zeros in the other c - 1 (faster than a scatter)."""
    return jnp.pad(noise[None], ((0, c - 1), (0, 0)))


def _coloured(z: Array, factor: Array | None, active: Array | None) -> Array:
    z = z if factor is None else factor @ z
    return z if active is None else jnp.where(active[:, None], z, 0)


def _root(noise_variance: Noise, dtype) -> Array:
    return jnp.sqrt(jnp.asarray(noise_variance, dtype))
