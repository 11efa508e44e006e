"""What is measured of a linear regressor whose true coefficients are known."""

from jaxtyping import Array, Float

from collapse.core.types import MemoryMetric, Metric
from collapse.experiment.condition import Condition
from collapse.measures import regression
from collapse.models.linear.model import LinearParams, linear
from collapse.sims.linear.experiment import Linear
from collapse.sims.linear.theory import unit

_OF_TWIN = ("bias", "variance")  # need fits to labels without noise


def has_twin(experiment: Linear) -> bool:
    """Whether fits to labels without noise are carried along, as metrics need them."""
    return any(metric in _OF_TWIN for metric in experiment.measured())


def metrics(
    condition: Condition[Linear],
    truth: Float[Array, " d"],
    test: Float[Array, "m d"],
    factor: Float[Array, "d d"] | None,
) -> dict[str, Metric]:
    """Every metric of the family that the condition has.

    Args:
      condition: its swept numbers may be arrays.
      truth: [d] coefficients.
      test: [m, d] inputs of test rows.
      factor: of the inputs' covariance; None for the identity.
    """
    error = regression.squared_distance(_fit, lambda params: truth, factor)
    found: dict[str, Metric] = {
        "test_error": error,
        "error_ratio": lambda key, params: error(key, params) / unit(condition),
    }
    if has_twin(condition.experiment):
        found["bias"] = regression.squared_distance(_twin, lambda params: truth, factor)
        found["variance"] = regression.squared_distance(_fit, _twin, factor)
    pair = regression.test_rows(_fit, test, test @ truth)
    found["test_set_error"], found["test_set_standard_error"] = pair
    return found


def memory_metrics(
    condition: Condition[Linear],
    truth: Float[Array, " d"],
    factor: Float[Array, "d d"] | None,
) -> dict[str, MemoryMetric]:
    """Every metric of the coefficients [d] that labelled the newest rows.

    Args:
      condition: its swept numbers may be arrays.
      truth: [d] coefficients.
      factor: of the inputs' covariance; None for the identity.
    """
    if not condition["learner_samples"]:
        return {}
    d, num_rows = condition["dimension"], condition["learner_samples"]
    learner = linear(
        d,
        noise_variance=condition.experiment.learner_noise_variance,
        ridge=condition["learner_ridge"],
        minimum_norm=num_rows < d,
        rows="law",
        batch_size=num_rows,
        factor=factor,
    )

    def teach(teacher: Float[Array, " d"]) -> LinearParams:
        return LinearParams(teacher[None])

    error = regression.learner_error(learner, teach, _fit, truth, factor)
    return {"learner_error": error}


def _fit(params: LinearParams) -> Float[Array, " d"]:
    return params.coefficients[0]


def _twin(params: LinearParams) -> Float[Array, " d"]:
    return params.coefficients[1]
