"""Several models that share rows: what a family that is asked for them must fulfil."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.lazy import load
from collapse.measures.catalogue import POOLED

if TYPE_CHECKING:
    import numpy as np


class SharesRows(Protocol):
    """What is read of a family."""

    @property
    def models(self) -> tuple[int, ...]:
        """Numbers of models."""

    @property
    def private_rows(self) -> int:
        """Real rows that each keeps."""

    @property
    def samples_per_generation(self) -> tuple[int, ...]:
        """Sizes of a generation."""

    def alone_because(self) -> str:
        """Why one model alone can be had; "" if several can."""

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit."""


def are_asked(family: SharesRows) -> bool:
    """Whether several models learn in some condition, or one has private rows."""
    return family.models != (1,) or family.private_rows > 0


def learn_in(condition: Condition[Any]) -> bool:
    """Whether several models learn in a condition, or one has private rows."""
    return condition.models > 1 or condition.experiment.private_rows > 0


def rows_of_fit(family: SharesRows, cell: Mapping[str, Any]) -> int:
    """Rows that one model is fitted to where a workflow selects those of a generation.

    Args:
      family: whose private rows are counted, too.
      cell: axis -> value.
    """
    part: int = cell["samples_per_generation"] // cell.get("models", 1)
    return part + family.private_rows


def beside_pooled(family: SharesRows, names: Iterable[str]) -> tuple[str, ...]:
    """The names of metrics, each behind that of all models together if there is one."""
    known = family.known_metrics() if are_asked(family) else ()
    found: list[str] = []
    for name in names:
        found += [n for n in (f"{POOLED}{name}", name) if n == name or n in known]
    return tuple(found)


def words(family: SharesRows) -> str:
    """Phrases on models and private rows, for captions; "" for one model without."""
    found, many = [], ", ".join(map(str, family.models))
    if family.models != (1,):
        found.append(f"M = {many} models that share the rows")
    if family.private_rows:
        found.append(f"{family.private_rows} private real rows a model")
    return ", ".join(found)


def check(family: SharesRows) -> None:
    """Raise InputError where models cannot share the rows of a generation."""
    if not are_asked(family):
        return
    field = "models" if family.models != (1,) else "private_rows"
    if reason := family.alone_because():
        raise InputError(f"{field}: {reason}")
    for n in family.samples_per_generation:
        for m in family.models:
            if n % m:
                raise InputError(
                    f"models: {m} cannot generate {n} rows in equal shares; give "
                    f"numbers that divide {n}, or other --samples-per-generation"
                )
            rows, least = n // m + family.private_rows, family.least_rows()
            if m > 1 and rows < least:
                raise InputError(
                    f"models: {m} leave each {rows} of {n} rows, too few for a fit; "
                    f"give at least {least} rows a model"
                )


def check_data(family: SharesRows, rows: int) -> None:
    """Raise InputError if private rows are more than the data have.

    Args:
      family: that learns.
      rows: of the data, to train on.
    """
    wanted = max(family.models) * family.private_rows
    if wanted > rows:
        raise InputError(
            f"private_rows: {wanted} for {max(family.models)} models, but the data "
            f"have {rows} rows to train on; give fewer"
        )


def moments(condition: Condition[Any], ddof: int) -> Mapping[str, "np.ndarray"]:
    """Metric -> exact curve [G + 1], of each model and of all of them together.

    Those of fits with the mean and the covariance of their rows; none under workflows
    other than replace and accumulate.

    Args:
      condition: that is run.
      ddof: of the fits.
    """
    form = load("collapse.theory.several_models").FORMS.get(condition.workflow.name)
    if form is None:
        return {}
    private = condition.experiment.private_rows
    found = form(
        condition.n, condition.models, condition.num_generations, ddof, private
    )
    return {
        "variance_ratio": found.own.variance,
        "mean_error": found.own.mean_error,
        f"{POOLED}variance_ratio": found.pooled.variance,
        f"{POOLED}mean_error": found.pooled.mean_error,
    }
