"""Task worlds under any workflow: `python -m collapse.sims.worlds`.

A small transformer learns documents whose truth is known, and generates as many; the
next one learns these. What is lost shows in its answers to unseen prompts, which the
world verifies.
"""

from collapse.sims.worlds.experiment import Worlds

FAMILY = Worlds

__all__ = ["FAMILY", "Worlds"]
