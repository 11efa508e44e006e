"""Gaussian mixtures under any workflow: `python -m collapse.sims.gmm`."""

from collapse.sims.gmm.family import FAMILY

__all__ = ["FAMILY"]
