"""Checks of fields that depend on each other, for linear regressors."""

import math
from typing import Any

from collapse.data.errors import InputError
from collapse.data.tables import RealData
from collapse.experiment.several_models import rows_of_fit
from collapse.sims.linear.fields import LinearFields

_MOST_ENTRIES = 10**8  # of the inputs of one generation
_REASONS = {
    "error_ratio": "needs n > d + 1 and a noise_variance above 0",
    "learner_error": "needs a learner; add --learner-samples",
}


def check_numbers(experiment: LinearFields) -> None:
    """Raise InputError for noise too small for the precision, or conflicting fields."""
    if len(experiment.learner_samples) > 1 and not min(experiment.learner_samples):
        raise InputError(
            "learner_samples: 0, no learner, stands alone; drop it or the others"
        )
    lowest = 1e-20 if experiment.precision == "float64" else 1e-9
    for field in ("noise_variance", "synthetic_noise_variance"):
        for value in getattr(experiment, field):
            if 0 < value < lowest:
                raise InputError(
                    f"{field}: {value:g} drowns in the rounding of "
                    f"{experiment.precision}; give 0 or at least {lowest:g}"
                )
    if len(experiment.synthetic_noise_variance) > 1:
        raise InputError("synthetic_noise_variance: several values; give one")
    if any(experiment.learner_ridge) and not all(experiment.learner_samples):
        raise InputError("learner_ridge: there is no learner; add --learner-samples")
    if experiment.synthetic_bias and experiment.snapshots:
        raise InputError("snapshots: they leave out synthetic_bias; drop one of them")
    if experiment.synthetic_bias and any(experiment.learner_samples):
        raise InputError(
            "synthetic_bias: a learner's teacher has none; drop --learner-samples"
        )


def check_metrics(experiment: LinearFields) -> None:
    """Raise InputError for a metric that cannot be measured with these fields."""
    known = experiment.known_metrics()
    for metric in experiment.metrics:
        if metric in known or metric not in experiment.catalogue:
            continue
        if experiment.data:
            raise InputError(
                f"metrics: {metric} needs the true coefficients, which data do not "
                f"tell; known are {', '.join(known)}"
            )
        raise InputError(f"metrics: {metric} {_REASONS[metric]}; or drop it")


def check_rows(experiment: LinearFields) -> None:
    """Raise InputError for a kind of rows that workflow or data do not allow."""
    for condition in experiment.conditions():
        spec, n = condition.workflow, condition.n
        split = condition["design"] == "fixed" and spec.batch_size(n) < n
        choosy = spec.kind.picks_single_rows or split
        if choosy and experiment.rows not in ("auto", "samples"):
            raise InputError(
                f"rows: {spec.label} picks single samples, which rows = "
                f"{experiment.rows} does not keep; use rows = auto or samples"
            )
    if experiment.target and not experiment.data:
        raise InputError("target: there are no data; add --data FILE.csv")
    if experiment.data and experiment.rows == "law" and "fresh" in experiment.design:
        raise InputError(
            "rows: law needs normal inputs, and fresh ones come from the data; use auto"
        )


def check_sizes(experiment: LinearFields) -> None:
    """Raise InputError for too many rows for memory, or too few for a fit."""
    specs = experiment.workflow_specs()
    single = any(spec.kind.picks_single_rows for spec in specs)
    single = single or experiment.rows in ("samples", "statistics")
    for cell in experiment.cells():
        n, d = cell["samples_per_generation"], cell["dimension"]
        if single and n * d > _MOST_ENTRIES:
            raise InputError(
                f"samples_per_generation: {n} x {d} inputs do not fit into memory; "
                "give fewer, or rows = auto without fixed_budget"
            )
        n = rows_of_fit(experiment, cell)
        if n < d and cell["ridge"] == 0 and not experiment.minimum_norm:
            raise InputError(
                f"samples_per_generation: the fit is singular, {n} rows do not "
                f"determine {d} coefficients; give at least {d}, or --ridge above "
                "0, or --minimum-norm"
            )
        if n < d and experiment.precision == "float32" and cell["design"] == "fresh":
            raise InputError(
                f"precision: {n} new rows for {d} coefficients need float64, in which "
                "directions that no row has seen are told from rounding"
            )


def check_covariance(experiment: LinearFields) -> None:
    """Raise InputError for a covariance parameter out of range."""
    value, kind = experiment.covariance_parameter, experiment.covariance
    if kind == "isotropic" and value != _default(experiment, "covariance_parameter"):
        raise InputError(
            "covariance_parameter: isotropic inputs have none; add --covariance ar1 or "
            "power_law"
        )
    if kind == "ar1" and not -1 < value < 1:
        raise InputError(
            f"covariance_parameter: rho = {value:g}; give a number in (-1, 1)"
        )
    if kind == "power_law":
        # beyond, rounding would decide which directions the inputs span
        spread = 1e10 if experiment.precision == "float64" else 1e4
        most = math.log(spread) / math.log(max(*experiment.dimension, 2))
        if not 0 <= value <= most:
            raise InputError(
                f"covariance_parameter: beta = {value:g}; give a number in "
                f"[0, {most:.3g}] for these dimensions in {experiment.precision}"
            )


def check_data(experiment: LinearFields, data: RealData) -> None:
    """Raise InputError for fields that cannot be combined with real data."""
    anchors = {s.parameters.get("anchor") for s in experiment.workflow_specs()}
    if "fixed" in experiment.design and "fresh" in anchors:
        raise InputError(
            "anchor: the data have one label for each input, so none is fresh where "
            "inputs are fixed; give --anchor fixed or --design fresh"
        )
    scale = data.train[:, -1].std()
    limit = 1e60 if experiment.precision == "float64" else 1e6
    if not 1 / limit < scale < limit:
        raise InputError(
            f"target: {experiment.target} varies by {scale:.1g}, too far from 1 for "
            f"{experiment.precision}; change its unit"
        )
    for field in ("learner_samples", "synthetic_bias", "covariance"):
        if getattr(experiment, field) != _default(experiment, field):
            raise InputError(f"{field}: not with --data, whose truth is not known")


def _default(experiment: LinearFields, field: str) -> Any:
    return type(experiment).__dataclass_fields__[field].default
