"""The least share that holds a drift D, for the drift a generation adds, as estimated.

a = 1 - sqrt(1 - s / D), or 1 for D < s (`theory.anchoring.least_share`, pooled), with s
the mean of what each generation added to what its predecessor's drift had become:
e_{t+1} - (1 - a)^2 e_t. D is the tolerance, or the level at which the budget is spent.
It does not look at the drift itself, so that in the long run it is a constant share.
"""

import jax.numpy as jnp

from collapse.core.control import level
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask

_ACTION = 0.3  # share that counts as one action where its level is adapted
_PRIOR = 10.0  # generations that the first guess of s counts for

State = tuple[Number, Number, Number]


def _init(setting: Setting) -> State:
    kept = (1 - jnp.clip(setting.rate, 0, 1)) ** 2
    guess = setting.step / jnp.maximum(1 - kept, jnp.finfo(kept.dtype).eps)
    return setting.step, jnp.zeros_like(guess), level.begin(setting, guess)


def _act(setting: Setting, state: State, signal: Signal) -> tuple[State, Request]:
    step, before, own = state
    added = signal.drift - (1 - signal.used) ** 2 * before
    of_model = signal.generation > 0  # generation 0 follows no other
    step = step + jnp.where(of_model, (added - step) / (signal.generation + _PRIOR), 0)
    aim = level.height(setting, own, signal, _ACTION)
    share = 1 - jnp.sqrt(jnp.maximum(1 - jnp.maximum(step, 0) / aim, 0))
    own = level.moved(setting, own, signal, share, _ACTION)
    return (step, signal.drift, own), ask(share, level=aim)


POLICY = Policy(_init, _act)
