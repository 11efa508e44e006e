"""What an experiment with linear regressors may not ask for: one line for each."""

import math
from typing import Any

from collapse.data.tables import RealData
from collapse.experiment.spec import InputError
from collapse.experiment.workflow_spec import batch_size

_MOST_DIMENSIONS = 3000
_MOST_ENTRIES = 10**8  # of the inputs of one generation


def check_numbers(experiment: Any) -> None:
    """Counts, variances and penalties."""
    for field, least in (("dimension", 1), ("learner_samples", 0)):
        smallest = min(getattr(experiment, field))
        if smallest < least:
            raise InputError(f"{field}: {smallest} is too small; give at least {least}")
    if len(experiment.learner_samples) > 1 and not min(experiment.learner_samples):
        raise InputError(
            "learner_samples: 0, no learner, stands alone; drop it or the others"
        )
    several = ("noise_variance", "synthetic_noise_variance", "ridge")
    values = {f: getattr(experiment, f) for f in (*several, "learner_ridge")}
    for field in ("synthetic_bias", "learner_noise_variance"):
        values[field] = (getattr(experiment, field),)
    for field, numbers in values.items():
        for value in numbers:
            if value != 0 and not 1e-100 < value < 1e100:
                raise InputError(
                    f"{field}: {value:g}; give a finite number of 0 or more (above "
                    "0, between 1e-100 and 1e100)"
                )
    lowest = 1e-20 if experiment.precision == "float64" else 1e-9
    for field in ("noise_variance", "synthetic_noise_variance"):
        for value in values[field]:
            if 0 < value < lowest:
                raise InputError(
                    f"{field}: {value:g} drowns in the rounding of "
                    f"{experiment.precision}; give 0 or at least {lowest:g}"
                )
    if len(experiment.synthetic_noise_variance) > 1:
        raise InputError("synthetic_noise_variance: several values; give one")
    if not 1 < experiment.multiple < math.inf:
        raise InputError(f"multiple: {experiment.multiple:g}; give a number above 1")
    if any(experiment.learner_ridge) and not all(experiment.learner_samples):
        raise InputError("learner_ridge: there is no learner; add --learner-samples")
    if experiment.synthetic_bias and experiment.snapshots:
        raise InputError("snapshots: they leave out synthetic_bias; drop one of them")
    if experiment.synthetic_bias and any(experiment.learner_samples):
        raise InputError(
            "synthetic_bias: a learner's teacher has none; drop --learner-samples"
        )


def check_sizes(experiment: Any) -> None:
    """What fits into memory, and what determines a fit."""
    if max(experiment.dimension) > _MOST_DIMENSIONS:
        raise InputError(
            f"dimension: {max(experiment.dimension)} is too large; give at most "
            f"{_MOST_DIMENSIONS}"
        )
    rows = (
        experiment.rows in ("samples", "statistics")
        or "fixed_budget" in experiment.workflows
    )
    for cell in experiment.cells():
        n, d = cell["samples_per_generation"], cell["dimension"]
        if rows and n * d > _MOST_ENTRIES:
            raise InputError(
                f"samples_per_generation: {n} x {d} inputs do not fit into memory; "
                "give fewer, or rows = auto without fixed_budget"
            )
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


def check_covariance(experiment: Any) -> None:
    """The inputs' covariance."""
    value, kind = experiment.covariance_parameter, experiment.covariance
    if not math.isfinite(value):
        raise InputError(f"covariance_parameter: {value:g}; give a finite number")
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


def check_rows(experiment: Any) -> None:
    """Workflows that need single samples."""
    choosy = [w for w in experiment.labels() if w == "fixed_budget"]
    if "fixed" in experiment.design:
        choosy += [
            w
            for n in experiment.samples_per_generation
            for w in experiment.labels()
            if batch_size(w, n) < n
        ]
    if choosy and experiment.rows not in ("auto", "samples"):
        raise InputError(
            f"rows: {choosy[0]} picks single samples, which rows = {experiment.rows} "
            "does not keep; use rows = auto or samples"
        )


def check_data(experiment: Any, data: RealData) -> None:
    """No learner, no bias and no drawn covariance beside real data."""
    if (
        "fixed" in experiment.design
        and "mix" in experiment.workflows
        and experiment.anchor == "fresh"
    ):
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


def _default(experiment: Any, field: str) -> Any:
    return type(experiment).__dataclass_fields__[field].default
