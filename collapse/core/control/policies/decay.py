"""A share c / t that falls to nothing: drift then grows without bound, however slowly.

The control that must fail. Without a number behind its name c is 1: after generation 0
as many real rows as in one generation, then half of them, a third, ...
"""

from collapse.core.control.policy import Number, Setting, Signal, open_loop


def _share(setting: Setting, signal: Signal) -> Number:
    return setting.own_or(1.0) / (signal.generation + 1)


POLICY = open_loop(_share)
