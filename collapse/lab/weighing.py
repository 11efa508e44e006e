"""Workflows of a user's own, tried on stores as a run fills them."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from collapse.core.types import Workflow
from collapse.data.errors import InputError
from collapse.experiment.workflows import WorkflowKind
from collapse.lab.conformance.provenance import weighed
from collapse.lab.conformance.words import tried

_FIRST = 3  # generations that are tried, besides the last


def is_own(kind: WorkflowKind) -> bool:
    """Whether a workflow is a user's own, not one of the lab."""
    maker: str | Callable[..., Any] = kind.maker
    module = maker if isinstance(maker, str) else getattr(maker, "__module__", "")
    return str(module).partition(".")[0] != __name__.partition(".")[0]


def check(name: str, workflow: Workflow, num_rows: int, num_generations: int) -> None:
    """Raise InputError for a workflow whose slots or weights no run can take.

    Tried in the first generations and the last, on the origins of their rows.

    Args:
      name: of the workflow, for messages.
      workflow: on trial.
      num_rows: n.
      num_generations: of the run.

    Raises:
      InputError: for a slot outside the store, and for weights of another number than
        positions, of empty positions, below 0, not finite, or all 0.
    """
    what, count = f"workflows: {name}", workflow.slots_per_write
    origin = np.full((workflow.num_slots, num_rows), -1, np.int32)
    for generation in range(num_generations + 1):
        place = functools.partial(_slot, workflow, generation)
        slot = tried(f"{what}: slot", place)
        if not 0 <= slot <= workflow.num_slots - count:
            raise InputError(
                f"{what}: slot gives {slot} in generation {generation}, of "
                f"{workflow.num_slots} slots counted from 0; make more slots, or stay "
                "within"
            )
        origin[slot : slot + count] = generation
        if generation < _FIRST or generation == num_generations:
            _check_weights(f"{what}: weigh", workflow, origin, generation)


def _slot(workflow: Workflow, generation: int) -> int:
    """The first slot that a generation overwrites."""
    return int(workflow.slot(jnp.int32(generation)))


def _check_weights(
    what: str, workflow: Workflow, origin: np.ndarray, generation: int
) -> None:
    """Raise InputError for weights of a generation that cannot be."""
    weights, flat = weighed(what, workflow, origin, generation)
    when = f"in generation {generation}"
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        raise InputError(
            f"{what} gives the weight {weights[bad][0]:g} {when}; give finite weights, "
            "0 or more"
        )
    empty = flat < 0
    if (weights[empty] != 0).any():
        raise InputError(
            f"{what} gives an empty position (origin -1) the weight "
            f"{weights[empty & (weights != 0)][0]:g} {when}; give it 0: "
            "jnp.where(origin >= 0, ..., 0)"
        )
    if not (weights > 0).any():
        raise InputError(
            f"{what} gives all rows weight 0 {when}; give some of them more"
        )
