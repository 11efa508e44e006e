"""A verifier that knows the truth to within a ball: one bit for each row.

A verifier accepts what is near to what it holds to be true. Its centre may be wrong by
a bias; a recursion on accepted rows ends at the centre and not at the truth, at a speed
that the radius sets.

References:
  Yi, Liu, Cheng & Xu 2025, arXiv:2510.16657.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from collapse.core.curation.at_random import chosen
from collapse.core.curation.checks import Number, within
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.numerics import draws

# of the verifier: an array, or what reads it from the reference (a truth that differs
# from seed to seed is there)
Centre: TypeAlias = Float[Array, "..."] | Callable[[Any], Float[Array, "..."]]
Lines: TypeAlias = tuple[Float[Array, "rows d"], Float[Array, " rows"]]


def accept_points(
    centre: Centre, radius: Number, *, flip: Number = 0.0, candidates: int = 1
) -> Curator:
    """The verifier of points: it accepts y if |y - centre| <= radius.

    Args:
      centre: of the form of a row, or a function from the reference to it. The true one
        makes the oracle; see `displaced` for one with a bias.
      radius: r >= 0, the verifier's selectivity.
      flip: probability that a decision is turned into its opposite, see `decide`.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if the radius is negative or `flip` is no probability.
    """
    within("radius", radius, 0)
    within("flip", flip, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        inside = near_points(batch, _read(centre, reference), radius)
        return decide(key, inside, flip)

    return Curator(candidates, weigh)


def accept_lines(
    coefficients: Centre,
    selectivity: Number,
    tolerance: Number,
    *,
    read: Callable[[Batch], Lines] | None = None,
    flip: Number = 0.0,
    candidates: int = 1,
) -> Curator:
    """The verifier of regression rows (x, y): |y - x'theta_c| <= r |x| + sigma_c.

    Args:
      coefficients: theta_c [d], or a function from the reference to it. The true ones
        make the oracle; see `displaced` for a bias.
      selectivity: r >= 0, the radius of the ball that the verifier knows the truth in.
      tolerance: sigma_c >= 0, for the noise of labels.
      read: batch -> (x [rows, d], y [rows]); None for a batch that is such a pair,
        where y may be [rows, c], of which column 0 is looked at.
      flip: probability that a decision is turned into its opposite, see `decide`.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if r or sigma_c is negative or `flip` is no probability.
    """
    within("selectivity", selectivity, 0)
    within("tolerance", tolerance, 0)
    within("flip", flip, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        x, y = (read or _pair)(batch)
        theta = _read(coefficients, reference)
        return decide(key, near_lines(x, y, theta, selectivity, tolerance), flip)

    return Curator(candidates, weigh)


def near_points(
    points: Float[Array, "rows ..."], centre: Float[Array, "..."], radius: Number
) -> Bool[Array, " rows"]:
    """Whether each point is within the radius of the centre, in Euclidean distance.

    Raises:
      ValueError: when traced, if the centre is not of the form of a point.
    """
    if centre.shape != points.shape[1:]:
        raise ValueError(
            f"centre has shape {centre.shape}, but a row has {points.shape[1:]}"
        )
    squares = (points - centre[None]) ** 2
    axes = tuple(range(1, points.ndim))
    return jnp.sum(squares, axis=axes) <= jnp.asarray(radius, points.dtype) ** 2


def near_lines(
    x: Float[Array, "rows d"],
    y: Float[Array, " rows"],
    coefficients: Float[Array, " d"],
    selectivity: Number,
    tolerance: Number,
) -> Bool[Array, " rows"]:
    """Whether each label is one that coefficients within the ball may have given."""
    radius, slack = (jnp.asarray(v, y.dtype) for v in (selectivity, tolerance))
    allowed = radius * jnp.sqrt(jnp.sum(x**2, axis=1)) + slack
    return jnp.abs(y - x @ coefficients) <= allowed


def displaced(
    truth: Float[Array, " d"],
    bias: Number,
    direction: Float[Array, " d"] | None = None,
) -> Float[Array, " d"]:
    """A centre at the distance `bias` from the truth; the truth itself for bias 0.

    Args:
      truth: [d].
      bias: Delta.
      direction: [d] of any length above 0; None for the first axis.
    """
    if direction is None:
        direction = jnp.zeros_like(truth).at[0].set(1)
    unit = direction / jnp.sqrt(jnp.sum(direction**2))
    return truth + jnp.asarray(bias, truth.dtype) * unit


def decide(key: Key, inside: Bool[Array, " rows"], flip: Number) -> Weights:
    """Weights of 1 for rows inside and 0 for others, some turned into their opposite.

    Decisions are flipped, and no noise is added to distances, since then the law of
    what is kept is known for any ball: a row inside is kept with probability 1 - flip
    and one outside with probability flip (Feng et al.'s phi and psi). At flip = 1/2
    nothing is left but random selection, which noise of a distance never comes to.
    Consumes the key.
    """
    dtype = jnp.result_type(float)
    if isinstance(flip, float) and flip == 0:
        return inside.astype(dtype)
    wrong = jnp.asarray(flip, dtype)
    return chosen(draws.uniform(key, inside.shape), jnp.where(inside, 1 - wrong, wrong))


def _read(centre: Centre, reference: Any) -> Float[Array, "..."]:
    return centre(reference) if callable(centre) else centre


def _pair(batch: Batch) -> Lines:
    x, y = batch
    return x, y if y.ndim == 1 else y[:, 0]
