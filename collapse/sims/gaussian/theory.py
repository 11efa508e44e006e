"""Closed forms beside the curves of Gaussians."""

import math

import numpy as np
from numpy.typing import NDArray

from collapse import theory
from collapse.experiment.condition import Condition
from collapse.sims.gaussian.experiment import Gaussian
from collapse.theory import absolute, determinants

_DETERMINANTS = {
    "replace": determinants.replace,
    "accumulate": determinants.accumulate,
    "fixed_budget": determinants.fixed_budget,
}


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
    if spec.name in _DETERMINANTS:
        found["det_ratio"] = _DETERMINANTS[spec.name](n, last, ddof, d)
    if d == 1 and n > 1:
        found |= _absolute(condition)
    batches = spec.newest(last)
    if batches is not None and n > d:
        rows = n * np.array(batches)
        found["log_det_ratio"] = theory.log_det_mean(rows, last, ddof, d)
        found["entropy"] = (
            d * np.log(2 * math.pi * math.e) + found["log_det_ratio"]
        ) / 2
        if d == 1:
            found["w2_squared"] = theory.w2_squared(rows, last, ddof)
    return found


def _absolute(condition: Condition[Gaussian]) -> dict[str, NDArray[np.float64]]:
    """Those of the absolute errors that are measured; NaN after the last that is known.

    Under replace they take a while, and under other workflows only the first is known.
    """
    n, ddof, last = condition.n, condition["ddof"], condition.num_generations
    known = last if condition.workflow.name == "replace" else 0
    forms = {
        "absolute_mean_error": absolute.mean_error,
        "absolute_deviation_error": absolute.deviation_error,
    }
    later = np.full(last - known, np.nan)
    measured = condition.experiment.measured()
    return {
        name: np.append(form(n, known, ddof), later)
        for name, form in forms.items()
        if name in measured
    }
