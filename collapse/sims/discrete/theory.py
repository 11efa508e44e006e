"""Closed forms beside the curves of unigrams."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.sims.discrete.experiment import Discrete
from collapse.theory import discrete, extinction


def curves(condition: Condition[Discrete]) -> dict[str, NDArray[np.float64]]:
    """Metric -> [G + 1], where it is exact."""
    e, spec = condition.experiment, condition.workflow
    n, last, q = condition.n, condition.num_generations, e.shares()
    if e.temperature != 1:
        return {}
    if e.smoothing:
        if spec.name != "replace":
            return {}
        homozygosity = discrete.smoothed_homozygosity(q, n, e.smoothing, last)
        return {"heterozygosity": (1 - homozygosity) / (1 - q @ q)}
    expected = spec.moments(n, last)
    found = {} if expected is None else {"heterozygosity": expected.variance}
    if spec.name == "accumulate":
        found["support"] = discrete.support(q, n, last)
    if spec.name == "replace" and extinction.solved(n, last):
        found["support"] = discrete.support_replace(q, n, last)
    return found
