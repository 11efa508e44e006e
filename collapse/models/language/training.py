"""How a network learns its rows: AdamW over minibatches, in one compiled loop.

Every row takes part in proportion to its weight: over a whole training each is used so
often as its share says, rounded down or up, evenly spread and in random order. With
equal weights and whole epochs these are the shuffled passes that papers make.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.core.types import Key, Weights
from collapse.numerics import draws, threefry

Loss = Callable[[dict, Int[Array, "b block"], Key], Float[Array, ""]]


class Recipe(NamedTuple):
    """How a network is trained.

    Attributes:
      steps: of the optimiser, if `epochs` is 0.
      epochs: passes over rows of weight 1, so that training grows with the data; 0 for
        a fixed number of steps.
      most_rows: total weight that `epochs` must reckon with.
      batch_size: rows of a step.
      together: rows whose gradient is taken at once, at most; their sum is the step's.
        What is kept of few for the backward pass stays in the processor's cache.
      learning_rate: at its peak; it ends at a tenth of it.
      warm_up: share of the steps before the peak.
      weight_decay: of matrices, those that embed among them; norms have none.
      clip: largest norm of a gradient.
      keep: weights after the last step, or those of the lowest validation loss.
      looks: how often validation loss is looked at, if the best is kept.
    """

    steps: int = 1000
    epochs: float = 0.0
    most_rows: int = 0
    batch_size: int = 8
    together: int = 8
    learning_rate: float = 3e-3
    warm_up: float = 0.1
    weight_decay: float = 0.1
    clip: float = 1.0
    keep: Literal["last", "best"] = "last"
    looks: int = 10


class Outcome(NamedTuple):
    """What a training leaves.

    Attributes:
      weights: of the network.
      loss: mean over the last tenth of the steps, nats a character.
      steps: that were taken.
      kept: step whose weights these are.
    """

    weights: dict
    loss: Float[Array, ""]
    steps: Int[Array, ""]
    kept: Int[Array, ""]


def train(
    key: Key,
    weights: dict,
    rows: Int[Array, "rows block"],
    row_weights: Weights,
    loss: Loss,
    recipe: Recipe,
    validate: Callable[[dict], Float[Array, ""]] | None = None,
) -> Outcome:
    """Train from `weights` on weighted rows; consumes the key.

    Args:
      rows: [rows, block] tokens.
      row_weights: [rows], non-negative.
      loss: (weights, minibatch [b, block], key) -> mean loss.
      validate: loss on rows that are not trained on; needed to keep the best.

    Raises:
      ValueError: if the best is to be kept and nothing says which that is.
    """
    if recipe.keep == "best" and validate is None:
        raise ValueError("keep = best needs a validation loss")
    order_key, step_key = threefry.split(key)
    steps, most = _num_steps(recipe, row_weights)
    order = _order(order_key, row_weights, steps * recipe.batch_size, most, recipe)
    optimiser = _optimiser(recipe)
    slope = _slope(loss, recipe)
    late = steps - jnp.maximum(steps // 10, 1)
    look = jnp.maximum(steps // recipe.looks, 1)

    def body(i: Array, carry):
        weights, state, total, best = carry
        own = lax.dynamic_slice_in_dim(order, i * recipe.batch_size, recipe.batch_size)
        value, grad = slope(weights, rows[own], threefry.fold_in(step_key, i))
        updates, state = optimiser.update(grad, state, weights)
        rate = _rate(recipe, i, steps)
        weights = jax.tree.map(lambda w, u: w - rate * u, weights, updates)
        total = total + jnp.where(i >= late, value, 0)
        if best is not None:
            assert validate is not None
            due = ((i + 1) % look == 0) | (i + 1 == steps)
            best = lax.cond(
                due,
                functools.partial(_better, validate),
                lambda weights, step, best: best,
                *(weights, i + 1, best),
            )
        return weights, state, total, best

    nothing = jnp.zeros((), jnp.int32)
    best = (weights, jnp.float32(jnp.inf), nothing) if recipe.keep == "best" else None
    start = (weights, optimiser.init(weights), jnp.float32(0), best)
    weights, _, total, best = lax.fori_loop(0, steps, body, start)
    loss_at_end = total / (steps - late).astype(total.dtype)
    if best is None:
        return Outcome(weights, loss_at_end, steps, steps)
    return Outcome(best[0], loss_at_end, steps, best[2])


def _slope(loss: Loss, recipe: Recipe) -> Callable[..., Any]:
    """Loss and gradient of a minibatch, a few rows at a time."""
    whole = jax.value_and_grad(loss)
    groups = max(1, -(-recipe.batch_size // recipe.together))
    while recipe.batch_size % groups:  # of one size
        groups += 1
    if groups == 1:
        return whole

    def slope(weights: dict, rows: Array, key: Key) -> tuple[Array, dict]:
        parts = rows.reshape(groups, -1, *rows.shape[1:])

        def add(total: tuple[Array, dict], i: Array) -> tuple[Any, None]:
            own = whole(weights, parts[i], threefry.fold_in(key, i))
            return jax.tree.map(lambda a, b: a + b / groups, total, own), None

        nothing = jax.tree.map(jnp.zeros_like, (jnp.float32(0), weights))
        return lax.scan(add, nothing, jnp.arange(groups, dtype=jnp.int32))[0]

    return slope


def _optimiser(recipe: Recipe) -> optax.GradientTransformation:
    """AdamW without its learning rate, which follows the number of steps."""

    def matrices(weights: dict) -> dict:
        return jax.tree.map(lambda leaf: leaf.ndim > 1, weights)

    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.scale_by_adam(b1=0.9, b2=0.99),
        optax.add_decayed_weights(recipe.weight_decay, matrices),
    )


def _rate(recipe: Recipe, i: Array, steps: Array) -> Array:
    """Linear rise, then half a cosine down to a tenth."""
    now, end = (jnp.asarray(x, jnp.float32) for x in (i, steps))
    rise = jnp.maximum(recipe.warm_up * end, 1)
    progress = jnp.clip((now - rise) / jnp.maximum(end - rise, 1), 0, 1)
    fall = 0.1 + 0.9 * (1 + jnp.cos(math.pi * progress)) / 2
    return recipe.learning_rate * jnp.minimum((now + 1) / rise, fall)


def _num_steps(recipe: Recipe, row_weights: Weights) -> tuple[Int[Array, ""], int]:
    """Steps to take, and the most there can be."""
    if not recipe.epochs:
        return jnp.int32(recipe.steps), recipe.steps
    most = math.ceil(recipe.epochs * recipe.most_rows / recipe.batch_size)
    passes = recipe.epochs / recipe.batch_size
    steps = jnp.ceil(passes * jnp.sum(row_weights))
    return jnp.clip(steps.astype(jnp.int32), 1, max(most, 1)), max(most, 1)


def _order(
    key: Key, row_weights: Weights, num: Int[Array, ""], most: int, recipe: Recipe
) -> Int[Array, " places"]:
    """Rows in the order of their use: `num` of them, then nothing of meaning.

    Systematic sampling: points evenly spaced over the cumulated weights hit each row as
    often as its share of them, rounded down or up. The j-th of a row's c uses comes at
    a random time in the j-th c-th of the training.
    """
    places = jnp.arange(most * recipe.batch_size, dtype=jnp.int32)
    shift_key, shuffle_key = threefry.split(key)
    upto = jnp.cumsum(row_weights)
    shift = draws.uniform(shift_key, (), upto.dtype)
    step = upto[-1] / jnp.asarray(num, upto.dtype)
    point = (places.astype(upto.dtype) + shift) * step
    hit = jnp.searchsorted(upto, point, side="right").astype(jnp.int32)
    hit = jnp.minimum(hit, row_weights.size - 1)
    first, last = (jnp.searchsorted(hit, hit, side=s) for s in ("left", "right"))
    uses = jnp.minimum(last, num) - first
    time = (places - first + draws.uniform(shuffle_key, places.shape)) / uses
    return hit[jnp.argsort(jnp.where(places < num, time, 2))]


def _better(
    validate: Callable[[dict], Array],
    weights: dict,
    step: Array,
    best: tuple[dict, Array, Array],
) -> tuple[dict, Array, Array]:
    """The best so far, now that these weights have been looked at."""
    value = validate(weights).astype(best[1].dtype)
    new = (weights, value, step.astype(best[2].dtype))
    return jax.tree.map(lambda a, b: jnp.where(value < best[1], a, b), new, best)
