"""Unigrams under any workflow: `python -m collapse.sims.discrete`.

Rows are counts of symbols where a workflow allows it, so that a generation costs the
number of symbols and not of draws.
"""

from collapse.sims.discrete.experiment import Discrete

FAMILY = Discrete

__all__ = ["FAMILY", "Discrete"]
