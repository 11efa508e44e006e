"""A constant share, with real rows trusted by the weight that is best in the long run.

For r real and s generated rows a generation and k = r / s, the real rows' loss gets the
weight w* = (sqrt(k^2 + 4 k) - k) / 2, which is 1 / 1.618 for k = 1 (He, Xu & Cheng
2025, arXiv:2502.18049). In a generation without real rows, or of these alone, nothing
is to be weighed.
"""

import jax.numpy as jnp

from collapse.core.control.policy import Policy, Request, Setting, Signal, ask
from collapse.core.control.trust import per_row


def _act(
    setting: Setting, state: tuple[()], signal: Signal
) -> tuple[tuple[()], Request]:
    del signal
    share = jnp.clip(setting.rate, 0, 1)
    ratio = share / jnp.maximum(1 - share, jnp.finfo(share.dtype).eps)
    # the same number, without a difference of two that are almost equal
    weight = 2 / (1 + jnp.sqrt(1 + 4 / jnp.maximum(ratio, jnp.finfo(share.dtype).tiny)))
    return state, ask(share, per_row(weight, share))


POLICY = Policy(lambda setting: (), _act)
