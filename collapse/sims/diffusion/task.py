"""A diffusion model in one condition, ready to run."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key, Metric, Params, Problem
from collapse.data import laws, shapes
from collapse.data.laws import LAWS, Law
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion.model import Design, DiffusionParams, diffusion
from collapse.models.diffusion.network import NetworkConfig
from collapse.models.diffusion.noise import Noise
from collapse.models.diffusion.training import Rows, TrainConfig
from collapse.numerics import draws
from collapse.sims.diffusion import measures
from collapse.sims.diffusion.experiment import Diffusion

_SHAPE_ROWS = 100_000  # whose mean and variance a shape is scaled by


class Source(NamedTuple):
    """Where real rows come from, in units of the noise.

    Attributes:
      draw: (key, num) -> rows.
      held_out: root key -> [m, d] rows that no generation is trained on.
      centre: [d] of the data; rows are (data - centre) / scale.
      scale: [d].
      law: of the rows, if it is a known mixture.
    """

    draw: Callable[[Key, int], Rows]
    held_out: Callable[[Key], Float[Array, "m d"]]
    centre: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    law: Law | None = None


def task(condition: Condition[Diffusion], data: RealData | None) -> Task:
    """The task of a condition: a diffusion model that learns a law, or data.

    A biased sampler leaves `bias` times the variance about the mean of the rows that
    the model was fitted to; on a torus, differences from each row's own are scaled.
    """
    e = condition.experiment
    source = source_of(e, data)
    design = design_of(e, source)
    learned = e.score == "network"  # side by side, networks are not faster on a CPU

    def problem(
        root: Key, bias: Array | None, delta: Array, guidance: Array
    ) -> Problem:
        model = diffusion(design, delta, guidance, e.delta_decay)
        if bias is not None:
            model = model._replace(sample=_narrowed(model.sample, bias))
        metrics = _metrics(e, source, source.held_out(root), design, delta)
        return Problem(source.draw, model, metrics, one_by_one=learned)

    def points(key: Key, params: DiffusionParams, num: int) -> Array:
        """Generated rows in units of the data, what a snapshot keeps."""
        own = diffusion(
            design, condition["delta"], condition["guidance"], e.delta_decay
        )
        found = own.sample(key, params, num).points
        scale, centre = (
            jnp.asarray(x, found.dtype) for x in (source.scale, source.centre)
        )
        return found * scale[None] + centre[None]

    swept = ("delta", "guidance")
    rest = tuple((a, v) for a, v in condition.cell.items() if a not in swept)
    kind = jnp.result_type(float)
    return Task(
        lambda root, *own: problem(root, None, *own),
        tuple(jnp.asarray(condition[axis], kind) for axis in swept),
        points=points,
        program=(condition.workflow, rest),
        biased=None
        if design.noise.space == "torus"
        else lambda root, bias, sizes, *own: problem(root, bias, *own),
        one_by_one=learned,
    )


def design_of(e: Diffusion, source: Source) -> Design:
    """The static part of the model of a condition."""
    classes = 0 if source.law is None or not e.labelled else source.law.weights.size
    return Design(
        NetworkConfig(len(source.scale), e.space, e.width, e.layers, classes),
        TrainConfig(e.steps, e.batch_size, e.learning_rate),
        Noise(e.space, e.schedule),
        e.score,
        e.sampler,
        e.sample_steps,
        e.measured_rows,
        e.start,
        guided=e.labelled and e.guidance != (1.0,),
    )


def source_of(e: Diffusion, data: RealData | None) -> Source:
    """The real rows of an experiment."""
    if data is not None:
        return _of_data(e, data)
    if e.truth in LAWS:
        return _of_law(e, LAWS[e.truth]())
    return _of_shape(e)


def _of_law(e: Diffusion, law: Law) -> Source:
    def draw(key: Key, num: int) -> Rows:
        points, label = laws.sample(law, key, num)
        return Rows(points, label if e.labelled else jnp.zeros_like(label))

    d = law.dimension
    held_out = _held_out(lambda key, num: draw(key, num).points, e.measured_rows)
    return Source(draw, held_out, np.zeros(d), np.ones(d), law)


def _of_shape(e: Diffusion) -> Source:
    if e.truth == "ring":
        centre, scale = np.zeros(2), np.ones(2)
        sample = laws.ring
    else:
        centre, scale = _extent(e.truth)

        def sample(key: Key, num: int) -> Float[Array, "num d"]:
            found = shapes.sample(e.truth, key, num)
            own = (jnp.asarray(x, found.dtype) for x in (centre, scale))
            middle, unit = own
            return (found - middle[None]) / unit[None]

    def draw(key: Key, num: int) -> Rows:
        return Rows(sample(key, num), jnp.zeros(num, jnp.int32))

    return Source(draw, _held_out(sample, e.measured_rows), centre, scale)


@functools.cache
def _extent(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] of a shape, and the standard deviation of all axes alike [d]."""
    found = np.asarray(shapes.sample(shape, streams.root(0), _SHAPE_ROWS))
    unit = np.sqrt(found.var(0).mean())
    return found.mean(0), np.full(found.shape[1], unit)


def _of_data(e: Diffusion, data: RealData) -> Source:
    centre, scale = data.train.mean(0), data.train.std(0)
    kind = jnp.result_type(float)
    train, held = (
        jnp.asarray((x - centre) / scale, kind) for x in (data.train, data.held_out)
    )

    def draw(key: Key, num: int) -> Rows:
        chosen = train[draws.shuffled(key, len(train), num)]
        return Rows(chosen, jnp.zeros(num, jnp.int32))

    most = held[: e.measured_rows]
    return Source(draw, lambda root: most, centre, scale)


def _held_out(
    sample: Callable[[Key, int], Array], num: int
) -> Callable[[Key], Float[Array, "m d"]]:
    def held_out(root: Key) -> Array:
        return sample(streams.key(root, 0, streams.Purpose.HELD_OUT), num)

    return held_out


def _metrics(
    e: Diffusion, source: Source, held_out: Array, design: Design, delta: Array
) -> dict[str, Metric]:
    """Every metric that the experiment knows."""
    found = measures.of_samples(held_out, e.space)
    law = source.law
    if law is not None:
        found |= measures.of_law(e.truth, law, e.labelled)
    if e.space == "euclidean":
        spread = jnp.var(held_out, axis=0)
        if law is not None:
            centred = law.means - law.weights @ law.means
            square = law.weights @ (centred**2 + law.deviations[:, None] ** 2)
            spread = jnp.asarray(square, held_out.dtype)
        found["variance_ratio"] = measures.variance_ratio(spread)
    if e.truth == "ring" and not e.data:
        found["off_manifold"] = measures.off_manifold
    if e.space == "euclidean" and e.score == "exact":
        known = None
        if law is not None:
            known = logsumexp(laws.log_density(law, held_out), axis=1)

        def stop(params: Params) -> tuple[Array, Array]:
            time = delta * (params.fits + 1).astype(delta.dtype) ** -e.delta_decay
            return noise_lib.scales(design.noise, time)

        found["test_error"] = measures.log_loss(held_out, stop, known)
    return {name: found[name] for name in e.known_metrics()}


def _narrowed(sample: Callable[..., Rows], bias: Array) -> Callable[..., Rows]:
    """A sampler whose rows have `bias` times the variance about the trained mean."""

    def narrow(key: Key, params: DiffusionParams, num: int) -> Rows:
        rows: Any = sample(key, params, num)
        mean = (params.shares @ params.rows.points)[None]
        root = jnp.sqrt(bias).astype(mean.dtype)
        return rows._replace(points=mean + root * (rows.points - mean))

    return narrow
