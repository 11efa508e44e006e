"""Can a model be held for ever? `python -m collapse.sims.control --model gaussian`.

After every generation a monitor measures the drift on real rows of its own, and a
policy chooses the share of real rows of the next generation, within a budget. All
policies, budgets and prices enter as arrays: a model's whole comparison is one program.
"""

from collapse.sims.control.experiment import Control

FAMILY = Control

__all__ = ["FAMILY", "Control"]
