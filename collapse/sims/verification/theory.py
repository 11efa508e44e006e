"""Closed forms beside verified Gaussians in one dimension.

To order 1 / n for a mean under a ball whose scale is known; in the limit of many rows
for the nearest share with a learned scale.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from collapse.experiment.condition import Condition
from collapse.experiment.verifiers.operators import OperatorSpec, read
from collapse.experiment.workflows import round_share
from collapse.sims.verification.fields import VerificationFields
from collapse.theory import selection, verified_loop

Curves = dict[str, NDArray[np.float64]]
_KNOWN = ("replace", "accumulate")


def curves(condition: Condition[VerificationFields]) -> Curves:
    """Expected curves [G + 1] of a normal in one dimension; none of other models."""
    study, cell = condition.experiment, condition.cell
    plain = study.model == "gaussian" and not study.learner.data
    if not plain or condition.workflow.name not in _KNOWN:
        return {}
    if study.learner.dimension != (1,):  # type: ignore[attr-defined]
        return {}
    spec = read(cell["operator"])
    if study.scale == "known":
        return _of_mean(condition, spec)
    if spec.name == "top_share" and spec.kind != "random" and not cell["real_fraction"]:
        return _of_nearest(condition, spec)
    return {}


def of_many_rows(study: VerificationFields) -> bool:
    """Whether the curves are limits of many rows, and not exact to order 1 / n."""
    return study.scale == "learned"


def _of_mean(condition: Condition[VerificationFields], spec: OperatorSpec) -> Curves:
    """Errors of a mean whose rows pass a ball, or are kept whatever they are."""
    cell, n = condition.cell, condition.n
    noise, bias = (
        0.0 if spec.kind == "oracle" else cell[name]
        for name in ("noise", "verifier_bias")
    )
    alike = spec.name == "none" or spec.kind == "random"
    if spec.name != "ball" and not alike or spec.name in ("importance", "correct"):
        return {}
    reach = 1.0
    if spec.name == "ball":
        share = cell["selectivity"]
        reach = spec.number if spec.number > 0 else _reach(share)
    real = round_share(cell["real_fraction"], n) / n
    own: dict[str, Any] = {"workflow": condition.workflow.name, "real_share": real}
    if alike:  # decisions that are coins keep rows at random
        own["noise"] = 0.5
    elif math.isinf(reach):
        return {}
    else:
        own["noise"] = noise
    found = verified_loop.errors(bias, reach, n, condition.num_generations, **own)
    errors = {"mean_error": found.to_truth, "w2_squared": found.to_truth}
    if not alike:
        errors |= {"fit_kept_share": found.kept_share}
    elif spec.name != "ball":
        return errors
    if math.isinf(reach):
        return errors
    far = np.sqrt(found.to_verifier)
    if alike:  # its model wanders: two standard errors from where it is on average
        far = bias + 2 * np.sqrt(found.to_truth)
    full = _are_filled(condition, spec, far, (reach, noise, real))
    return {name: np.where(full, curve, np.nan) for name, curve in errors.items()}


def _are_filled(
    condition: Condition[VerificationFields],
    spec: OperatorSpec,
    far: NDArray[np.float64],
    numbers: tuple[float, float, float],
) -> NDArray[np.bool_]:
    """Whether all positions are filled [G + 1], here and before: curves suppose it.

    Args:
      condition: of the curves.
      spec: the operator.
      far: [G + 1] distances of the models from the verifier's centre.
      numbers: reach, noise, and share of real rows.
    """
    reach, noise, real = numbers
    num = condition.n * condition.experiment.candidates_of(spec, condition.cell)
    kept = [num * verified_loop.kept_rows(gap, reach, noise).share for gap in far[:-1]]
    few = np.array([np.inf, *kept]) < (1 - real) * condition.n
    return ~np.maximum.accumulate(few)


def _of_nearest(condition: Condition[VerificationFields], spec: OperatorSpec) -> Curves:
    """Mean and variance where the nearest share of many rows is kept."""
    cell = condition.cell
    if cell["noise"] and spec.kind != "oracle":
        return {}
    bias = 0.0 if spec.kind == "oracle" else cell["verifier_bias"]
    own = (cell["selectivity"], condition.num_generations, condition.workflow.name)
    found = selection.selected(-bias, 1.0, *own)
    off = found.mean + bias
    moved = off**2 + (np.sqrt(found.variance) - 1) ** 2
    for error in (off, moved):
        error[0] = np.nan  # that of real rows is not 0 for any number of rows
    return {
        "variance_ratio": found.variance,
        "mean_error": off**2,
        "w2_squared": moved,
    }


def _reach(share: float) -> float:
    """Radius of the ball that holds a share of a standard normal."""
    return float(ndtri((1 + share) / 2))
