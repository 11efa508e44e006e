"""Kernel density estimates under any workflow: `python -m collapse.sims.kde`.

Rows enter with their weights; the bandwidth rule decides between collapse and
explosion, and every workflow has an exact law.
"""

from collapse.sims.kde.experiment import Kde

FAMILY = Kde

__all__ = ["FAMILY", "Kde"]
