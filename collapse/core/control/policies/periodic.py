"""Nothing but real rows whenever the budget has saved enough for them, else none.

A number behind the name is the period in generations, in place of the budget's.
"""

import jax.numpy as jnp

from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask


def _act(setting: Setting, saved: Number, signal: Signal) -> tuple[Number, Request]:
    del signal
    saved = saved + jnp.where(jnp.isnan(setting.own), setting.rate, 1 / setting.own)
    # sums of a share such as 0.1 end a little below 1
    due = saved >= 1 - 64 * jnp.finfo(saved.dtype).eps
    share = due.astype(saved.dtype)
    return jnp.where(due, saved - 1, saved), ask(share, alarm=due)


POLICY = Policy(lambda setting: jnp.zeros_like(setting.rate), _act)
