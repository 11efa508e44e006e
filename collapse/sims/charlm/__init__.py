"""Character-level transformers under any workflow: `python -m collapse.sims.charlm`.

A small transformer learns real text and generates as much; the next one learns that
text. What is forgotten shows on held-out real text, in rare words and rare n-grams.
"""

from collapse.sims.charlm.experiment import Charlm

FAMILY = Charlm

__all__ = ["FAMILY", "Charlm"]
