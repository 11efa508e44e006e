"""A mixture in one condition, ready to run."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from collapse.core import streams
from collapse.core.types import Info, Key, Metric, Params, Problem
from collapse.data.mixtures import TRUTHS, GaussianMixture
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.monitors import loss_monitor
from collapse.experiment.task import Task, real_rows
from collapse.measures.density import test_error
from collapse.models.gmm.model import gmm, mixture, sample_points
from collapse.sims.gmm.experiment import Gmm
from collapse.sims.gmm.judged import judged
from collapse.sims.gmm.measures import MODEL, Bound, bind, params_of

_HELD_OUT = 1000  # rows drawn for the test error of one seed
_REFERENCE_STARTS = 10


def task(condition: Condition[Gmm], data: RealData | None) -> Task:
    """The task of a condition: a mixture that learns a known one, or data."""
    experiment = condition.experiment
    if data is None:
        bound = _known(experiment.truth, str(jnp.result_type(float)))
    else:
        bound = bind(params_of(_reference(experiment, data)))
    params, truth, every = bound
    model = gmm(
        experiment.num_components,
        dimension=params.means.shape[1],
        tol=experiment.tol,
        max_iter=experiment.max_iter,
        reg_covar=experiment.reg_covar,
        start=experiment.start,
    )
    real = real_rows(data, lambda key, num: sample_points(key, params, num), _HELD_OUT)

    def metrics(root: Key) -> dict[str, Metric]:
        own = {"test_error": test_error(MODEL, truth, real.held_out(root), real.known)}
        return every | own

    def make_problem(root: Key) -> Problem:
        return Problem(real.draw, model, metrics(root))

    def biased(root: Key, bias: Array, sizes: None) -> Problem:
        """The problem of a sampler with `bias` times each component's variance."""
        del sizes

        def sample(key: Key, params: Params, num: int) -> Array:
            narrow = params._replace(covariances=params.covariances * bias)
            return model.sample(key, narrow, num)

        return Problem(real.draw, model._replace(sample=sample), metrics(root))

    d = params.means.shape[1]
    size = experiment.num_components * (1 + d + d * (d + 1) / 2) - 1
    return Task(
        make_problem,
        points=sample_points,
        biased=biased,
        pooled=mixture,
        monitors={"loss": loss_monitor(MODEL.log_density, real.reference, size)}
        if real.reference
        else {},
        reference=real.reference,
        rows=judged(experiment.truth, params) if data is None else None,
    )


@functools.lru_cache(maxsize=4)  # many conditions share it, and it takes a second
def _known(name: str, dtype: str) -> Bound:
    """A known truth and the metrics bound to it, in the precision of arrays."""
    del dtype
    return bind(params_of(TRUTHS[name]()))


def _reference(experiment: Gmm, data: RealData) -> GaussianMixture:
    """A mixture fitted to held-out rows, best of ten; it replaces the unknown truth."""
    rows = jnp.asarray(data.held_out)
    model = gmm(
        experiment.num_components,
        dimension=rows.shape[1],
        tol=1e-6,
        max_iter=500,
        reg_covar=experiment.reg_covar,
    )
    weights = jnp.ones(len(rows), rows.dtype)

    def fit(root: Key) -> tuple[Params, Info]:
        start = model.init(streams.key(root, 0, streams.Purpose.INIT), rows, weights)
        key = streams.key(root, 0, streams.Purpose.FIT)
        return model.fit(key, start, rows, weights)

    roots = streams.seeds(experiment.seed, _REFERENCE_STARTS)
    fit_all: Callable[..., tuple[Params, Info]] = jax.jit(jax.vmap(fit))
    params, info = fit_all(roots)
    best = int(jnp.argmax(info["log_likelihood"]))
    return GaussianMixture(*(np.asarray(leaf[best]) for leaf in params))
