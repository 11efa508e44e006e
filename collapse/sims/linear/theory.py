"""Closed forms beside the curves of linear regressors: which one holds where."""

import functools
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from collapse.data.designs import covariance
from collapse.experiment.condition import Condition
from collapse.sims.linear.experiment import Linear
from collapse.theory import linear, ridge

_DESIGNS = 400  # drawn by NumPy for the mean over designs where there is no formula

Curves = dict[str, NDArray[np.float64]]


def curves(condition: Condition[Linear]) -> Curves:
    """Metric -> exact curve [G + 1]; only those with a known closed form."""
    experiment = condition.experiment
    if experiment.data:
        return _of_table(condition)
    error = _error(condition)
    if error is None or not np.isfinite(error.total).all():
        return {}
    found = {
        "test_error": error.total,
        "bias": error.bias,
        "variance": error.variance,
        "test_set_error": error.total,
    }
    if "error_ratio" in experiment.measured():
        found["error_ratio"] = error.total / unit(condition)
    if condition["learner_samples"] and not error.bias.any():
        learner = _learner(condition, error.total)
        found |= {"learner_error": learner} if np.isfinite(learner).all() else {}
    return found


def unit(condition: Condition[Linear]) -> float:
    """B, the expected error of a first fit without ridge: the unit of error_ratio."""
    first = linear.first_error(condition.n, condition["dimension"])
    return condition["noise_variance"] * first


def _noise(condition: Condition[Linear]) -> linear.Noise:
    real = condition["noise_variance"]
    synthetic = (*condition.experiment.synthetic_noise_variance, real)[0]
    return linear.Noise(real, synthetic)


# Workflows without ridge


def _error(condition: Condition[Linear]) -> linear.ErrorParts | None:
    """Expected test error of each generation's model; None if no formula is known."""
    if condition["ridge"] > 0:
        return _with_ridge(condition)
    n, d = condition.n, condition["dimension"]
    isotropic = condition.experiment.covariance == "isotropic"
    if d - 1 <= n <= d + 1 or (n < d and not isotropic):
        return None
    form = _FORMS.get(condition.workflow.name)
    return None if form is None else form(condition)


def _replace(condition: Condition[Linear]) -> linear.ErrorParts | None:
    if condition.experiment.synthetic_bias:
        return _mixed(condition, 0)
    return _plain(linear.replace, condition)


def _growing(
    form: Callable[..., linear.ErrorParts], condition: Condition[Linear]
) -> linear.ErrorParts | None:
    """Expected error under `accumulate` or `replace_multiple`, if known."""
    beyond = condition.n < condition["dimension"] and condition["design"] == "fresh"
    if beyond or condition.experiment.synthetic_bias:
        return None
    return _plain(form, condition)


def _plain(
    form: Callable[..., linear.ErrorParts], condition: Condition[Linear]
) -> linear.ErrorParts:
    n, d, last = condition.n, condition["dimension"], condition.num_generations
    signal = float(d)  # E |w*|^2 of w* ~ N(0, I)
    return form(n, d, last, _noise(condition), condition["design"], signal)


def _window(condition: Condition[Linear]) -> linear.ErrorParts | None:
    n, d = condition.n, condition["dimension"]
    if n < d or condition["design"] != "fixed" or condition.experiment.synthetic_bias:
        return None
    size = int(condition.workflow.parameters["size"])
    return linear.window(n, d, size, condition.num_generations, _noise(condition))


def _mix(condition: Condition[Linear]) -> linear.ErrorParts | None:
    spec = condition.workflow
    real = spec.real_rows(condition.n)
    if spec.parameters["anchor"] != "fresh" or real is None:
        return None
    return _mixed(condition, real)


def _mixed(condition: Condition[Linear], real: int) -> linear.ErrorParts | None:
    """Expected error with `real` new real rows in each generation, if known."""
    n, d = condition.n, condition["dimension"]
    if n < d or condition["design"] != "fresh":
        return None
    last, bias = condition.num_generations, condition.experiment.synthetic_bias
    return linear.mix(n, d, real, last, _noise(condition), bias)


_WHOLE: Mapping[str, Callable[..., linear.ErrorParts]] = {
    "replace": linear.replace,
    "accumulate": linear.accumulate,
    "replace_multiple": linear.replace_multiple,
}
_FORMS: Mapping[str, Callable[[Condition[Linear]], linear.ErrorParts | None]] = {
    "replace": _replace,
    "accumulate": functools.partial(_growing, linear.accumulate),
    "replace_multiple": functools.partial(_growing, linear.replace_multiple),
    "window": _window,
    "mix": _mix,
}


# Ridge, learners, tables


def _with_ridge(condition: Condition[Linear]) -> linear.ErrorParts | None:
    experiment, name = condition.experiment, condition.workflow.name
    if experiment.synthetic_bias:
        return None
    last, noise = condition.num_generations, _noise(condition)
    shared = (condition["ridge"], last, noise, 1.0)
    if condition["design"] == "fixed":
        if name not in _WHOLE:
            return None
        return ridge.fixed(name, _spectra(condition.n, *_inputs(condition)), *shared)
    if name != "replace" or experiment.covariance != "isotropic":
        return None
    return ridge.fresh_replace(_spectra(condition.n, *_inputs(condition)), *shared)


def _inputs(condition: Condition[Linear]) -> tuple[str, int, float]:
    """Kind, dimension and parameter of the inputs' covariance."""
    e = condition.experiment
    return e.covariance, condition["dimension"], e.covariance_parameter


def _learner(
    condition: Condition[Linear], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected error of a learner taught by the generation before; first, the truth."""
    n, d, penalty = (
        condition["learner_samples"],
        condition["dimension"],
        condition["learner_ridge"],
    )
    if penalty > 0 or n < d - 1:
        parts = _learner_parts(n, penalty, *_inputs(condition))
    else:  # infinite within 1 of d
        parts = ridge.Learner(0.0, 1.0, linear.first_error(n, d))
    teacher = np.append(0.0, error[:-1])
    own = condition.experiment.learner_noise_variance * parts.variance
    return parts.bias + parts.rho * teacher + own


def _of_table(condition: Condition[Linear]) -> Curves:
    """Metric -> curve for real data: error of the first fit, plus that of later noise.

    Exact, whatever the truth, since later labels are linear in what the models know;
    if every seed is trained on all rows, with inputs fixed.
    """
    data = condition.experiment.load()
    assert data is not None
    form = _WHOLE.get(condition.workflow.name)
    whole = condition.n == len(data.train) and condition["design"] == "fixed"
    if form is None or not whole or condition["ridge"]:
        return {}
    x, y = data.train[:, :-1], data.train[:, -1]
    test, labels = data.held_out[:, :-1], data.held_out[:, -1]
    first = ((labels - test @ np.linalg.lstsq(x, y)[0]) ** 2).mean()
    spread = np.trace(np.linalg.solve(x.T @ x, test.T @ test)) / len(test)
    n, d = x.shape
    noise = linear.Noise(0.0, _noise(condition).synthetic)
    grown = form(n, d, condition.num_generations, noise).total
    return {"test_error": first + grown * spread / linear.first_error(n, d)}


@functools.lru_cache(maxsize=64)
def _spectra(n: int, kind: str, d: int, parameter: float) -> ridge.Spectra:
    return ridge.draw_spectra(n, covariance(kind, d, parameter), _DESIGNS, seed=0)


@functools.lru_cache(maxsize=256)
def _learner_parts(
    n: int, penalty: float, kind: str, d: int, parameter: float
) -> ridge.Learner:
    return ridge.learner(n, covariance(kind, d, parameter), penalty, _DESIGNS, seed=0)
