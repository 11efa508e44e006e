"""The cheap part: shapes by tracing, then weights and keys with one fit's program."""

from collections.abc import Callable, Mapping
from typing import Any

import jax

from collapse.core.types import Batch, Key, Metric, Model
from collapse.data.errors import ModelError
from collapse.lab.conformance import dependence, randomness, scale, structure, weights
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import Skipped, tried


def check_traced(
    model: Model,
    draw: Callable[[Key, int], Batch],
    metrics: Mapping[str, Metric],
    num_rows: int,
) -> None:
    """Raise ModelError for what a run cannot take; nothing is computed."""
    params = structure.trace(model, draw, num_rows).params
    key = jax.eval_shape(lambda: jax.random.key(0))
    for name, metric in metrics.items():
        check_metric(f"metric {name}", metric, key, params)


def check_metric(
    what: str, metric: Metric, key: Any, params: Any, num_dims: int = 0
) -> None:
    """Raise ModelError for a metric that a run cannot take.

    Args:
      what: the metric, for messages.
      metric: `(key, params) -> array`.
      key: its shape.
      params: their shapes.
      num_dims: axes that it may have.
    """

    def measured(key: Any, params: Any) -> Any:
        found = metric(key, params)
        structure.check_metric(what, found, num_dims)
        return found

    tried(what, lambda: jax.eval_shape(measured, key, params))


def quick(
    make: Callable[[Key], tuple[Model, Callable[[Key, int], Batch]]],
    num_rows: int,
) -> tuple[str, ...]:
    """What makes the numbers of a run meaningless, a line each; () if all is well.

    Tried on real rows of one seed: a first fit and a sampler are compiled.

    Args:
      make: root key of a seed -> (model, draw), which `check_traced` has passed.
      num_rows: n of the run.
    """
    trial, found = Trial(make, num_rows), []
    rules = [randomness.steady, scale.spread, randomness.key_matters]
    rules += [randomness.draw_varies]
    if num_rows > 1:
        rules += [dependence.rows_matter, dependence.params_matter, weights.zero_weight]
    for rule in rules:
        try:
            rule(trial)
        except Skipped:
            continue
        except ModelError as error:
            found.append(str(error))
    return tuple(found)
