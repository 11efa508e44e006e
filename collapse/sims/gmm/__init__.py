"""Gaussian mixtures under any workflow: `python -m collapse.sims.gmm`.

The default data distribution has a rare component, so that there is a tail to lose. An
EM fit has the mean and covariance of its rows, so these two follow the Gaussian's
closed forms.
"""

from collapse.sims.gmm.experiment import Gmm

FAMILY = Gmm

__all__ = ["FAMILY", "Gmm"]
