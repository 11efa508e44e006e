"""The task of a density that learns a standard normal, or the user's rows."""

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Batch, Model, Params, Problem
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.density import DensityFamily
from collapse.experiment.monitors import Monitor, loss_monitor
from collapse.experiment.normal_rows import normal_rows
from collapse.experiment.row_truth import RowTruth
from collapse.experiment.several_models import learn_in
from collapse.experiment.task import RealRows, Task, real_rows
from collapse.experiment.workflows.standard import ACCUMULATE
from collapse.measures.density import (
    Density,
    Truth,
    density_metrics,
    gaussian_regions,
    running_test_error,
    test_error,
)
from collapse.models import gaussian
from collapse.numerics.threefry import Key


def density_task(
    condition: Condition[DensityFamily],
    data: RealData | None,
    density: Density,
    model_of: Callable[..., Model],
    swept: Sequence[str] = (),
    drawn: Callable[[Key, int], Array] | None = None,
) -> Task:
    """The task of a density that learns the truth or the data of a condition.

    A biased sampler leaves `bias` times the variance, about the mean.

    Args:
      condition: that is run.
      data: the user's rows; a Gaussian fitted to those held out is the reference.
      density: sampler, log-density and moments of the model. With `grown` the test
        error under accumulate takes as long in each generation; a controller may not
        set the weight of real rows then.
      model_of: (dimension, *numbers) -> Model.
      swept: axes whose numbers these are; conditions that differ in nothing else
        share one compiled program.
      drawn: (key, num) -> [num, d] from a law of unknown density; None for a standard
        normal. Of metrics only the test error means anything then.
    """
    known, real = _reference(condition.experiment.dimension, data, drawn)
    d, dtype = known.moments[0].size, known.moments[0].dtype
    every = density_metrics(density, known)

    def whole(root: Key, model: Model) -> Problem:
        error = test_error(density, known, real.held_out(root), real.known)
        return Problem(real.draw, model, every | {"test_error": error})

    def growing(root: Key, model: Model) -> Problem:
        own = (known, real.held_out(root), real.known, condition.n)
        remember, error = running_test_error(density, *own)
        more = {"test_error": error}
        return Problem(real.draw, model, every, remember=remember, memory_metrics=more)

    grows = density.grown is not None and condition.workflow.kind is ACCUMULATE
    # of a metric that is asked for, and not where rows are dealt out anew
    grows = grows and "test_error" in condition.experiment.measured()
    problem = growing if grows and not learn_in(condition) else whole

    rest = tuple((a, v) for a, v in condition.cell.items() if a not in swept)
    return Task(
        lambda root, *own: problem(root, model_of(d, *own)),
        tuple(jnp.asarray(condition[axis], dtype) for axis in swept),
        points=density.sample,
        program=(condition.workflow, rest),
        biased=_biased(density, d, whole, model_of),
        monitors=_loss(density, real, d),
        reference=real.reference,
        rows=None
        if data is not None or drawn
        else _judged(density, d, whole, model_of),
    )


def _biased(
    density: Density,
    dimension: int,
    whole: Callable[[Key, Model], Problem],
    model_of: Callable[..., Model],
) -> Callable[..., Problem]:
    """A function that makes the problem of a sampler that is too wide or narrow."""

    def biased(root: Key, bias: Array, sizes: None, *own: Array) -> Problem:
        model = model_of(dimension, *own)

        def sample(key: Key, params: Params, num: int) -> Batch:
            mean = density.moments(params)[0][None]
            return mean + jnp.sqrt(bias) * (model.sample(key, params, num) - mean)

        return whole(root, model._replace(sample=sample))

    return biased


def _judged(
    density: Density,
    dimension: int,
    whole: Callable[[Key, Model], Problem],
    model_of: Callable[..., Model],
) -> RowTruth:
    """What is known of rows of a standard normal.

    Rows may be rejected, so that no test error can be had from what was remembered.
    """
    found = normal_rows(dimension, density.log_density)
    return found._replace(
        make_problem=lambda root, *own: whole(root, model_of(dimension, *own))
    )


def _loss(
    density: Density, real: RealRows, dimension: int
) -> dict[str, Callable[..., Monitor]]:
    """The monitor of the log-loss, where there are rows for it."""
    if real.reference is None:
        return {}
    own = (density.log_density, real.reference, float(2 * dimension))
    return {"loss": loss_monitor(*own)}


def _reference(
    dimension: int,
    data: RealData | None,
    drawn: Callable[[Key, int], Array] | None,
) -> tuple[Truth, RealRows]:
    """What the density is compared with, and where its real rows come from."""
    truth = gaussian.standard(dimension)
    if data is not None:
        truth = gaussian.of_rows(jnp.asarray(data.held_out, truth.mean.dtype))

    def sample(key: Key, num: int) -> Float[Array, "num d"]:
        return gaussian.sample_points(key, truth, num)

    log_density = functools.partial(gaussian.log_density, truth)
    regions = gaussian_regions(truth.scale)
    known = Truth(log_density, (truth.mean, truth.scale), regions)
    if drawn is not None:
        return known, real_rows(None, drawn)._replace(known=False)
    return known, real_rows(data, sample)
