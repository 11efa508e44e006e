"""What is known of the rows of a mixture, for judges of them."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from collapse.core.curation.discriminator import values_and_squares
from collapse.core.types import Batch, Key
from collapse.data.mixtures import TRUTHS
from collapse.experiment.normal_rows import nearest_row
from collapse.experiment.row_truth import (
    RIGHT_SHARE,
    Bias,
    Knowledge,
    RowTruth,
    moved_points,
)
from collapse.models.gmm.model import GmmParams, log_density

_POINTS = 200_000  # of the truth, by which shares and distances are told


def judged(name: str, truth: GmmParams) -> RowTruth:
    """What is known of rows of a mixture that has a name.

    A score is minus the distance to the nearest component, in standard deviations of
    that component, and a row is right where the truth is denser than it is at nine
    tenths of its own rows. The bias is in standard deviations within components, along
    the first axis.
    """
    within = jnp.sqrt(truth.weights @ truth.covariances[:, 0, 0])
    edge = _edge(name, str(truth.means.dtype))

    def back(batch: Batch, bias: Bias) -> Float[Array, "rows d"]:
        return moved_points(batch, -bias * within)

    def score(batch: Float[Array, "rows d"], bias: Bias) -> Float[Array, " rows"]:
        return -_distance(truth, back(batch, bias))

    def right(batch: Float[Array, "rows d"], bias: Bias) -> Bool[Array, " rows"]:
        return log_density(truth, back(batch, bias)) >= edge

    known = Knowledge(
        score=score,
        right=right,
        displaced=lambda batch, bias: moved_points(batch, bias * within),
        project=nearest_row,
        log_truth=functools.partial(log_density, truth),
        log_model=log_density,
        points=lambda batch: batch,
        features=values_and_squares,
    )

    def knowledge(root: Key) -> Knowledge:
        del root
        return known

    return RowTruth(knowledge, functools.partial(_reach, name))


def _distance(
    truth: GmmParams, points: Float[Array, "rows d"]
) -> Float[Array, " rows"]:
    """Distance of each point to the nearest component, in its standard deviations."""
    gaps = points[None] - truth.means[:, None]
    precision = jnp.linalg.inv(truth.covariances)
    squares = jnp.einsum("kni,kij,knj->kn", gaps, precision, gaps)
    return jnp.sqrt(jnp.min(squares, axis=0))


@functools.lru_cache(maxsize=4)
def _sampled(name: str) -> np.ndarray:
    """Points [m, d] of a truth, always the same."""
    truth, rng = TRUTHS[name](), np.random.default_rng(0)
    which = rng.choice(len(truth.weights), size=_POINTS, p=truth.weights)
    roots = np.linalg.cholesky(truth.covariances)
    z = rng.normal(size=(_POINTS, truth.means.shape[1]))
    return truth.means[which] + np.einsum("nij,nj->ni", roots[which], z)


def _params(name: str) -> GmmParams:
    return GmmParams(*(jnp.asarray(leaf) for leaf in TRUTHS[name]()))


@functools.lru_cache(maxsize=4)
def _edge(name: str, dtype: str) -> float:
    """Log-density above which the truth has nine tenths of its rows."""
    del dtype
    density = log_density(_params(name), jnp.asarray(_sampled(name)))
    return float(np.quantile(density, 1 - RIGHT_SHARE))


def _reach(name: str, share: float) -> float:
    """Distance to the nearest component within which a share of the truth lies."""
    distances = _distance(_params(name), jnp.asarray(_sampled(name)))
    return float(np.quantile(distances, share))
