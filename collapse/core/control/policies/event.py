"""Nothing but real rows as soon as the drift is above a level, else none.

Re-anchoring goes on until the drift is below half the level (hysteresis), so that noise
about the level does not switch it on and off. A number behind the name is the share of
real rows while it is on, 1 by default. In a random walk of the drift in d directions
the level of full re-anchoring is step / rate for a budget of that rate, and the mean
drift is d / (d + 2) of what the constant share has for the same rows
(`collapse.theory.triggers`); in one direction this is Astrom & Bernhardsson's gain of
Lebesgue over Riemann sampling.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool

from collapse.core.control import level
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask

_RELEASE = 0.5  # of the level, below which re-anchoring ends

State = tuple[Number, Bool[Array, ""]]


def _init(setting: Setting) -> State:
    guess = setting.step * jnp.maximum(setting.own_or(1.0), 0.33) / setting.rate
    return level.begin(setting, guess), jnp.zeros((), bool)


def _act(setting: Setting, state: State, signal: Signal) -> tuple[State, Request]:
    (own, on), share = state, setting.own_or(1.0)
    # a small share takes several generations to halve the drift: one action of rows
    action = jnp.maximum(share, 0.33)
    height = level.height(setting, own, signal, action)
    on = signal.drift > jnp.where(on, _RELEASE * height, height)
    share = jnp.where(on, share, 0)
    own = level.moved(setting, own, signal, share, action)
    return (own, on), ask(share, alarm=on, level=height)


POLICY = Policy(_init, _act)
