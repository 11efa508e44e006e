"""Theory beside the curves of linear regressors: which closed form holds where."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from collapse.data.designs import covariance
from collapse.data.regression_tables import table
from collapse.experiment.workflow_spec import real_rows
from collapse.sims.linear.experiment import LinearExperiment, unit
from collapse.theory import linear, ridge

_DESIGNS = 400  # drawn by NumPy for the mean over designs where there is no formula


def curves(
    experiment: LinearExperiment, cell: Mapping[str, Any], label: str
) -> dict[str, np.ndarray]:
    """Metric -> [G + 1]; nothing where no closed form is known."""
    if experiment.data:
        return _of_table(experiment, cell, label)
    error = _error(experiment, cell, label)
    if error is None or not np.isfinite(error.total).all():
        return {}
    found = {
        "test_error": error.total,
        "bias": error.bias,
        "variance": error.variance,
        "test_set_error": error.total,
    }
    if "error_ratio" in experiment.measured():
        found["error_ratio"] = error.total / unit(cell)
    if cell["learner_samples"] and not error.bias.any():
        learner = _learner(experiment, cell, error.total)
        found |= {"learner_error": learner} if np.isfinite(learner).all() else {}
    return found


def _noise(experiment: LinearExperiment, cell: Mapping[str, Any]) -> linear.Noise:
    real = cell["noise_variance"]
    return linear.Noise(real, (*experiment.synthetic_noise_variance, real)[0])


def _error(
    experiment: LinearExperiment, cell: Mapping[str, Any], label: str
) -> linear.ErrorParts | None:
    """Expected test error of the generations' own models."""
    n, d, last = (
        cell["samples_per_generation"],
        cell["dimension"],
        experiment.num_generations,
    )
    noise, design = _noise(experiment, cell), cell["design"]
    name, *rest = label.split()
    if experiment.synthetic_bias:
        if name == "replace" and design == "fresh":
            name, rest = "mix", ["0", "fresh"]
        if name != "mix":
            return None
    if cell["ridge"] > 0:
        return _with_ridge(experiment, cell, name)
    if d - 1 <= n <= d + 1 or (n < d and experiment.covariance != "isotropic"):
        return None
    sizes, signal = (n, d), float(d)  # E |w*|^2 of w* ~ N(0, I)
    if name in ("replace", "accumulate", "replace_multiple"):
        if n < d and design == "fresh" and name != "replace":
            return None
        return getattr(linear, name)(*sizes, last, noise, design, signal)
    if n < d:
        return None
    if name == "window" and design == "fixed":
        return linear.window(*sizes, int(rest[0]), last, noise)
    if name == "mix" and design == "fresh" and rest[1] == "fresh":
        real = 0 if rest[0] == "0" else real_rows(label, n)
        return linear.mix(*sizes, real, last, noise, experiment.synthetic_bias)
    return None


def _with_ridge(
    experiment: LinearExperiment, cell: Mapping[str, Any], name: str
) -> linear.ErrorParts | None:
    n, last = cell["samples_per_generation"], experiment.num_generations
    shared = (cell["ridge"], last, _noise(experiment, cell), 1.0)
    inputs = (experiment.covariance, cell["dimension"], experiment.covariance_parameter)
    if cell["design"] == "fixed":
        if name not in ("replace", "accumulate", "replace_multiple"):
            return None
        return ridge.fixed(name, _spectra(n, *inputs), *shared)
    if name != "replace" or experiment.covariance != "isotropic":
        return None
    return ridge.fresh_replace(_spectra(n, *inputs), *shared)


def _learner(
    experiment: LinearExperiment, cell: Mapping[str, Any], error: np.ndarray
) -> np.ndarray:
    """Of a learner whose teacher is the generation before; at first, nature."""
    n, d = cell["learner_samples"], cell["dimension"]
    inputs = (experiment.covariance, d, experiment.covariance_parameter)
    if cell["learner_ridge"] > 0 or n < d - 1:
        parts = _learner_parts(n, cell["learner_ridge"], *inputs)
    else:  # infinite within 1 of d
        parts = ridge.Learner(0.0, 1.0, linear.first_error(n, d))
    teacher = np.append(0.0, error[:-1])
    own = experiment.learner_noise_variance * parts.variance
    return parts.bias + parts.rho * teacher + own


def _of_table(
    experiment: LinearExperiment, cell: Mapping[str, Any], label: str
) -> dict[str, np.ndarray]:
    """Given the table: the error of the fit to its rows, and what later noise adds.

    Exact, whatever the truth, since later labels are linear in what the models know;
    if every seed is trained on all rows, with inputs fixed.
    """
    data = table(experiment.data, experiment.target, experiment.seed)
    forms = ("replace", "accumulate", "replace_multiple")
    whole = cell["samples_per_generation"] == len(data.train)
    if not whole or cell["design"] != "fixed" or cell["ridge"] or label not in forms:
        return {}
    x, y = data.train[:, :-1], data.train[:, -1]
    test, labels = data.held_out[:, :-1], data.held_out[:, -1]
    first = ((labels - test @ np.linalg.lstsq(x, y)[0]) ** 2).mean()
    unit = np.trace(np.linalg.solve(x.T @ x, test.T @ test)) / len(test)
    n, d = x.shape
    noise = linear.Noise(0.0, _noise(experiment, cell).synthetic)
    grown = getattr(linear, label)(n, d, experiment.num_generations, noise).total
    return {"test_error": first + grown * unit / linear.first_error(n, d)}


@functools.lru_cache(maxsize=64)
def _spectra(n: int, kind: str, d: int, parameter: float) -> ridge.Spectra:
    return ridge.draw_spectra(n, covariance(kind, d, parameter), _DESIGNS, seed=0)


@functools.lru_cache(maxsize=256)
def _learner_parts(
    n: int, penalty: float, kind: str, d: int, parameter: float
) -> ridge.Learner:
    return ridge.learner(n, covariance(kind, d, parameter), penalty, _DESIGNS, seed=0)
