"""Closed forms beside the curves of regular and irregular small models."""

import numpy as np
from numpy.typing import NDArray

from collapse import theory
from collapse.experiment.condition import Condition
from collapse.measures.catalogue import FAILED_EDGE
from collapse.sims.irregular.experiment import Irregular
from collapse.theory import flawed, irregular
from collapse.theory.recursions import Moments

Curves = dict[str, NDArray[np.float64]]

_FLAWED = {
    "replace": flawed.replace,
    "accumulate": flawed.accumulate,
    "fixed_budget": flawed.fixed_budget,
}
_SPIKY = {
    "replace": irregular.spiky_replace,
    "accumulate": irregular.spiky_accumulate,
}


def curves(condition: Condition[Irregular]) -> Curves:
    """Metric -> [G + 1]; exact but for selected rows: those of infinitely many."""
    match condition["case"]:
        case "uniform":
            return _uniform(condition)
        case "spiky":
            return _spiky(condition)
        case "flawed":
            return _flawed(condition)
        case "selected":
            return _selected(condition)
    return _regular(condition)


def _told(moments: Moments | None) -> Curves:
    if moments is None:
        return {}
    return {"variance_ratio": moments.variance, "mean_error": moments.mean_error}


def _regular(condition: Condition[Irregular]) -> Curves:
    n, last, spec = condition.n, condition.num_generations, condition.workflow
    found = _told(spec.moments(n, last))
    return found | _log_loss(condition, found, 1.0)


def _flawed(condition: Condition[Irregular]) -> Curves:
    e, form = condition.experiment, _FLAWED.get(condition.workflow.name)
    if form is None:
        return {}
    n, last = condition.n, condition.num_generations
    found = _told(form(n, last, e.shift, e.kept_variance))
    return found | _log_loss(condition, found, e.kept_variance)


def _log_loss(condition: Condition[Irregular], found: Curves, kept: float) -> Curves:
    """The test error of normal rows under replace, whose logarithms have a mean."""
    n, last = condition.n, condition.num_generations
    if condition.workflow.name != "replace":
        return {}
    logarithm = theory.log_det_mean(n, last, 0, 1) + np.arange(last + 1) * np.log(kept)
    loss = found["mean_error"] + found["variance_ratio"] - 1 - logarithm
    return {"test_error": loss / 2}


def _uniform(condition: Condition[Irregular]) -> Curves:
    n, last = condition.n, condition.num_generations
    if condition.workflow.name == "accumulate":
        below = irregular.uniform_below(n, 0, FAILED_EDGE)
        failed = np.full(last + 1, below[0])
        return _told(irregular.uniform_accumulate(n, last)) | {"failed": failed}
    newest = condition.workflow.newest(last)
    if newest is None:
        return {}
    found = _told(irregular.uniform_replace(n * np.array(newest), last))
    if condition.workflow.name == "replace":
        found["failed"] = irregular.uniform_below(n, last, FAILED_EDGE)
    return found


def _spiky(condition: Condition[Irregular]) -> Curves:
    form, d = _SPIKY.get(condition.workflow.name), condition.experiment.dimension
    if form is None:
        return {}
    found = form(condition.n, condition.num_generations, d)
    same = np.ones_like(found.failed)  # the variance on the plane
    more = {"variance_ratio": same, "test_error": d * found.mean_error}
    return {"failed": found.failed, "mean_error": found.mean_error} | more


def _selected(condition: Condition[Irregular]) -> Curves:
    e, name = condition.experiment, condition.workflow.name
    if name not in _FLAWED:
        return {}
    last, all_rows = condition.num_generations, name != "replace"
    found = flawed.selected(e.keep, e.target, last, all_rows)
    first = theory.replace(condition.n, 0, 0)  # known for any number of rows
    found.variance[0], found.mean_error[0] = first.variance[0], first.mean_error[0]
    return _told(found)
