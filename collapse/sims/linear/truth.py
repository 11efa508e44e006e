"""The known data distribution: normal inputs, and labels of normal coefficients."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.row_kinds import RowKind
from collapse.core.types import Batch, Key, MemoryMetric, Metric, Model
from collapse.data.designs import covariance
from collapse.experiment.condition import Condition
from collapse.models.linear import rows
from collapse.models.linear.model import LinearParams
from collapse.numerics import draws
from collapse.sims.linear.experiment import Linear
from collapse.sims.linear.measures import has_twin, memory_metrics, metrics

_HELD_OUT = 1000  # rows drawn for the test set of one seed
_MOST_ENTRIES = 5_000  # of X; above, X'X is drawn in its stead


class Source(NamedTuple):
    """Where one seed's real rows come from, and what its generations share.

    Attributes:
      draw: (key, num) -> real rows.
      design: inputs of all generations, or None.
      inputs: (key, num) -> [d, num] new inputs.
      init: a model's start, whose coefficients are the true ones where these are known.
      offset: [d] error of the coefficients that models label with, or None.
      metrics: name -> Metric, all that are known.
      memory_metrics: name -> MemoryMetric, of the coefficients [d] that labelled the
        newest rows (without the offset).
    """

    draw: Callable[[Key, int], Batch]
    design: rows.Design | None
    inputs: rows.Inputs
    init: Callable[..., LinearParams] | None
    offset: Float[Array, " d"] | None
    metrics: Mapping[str, Metric]
    memory_metrics: Mapping[str, MemoryMetric]


def from_truth(
    condition: Condition[Linear],
    kind: RowKind,
    model_of: Callable[..., Model],
    root: Key,
) -> Source:
    """The source of one seed, with coefficients and a design of its own.

    Args:
      condition: its swept numbers may be arrays.
      kind: of rows.
      model_of: makes a model, given noise and design.
      root: key of the seed.
    """
    experiment, d = condition.experiment, condition["dimension"]
    factor, twin = input_factor(condition), has_twin(experiment)
    truth, direction = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (2, d))
    types = (jnp.result_type(float), draw_dtype(experiment))
    inputs = rows.normal_inputs(d, factor, None, *types)
    design = None
    if condition["design"] == "fixed":
        design = _design(condition, kind, inputs, root)
    labelled = model_of(noise_variance=condition["noise_variance"], design=design)
    begin = LinearParams(jnp.tile(truth[None], (1 + twin, 1)))
    offset = None
    if experiment.synthetic_bias:
        seen = direction if factor is None else direction @ factor
        length = jnp.sqrt(experiment.synthetic_bias / jnp.sum(seen**2))
        offset = length * direction
    test = inputs(streams.key(root, 0, streams.Purpose.HELD_OUT), _HELD_OUT).T
    return Source(
        lambda key, num: labelled.sample(key, begin, num),
        design,
        inputs,
        lambda key, batch, weights: begin,
        offset,
        metrics(condition, truth, test, factor),
        memory_metrics(condition, truth, factor),
    )


def _design(
    condition: Condition[Linear], kind: RowKind, inputs: rows.Inputs, root: Key
) -> rows.Design:
    """The design that all generations share; under `law` its matrix X'X alone."""
    n, d = condition.n, condition["dimension"]
    key = streams.key(root, 0, streams.Purpose.DESIGN)
    if kind == "law" and n * d > _MOST_ENTRIES:
        factors = rows.gram_factors(key, 1, n, d, input_factor(condition))
        return rows.design_of_factor(factors[0])
    return rows.design_of(inputs(key, n).T)


def input_factor(condition: Condition[Linear]) -> Float[Array, "d d"] | None:
    """Cholesky factor of the inputs' covariance; None for the identity."""
    experiment, d = condition.experiment, condition["dimension"]
    if experiment.data or experiment.covariance == "isotropic":
        return None
    found = covariance(experiment.covariance, d, experiment.covariance_parameter)
    return jnp.asarray(np.linalg.cholesky(found), jnp.result_type(float))


def draw_dtype(experiment: Linear) -> str | None:
    """Type of the random numbers of samples; None for the default."""
    return "float32" if experiment.draws == "float32" else None
