"""What an experiment with linear regressors may ask for, and what it may not."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

from collapse.data.regression_tables import residual_variance, table
from collapse.data.tables import RealData
from collapse.experiment.spec import Experiment, InputError, capped
from collapse.sims.linear import checks as linear_checks
from collapse.theory.linear import first_error

METRICS = (
    "test_error",
    "error_ratio",
    "bias",
    "variance",
    "test_set_error",
    "test_set_standard_error",
)
DESCRIPTIONS = {
    "test_error": "test error (beyond the noise of labels)",
    "bias": "bias: test error of a fit to labels without noise",
    "variance": "squared distance due to label noise",
    "test_set_error": "test error on 1000 drawn rows",
    "test_set_standard_error": "standard error over test rows",
    "learner_error": "test error of a learner",
}
_REAL = ("test_error", "test_set_standard_error")  # for data, whose w* is not known


@dataclasses.dataclass(frozen=True)
class LinearExperiment(Experiment):
    """The fields of every experiment and those of the linear regressor."""

    workflows: tuple[str, ...] = ("replace", "replace_multiple", "accumulate")
    """What each generation is trained on: replace, accumulate, fixed_budget, window,
    replace_multiple, mix."""
    num_generations: int = 99
    """Generations after the first fit, which is generation 0."""
    num_seeds: int = 1000
    """Independent repetitions."""
    data: str = ""
    """Real data: 'diabetes', or a .csv or .npy file; see --target."""
    target: str = ""
    """Column of the data to predict: its name, or its number from 1."""
    dimension: tuple[int, ...] = ()
    """Inputs d; 10 if not given, those of the data with data."""
    noise_variance: tuple[float, ...] = ()
    """Variance of labels about x'w; 1 if not given, with data estimated from a fit."""
    synthetic_noise_variance: tuple[float, ...] = ()
    """The same for labels that models write, if it differs from real ones."""
    synthetic_bias: float = 0.0
    """Squared length, in the norm of the inputs' covariance, of a fixed error in what
    models write."""
    design: tuple[Literal["fixed", "fresh"], ...] = ("fixed",)
    """Inputs x: the same in all generations, as in the theorem, or new in each."""
    covariance: Literal["isotropic", "ar1", "power_law"] = "isotropic"
    """Covariance of the inputs: I, rho^|i-j|, or a diagonal j^-beta."""
    covariance_parameter: float = 0.5
    """rho of ar1, beta of power_law."""
    ridge: tuple[float, ...] = (0.0,)
    """Penalty of |w|^2 in every fit, not scaled by the number of rows."""
    minimum_norm: bool = False
    """The shortest solution where n < d, or where rows drawn from a table repeat."""
    rows: Literal["auto", "samples", "statistics", "law"] = "auto"
    """Kept of a generation: its samples, X'X and X'y, or these drawn from their exact
    law; auto takes the cheapest that each workflow allows."""
    draws: Literal["full", "float32"] = "full"
    """Precision of the random numbers behind samples and statistics: that of all else,
    or float32, which makes float64 twice as fast (23 bits, none beyond 5.5 sigma)."""
    learner_samples: tuple[int, ...] = (0,)
    """Rows T of a learner that each generation's teacher labels; 0 for no learner."""
    learner_noise_variance: float = 1.0
    """Variance of the learner's labels."""
    learner_ridge: tuple[float, ...] = (0.0,)
    """Penalty of |w|^2 in the learner's fit; 0 is least squares of minimum norm."""
    multiple: float = 10.0
    """Multiple of the first test error whose passing is timed."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """What may hold several values."""
        return (
            "dimension",
            "samples_per_generation",
            "noise_variance",
            "design",
            "ridge",
            "learner_samples",
            "learner_ridge",
        )

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Designs and penalties are compared on the same natures and seeds."""
        return ("dimension", "samples_per_generation", "noise_variance")

    def describe(self, metric: str) -> tuple[str, str] | None:
        """Errors are squared, in units of the label."""
        squared = "label units squared"
        if self.data and metric == "test_error":
            return "squared error on held-out rows", squared
        if metric == "error_ratio":
            return "test error", "ratio to B = σ²d/(n-d-1)"
        named = DESCRIPTIONS.get(metric)
        return (named, squared) if named else None

    def known_metrics(self) -> tuple[str, ...]:
        """With data, errors on held-out rows; a ratio only where its unit is finite."""
        if self.data:
            return _REAL
        finite = all(
            c["samples_per_generation"] > c["dimension"] + 1 and c["noise_variance"] > 0
            for c in self.cells()
        )
        found = tuple(m for m in METRICS if m != "error_ratio" or finite)
        return (*found, "learner_error") if max(self.learner_samples) else found

    def measured(self) -> tuple[str, ...]:
        """Without names the exact errors; bias and variance where there is bias."""
        if self.metrics or self.data:
            return super().measured()
        plain = not self.synthetic_bias and max(self.ridge) == 0
        plain = plain and all(
            c["samples_per_generation"] >= c["dimension"] for c in self.cells()
        )
        left = {"test_set_error", "test_set_standard_error"}
        left |= {"bias", "variance"} if plain else set()
        return tuple(m for m in self.known_metrics() if m not in left)

    def resolved(self, rows: int, dimension: int) -> Self:
        """Fill in sizes and noise: 100, 10 and 1, or those of the data."""
        inputs = dimension - 1 if dimension else 10
        if self.data and self.dimension not in ((), (inputs,)):
            raise InputError(
                f"dimension: the data have {inputs} inputs; drop --dimension with "
                "--data"
            )
        noise = self.noise_variance
        if not noise:
            noise = (
                residual_variance(table(self.data, self.target, self.seed))
                if self.data
                else 1.0,
            )
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation or (rows or 100,),
            dimension=self.dimension or (inputs,),
            noise_variance=noise,
        )

    def quick(self) -> Self:
        """Also one small dimension, few noise levels and penalties, small learners."""
        most = max(self.dimension)
        return dataclasses.replace(
            super().quick(),
            dimension=(most if self.data else min(most, 8),),
            noise_variance=self.noise_variance[:2],
            ridge=self.ridge[:2],
            learner_samples=capped(self.learner_samples, 100),
            learner_ridge=self.learner_ridge[:2],
        )

    def note(self, cell: Mapping[str, Any]) -> str:
        """Where the expected error is infinite, or the fit of minimum norm."""
        n, d = cell["samples_per_generation"], cell["dimension"]
        if cell["ridge"] > 0 or n > d + 1:
            return ""
        if n < d - 1:
            return "n < d - 1: minimum norm"
        return "n within 1 of d: infinite mean"

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        for field in self.axes():
            if not getattr(self, field):
                raise InputError(f"{field}: empty; give at least one value")
        linear_checks.check_numbers(self)
        if min(self.samples_per_generation) > 0:
            self._check_metrics()
        super().check()
        linear_checks.check_rows(self)
        if self.target and not self.data:
            raise InputError("target: there are no data; add --data FILE.csv")
        if self.data and self.rows == "law" and "fresh" in self.design:
            raise InputError(
                "rows: law needs normal inputs, and fresh ones come from the data; use "
                "auto"
            )
        linear_checks.check_sizes(self)
        linear_checks.check_covariance(self)

    def _check_metrics(self) -> None:
        """Say why a metric of the family is not to be had here."""
        known = self.known_metrics()
        reasons = {
            "error_ratio": "needs n > d + 1 and a noise_variance above 0",
            "learner_error": "needs a learner; add --learner-samples",
        }
        for metric in self.metrics:
            if self.data and metric in METRICS and metric not in known:
                raise InputError(
                    f"metrics: {metric} needs the true coefficients, which data do not "
                    f"tell; known are {', '.join(known)}"
                )
            if metric in reasons and metric not in known:
                raise InputError(f"metrics: {metric} {reasons[metric]}; or drop it")

    def check_data(self, data: RealData) -> None:
        """Also: no learner, no bias and no drawn covariance beside real data."""
        super().check_data(data)
        linear_checks.check_data(self, data)


def unit(cell: Mapping[str, Any]) -> float:
    """B, the expected error of a first fit without ridge: the unit of error_ratio."""
    n, d = cell["samples_per_generation"], cell["dimension"]
    return cell["noise_variance"] * first_error(n, d)
