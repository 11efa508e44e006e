"""How much a step on one document lowers a model's loss on others, its probes.

The gain of a document x is L(w) - L(w - rate * grad l(x, w)), with L the mean loss of
the probes. To first order in the rate it is rate * <grad L, grad l(x)>, the derivative
of l(x) in the direction of grad L: one pass forwards for all documents together.

References:
  Pruthi et al. 2020 (arXiv:2002.08484), TracIn, is the first-order gain. Iskander et
  al. 2024 (arXiv:2409.16341) ask how an example in the prompt of a large model changes
  its loss on others; a model that does not learn in context takes a step instead.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.models.language.documents import Format, of_documents
from collapse.models.language.groups import in_groups
from collapse.models.language.losses import cross_entropy
from collapse.models.language.network import Network

Losses = Callable[[Any, Array], Float[Array, " rows"]]
_GROUP, _STEPS = 64, 8  # rows whose losses, or whose steps, are computed together


def document_losses(net: Network, form: Format) -> Losses:
    """A function of weights and documents: each one's mean loss of a learned token."""

    def losses(weights: dict, rows: Int[Array, "rows block"]) -> Float[Array, " rows"]:
        return of_documents(cross_entropy(net, weights, rows), rows, form)

    return losses


def first_order(
    losses: Losses, weights: Any, rows: Array, probes: Array, rate: float
) -> Float[Array, " rows"]:
    """The gain of each row to first order in the rate [rows].

    Args:
      losses: (weights, rows) -> loss of each row.
      weights: of the model.
      rows: [rows, ...] whose gains are told.
      probes: [m, ...] rows of the same kind.
      rate: of the step.
    """
    towards = jax.grad(lambda own: jnp.mean(losses(own, probes)))(weights)

    def group(rows: Array) -> Array:
        return jax.jvp(lambda own: losses(own, rows), (weights,), (towards,))[1]

    return rate * in_groups(group, _GROUP, rows)


def one_step(
    losses: Losses, weights: Any, rows: Array, probes: Array, rate: float
) -> Float[Array, " rows"]:
    """The gain of each row by a step of gradient descent on it alone [rows].

    Args:
      losses: (weights, rows) -> loss of each row.
      weights: of the model.
      rows: [rows, ...] whose gains are told.
      probes: [m, ...] rows of the same kind.
      rate: of the step.
    """
    before = jnp.mean(losses(weights, probes))

    def gain(row: Array) -> Array:
        slope = jax.grad(lambda own: losses(own, row[None])[0])(weights)
        after = jax.tree.map(lambda w, g: w - rate * g, weights, slope)
        return before - jnp.mean(losses(after, probes))

    return in_groups(jax.vmap(gain), _STEPS, rows)
