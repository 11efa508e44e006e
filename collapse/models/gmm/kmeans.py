"""k-means with weighted rows: where the fit of a mixture starts."""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.models.gmm import em as gmm_em
from collapse.models.gmm.em import ComponentSums, GmmParams
from collapse.numerics import draws
from collapse.numerics.blocks import PaddedRows, sum_blocks, sum_rows

MAX_LLOYD = 300  # scikit-learn's bound


def kmeans_start(
    key: Key,
    rows: PaddedRows,
    num_components: int,
    reg_covar: float | Float[Array, ""],
) -> GmmParams:
    """A mixture with the weights, means and covariances of k-means clusters.

    scikit-learn's default start with weighted rows: k-means++ seeds, then Lloyd's
    iteration until no row changes its cluster. Deviation: a cluster that loses all its
    rows keeps its centre instead of moving to the farthest row. Consumes the key.
    """
    _, d, _ = rows.points.shape
    dtype = rows.points.dtype
    centres = _lloyd(rows, _plus_plus(key, rows, num_components))

    def block(points: Array, weights: Array) -> ComponentSums:
        away = [points[i][None] - centres[:, i, None] for i in range(d)]
        return gmm_em.component_sums(weights[None] * _nearest(points, centres), away)

    reg = jnp.asarray(reg_covar, dtype)
    eye = jnp.broadcast_to(jnp.eye(d, dtype=dtype), (num_components, d, d))
    even = jnp.full(num_components, 1 / num_components, dtype)
    return gmm_em.maximise(
        GmmParams(even, centres, reg * eye),
        gmm_em.Factor(eye, eye),
        sum_blocks(rows, block),
        rows.extra_mass,
        reg,
    )


def _plus_plus(key: Key, rows: PaddedRows, num: int) -> Float[Array, "K d"]:
    """Greedy k-means++ seeds (Arthur & Vassilvitskii 2007, SODA).

    Each seed is the best of 2 + log K rows, drawn in proportion to weight times squared
    distance from the nearest seed so far (the first in proportion to weight). Where
    fewer than K rows differ, seeds repeat. Deviation from scikit-learn: the first seed
    too is the best of several.
    """
    points = rows.points.transpose(1, 0, 2).reshape(rows.points.shape[1], -1)
    weights = rows.weights.reshape(-1)

    def add(nearest: Array, u: Array) -> tuple[Array, Array]:
        mass = weights * nearest
        mass = jnp.where(jnp.sum(mass) > 0, mass, weights)
        candidates = points[:, _draw_rows(u, mass)].T
        left = jnp.minimum(nearest[None], _squared_distance(points, candidates))
        best = jnp.argmin(left @ weights)
        return left[best], candidates[best]

    # before the first seed all rows have the same distance
    far = jnp.full_like(weights, math.sqrt(jnp.finfo(weights.dtype).max))
    u = draws.uniform(key, (num, 2 + int(math.log(num))), weights.dtype)
    return lax.scan(add, far, u)[1]


def _draw_rows(u: Float[Array, " t"], mass: Float[Array, " m"]) -> Int[Array, " t"]:
    """Row numbers drawn in proportion to `mass`; a row of mass 0 is never drawn.

    A uniform number in u selects first a block of rows and then a row in the block:
    cumulative sums over all rows would take most of the time of k-means.
    """
    width = math.isqrt(len(mass) - 1) + 1
    blocks = jnp.pad(mass, (0, -len(mass) % width)).reshape(-1, width)
    sums = sum_rows(blocks)
    every = jnp.broadcast_to(sums[None], (len(u), len(sums)))
    block, rest = _look_up(u * jnp.sum(sums), every)
    row, _ = _look_up(rest, blocks[block])
    return block * width + row


def _look_up(
    target: Float[Array, " t"], mass: Float[Array, "t w"]
) -> tuple[Int[Array, " t"], Float[Array, " t"]]:
    """First index where the cumulative sum of `mass` exceeds `target`, and the rest.

    The rest is `target` minus the sum before that index. An index of mass 0 is never
    returned, though by rounding the cumulative sum may seem to grow there.
    """
    width = mass.shape[1]
    cumulative = mass @ jnp.tri(width, dtype=mass.dtype).T
    index = jnp.arange(width, dtype=jnp.int32)[None]
    last = jnp.max(jnp.where(mass > 0, index, 0), 1)
    beyond = (mass > 0) & (cumulative > target[:, None])
    first = jnp.min(jnp.where(beyond, index, last[:, None]), 1)
    before = jnp.take_along_axis(cumulative - mass, first[:, None], 1)[:, 0]
    return first, target - before


def _lloyd(rows: PaddedRows, centres: Float[Array, "K d"]) -> Float[Array, "K d"]:
    """Centres of Lloyd's iteration, run until no row changes its cluster."""
    State = tuple[Int[Array, ""], Float[Array, "K d"], Float[Array, "K d"]]

    def unfinished(state: State) -> Bool[Array, ""]:
        # equal clusters give bitwise equal centres, so it is enough to compare centres
        iterations, old, new = state
        return jnp.any(old != new) & (iterations < MAX_LLOYD)

    def step(state: State) -> State:
        iterations, _, old = state

        def block(points: Array, weights: Array) -> Array:
            mass = weights[None] * _nearest(points, old)
            return sum_rows(jnp.stack([mass, *(mass * row[None] for row in points)]))

        total, *sums = sum_blocks(rows, block)
        new = jnp.stack(sums, 1) / jnp.where(total > 0, total, 1)[:, None]
        return iterations + 1, old, jnp.where(total[:, None] > 0, new, old)

    first = step((jnp.zeros((), jnp.int32), centres, centres))
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
