"""A constant share, with real rows trusted by the weight that is best for one step.

The weight follows from the numbers of rows alone (`trust.PREDICTED`), which is Garg,
Bhattacharya & Sur 2025 (arXiv:2509.22341, sec. 3.1) for as many real as generated rows.
It looks at nothing, and tends to the golden ratio's.
"""

from collapse.core.control import trust
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal, ask


def _act(setting: Setting, variance: Number, signal: Signal) -> tuple[Number, Request]:
    del signal
    share = setting.rate
    weight = trust.per_row(trust.best_weight(variance, share), share)
    return trust.after(variance, weight, share), ask(share, weight)


# the first model's own error is that of a fit to n rows
POLICY = Policy(lambda setting: setting.rate / setting.rate, _act)
