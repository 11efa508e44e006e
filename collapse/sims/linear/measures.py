"""What is measured of linear regressors whose true coefficients are known."""

from collections.abc import Mapping
from typing import Any

from collapse.sims.linear.experiment import LinearExperiment, unit


def metrics(
    cell: Mapping[str, Any], truth: Any, test: Any, factor: Any, twin: bool
) -> dict[str, Any]:
    """Name -> Metric, bound to true coefficients [d] and test inputs [m, d].

    Args:
      cell: of the grid.
      truth: [d].
      test: [m, d].
      factor: [d, d] of the inputs' covariance; None for the identity.
      twin: whether the model carries a noise-free twin.
    """
    from collapse.measures import regression
    from collapse.models.linear.model import LinearParams

    def fit(params: LinearParams) -> Any:
        return params.coefficients[0]

    error = regression.squared_distance(fit, lambda params: truth, factor)
    found = {
        "test_error": error,
        "error_ratio": lambda key, params: error(key, params) / unit(cell),
    }
    if twin:

        def still(params: LinearParams) -> Any:
            return params.coefficients[1]

        found["bias"] = regression.squared_distance(still, lambda params: truth, factor)
        found["variance"] = regression.squared_distance(fit, still, factor)
    pair = regression.test_rows(fit, test, test @ truth)
    found["test_set_error"], found["test_set_standard_error"] = pair
    return found


def memory_metrics(
    experiment: LinearExperiment, cell: Mapping[str, Any], truth: Any, factor: Any
) -> dict[str, Any]:
    """Name -> MemoryMetric, of coefficients [d] of who labelled the newest rows.

    Args:
      experiment: with the noise of a learner's labels.
      cell: of the grid.
      truth: [d].
      factor: [d, d] of the inputs' covariance; None for the identity.
    """
    from collapse.measures import regression
    from collapse.models.linear.model import LinearParams, linear

    d, samples = cell["dimension"], cell["learner_samples"]
    if not samples:
        return {}
    learner = linear(
        d,
        noise_variance=experiment.learner_noise_variance,
        ridge=cell["learner_ridge"],
        minimum_norm=samples < d,
        rows="law",
        batch_size=samples,
        factor=factor,
    )
    error = regression.learner_error(
        learner,
        lambda teacher: LinearParams(teacher[None]),
        lambda params: params.coefficients[0],
        truth,
        factor,
    )
    return {"learner_error": error}
