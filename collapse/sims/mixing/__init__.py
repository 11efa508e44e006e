"""How much real data is enough: `python -m collapse.sims.mixing --model gaussian`."""

from collapse.sims.mixing.study import FAMILY

__all__ = ["FAMILY"]
