"""Unigrams under any workflow: `python -m collapse.sims.discrete`."""

from collapse.sims.discrete.experiment import Discrete as FAMILY

__all__ = ["FAMILY"]
