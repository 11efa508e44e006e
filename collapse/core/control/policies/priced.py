"""The share whose cost is least: the drift to come, and a price for each real row.

A share a leaves (1 - a)^2 of the drift e and costs c = price n a. With a quadratic cost
to go, P e for every drift e that is left, the sum (1 + P) (1 - a)^2 e + c is least at
a = 1 - price n / (2 (1 + P) e), and no real row is bought below the drift where that is
0: control with a linear price has a dead zone, where a quadratic one would give the
constant gain of a linear-quadratic regulator. P = (1 - b)^2 / (1 - (1 - b)^2) is the
drift's own sum under the constant share b = sqrt(step / (2 price n)) that is best
to first order.
"""

import jax.numpy as jnp

from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask


def dead_zone(setting: Setting) -> Number:
    """The drift up to which no real row is worth its price."""
    cost = setting.price * setting.num_rows
    best = jnp.clip(jnp.sqrt(setting.step / (2 * cost)), 0.001, 1)
    kept = (1 - best) ** 2
    return cost * (1 - kept) / 2  # 1 + P = 1 / (1 - kept)


def _act(
    setting: Setting, state: tuple[()], signal: Signal
) -> tuple[tuple[()], Request]:
    least = dead_zone(setting)
    share = 1 - least / jnp.maximum(signal.drift, least)
    return state, ask(share, level=least)


POLICY = Policy(lambda setting: (), _act)
