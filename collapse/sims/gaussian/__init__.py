"""The Gaussian under any workflow: `python -m collapse.sims.gaussian`."""

from collapse.sims.gaussian.family import FAMILY

__all__ = ["FAMILY"]
