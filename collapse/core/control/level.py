"""A level that finds its own height, so that a policy spends what its budget allows.

A policy that acts where the drift is above a level spends the more the lower it is. How
much, depends on the law of the drift, which is not known beforehand. So the logarithm
of the level is moved by the rows spent beyond the budget:

* by stochastic approximation (Robbins & Monro 1951) with steps that shrink like one
  over the generations' worth of real rows that the budget has allowed so far;
* and in proportion to what has been spent beyond the budget so far, which then stays
  bounded: over many generations all policies spend the same.

With a tolerance the level is that, and what is spent follows.
"""

import jax.numpy as jnp

from collapse.core.control.policy import Number, Setting, Signal

_PULL = 0.1  # of the logarithm, by each generation of n rows that is spent beyond


def begin(setting: Setting, guess: Number) -> Number:
    """Logarithm of the level before a run, from a first guess of the level."""
    return jnp.log(jnp.maximum(guess, jnp.finfo(setting.rate.dtype).tiny))


def height(setting: Setting, state: Number, signal: Signal) -> Number:
    """The level: the tolerance if there is one, else what the budget asks for."""
    found = jnp.exp(state + _PULL * signal.ahead)
    return jnp.where(jnp.isnan(setting.tolerance), found, setting.tolerance)


def moved(setting: Setting, state: Number, signal: Signal, share: Number) -> Number:
    """The logarithm of the level after so large a share was asked for."""
    gain = 1 / (1 + setting.rate * (signal.generation + 1))
    return state + gain * (share - setting.rate)
