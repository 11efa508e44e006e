"""Linear regressors under any workflow: `python -m collapse.sims.linear`."""

from collapse.sims.linear.family import FAMILY

__all__ = ["FAMILY"]
