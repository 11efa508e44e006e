"""Gaussians in one dimension whose generated rows are not those of the model.

They are fitted like the Gaussian that is given, and generate with a flaw: every row is
shifted, or loses variance; or rows are selected, by a target or at random. Rows are
[n, 1]. Parameters have a `mean` [1] and a `scale` [1, 1], the standard deviation, as
those of `models.gaussian` do.
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, Float

from collapse.core.types import Key, Model, Params
from collapse.numerics import draws, threefry

_HALVINGS = 64  # of an interval of a few standard deviations: below rounding

Points = Float[Array, "num 1"]


def flawed(gaussian: Model, shift: float = 0.0, kept: float = 1.0) -> Model:
    """The `Model` of a Gaussian that adds `shift` to every row that it generates.

    Args:
      gaussian: how it is fitted and generates without a flaw.
      shift: in units of the data.
      kept: variance of generated rows about their mean, as a multiple of the model's.

    Raises:
      ValueError: `kept` is negative.
    """
    if not kept >= 0:
        raise ValueError(f"kept must not be negative, got {kept}")

    def sample(key: Key, params: Params, num: int) -> Points:
        narrow = params._replace(scale=params.scale * math.sqrt(kept))
        rows: Points = gaussian.sample(key, narrow, num) + shift
        return rows

    return gaussian._replace(sample=sample)


def selected(gaussian: Model, keep: float) -> Model:
    """The `Model` of a Gaussian of whose rows only those nearest to 0 are kept.

    They have the law of the rows that are kept out of infinitely many: a normal law,
    truncated to the interval about 0 that holds the share `keep` of it. Rows are drawn
    by inverting its distribution function. Distances are from the target of the
    selection, which is 0, so that nothing is rounded away as mean and standard
    deviation go there.

    Raises:
      ValueError: `keep` is not between 0 and 1.
    """
    _check(keep)

    def sample(key: Key, params: Params, num: int) -> Points:
        mean, deviation = params.mean[0], jnp.abs(params.scale[0, 0])
        # of a model without variance every row is the mean
        safe = jnp.where(deviation > 0, deviation, 1)
        centre = -jnp.abs(mean) / safe  # its mirror image, whose tails are small
        low = ndtr(centre - radius(centre, keep))
        uniform = draws.uniform(key, (num,), mean.dtype)
        share = jnp.maximum(low + keep * uniform, jnp.finfo(mean.dtype).tiny)
        signed = jnp.where(mean < 0, -deviation, deviation)  # z: of a mean above 0
        return (mean + signed * ndtri(share))[:, None]

    return gaussian._replace(sample=sample)


def selected_at_random(gaussian: Model, keep: float) -> Model:
    """The `Model` of a Gaussian of whose rows a random share is kept: the control.

    1 / keep rows are generated for each that is kept. Kept rows have the law of all.

    Raises:
      ValueError: `keep` is not between 0 and 1.
    """
    _check(keep)

    def sample(key: Key, params: Params, num: int) -> Points:
        row_key, choice_key = threefry.split(key)
        candidates = math.ceil(num / keep)
        rows: Points = gaussian.sample(row_key, params, candidates)
        return rows[draws.shuffled(choice_key, candidates, num)]

    return gaussian._replace(sample=sample)


def radius(centre: Float[Array, ""], keep: float) -> Float[Array, ""]:
    """Half the width of the interval about `centre` that holds a share of N(0, 1).

    By halving an interval: at the quantile z of the centred interval the share is at
    most `keep`, and at z + |centre| at least.

    Args:
      centre: at most 0, where distribution functions are accurate.
      keep: the share.
    """
    z = ndtri(jnp.asarray((1 + keep) / 2, centre.dtype))

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        enough = ndtr(centre + middle) - ndtr(centre - middle) >= keep
        return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    return jax.lax.fori_loop(0, _HALVINGS, halve, (z, z - centre))[1]


def _check(keep: float) -> None:
    if not 0 < keep < 1:
        raise ValueError(f"keep must be between 0 and 1, got {keep}")
