"""Closed forms beside the curves of unigrams."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.sims.discrete.experiment import Discrete
from collapse.theory import discrete, extinction, several_models


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


def of_several(condition: Condition[Discrete]) -> dict[str, NDArray[np.float64]]:
    """Metric -> exact curve [G + 1] of several models, and of all of them together."""
    e, name = condition.experiment, condition.workflow.name
    n, last, q = condition.n, condition.num_generations, e.shares()
    form = several_models.FORMS.get(name)
    if form is None or e.temperature != 1 or e.smoothing:
        return {}
    found = form(n, condition.models, last, 0, e.private_rows)
    curves = {
        "heterozygosity": found.own.variance,
        "pooled_heterozygosity": found.pooled.variance,
    }
    if name == "accumulate" and not e.private_rows:  # all rows are in some part
        curves["pooled_support"] = discrete.support(q, n, last)
    return curves
