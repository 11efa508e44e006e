"""Closed forms beside the curves of Gaussians."""

import math

import numpy as np
from numpy.typing import NDArray

from collapse import theory
from collapse.experiment.condition import Condition
from collapse.sims.gaussian.experiment import Gaussian
from collapse.theory import absolute


def curves(condition: Condition[Gaussian]) -> dict[str, NDArray[np.float64]]:
    """Metric -> exact curve [G + 1]; none for real data, whose truth is not known."""
    if condition.experiment.data:
        return {}
    n, d, ddof = condition.n, condition["dimension"], condition["ddof"]
    last, spec = condition.num_generations, condition.workflow
    expected = spec.moments(n, last, ddof)
    if expected is None:
        return {}
    found = {
        "variance_ratio": expected.variance,
        "mean_error": expected.mean_error,
    }
    if d == 1 and n > 1:
        first = {
            "absolute_mean_error": absolute.mean_error_of_first(n),
            "absolute_deviation_error": absolute.deviation_error_of_first(n, ddof),
        }
        later = np.full(last, np.nan)  # of which only the end is known
        found |= {name: np.append(value, later) for name, value in first.items()}
    if spec.name == "replace" and n > d:
        found["log_det_ratio"] = theory.log_det_mean(n, last, ddof, d)
        found["entropy"] = (
            d * np.log(2 * math.pi * math.e) + found["log_det_ratio"]
        ) / 2
        if d == 1:
            found["w2_squared"] = theory.w2_squared(n, last, ddof)
    return found
