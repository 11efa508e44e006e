"""Where accumulating data is not enough: `python -m collapse.sims.irregular`.

Small models, side by side: a regular one, for which accumulated data are safe, and
others of which one thing is wrong.
"""

from collapse.sims.irregular.experiment import Irregular

FAMILY = Irregular

__all__ = ["FAMILY", "Irregular"]
