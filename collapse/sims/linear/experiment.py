"""Experiments with linear regressors: metrics, captions, checks."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.data.regression_tables import residual_variance, table
from collapse.data.tables import RealData
from collapse.experiment import fields
from collapse.experiment.base import capped
from collapse.experiment.lazy import find
from collapse.experiment.row_knowledge import OF_LINES
from collapse.experiment.several_models import rows_of_fit
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity
from collapse.sims.linear import checks
from collapse.sims.linear.caption import caption
from collapse.sims.linear.fields import LinearFields

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class Linear(LinearFields):
    """Linear regressors trained on labels that earlier ones generated."""

    name: ClassVar[str] = "linear"
    description: ClassVar[str] = (
        "A linear regressor trained on labels that earlier ones generated."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "error_ratio",
        "test_error",
        "bias",
        "learner_error",
    )
    table: ClassVar[tuple[str, ...]] = (
        "test_error",
        "error_ratio",
        "bias",
        "learner_error",
        "generations_until",
    )
    location_error: ClassVar[str] = "test_error"
    alone: ClassVar[tuple[str, ...]] = (
        *("data", "target", "design"),
        *("learner_samples", "learner_noise_variance", "learner_ridge"),
    )
    catalogue = catalogue.REGRESSION

    def load(self) -> RealData | None:
        """The table with standardised columns, the target last; None without data."""
        if not self.data:
            return None
        read = (self.target, self.seed, self.reading(), self.precision)
        return table(self.data, *read)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric; with data, errors are on held-out rows."""
        known = catalogue.REGRESSION_OF_DATA if self.data else self.catalogue
        return known.get(metric)

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics; with data, of errors on held-out rows alone."""
        if self.data:  # whose true coefficients are not known
            return tuple(catalogue.REGRESSION_OF_DATA)
        finite = all(
            rows_of_fit(self, c) > c["dimension"] + 1 and c["noise_variance"] > 0
            for c in self.cells()
        )
        left = set() if finite else {"error_ratio"}
        left |= set() if max(self.learner_samples) else {"learner_error"}
        return tuple(metric for metric in self.catalogue if metric not in left)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; without a choice, those of the exact errors."""
        if self.metrics or self.data:
            return super().measured()
        plain = not self.synthetic_bias and max(self.ridge) == 0
        plain = plain and all(
            rows_of_fit(self, c) >= c["dimension"] for c in self.cells()
        )
        left = {"test_set_error", "test_set_standard_error"}
        left |= {"bias", "variance"} if plain else set()
        return tuple(m for m in self.known_metrics() if m not in left)

    def least_rows(self) -> int:
        """Smallest number of rows of a fit with a finite mean error, d + 2."""
        return max(self.dimension, default=10) + 2

    def studied(self) -> Self:
        """The family with new inputs in each generation, unless `design` was set."""
        usual = self.design == type(self).design
        return dataclasses.replace(self, design=("fresh",)) if usual else self

    def knows_of_rows(self) -> tuple[str, ...]:
        """What new inputs with noisy labels of a known law allow."""
        plain = self.design == ("fresh",) and not any(self.learner_samples)
        return OF_LINES if plain and not self.data and min(self.noise_variance) else ()

    def study_metrics(self) -> tuple[str, ...]:
        """The name of the exact test error, the one metric of studies."""
        return ("test_error",)

    def alone_because(self) -> str:
        """That fixed inputs and whole batches cannot be dealt out to several models."""
        if "fixed" in self.design:
            return "fixed inputs cannot be dealt out; give --design fresh"
        if self.rows in ("auto", "samples"):
            return ""
        return f"rows = {self.rows} keeps whole batches; give --rows samples"

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        return "y = x'w + noise"

    def caption(self) -> str:
        """The caption of the default figure."""
        return caption(self)

    def default_panels(self, known: "xr.Dataset") -> tuple[str, ...]:
        """The panels without the test error, if its ratio shows the same curves."""
        panels = super().default_panels(known)
        return tuple(
            m for m in panels if m != "test_error" or "error_ratio" not in panels
        )

    def note(self, cell: Mapping[str, Any]) -> str:
        """A note if the expected error is infinite or the norm minimal, else ""."""
        n, d = rows_of_fit(self, cell), cell["dimension"]
        if cell["ridge"] > 0 or n > d + 1:
            return ""
        if n < d - 1:
            return "n < d - 1: minimum norm"
        return "n within 1 of d: infinite mean"

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset, with the generation when an error first exceeds a multiple."""
        if "test_error" not in dataset:
            return dataset
        first = find("collapse.measures.regression:first_generation_above")
        until = dataset["test_error"].reduce(
            lambda values, axis: first(values, self.multiple), "generation"
        )
        until.attrs = {
            "long_name": f"generations until {self.multiple:g} times the first "
            "test error",
            "units": "generations; G + 1 if later",
            "more_than": self.num_generations,
        }
        return dataset.assign(generations_until=until)

    def resolved(self, rows: int, dimension: int) -> Self:
        """The family with dimension and noise: 10 and 1, or those of the data."""
        inputs = dimension - 1 if dimension else 10
        if self.data and self.dimension not in ((), (inputs,)):
            raise InputError(
                f"dimension: the data have {inputs} inputs; drop --dimension: the "
                "data's columns say it"
            )
        noise = self.noise_variance
        if not noise:
            data = self.load()
            noise = (1.0 if data is None else residual_variance(data),)
        return dataclasses.replace(
            super().resolved(rows, dimension),
            dimension=self.dimension or (inputs,),
            noise_variance=noise,
        )

    def quick(self) -> Self:
        """A small version: one small dimension, few noise levels and penalties."""
        most = max(self.dimension)
        return dataclasses.replace(
            super().quick(),
            dimension=(most if self.data else min(most, 8),),
            noise_variance=self.noise_variance[:2],
            ridge=self.ridge[:2],
            learner_samples=capped(self.learner_samples, 100),
            learner_ridge=self.learner_ridge[:2],
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        if self.workflows:  # else the family tells the known ones
            fields.check(self)  # before what follows from several fields together
        checks.check_numbers(self)
        checks.check_metrics(self)
        super().check()
        checks.check_rows(self)
        checks.check_sizes(self)
        checks.check_covariance(self)

    def check_data(self, data: RealData) -> None:
        """Raise InputError for fields that cannot be combined with these data."""
        super().check_data(data)
        checks.check_data(self, data)
