"""How much a real row counts beside a generated one in the next fit.

The weight w of the real rows' loss that is best for one step follows from what is known
of the model that generates the other rows. In units of the variance of a fit to n rows,
with a share a of real ones: the error of the next fit is
w^2 / a + (1 - w)^2 B with B = V + 1 / (1 - a), least at w = B / (B + 1 / a). V is the
model's own squared error, and so this is the gain of a Kalman filter.

* `EQUAL`: each row counts once.
* `PREDICTED`: V is what the rows used so far lead to expect. Nothing is looked at; of
  as many real as generated rows this is Garg, Bhattacharya & Sur 2025
  (arXiv:2509.22341, sec. 3.1), w_t = (1 + w_{t-1}) / (2 + w_{t-1}).
* `MEASURED`: V is the drift that the policy sees.
"""

import jax.numpy as jnp
from jaxtyping import Array, Int

from collapse.core.control.policy import Number

EQUAL, PREDICTED, MEASURED = range(3)
NAMES = ("equal", "predicted", "measured")


def per_row(weight: Number, share: Number) -> Number:
    """Weight of a real row beside 1 of a generated one, by that of the real rows' loss.

    1 where rows of one kind are alone.
    """
    inside = (share > 0) & (share < 1) & (weight < 1)
    odds = weight * (1 - share) / jnp.where(inside, (1 - weight) * share, 1)
    return jnp.where(inside, odds, 1)


def best_weight(variance: Number, share: Number) -> Number:
    """Weight of the real rows' loss that is best for one step, for 0 < share < 1."""
    of_generated = variance + 1 / (1 - share)
    return of_generated / (of_generated + 1 / share)


def chosen(
    kind: Int[Array, ""], variance: Number, drift: Number, share: Number
) -> Number:
    """Weight of a real row in the next fit.

    Args:
      kind: `EQUAL`, `PREDICTED` or `MEASURED`.
      variance: expected squared error of the model, in units of a fit to n rows.
      drift: the same as the policy sees it.
      share: of real rows in the next generation.
    """
    known = jnp.where(kind == MEASURED, jnp.maximum(drift, 0), variance)
    found = per_row(best_weight(known, _inside(share)), share)
    return jnp.where(kind == EQUAL, 1, found)


def after(
    variance: Number, weight: Number, share: Number, part: Number | float = 1.0
) -> Number:
    """Expected squared error after the next fit, in units of a fit to n rows.

    Args:
      variance: expected before it.
      weight: of a real row beside 1 of a generated one.
      share: of real rows.
      part: of the generated rows, that is trained on.
    """
    inner = _inside(share)
    others = jnp.maximum(part - part * inner, jnp.finfo(share.dtype).tiny)
    loss = weight * inner / (weight * inner + part - part * inner)
    mixed = loss**2 / inner + (1 - loss) ** 2 * (variance + 1 / others)
    return jnp.where(share <= 0, variance + 1, jnp.where(share >= 1, 1, mixed))


def _inside(share: Number) -> Number:
    """A share between 0 and 1, where there is none of one kind."""
    least = jnp.finfo(share.dtype).eps
    return jnp.clip(share, least, 1 - least)
