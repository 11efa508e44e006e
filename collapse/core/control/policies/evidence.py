"""Nothing but real rows once there is enough evidence of a drift above a level.

Each generation bets against "the drift is at most the level": with p the probability
of so much monitor noise under it, 1 / (2 sqrt(p)) is an e-value, whose mean is at most
1. Their product, begun anew whenever it falls below 1 and after every alarm, is an
e-detector (Shin, Ramdas & Rinaldo 2022, arXiv:2203.03532): alarmed at 1 / f it has at
least 1 / f generations between false alarms on average, whenever one looks, where the
monitor's noise is new in each generation. The number behind the name is f, 0.01 by
default. p is an upper bound by the triangle inequality: the square root of the monitor
is at most that of the drift plus that of its noise, floor / freedom times a chi square.
"""

import jax.numpy as jnp
from jax.scipy.special import gammaincc

from collapse.core.control import level
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask

State = tuple[Number, Number]


def e_value(setting: Setting, drift: Number, most: Number) -> Number:
    """Evidence that the drift is above `most`, by a monitor less its floor."""
    floor = jnp.nan_to_num(setting.floor)  # of generation 0, which is taken away
    seen = jnp.sqrt(jnp.maximum(drift + floor, 0))
    beyond = jnp.maximum(seen - jnp.sqrt(most), 0) ** 2
    usual = jnp.where(floor > 0, floor, setting.step)
    noise = jnp.maximum(usual / setting.freedom, jnp.finfo(seen.dtype).tiny)
    chance = gammaincc(setting.freedom / 2, beyond / noise / 2)
    return 0.5 / jnp.sqrt(jnp.maximum(chance, 1e-30))


def _init(setting: Setting) -> State:
    guess = setting.step / setting.rate
    return level.begin(setting, guess), jnp.ones_like(guess)


def _act(setting: Setting, state: State, signal: Signal) -> tuple[State, Request]:
    own, evidence = state
    height = level.height(setting, own, signal)
    evidence = jnp.maximum(evidence, 1) * e_value(setting, signal.drift, height)
    alarm = evidence >= 1 / setting.own_or(0.01)
    share = alarm.astype(evidence.dtype)
    own = level.moved(setting, own, signal, share)
    return (own, jnp.where(alarm, 1, evidence)), ask(share, alarm=alarm, level=height)


POLICY = Policy(_init, _act)
