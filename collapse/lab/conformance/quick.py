"""The cheap part: shapes by tracing, then weights and keys with one fit's program."""

from collections.abc import Callable, Mapping
from typing import Any

import jax

from collapse.core.types import Batch, Key, Metric, Model
from collapse.data.errors import ModelError
from collapse.lab.conformance import randomness, structure, weights
from collapse.lab.conformance.trial import Skipped, Trial
from collapse.lab.conformance.words import tried


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
        what = f"metric {name}"

        def measured(*args: Any, metric: Metric = metric, what: str = what) -> Any:
            found = metric(*args)
            structure.check_metric(what, found)
            return found

        tried(what, lambda: jax.eval_shape(measured, key, params))  # noqa: B023 - at once


def quick(
    make: Callable[[Key], tuple[Model, Callable[[Key, int], Batch]]],
    num_rows: int,
    tolerance: float = 1e-9,
) -> list[str]:
    """What makes the numbers of a run meaningless, a line each; [] if all is well.

    Real rows, the first fit and the sampler are compiled and run for one seed.

    Args:
      make: root key of a seed -> (model, draw), which `check_traced` has passed.
      num_rows: n of the run.
      tolerance: relative, of parameters.
    """
    trial, found = Trial(make, num_rows, tolerance), []
    rules = [randomness.key_matters, randomness.draw_varies]
    if num_rows > 1:
        rules.append(weights.zero_weight)
    for rule in rules:
        try:
            rule(trial)
        except Skipped:
            continue
        except ModelError as error:
            found.append(str(error))
    return found
