"""A share chosen by trial: the arm of a bandit whose drift and cost were least.

Arms are 0, 1/2, 1, 2 and 4 times the budget's rate. Each is held for as many
generations as one anchoring takes, 1 / rate, then compared by its mean drift plus a
shadow price of its rows, less a bonus for arms that were seldom tried (UCB1 of Auer,
Cesa-Bianchi & Fischer 2002, for costs). The shadow price rises while more is spent than
the budget allows. It knows nothing of the model, and its arms are constant shares.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask

_ARMS = (0.0, 0.5, 1.0, 2.0, 4.0)
_STEP = 0.1  # of the shadow price's logarithm, by each generation's rows beyond


class BanditState(NamedTuple):
    """What the bandit remembers.

    Attributes:
      arm: that is held.
      age: generations since it was chosen.
      total: of the drift since then.
      tried: [arms], how often each was held to the end.
      mean: [arms], mean drift of each.
    """

    arm: Int[Array, ""]
    age: Number
    total: Number
    tried: Float[Array, " arms"]
    mean: Float[Array, " arms"]


def _init(setting: Setting) -> BanditState:
    nothing = jnp.zeros_like(setting.rate)
    each = jnp.zeros(len(_ARMS), setting.rate.dtype)
    return BanditState(jnp.array(2, jnp.int32), nothing, nothing, each, each)


def _act(
    setting: Setting, state: BanditState, signal: Signal
) -> tuple[BanditState, Request]:
    arms = jnp.asarray(_ARMS, setting.rate.dtype)
    age, total = state.age + 1, state.total + signal.drift
    over = age >= 1 / setting.rate
    hot = (jnp.arange(len(_ARMS), dtype=jnp.int32) == state.arm) & over
    tried = state.tried + hot.astype(arms.dtype)
    mean = jnp.where(hot, state.mean + (total / age - state.mean) / tried, state.mean)
    usual = setting.step / (2 * setting.rate)  # drift of the constant share
    price = usual * jnp.exp(_STEP * signal.ahead)
    often = jnp.maximum(tried, 0.5)
    bonus = usual * jnp.sqrt(2 * jnp.log(jnp.sum(tried) + 1) / often)
    chosen = jnp.argmin(mean + price * arms - bonus).astype(jnp.int32)
    arm = jnp.where(over, chosen, state.arm)
    share = setting.rate * arms[arm]
    kept = BanditState(
        arm, jnp.where(over, 0, age), jnp.where(over, 0, total), tried, mean
    )
    return kept, ask(share)


POLICY = Policy(_init, _act)
