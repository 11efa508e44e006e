"""Mixtures of real and synthetic rows: one cell, ready to run.

Everything that a map sweeps enters as arrays, so that its cells share one compiled
program. Rows of a Gaussian and of a regressor are two batches, the real one and the
synthetic one, drawn from their exact laws whatever their sizes; a mixture model sees
single rows, as many places as the largest cell of a size needs.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from collapse.lab import programs
from collapse.sims.mixing.experiment import MixingExperiment, counts, weight_of

_HELD_OUT = 1000  # rows drawn for the test error of a mixture model


class _Family(NamedTuple):
    """What the three models differ in.

    Attributes:
      problem: (root, real, synthetic, bias) -> Problem.
      rows: (real, synthetic) -> how many rows of a generation are real, and are not.
      points: (key, params, num) -> samples.
    """

    problem: Callable[..., Any]
    rows: Callable[[Any, Any], tuple[Any, Any]]
    points: Callable[..., Any]


def setup(
    experiment: MixingExperiment, cell: Mapping[str, Any], label: str, data: None
) -> programs.Setup:
    """One mixture of rows, ready to run; `label` and `data` say nothing more."""
    import jax.numpy as jnp

    from collapse.core import workflows

    del label, data
    real, synthetic = counts(experiment, cell)
    weight = weight_of(experiment, cell)
    total = real + synthetic
    of_new = (1 - weight) * total / synthetic if synthetic else 0.0
    numbers = (weight * total / real, of_new, cell["bias"])
    values = (
        jnp.asarray(real, jnp.int32),
        jnp.asarray(synthetic, jnp.int32),
        *(jnp.asarray(number, jnp.result_type(float)) for number in numbers),
    )
    make = {"gaussian": _gaussian, "linear": _linear, "gmm": _gmm}[experiment.model]
    # of a mixture a power of two, for few programs
    places = 1 << (total - 1).bit_length() if experiment.model == "gmm" else 2
    family = make(experiment, places)

    def make_problem(root: Any, real: Any, synthetic: Any, *rest: Any) -> Any:
        return family.problem(root, real, synthetic, rest[-1])

    def workflow(real: Any, synthetic: Any, *rest: Any) -> Any:
        rows = family.rows(real, synthetic)
        return workflows.anchored(places, *rows, rest[:2], experiment.anchor)

    return programs.Setup(
        make_problem,
        workflow,
        places,
        family.points,
        values,
        program=places,
    )


def _batches(real: Any, synthetic: Any) -> Any:
    """Sizes of the two rows that laws write."""
    import jax.numpy as jnp

    return jnp.stack([real, synthetic])


@functools.lru_cache(maxsize=4)
def _gaussian(experiment: MixingExperiment, places: int) -> _Family:
    """A standard normal nature."""
    import jax.numpy as jnp

    from collapse.core.types import Problem
    from collapse.models import gaussian as g
    from collapse.numerics import estimators
    from collapse.sims.gaussian.measures import metrics

    del places
    d = experiment.dimension
    truth = g.standard(d)
    own = metrics(truth, jnp.zeros((1, d)))
    # exact: a test set would be most of the work
    own["test_error"] = lambda key, params: estimators.gaussian_divergence(
        *truth, *params
    )
    own = {name: own[name] for name in experiment.measured()}

    def problem(root: Any, real: Any, synthetic: Any, bias: Any) -> Problem:
        del root
        sizes = _batches(real, synthetic)
        model = g.gaussian(d, ddof=experiment.ddof, rows="law", batch_size=sizes)

        def sample(key: Any, params: Any, num: int) -> Any:
            narrow = params._replace(scale=params.scale * jnp.sqrt(bias))
            return model.sample(key, narrow, num)

        def draw(key: Any, num: int) -> Any:
            return model.sample(key, truth, num)

        return Problem(draw, model._replace(sample=sample), own)

    return _Family(problem, lambda real, synthetic: (1, 1), g.sample_points)


@functools.lru_cache(maxsize=4)
def _linear(experiment: MixingExperiment, places: int) -> _Family:
    """Labels x'w + e of normal inputs, new in every generation."""
    from collapse.core import streams
    from collapse.core.types import Problem
    from collapse.measures import regression
    from collapse.models.linear.model import LinearParams, linear
    from collapse.numerics import draws

    del places
    d = experiment.dimension

    def problem(root: Any, real: Any, synthetic: Any, bias: Any) -> Problem:
        sizes = _batches(real, synthetic)
        truth = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (d,))
        begin = LinearParams(truth[None])
        nature, model = (
            linear(d, rows="law", batch_size=sizes, noise_variance=noise)
            for noise in (1.0, bias)
        )

        def draw(key: Any, num: int) -> Any:
            return nature.sample(key, begin, num)

        error = regression.squared_distance(
            lambda params: params.coefficients[0], lambda params: truth
        )
        return Problem(draw, model, {"test_error": error})

    def points(key: Any, params: Any, num: int) -> Any:
        raise NotImplementedError  # snapshots are refused

    return _Family(problem, lambda real, synthetic: (1, 1), points)


@functools.lru_cache(maxsize=32)
def _gmm(experiment: MixingExperiment, places: int) -> _Family:
    """The mixture with a rare component."""
    from collapse.core import streams
    from collapse.core.types import Problem
    from collapse.data.mixtures import TRUTHS
    from collapse.measures import metrics as m
    from collapse.models.gmm.model import gmm, log_density, sample_points
    from collapse.sims.gmm.measures import metrics, params_of

    del places
    truth = params_of(TRUTHS["rare"]())
    model = gmm(len(truth.weights), dimension=experiment.dimension)
    bound = metrics(truth)

    def problem(root: Any, real: Any, synthetic: Any, bias: Any) -> Problem:
        del real, synthetic
        key = streams.key(root, 0, streams.Purpose.HELD_OUT)
        held_out = sample_points(key, truth, _HELD_OUT)
        expected = log_density(truth, held_out)
        every = bound | {"test_error": m.test_error(log_density, held_out, expected)}

        def sample(key: Any, params: Any, num: int) -> Any:
            narrow = params._replace(covariances=params.covariances * bias)
            return model.sample(key, narrow, num)

        return Problem(
            lambda key, num: sample_points(key, truth, num),
            model._replace(sample=sample),
            {name: every[name] for name in experiment.measured()},
        )

    return _Family(problem, lambda *rows: rows, sample_points)
