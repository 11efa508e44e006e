"""How much real data is enough: `python -m collapse.sims.mixing --model gaussian`.

Every generation is trained on real rows and on rows that the newest model generated.
There is no best share of real ones before it is said what is held fixed: `--constraint`
says it. Swept numbers enter as arrays, so that a map is one program.
"""

from collapse.sims.mixing.experiment import Mixing

FAMILY = Mixing

__all__ = ["FAMILY", "Mixing"]
