"""Closed forms beside the curves of kernel density estimates."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.sims.kde.experiment import Kde
from collapse.theory import kde


def curves(condition: Condition[Kde]) -> dict[str, NDArray[np.float64]]:
    """Metric -> [G + 1]; none for the user's data, whose truth is not known."""
    n, last, spec = condition.n, condition.num_generations, condition.workflow
    form = kde.FORMS.get(spec.name)
    experiment = condition.experiment
    if experiment.data or not experiment.is_normal or form is None or n < 2:
        return {}
    rows = n * np.minimum(np.arange(1, last + 2), spec.batches(last))  # of each fit
    rule, relative = condition["bandwidth_rule"], condition["bandwidth_rule"] == "std"
    h = condition["bandwidth"] * kde.bandwidth(rule, rows, experiment.dimension)
    own, real = dict(spec.parameters), spec.real_rows(n)
    if real is not None:
        own = {"real": real, "synthetic": n - real, "anchor": own["anchor"]}
    found = form(n, num_generations=last, bandwidth=h, relative=relative, **own)
    return {"variance_ratio": found.variance, "mean_error": found.mean_error}
