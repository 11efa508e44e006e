"""A discriminator: logistic regression that tells real rows from generated ones.

It is trained afresh wherever a curator looks at rows, in a fixed number of Newton steps
on features of them, so that it compiles into the loop and maps over seeds. What it can
see is what its features can: with x and squares the means and variances of columns,
which is all that normal distributions with independent columns differ in.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from collapse.core.curation.checks import Number, positive
from collapse.core.types import Batch

Features: TypeAlias = Callable[[Batch], Float[Array, "rows f"]]
_HALVINGS = 8  # step sizes 1, 1/2, ... of which a Newton step takes the best


class Discriminator(NamedTuple):
    """A fitted logistic regression of standardised features.

    Attributes:
      offset: scalar.
      slope: [f].
      mean: [f], of the features that it was trained on.
      scale: [f], their standard deviations; 1 for a feature that does not vary.
    """

    offset: Float[Array, ""]
    slope: Float[Array, " f"]
    mean: Float[Array, " f"]
    scale: Float[Array, " f"]


class Training(NamedTuple):
    """How a discriminator is trained.

    Attributes:
      features: batch -> [rows, f]; floats.
      ridge: penalty of half the squared slope, of features with variance 1, beside a
        mean log-loss; above 0, so that sets that can be told apart have a solution.
      steps: of Newton's method.
    """

    features: Features
    ridge: Number = 1e-3
    steps: int = 8


def values_and_squares(batch: Batch) -> Float[Array, "rows f"]:
    """The columns of all floating-point leaves of a batch, and their squares."""
    leaves = [
        leaf.reshape(leaf.shape[0], -1)
        for leaf in jax.tree.leaves(batch)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    columns = jnp.concatenate(leaves, axis=1)
    return jnp.concatenate([columns, columns**2], axis=1)


def train(
    real: Float[Array, "others f"],
    synthetic: Float[Array, "rows f"],
    ridge: Number = 1e-3,
    steps: int = 8,
) -> Discriminator:
    """The discriminator of two sets of features, by damped Newton steps from 0.

    Both sets have the same total weight, whatever their sizes, so that the odds
    D / (1 - D) estimate the ratio of their densities. Each step goes the best of 1,
    1/2, 1/4, ... of Newton's step, so that the loss never rises. Rows may have no NaN.

    Args:
      real: [others, f].
      synthetic: [rows, f].
      ridge: see `Training`.
      steps: see `Training`.

    Raises:
      ValueError: if the ridge is not positive, or there are no steps.
    """
    positive("ridge", ridge)
    if steps < 1:
        raise ValueError(f"steps is {steps}; give at least 1")
    rows = jnp.concatenate([real, synthetic.astype(real.dtype)])
    share = [jnp.full(len(x), 0.5 / len(x), rows.dtype) for x in (real, synthetic)]
    weights = jnp.concatenate(share)
    mean = weights @ rows
    spread = jnp.sqrt(weights @ (rows - mean[None]) ** 2)
    # told from its values, since the spread of a constant is rounding and not 0
    scale = jnp.where(jnp.max(rows, axis=0) > jnp.min(rows, axis=0), spread, 1)
    ones = jnp.ones((len(rows), 1), rows.dtype)
    design = jnp.concatenate([ones, (rows - mean[None]) / scale[None]], axis=1)
    sign = jnp.where(jnp.arange(len(rows)) < len(real), 1, -1).astype(rows.dtype)
    penalty = jnp.full(design.shape[1], ridge, rows.dtype).at[0].set(0)
    beta = _newton(design, sign, weights, penalty, steps)
    return Discriminator(beta[0], beta[1:], mean, scale)


def log_odds(
    discriminator: Discriminator, features: Float[Array, "rows f"]
) -> Float[Array, " rows"]:
    """Log-odds log D / (1 - D) of each row, D the probability that it is real."""
    mean, scale = discriminator.mean[None], discriminator.scale[None]
    standard = (features.astype(mean.dtype) - mean) / scale
    return standard @ discriminator.slope + discriminator.offset


def _newton(
    design: Float[Array, "all p"],
    sign: Float[Array, " all"],
    weights: Float[Array, " all"],
    penalty: Float[Array, " p"],
    steps: int,
) -> Float[Array, " p"]:
    """Coefficients of smallest penalised log-loss, after so many steps."""
    sizes = jnp.asarray([0.0] + [0.5**i for i in range(_HALVINGS)], design.dtype)

    def loss(beta: Array) -> Array:
        each = jnp.logaddexp(0, -sign * (design @ beta))
        return weights @ each + jnp.sum(penalty * beta**2) / 2

    def step(_: Array, beta: Array) -> Array:
        share = jax.nn.sigmoid(design @ beta)
        miss = jax.nn.sigmoid(-sign * (design @ beta))
        gradient = -(weights * sign * miss) @ design + penalty * beta
        curvature = weights * share * (1 - share)
        hessian = (curvature[:, None] * design).T @ design + jnp.diag(penalty)
        # the offset has no penalty of its own, and no curvature where all is certain
        hessian = hessian.at[0, 0].add(jnp.finfo(design.dtype).eps)
        way = cho_solve((jnp.linalg.cholesky(hessian), True), gradient)
        tried = beta[None] - sizes[:, None] * way[None]
        losses = jax.vmap(loss)(tried)
        best = jnp.argmin(jnp.where(jnp.isnan(losses), jnp.inf, losses))
        return tried[best]

    return jax.lax.fori_loop(0, steps, step, jnp.zeros(design.shape[1], design.dtype))
