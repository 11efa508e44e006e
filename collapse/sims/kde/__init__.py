"""Kernel density estimates under any workflow: `python -m collapse.sims.kde`."""

from collapse.sims.kde.experiment import Kde as FAMILY

__all__ = ["FAMILY"]
