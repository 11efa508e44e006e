"""The Gaussian under any workflow: `python -m collapse.sims.gaussian`.

The data distribution is the standard normal in d dimensions, or the user's data. Mean
and covariance follow closed forms, drawn dashed through the measured curves.
"""

from collapse.sims.gaussian.experiment import Gaussian

FAMILY = Gaussian

__all__ = ["FAMILY", "Gaussian"]
