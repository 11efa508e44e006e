"""Closed forms beside the curves of diffusion: modes of a law with an exact score."""

import numpy as np

from collapse.experiment.condition import Condition
from collapse.experiment.workflows import WorkflowSpec
from collapse.sims.diffusion.experiment import Diffusion
from collapse.sims.diffusion.fields import MODES
from collapse.theory import diffusion
from collapse.theory.checks import Curve


def curves(condition: Condition[Diffusion]) -> dict[str, Curve]:
    """Metric -> [G + 1], what is left of each mode; nothing of networks or data."""
    e, last = condition.experiment, condition.num_generations
    if e.data or condition["score"] != "exact":
        return {}
    times = condition["delta"] / np.arange(1, last + 2) ** condition["delta_decay"]
    found = {}
    for order in MODES.get(e.truth, ()):
        rate = order**2 if e.rows_in == "torus" else order
        curve = _curve(condition.workflow, condition.n, float(rate), times)
        if curve is not None:
            found[f"mode_{order}"] = curve
    return found


def _curve(spec: WorkflowSpec, n: int, rate: float, times: Curve) -> Curve | None:
    """What is left of a mode under a workflow [G + 1]; None for one without a form."""
    own, real = (rate, times, times.size - 1), spec.real_rows(n)
    if real is not None:
        return diffusion.mix(*own, real / n)
    if spec.name == "window":
        return diffusion.window(*own, int(spec.parameters["size"]))
    forms = {
        "replace": diffusion.replace,
        "replace_multiple": diffusion.replace,
        "replace_growing": diffusion.replace,
        "accumulate": diffusion.accumulate,
        "fixed_budget": diffusion.accumulate,
    }
    return forms[spec.name](*own) if spec.name in forms else None
