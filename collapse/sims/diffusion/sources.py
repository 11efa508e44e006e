"""Where the real rows of an experiment with diffusion come from."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key
from collapse.data import laws, shapes
from collapse.data.laws import LAWS, Law
from collapse.data.tables import RealData
from collapse.data.torsions import alkanes
from collapse.data.torsions.files import wrapped
from collapse.models.diffusion.noise import Space
from collapse.models.diffusion.training import Rows
from collapse.numerics import draws
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
      classes: centres [K, d] and variances [K], means over d, of labelled rows.
    """

    draw: Callable[[Key, int], Rows]
    held_out: Callable[[Key], Float[Array, "m d"]]
    centre: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    law: Law | None = None
    classes: tuple[Float[np.ndarray, "K d"], Float[np.ndarray, " K"]] | None = None


def source_of(e: Diffusion, data: RealData | None) -> Source:
    """The real rows of an experiment."""
    if data is not None:
        return _of_data(e, data)
    if e.truth == "butane":
        return _of_butane(e)
    if e.truth in LAWS:
        return _of_law(e, LAWS[e.truth]())
    return _of_shape(e)


def reference(
    source: Source, data: RealData | None
) -> Callable[[Key, int], Float[Array, "m d"]] | None:
    """A function of a root key that gives rows for a monitor, in units of the data."""
    centre, scale = (jnp.asarray(x)[None] for x in (source.centre, source.scale))

    def drawn(root: Key, num: int) -> Array:
        key = streams.key(root, 0, streams.Purpose.MONITOR)
        points = source.draw(key, num).points
        return points * scale.astype(points.dtype) + centre.astype(points.dtype)

    if data is None:
        return drawn
    if data.watched is None:
        return None
    rows = jnp.asarray(data.watched[:, : source.centre.size], jnp.result_type(float))
    return lambda root, num: rows[:num]


def _of_law(e: Diffusion, law: Law) -> Source:
    def draw(key: Key, num: int) -> Rows:
        points, label = laws.sample(law, key, num)
        return Rows(points, label if e.labelled else jnp.zeros_like(label))

    d = law.dimension
    held_out = _held_out(lambda key, num: draw(key, num).points, e.measured_rows)
    classes = (law.means, law.deviations**2) if e.labelled else None
    return Source(draw, held_out, np.zeros(d), np.ones(d), law, classes)


def _of_butane(e: Diffusion) -> Source:
    law = alkanes.torsion_law()

    def sample(key: Key, num: int) -> Float[Array, "num d"]:
        return alkanes.sample(key, law, num, e.torsions)

    zeros, ones = np.zeros(e.torsions), np.ones(e.torsions)
    return Source(_unlabelled(sample), _held_out(sample, e.measured_rows), zeros, ones)


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

    return Source(
        _unlabelled(sample), _held_out(sample, e.measured_rows), centre, scale
    )


@functools.cache
def _extent(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] of a shape, and the standard deviation of all axes alike [d]."""
    found = np.asarray(shapes.sample(shape, streams.root(0), _SHAPE_ROWS))
    unit = np.sqrt(found.var(0).mean())
    return found.mean(0), np.full(found.shape[1], unit)


def _of_data(e: Diffusion, data: RealData) -> Source:
    """A user's rows: a training row may be drawn, and held-out rows are compared."""
    train, held, label = _without_label(e, data)
    centre, scale = train.mean(0), train.std(0)
    if e.rows_in == "torus":
        centre, scale = np.zeros_like(centre), np.ones_like(scale)
    train, held = (train - centre) / scale, (held - centre) / scale
    kind = jnp.result_type(float)
    rows = Rows(jnp.asarray(train, kind), jnp.asarray(label, jnp.int32))
    others, most = jnp.asarray(held, kind), min(e.measured_rows, len(held))

    def draw(key: Key, num: int) -> Rows:
        chosen = draws.shuffled(key, len(train), num)
        return Rows(rows.points[chosen], rows.labels[chosen])

    def held_out(root: Key) -> Float[Array, "m d"]:
        key = streams.key(root, 0, streams.Purpose.HELD_OUT)
        return others[draws.shuffled(key, len(held), most)]

    classes = _spread(train, label, e.rows_in) if e.label else None
    return Source(draw, held_out, centre, scale, classes=classes)


def _without_label(e: Diffusion, data: RealData) -> tuple[np.ndarray, ...]:
    """Training and held-out rows without the column of classes, and the classes."""
    if not e.label:
        return data.train, data.held_out, np.zeros(len(data.train), int)
    label = np.unique(data.train[:, -1], return_inverse=True)[1]
    return data.train[:, :-1], data.held_out[:, :-1], label.reshape(-1)


def _spread(
    rows: np.ndarray, label: np.ndarray, space: Space
) -> tuple[np.ndarray, np.ndarray]:
    """Centres [K, d] of classes, and their variances [K], means over d.

    On a torus a centre is the direction of the mean of e^(i angle); a variance is that
    of the differences from it, within half a turn.
    """
    centres, variances = [], []
    for k in range(label.max() + 1):
        own = rows[label == k]
        centre = own.mean(0)
        gaps = own - centre
        if space == "torus":
            centre = np.angle(np.exp(1j * own).mean(0))
            gaps = wrapped(own - centre)
        centres.append(centre)
        variances.append(gaps.var(0).mean())
    return np.stack(centres), np.array(variances)


def _unlabelled(sample: Callable[[Key, int], Array]) -> Callable[[Key, int], Rows]:
    def draw(key: Key, num: int) -> Rows:
        return Rows(sample(key, num), jnp.zeros(num, jnp.int32))

    return draw


def _held_out(
    sample: Callable[[Key, int], Array], num: int
) -> Callable[[Key], Float[Array, "m d"]]:
    def held_out(root: Key) -> Array:
        return sample(streams.key(root, 0, streams.Purpose.HELD_OUT), num)

    return held_out
