"""A constant share, with real rows trusted by the weight that is best for one step.

In units of the variance of a fit to n rows, real rows have a share a, and the model
that generates the others the variance V: the error after the next fit is
w^2 / a + (1 - w)^2 (V + 1 / (1 - a)), least at w = B / (B + 1 / a) for the bracket B.
For equal numbers this is Garg, Bhattacharya & Sur 2025 (arXiv:2509.22341, sec. 3.1),
w_t = (1 + w_{t-1}) / (2 + w_{t-1}): it looks at nothing and tends to the golden ratio.
"""

import jax.numpy as jnp

from collapse.core.control.policies.golden import trust
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask


def _act(setting: Setting, variance: Number, signal: Signal) -> tuple[Number, Request]:
    del signal
    least = jnp.finfo(variance.dtype).eps
    share = jnp.clip(setting.rate, least, 1 - least)
    of_generated = variance + 1 / (1 - share)
    weight = of_generated / (of_generated + 1 / share)
    error = weight**2 / share + (1 - weight) ** 2 * of_generated
    return error, ask(setting.rate, trust(weight, jnp.clip(setting.rate, 0, 1)))


POLICY = Policy(lambda setting: jnp.ones_like(setting.rate), _act)
