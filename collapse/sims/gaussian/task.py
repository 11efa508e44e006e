"""A Gaussian in one condition, ready to run."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int

from collapse.core.types import Key, Problem
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.monitors import Monitor, loss_monitor
from collapse.experiment.normal_rows import normal_rows
from collapse.experiment.row_truth import RowTruth
from collapse.experiment.task import RealRows, Task, real_rows
from collapse.models import gaussian as g
from collapse.numerics import estimators
from collapse.sims.gaussian.experiment import Gaussian, kind_of_rows
from collapse.sims.gaussian.measures import metrics
from collapse.sims.gaussian.monitors import mean_monitor


def task(condition: Condition[Gaussian], data: RealData | None) -> Task:
    """The task of a condition: a Gaussian that learns a standard normal, or data."""
    n, d, ddof = condition.n, condition["dimension"], condition["ddof"]
    kind = kind_of_rows(condition)
    size = 1 if kind == "samples" else condition.workflow.batch_size(n)
    model = g.gaussian(d, ddof=ddof, rows=kind, batch_size=size)
    truth = g.standard(d)
    if data is not None:
        truth = g.of_rows(jnp.asarray(data.held_out, jnp.result_type(float)))
    real = real_rows(data, lambda key, num: g.sample_points(key, truth, num))

    def draw(key: Key, num: int) -> Any:
        if data is None:
            return model.sample(key, truth, num)
        points = real.draw(key, num * size)
        return points if kind == "samples" else g.summarise(points, num)

    def make_problem(root: Key) -> Problem:
        own = metrics(truth, real.held_out(root), known=real.known)
        return Problem(draw, model, own)

    def biased(root: Key, bias: Array, sizes: Int[Array, " rows"] | None) -> Problem:
        """The problem of a sampler with `bias` times its model's variance."""
        if sizes is None:  # of data, whose law is not known
            model = g.gaussian(d, ddof=ddof)
            real_draw, every = real.draw, metrics(truth, real.held_out(root), False)
        else:
            model = g.gaussian(d, ddof=ddof, rows="law", batch_size=sizes)
            every = metrics(truth, jnp.zeros((1, d)))
            # exact: a test set would be most of the work
            every["test_error"] = lambda key, params: estimators.gaussian_divergence(
                *truth, *params
            )

            def real_draw(key: Key, num: int) -> Any:
                return model.sample(key, truth, num)

        def sample(key: Key, params: g.GaussianParams, num: int) -> Any:
            narrow = params._replace(scale=params.scale * jnp.sqrt(bias))
            return model.sample(key, narrow, num)

        return Problem(real_draw, model._replace(sample=sample), every)

    return Task(
        make_problem,
        batch_size=size,
        points=g.sample_points,
        biased=biased,
        batched=data is None,
        monitors=_monitors(real, d),
        reference=real.reference,
        pooled=g.mixture_moments,
        rows=_judged(d) if data is None and kind == "samples" else None,
    )


def _judged(dimension: int) -> RowTruth:
    """What is known of rows that are points, and of the standard deviation."""

    def known_scale(params: g.GaussianParams) -> g.GaussianParams:
        eye = jnp.eye(dimension, dtype=params.scale.dtype)
        return params._replace(scale=eye)

    return normal_rows(dimension, g.log_density)._replace(known_scale=known_scale)


def _monitors(real: RealRows, dimension: int) -> dict[str, Callable[..., Monitor]]:
    """The family's own monitors: of the mean, and of the log-loss."""
    if real.reference is None:
        return {}
    size = dimension * (dimension + 3) / 2
    own = (g.log_density, real.reference, size)
    return {"mean": mean_monitor(real.reference), "loss": loss_monitor(*own)}
