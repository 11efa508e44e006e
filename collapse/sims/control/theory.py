"""Closed forms beside the drift of policies: of the constant share of whole rows."""

import numpy as np
from numpy.typing import NDArray

from collapse.experiment.condition import Condition
from collapse.experiment.verifiers import operators
from collapse.experiment.workflows import read
from collapse.sims.control.fields import DRIFT, ControlFields


def curves(condition: Condition[ControlFields]) -> dict[str, NDArray[np.float64]]:
    """Exact mean drift [G + 1] of a constant share, all rows counting alike.

    Of models whose fits match their rows' moments, where the drift is the error of
    their mean, no operator chooses among the rows, and the budget is a whole number
    of rows.
    """
    study, cell = condition.experiment, condition.cell
    ddof, alone = study.learner.moments_ddof(1.0), condition.workflow.name == "replace"
    plain = cell["policy"] == "constant" and cell["trust"] == "equal" and alone
    whole = float(cell["budget"]).is_integer()
    spec = operators.read(str(cell["operator"]))
    chosen = spec.name != operators.NONE and spec.kind != "random"
    verified = chosen and study.verify == "always"  # a constant share has no alarms
    if not (plain and whole) or verified or ddof is None or study.learner.data:
        return {}
    if study.error != study.learner.location_error:
        return {}
    n = int(cell["samples_per_generation"])
    mixed = read(f"mix {study.rate(cell)!r} fresh")
    found = mixed.moments(n, condition.num_generations, ddof)
    return {} if found is None else {DRIFT: found.mean_error}
