"""A level that finds its own height, so that a policy spends what its budget allows.

A policy that acts where the drift is above a level spends the more the lower it is. How
much, depends on the law of the drift, which is not known beforehand. So the logarithm
of the level is moved by the rows spent beyond the budget:

* by stochastic approximation (Robbins & Monro 1951) with steps that shrink like one
  over the number of actions that the budget has allowed so far;
* and in proportion to what has been spent beyond the budget so far, which then stays
  bounded: over many generations all policies spend the same.

Both count in actions: the share of real rows that the policy asks for at a time.

With a tolerance the level is that, and what is spent follows.
"""

import jax.numpy as jnp

from collapse.core.control.policy import Number, Setting, Signal

_PULL = 0.2  # of the logarithm, by each action that is spent beyond


def begin(setting: Setting, guess: Number) -> Number:
    """Logarithm of the level before a run, from a first guess of the level."""
    return jnp.log(jnp.maximum(guess, jnp.finfo(setting.rate.dtype).tiny))


def height(
    setting: Setting, state: Number, signal: Signal, action: Number | float = 1.0
) -> Number:
    """The level: the tolerance if there is one, else what the budget asks for.

    Args:
      setting: of the policy.
      state: logarithm of the level.
      signal: what the policy sees.
      action: share of real rows that it asks for at a time.
    """
    found = jnp.exp(state + _PULL * signal.ahead / action)
    return jnp.where(jnp.isnan(setting.tolerance), found, setting.tolerance)


def moved(
    setting: Setting,
    state: Number,
    signal: Signal,
    share: Number,
    action: Number | float = 1.0,
) -> Number:
    """The logarithm of the level after so large a share was asked for."""
    gain = 1 / (action + setting.rate * (signal.generation + 1))
    return state + gain * (share - setting.rate)
