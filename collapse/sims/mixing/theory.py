"""Closed forms beside the curves of mixtures of rows."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.sims.mixing.fields import MixingFields
from collapse.theory import mixing


def curves(condition: Condition[MixingFields]) -> dict[str, NDArray[np.float64]]:
    """Exact mean error and variance [G + 1] of fits that match their rows' moments."""
    study = condition.experiment
    ddof = study.learner.moments_ddof(condition["bias"])
    if ddof is None or study.learner.data:
        return {}
    numbers = (*study.counts(condition.cell), study.weight_of(condition.cell))
    kind = (ddof, study.anchor, condition["bias"])
    found = mixing.moments(*numbers, condition.num_generations, *kind)
    return {"mean_error": found.mean_error, "variance_ratio": found.variance}
