"""Closed forms beside the curves of mixtures: those of mean and covariance."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.sims.gmm.experiment import Gmm


def curves(condition: Condition[Gmm]) -> dict[str, NDArray[np.float64]]:
    """Metric -> exact curve [G + 1]; none for real data, whose truth is not known."""
    expected = condition.workflow.moments(condition.n, condition.num_generations)
    if condition.experiment.data or expected is None:
        return {}
    return {"variance_ratio": expected.variance, "mean_error": expected.mean_error}
