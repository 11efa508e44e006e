"""A diffusion model in one condition, ready to run."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array

from collapse.core.types import Key, Metric, Problem
from collapse.data import laws
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion.model import Design, DiffusionParams, Score, diffusion
from collapse.models.diffusion.network import NetworkConfig
from collapse.models.diffusion.noise import NoiseProcess
from collapse.models.diffusion.training import Rows, TrainConfig
from collapse.sims.diffusion import measures, torsions
from collapse.sims.diffusion.experiment import Diffusion
from collapse.sims.diffusion.sources import Source, reference, source_of


def task(condition: Condition[Diffusion], data: RealData | None) -> Task:
    """The task of a condition: a diffusion model that learns a law, or data.

    A biased sampler leaves `bias` times the variance about the mean of the rows that
    the model was fitted to. What is measured is generated without bias.
    """
    e = condition.experiment
    source = source_of(e, data)
    design = design_of(e, source, condition["score"])
    learned = (
        design.score == "network"
    )  # side by side, networks are not faster on a CPU

    def problem(
        root: Key, bias: Array | None, delta: Array, decay: Array, guidance: Array
    ) -> Problem:
        model = diffusion(design, delta, guidance, decay)
        if bias is not None:
            model = model._replace(sample=_narrowed(model.sample, design.noise, bias))
        metrics = _metrics(e, source, source.held_out(root), design.noise)
        return Problem(source.draw, model, metrics, one_by_one=learned)

    def points(key: Key, params: DiffusionParams, num: int) -> Array:
        """Generated rows in units of the data, what a snapshot keeps."""
        found = diffusion(design).sample(key, params, num).points
        scale, centre = (
            jnp.asarray(x, found.dtype) for x in (source.scale, source.centre)
        )
        return found * scale[None] + centre[None]

    swept = ("delta", "delta_decay", "guidance")
    rest = tuple((a, v) for a, v in condition.cell.items() if a not in swept)
    kind = jnp.result_type(float)
    return Task(
        lambda root, *own: problem(root, None, *own),
        tuple(jnp.asarray(condition[axis], kind) for axis in swept),
        points=points,
        program=(condition.workflow, rest),
        biased=lambda root, bias, sizes, *own: problem(root, bias, *own),
        reference=reference(source, data),
        one_by_one=learned,
    )


def design_of(e: Diffusion, source: Source, score: Score) -> Design:
    """The static part of the model of a condition."""
    classes = 0 if source.classes is None else len(source.classes[1])
    return Design(
        NetworkConfig(len(source.scale), e.rows_in, e.width, e.layers, classes),
        TrainConfig(e.steps, e.batch_size, e.learning_rate),
        NoiseProcess(e.rows_in, e.schedule),
        score,
        e.sampler,
        e.sample_steps,
        e.measured_rows,
        e.start,
        guided=e.has_classes and e.guidance != (1.0,),
    )


def _metrics(
    e: Diffusion,
    source: Source,
    held_out: Array,
    noise: NoiseProcess,
) -> dict[str, Metric]:
    """Every metric that the experiment knows."""
    found = measures.of_samples(held_out, e.rows_in)
    law = source.law
    if law is not None:
        found |= measures.of_law(e.truth, law)
    if source.classes is not None:
        found["within_class"] = measures.within_class(*source.classes, e.rows_in)
    if e.rows_in == "torus":
        found |= torsions.of_angles(held_out)
        found |= torsions.of_conformers(e)
    else:
        spread = jnp.var(held_out, axis=0)
        if law is not None:
            centred = law.means - law.weights @ law.means
            square = law.weights @ (centred**2 + law.deviations[:, None] ** 2)
            spread = jnp.asarray(square, held_out.dtype)
        found["variance_ratio"] = measures.variance_ratio(spread)
    if e.truth == "ring" and not e.data:
        found["off_manifold"] = measures.off_manifold
    if "test_error" in e.known_metrics():
        known = None
        if law is not None:
            known = logsumexp(laws.log_density(law, held_out), axis=1)
        found["test_error"] = measures.log_loss(held_out, noise, known)
    return {name: found[name] for name in e.known_metrics()}


def _narrowed(
    sample: Callable[..., Rows], noise: NoiseProcess, bias: Array
) -> Callable[..., Rows]:
    """A sampler whose rows have `bias` times the variance about the trained mean.

    On a torus they are pulled to the mean direction, the short way round.
    """

    def narrow(key: Key, params: DiffusionParams, num: int) -> Rows:
        rows, trained = sample(key, params, num), params.rows.points
        mean = params.shares @ trained
        if noise.space == "torus":
            across, along = params.shares @ jnp.sin(trained), jnp.cos(trained)
            mean = jnp.arctan2(across, params.shares @ along)
        gap = noise_lib.wrap(noise, rows.points - mean[None])
        moved = mean[None] + jnp.sqrt(bias).astype(gap.dtype) * gap
        return rows._replace(points=noise_lib.wrap(noise, moved))

    return narrow
