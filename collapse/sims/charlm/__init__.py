"""Character-level transformers under any workflow: `python -m collapse.sims.charlm`."""

from collapse.sims.charlm.family import FAMILY

__all__ = ["FAMILY"]
