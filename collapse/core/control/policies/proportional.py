"""A share that follows the drift: proportional and integral feedback.

a <- clip(a + K (e_t - e_{t-1}) + K_i (e_t - D), 0, 1) for the drift e and the level D,
with gains in natural units: K = k b / D and K_i = K b for the constant share
b = step / (2 D) that would hold D, so that the integral acts within as many generations
as one anchoring takes. A number behind the name is k, 1 by default. D is the tolerance,
or the level at which the budget is spent.
"""

import jax.numpy as jnp

from collapse.core.control import level
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask

_ACTION = 0.6  # share that counts as one action where its level is adapted

State = tuple[Number, Number, Number]


def _init(setting: Setting) -> State:
    guess = setting.step / (2 * setting.rate)
    return setting.rate, guess, level.begin(setting, guess)


def _act(setting: Setting, state: State, signal: Signal) -> tuple[State, Request]:
    share, before, own = state
    aim = level.height(setting, own, signal, _ACTION)
    usual = jnp.clip(setting.step / (2 * aim), 0, 1)
    gain = setting.own_or(1.0) * usual / aim
    change = signal.drift - before + usual * (signal.drift - aim)
    share = jnp.clip(share + gain * change, 0, 1)
    own = level.moved(setting, own, signal, share, _ACTION)
    return (share, signal.drift, own), ask(share, level=aim)


POLICY = Policy(_init, _act)
