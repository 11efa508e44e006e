"""Gaussian mixtures under any workflow: `python -m collapse.sims.gmm`.

The default nature has a rare component, so that there is a tail to lose. An EM fit has
the mean and covariance of its rows, so these two follow the Gaussian's closed forms.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np

from collapse.data.mixtures import TRUTHS, GaussianMixture
from collapse.data.tables import RealData
from collapse.experiment.spec import COMMON_METRICS, Experiment, InputError, spelled
from collapse.experiment.workflow_spec import make_workflow, moments
from collapse.lab import programs
from collapse.lab import run as runner
from collapse.sims.gmm.measures import RARE, metrics, params_of

METRICS = (*COMMON_METRICS, "l2_squared")
_HELD_OUT = 1000  # rows drawn for the test error of one seed
_REFERENCE_STARTS = 10


@dataclasses.dataclass(frozen=True)
class GmmExperiment(Experiment):
    """The fields of every experiment and those of the mixture."""

    num_generations: int = 59
    """Generations after the first fit, which is generation 0."""
    truth: Literal["rare", "blob"] = "rare"
    """Nature: two components and a rare third, or one standard Gaussian."""
    num_components: int = 3
    """Components K of every fitted mixture."""
    tol: float = 1e-3
    """EM stops once an iteration gains less than this, in nats a row."""
    max_iter: int = 100
    """EM iterations of one fit at the most."""
    reg_covar: float = 1e-6
    """Added to the diagonal of every covariance."""
    start: Literal["kmeans++", "previous"] = "kmeans++"
    """Where EM starts: afresh, or at the previous generation's parameters."""

    def diagnostics(self) -> tuple[str, ...]:
        """Of EM."""
        names = ("iterations", "converged", "log_likelihood", "gain")
        return tuple(f"fit_{name}" for name in names)

    def known_metrics(self) -> tuple[str, ...]:
        """A rare component of a known truth adds its survival."""
        if self.data:
            return METRICS
        weights = TRUTHS[self.truth]().weights
        rare = [f"survival_{k + 1}" for k in np.flatnonzero(weights <= RARE)]
        return (*METRICS, *rare)

    def resolved(self, rows: int, dimension: int) -> Self:
        """Fill in the sample size: 100 without data."""
        del dimension
        sizes = self.samples_per_generation or (rows or 100,)
        return dataclasses.replace(self, samples_per_generation=sizes)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        for field, least in (("num_components", 1), ("max_iter", 1)):
            if getattr(self, field) < least:
                raise InputError(f"{field}: too small; give at least {least}")
        for field in ("tol", "reg_covar"):
            if not getattr(self, field) >= 0:
                raise InputError(f"{field}: {getattr(self, field)}; give 0 or more")
        if min(self.samples_per_generation) < self.num_components:
            raise InputError(
                f"samples_per_generation: {min(self.samples_per_generation)} rows are "
                f"too few for {self.num_components} components; give more rows or a "
                "smaller --num-components"
            )

    def check_data(self, data: RealData) -> None:
        """Also: rows enough for the reference, and a scale far above reg_covar."""
        super().check_data(data)
        if len(data.held_out) < 2 * self.num_components:
            raise InputError(
                f"num_components: {self.num_components} are too many for the "
                f"{len(data.held_out)} rows held out for the reference mixture; give "
                "fewer, or more rows"
            )
        least = data.train.var(axis=0).min()
        if least < 1e3 * self.reg_covar:
            raise InputError(
                f"reg_covar: {self.reg_covar:g} would hide a column of variance "
                f"{least:.1g}; give a smaller --reg-covar, or change its unit"
            )

    def quick(self) -> Self:
        """Also at most 50 iterations of EM."""
        return dataclasses.replace(super().quick(), max_iter=min(self.max_iter, 50))


def setup(
    experiment: GmmExperiment,
    cell: Mapping[str, Any],
    label: str,
    data: RealData | None,
) -> programs.Setup:
    """One workflow in one cell, ready to run."""
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.core.types import Problem
    from collapse.measures import metrics as m
    from collapse.models.gmm.model import gmm, log_density, sample_points
    from collapse.numerics import draws

    truth = params_of(
        _reference(experiment, data) if data else TRUTHS[experiment.truth]()
    )
    model = gmm(
        experiment.num_components,
        dimension=truth.means.shape[1],
        tol=experiment.tol,
        max_iter=experiment.max_iter,
        reg_covar=experiment.reg_covar,
        start=experiment.start,
    )
    train = None if data is None else jnp.asarray(data.train, truth.means.dtype)

    def draw(key: Any, num: int) -> Any:
        if train is None:
            return sample_points(key, truth, num)
        return train[draws.shuffled(key, len(train), num)]

    bound, names = metrics(truth), experiment.measured()

    def make_problem(root: Any) -> Problem:
        if data is None:
            key = streams.key(root, 0, streams.Purpose.HELD_OUT)
            held_out = sample_points(key, truth, _HELD_OUT)
        else:
            held_out = jnp.asarray(data.held_out, truth.means.dtype)
        expected = log_density(truth, held_out) if data is None else None
        test_error = m.test_error(log_density, held_out, expected)
        every = bound | {"test_error": test_error}
        return Problem(draw, model, {name: every[name] for name in names})

    workflow = make_workflow(label, experiment.num_generations)
    n = cell["samples_per_generation"]
    return programs.Setup(make_problem, workflow, n, sample_points)


def curves(
    experiment: GmmExperiment, cell: Mapping[str, Any], label: str
) -> dict[str, np.ndarray]:
    """Closed forms of mean and covariance; none for the user's data."""
    if experiment.data:
        return {}
    n = cell["samples_per_generation"]
    expected = moments(label, n, experiment.num_generations, ddof=0)
    return {"variance_ratio": expected.variance, "mean_error": expected.mean_error}


def caption(experiment: GmmExperiment) -> str:
    """What a reader of the default figure must know."""
    truth = (
        f"Reference: a mixture fitted to held-out rows of {experiment.data}. Real rows "
        "are drawn without replacement: with all of them, every seed begins alike."
        if experiment.data
        else f"Truth: the mixture {experiment.truth}."
    )
    sizes = spelled(experiment.samples_per_generation)
    theory = (
        " Theory: an EM fit has the mean and covariance of its rows, but for reg_covar."
    )
    return (
        f"{truth} K = {experiment.num_components}, n = {sizes}, "
        f"tol {experiment.tol:g}, start {experiment.start}, "
        f"{experiment.repetitions()}.{'' if experiment.data else theory}"
    )


def _reference(experiment: GmmExperiment, data: RealData) -> GaussianMixture:
    """The density that stands in for the unknown truth: held-out rows, best of ten."""
    import jax
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.models.gmm.model import gmm

    rows = jnp.asarray(data.held_out)
    model = gmm(
        experiment.num_components,
        dimension=rows.shape[1],
        tol=1e-6,
        max_iter=500,
        reg_covar=experiment.reg_covar,
    )
    weights = jnp.ones(len(rows), rows.dtype)

    def fit(root: Any) -> Any:
        start = model.init(streams.key(root, 0, streams.Purpose.INIT), rows, weights)
        key = streams.key(root, 0, streams.Purpose.FIT)
        return model.fit(key, start, rows, weights)

    roots = streams.seeds(experiment.seed, _REFERENCE_STARTS)
    params, info = jax.jit(jax.vmap(fit))(roots)
    best = int(jnp.argmax(info["log_likelihood"]))
    return GaussianMixture(*(np.asarray(leaf[best]) for leaf in params))


FAMILY = runner.Family(
    module="gmm",
    default=GmmExperiment(),
    description="A Gaussian mixture trained on its own samples, again and again.",
    panels=(
        "tail_mass_5pct",
        "tail_mass_1pct",
        "survival_3",
        "test_error",
        "variance_ratio",
        "mean_error",
    ),
    table=(
        "tail_mass_1pct",
        "survival_3",
        "test_error",
        "variance_ratio",
        "mean_error",
    ),
    setup=setup,
    theory=curves,
    caption=caption,
)
