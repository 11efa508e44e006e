"""Metrics of any model with a density: tails, errors, moments, entropy.

A model is seen through functions of its parameters, the truth through a density at
points that represent it.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from scipy.special import chdtri

from collapse.core.types import Memory, MemoryMetric, Metric, Params, Remember
from collapse.measures import metrics as m
from collapse.numerics import estimators
from collapse.numerics.threefry import Key

NUM_POINTS = 4000  # samples of a model that its metrics look at


class Density(NamedTuple):
    """A kind of model with a density.

    Attributes:
      sample: (key, params, num) -> [num, d]; consumes the key.
      log_density: (params, points [m, d]) -> [m], in nats.
      moments: params -> mean [d] and triangular factor of the covariance [d, d].
      grown: (log-density [m] of the old params, old, new, points [m, d], first, num) ->
        [m], that of the new ones, which were fitted to `num` more rows, from row number
        `first` on; None if it needs all rows.
    """

    sample: Callable[[Key, Params, int], Float[Array, "num d"]]
    log_density: Callable[[Params, m.Points], Float[Array, " m"]]
    moments: Callable[[Params], m.Moments]
    grown: Callable[..., Float[Array, " m"]] | None = None


class Truth(NamedTuple):
    """What a model is compared with: the data distribution, or a reference for it.

    Attributes:
      log_density: points [m, d] -> [m].
      moments: mean and triangular factor of the covariance.
      regions: metric -> the region whose mass it measures, see `metrics.tail_regions`.
    """

    log_density: Callable[[m.Points], Float[Array, " m"]]
    moments: m.Moments
    regions: dict[str, m.TailRegion]


def density_metrics(
    model: Density, truth: Truth, num_points: int = NUM_POINTS
) -> dict[str, Metric]:
    """Every metric of `catalogue.DENSITY` but the test error, by name.

    Args:
      num_points: samples of the model behind the sampled ones.
    """
    tails = {
        name: m.tail_mass(model.sample, truth.log_density, region, num_points)
        for name, region in truth.regions.items()
    }
    return {
        **tails,
        **m.moment_metrics(model.moments, truth.moments),
        "entropy": m.sampled_entropy(model.sample, model.log_density, num_points),
    }


def test_error(
    model: Density, truth: Truth, held_out: Float[Array, "m d"], known: bool
) -> Metric:
    """The excess log-loss on held-out rows; the whole one if the truth is not known.

    An excess over a density that was fitted to the same rows would be biased.
    """
    expected = truth.log_density(held_out) if known else None
    return m.test_error(model.log_density, held_out, expected)


def running_test_error(
    model: Density, truth: Truth, held_out: Float[Array, "m d"], known: bool, num: int
) -> tuple[Remember, MemoryMetric]:
    """The update of what is remembered, and the same metric as `test_error` from it.

    For models that are trained on all rows so far, each of them with its first weight:
    of the log-density on held-out rows the part of the newest is computed. For others
    it is NaN.

    Args:
      model: has `grown`.
      num: rows that are added in a generation.
    """
    grown = model.grown
    assert grown is not None

    def remember(
        memory: Memory, old: Params, new: Params, generation: Int[Array, ""]
    ) -> Memory:
        before = jnp.zeros(len(held_out), held_out.dtype) if memory is None else memory
        return grown(before, old, new, held_out, generation * num, num)

    def measure(key: Key, params: Params, memory: Memory) -> Float[Array, ""]:
        seen = model._replace(log_density=lambda params, points: memory)
        return test_error(seen, truth, held_out, known)(key, params)

    return remember, measure


def gaussian_regions(factor: Float[Array, "d d"]) -> dict[str, m.TailRegion]:
    """Exact tail regions of a Gaussian, shells between ellipsoids.

    Args:
      factor: [d, d] triangular, of its covariance.
    """
    d = factor.shape[0]
    top = -d / 2 * math.log(2 * math.pi) - float(estimators.log_det(factor)) / 2

    def edge(share: float) -> float:
        return top - float(chdtri(d, share)) / 2

    floor = edge(m.FLOOR)
    found = {
        name: m.TailRegion(floor, edge(share), share - m.FLOOR)
        for name, share in m.TAILS.items()
    }
    return found | {"hallucinated_mass": m.TailRegion(-math.inf, floor, m.FLOOR)}
