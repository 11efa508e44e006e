"""The fields of an experiment with linear regressors."""

import dataclasses
from typing import Annotated, Literal

from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, Only, Shown

# variances and penalties whose products neither overflow nor vanish
Magnitude = Annotated[float, Bounds(1e-100, 1e100, or_zero=True)]


@dataclasses.dataclass(frozen=True)
class LinearFields(Family):
    """The fields of every family and those of the linear regressor."""

    workflows: tuple[str, ...] = ("replace", "replace_multiple", "accumulate")
    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 99
    """Generations after the first fit, which is generation 0."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 1000
    """Independent repetitions."""
    data: Annotated[str, Shown("none")] = ""
    """Real data: 'diabetes', or a .csv, .tsv, .txt, .npy or .parquet file, which may be
    packed as .gz; see --target."""
    target: Annotated[str, Shown("none")] = ""
    """Column of the data to predict: its name, or its number from 1; a number that is
    a name is that column."""
    dimension: Annotated[
        tuple[Annotated[int, Bounds(1, 3000)], ...],
        Shown("10; with data, that of the data"),
    ] = ()
    """Inputs d."""
    noise_variance: Annotated[
        tuple[Magnitude, ...], Shown("1; with data, estimated from a fit")
    ] = ()
    """Variance of labels about x'w."""
    synthetic_noise_variance: Annotated[
        tuple[Magnitude, ...], Shown("that of real labels", may_be_empty=True)
    ] = ()
    """The same for labels that models generate, if it differs from real ones."""
    synthetic_bias: Magnitude = 0.0
    """Squared length, in the norm of the inputs' covariance, of a fixed error in the
    coefficients that models label with."""
    design: tuple[Literal["fixed", "fresh"], ...] = ("fixed",)
    """Inputs x: the same in all generations, as in the theorem, or new in each."""
    covariance: Literal["isotropic", "ar1", "power_law"] = "isotropic"
    """Covariance of the inputs: I, rho^|i-j|, or a diagonal j^-beta."""
    covariance_parameter: Annotated[float, Bounds()] = 0.5
    """rho of ar1, beta of power_law."""
    ridge: tuple[Magnitude, ...] = (0.0,)
    """Penalty of |w|^2 in every fit, not scaled by the number of rows."""
    minimum_norm: bool = False
    """The shortest solution where n < d, or where rows drawn from a table repeat."""
    rows: Literal["auto", "samples", "statistics", "law"] = "auto"
    """Kept of a generation: its samples, X'X and X'y, or these drawn from their exact
    law; auto takes the cheapest that each workflow allows."""
    draws: Literal["full", "float32"] = "full"
    """Precision of the random numbers behind samples and statistics: that of all else,
    or float32, which makes float64 twice as fast (23 bits, none beyond 5.5 sigma)."""
    learner_samples: tuple[Annotated[int, Bounds(0, 10**9)], ...] = (0,)
    """Rows T of a learner that each generation's teacher labels; 0 for no learner."""
    learner_noise_variance: Annotated[Magnitude, Only("learner_samples")] = 1.0
    """Variance of the learner's labels."""
    learner_ridge: tuple[Magnitude, ...] = (0.0,)
    """Penalty of |w|^2 in the learner's fit; 0 is least squares of minimum norm."""
    multiple: Annotated[float, Bounds(1, above=True)] = 10.0
    """Multiple of the first test error whose passing is timed."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
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
        """Axes whose values share no random numbers; designs and penalties do share."""
        return ("dimension", "samples_per_generation", "noise_variance")
