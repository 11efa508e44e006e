"""The Gaussian under any workflow: `python -m collapse.sims.gaussian`.

Nature is the standard normal in d dimensions, or the user's data. Mean and covariance
follow closed forms, drawn dashed through the measured curves.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np

from collapse import theory
from collapse.data.tables import RealData
from collapse.experiment.spec import (
    COMMON_METRICS,
    Experiment,
    InputError,
    capped,
    spelled,
)
from collapse.experiment.workflow_spec import batch_size, make_workflow, moments
from collapse.lab import programs
from collapse.lab import run as runner
from collapse.sims.gaussian.measures import metrics

METRICS = (*COMMON_METRICS, "w2_squared")
_DENSITY = ("test_error", "log_det_ratio", "entropy")  # need a covariance of full rank
_HELD_OUT = 500  # rows drawn for the test error of one seed


@dataclasses.dataclass(frozen=True)
class GaussianExperiment(Experiment):
    """The fields of every experiment and those of the Gaussian."""

    num_generations: int = 50
    """Generations after the first fit, which is generation 0."""
    num_seeds: int = 1000
    """Independent repetitions."""
    dimension: tuple[int, ...] = ()
    """Dimensions d; 1 if not given, those of the data with data."""
    ddof: tuple[int, ...] = (0,)
    """Divide squares by n - ddof: 0 maximum likelihood, 1 unbiased."""
    rows: Literal["samples", "statistics", "law", "auto"] = "samples"
    """Kept of a generation: its samples, their mean and scatter, or these two drawn
    from their exact law; auto takes the cheapest that each workflow allows (seeds are
    then no longer paired between workflows)."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Dimension, samples per generation and ddof may hold several values."""
        return ("dimension", "samples_per_generation", "ddof")

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """All but ddof: the two divisors are compared on the same samples."""
        return ("dimension", "samples_per_generation")

    def known_metrics(self) -> tuple[str, ...]:
        """Without densities if a cell's n samples do not span its d dimensions."""
        full = all(c["samples_per_generation"] > c["dimension"] for c in self.cells())
        return tuple(m for m in METRICS if full or m not in _DENSITY)

    def resolved(self, rows: int, dimension: int) -> Self:
        """Fill in sample sizes (100 without data) and the dimension."""
        if dimension and self.dimension not in ((), (dimension,)):
            raise InputError(
                f"dimension: the data have {dimension}; drop --dimension with --data"
            )
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation or (rows or 100,),
            dimension=self.dimension or (dimension or 1,),
        )

    def quick(self) -> Self:
        """Also at most eight dimensions, where they are not those of data."""
        most = max(self.dimension) if self.data else 8
        few = capped(self.dimension, most)
        return dataclasses.replace(super().quick(), dimension=few)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        for metric in self.metrics:
            if metric in _DENSITY and metric not in self.known_metrics():
                raise InputError(
                    f"metrics: {metric} needs a density, which n <= d samples do not "
                    "give; drop it or give more samples"
                )
        super().check()
        for d in self.dimension:
            if d < 1:
                raise InputError(f"dimension: {d} is too small; give at least 1")
        for ddof in self.ddof:
            if ddof not in (0, 1):
                raise InputError(f"ddof: {ddof} is unknown; give 0 or 1")
            if ddof >= min(self.samples_per_generation):
                raise InputError(
                    "samples_per_generation: 1 leaves no degree of freedom with "
                    "ddof = 1; give at least 2"
                )
        if "fixed_budget" in self.workflows and self.rows not in ("auto", "samples"):
            raise InputError(
                f"rows: fixed_budget picks single samples, which rows = {self.rows} "
                "does not keep; use rows = samples or auto"
            )
        if self.rows == "law":
            self._check_law()

    def _check_law(self) -> None:
        for cell in self.cells():
            n, d = cell["samples_per_generation"], cell["dimension"]
            for label in self.labels():
                batch = batch_size(label, n)
                if batch <= d:
                    raise InputError(
                        f"samples_per_generation: rows = law needs more than {d} "
                        f"samples in a batch, {label} has {batch} of n = {n}; give "
                        "more or use rows = statistics"
                    )


def kind_of_rows(
    rows: str, label: str, n: int, dimension: int
) -> Literal["samples", "statistics", "law"]:
    """What `rows = auto` stands for."""
    if rows in ("samples", "statistics", "law"):
        return rows  # type: ignore[return-value]
    batch = batch_size(label, n)
    if label == "fixed_budget" or batch < min(n, 8):
        return "samples"
    return "law" if batch > dimension else "statistics"


def setup(
    experiment: GaussianExperiment,
    cell: Mapping[str, Any],
    label: str,
    data: RealData | None,
) -> programs.Setup:
    """One workflow in one cell, ready to run."""
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.core.types import Problem
    from collapse.models import gaussian
    from collapse.numerics import draws

    n, d = cell["samples_per_generation"], cell["dimension"]
    kind = kind_of_rows(experiment.rows, label, n, d)
    size = 1 if kind == "samples" else batch_size(label, n)
    model = gaussian.gaussian(d, ddof=cell["ddof"], rows=kind, batch_size=size)
    truth = gaussian.standard(d)
    if data is not None:
        train = jnp.asarray(data.train, jnp.result_type(float))
        held = jnp.asarray(data.held_out, jnp.result_type(float))
        weights = jnp.ones(len(held), held.dtype)
        truth = gaussian.GaussianParams(*gaussian.weighted_moments(held, weights))

    def draw(key: Any, num: int) -> Any:
        if data is None:
            return model.sample(key, truth, num)
        points = train[draws.shuffled(key, len(train), num * size)]
        return points if kind == "samples" else gaussian.summarise(points, num)

    def make_problem(root: Any) -> Problem:
        if data is None:
            key = streams.key(root, 0, streams.Purpose.HELD_OUT)
            rows = gaussian.sample_points(key, truth, _HELD_OUT)
        else:
            rows = held
        every = metrics(truth, rows, known=data is None)
        return Problem(draw, model, {m: every[m] for m in experiment.measured()})

    workflow = make_workflow(label, experiment.num_generations)
    return programs.Setup(make_problem, workflow, n // size, gaussian.sample_points)


def curves(
    experiment: GaussianExperiment, cell: Mapping[str, Any], label: str
) -> dict[str, np.ndarray]:
    """Closed forms; none for the user's data, whose truth is not known."""
    if experiment.data:
        return {}
    n, d, ddof = cell["samples_per_generation"], cell["dimension"], cell["ddof"]
    last = experiment.num_generations
    expected = moments(label, n, last, ddof)
    found = {
        "variance_ratio": expected.variance,
        "mean_error": expected.mean_error,
    }
    if label == "replace" and n > d:
        found["log_det_ratio"] = theory.log_det_mean(n, last, ddof, d)
        found["entropy"] = (d * np.log(2 * np.pi * np.e) + found["log_det_ratio"]) / 2
        if d == 1:
            found["w2_squared"] = theory.w2_squared(n, last, ddof)
    return found


def caption(experiment: GaussianExperiment) -> str:
    """What a reader of the default figure must know."""
    truth = (
        f"Reference: a Gaussian fitted to held-out rows of {experiment.data}. Real "
        "rows are drawn without replacement: with all of them, every seed begins alike."
        if experiment.data
        else "Truth: the standard normal."
    )
    return (
        f"{truth} n = {spelled(experiment.samples_per_generation)}, "
        f"d = {spelled(experiment.dimension)}, ddof = {spelled(experiment.ddof)}, "
        f"{experiment.repetitions()}."
    )


FAMILY = runner.Family(
    module="gaussian",
    default=GaussianExperiment(),
    description="A Gaussian trained on its own samples, generation after generation.",
    panels=(
        "variance_ratio",
        "mean_error",
        "log_det_ratio",
        "tail_mass_5pct",
        "test_error",
        "w2_squared",
    ),
    table=("tail_mass_1pct", "test_error", "variance_ratio", "mean_error"),
    setup=setup,
    theory=curves,
    caption=caption,
)
