"""Rules on a workflow: its weights at generation 0, where all rows are real."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.types import Workflow
from collapse.data.errors import InputError
from collapse.lab.conformance.words import kind, tried


def sees_all_once(name: str, workflow: Workflow, num_rows: int) -> bool:
    """Whether generation 0 is trained on all n real rows, each with the same weight.

    Args:
      name: of the workflow, for messages.
      workflow: on trial.
      num_rows: n.

    Raises:
      InputError: for weights of another shape than the store, or of empty positions.
    """
    what = f"workflows: {name}"
    origin = np.full((workflow.num_slots, num_rows), -1, np.int32)
    slot = tried(f"{what}: slot", lambda: int(workflow.slot(jnp.int32(0))))
    origin[slot] = 0
    weigh = workflow.weigh_complete or workflow.weigh
    given = (jax.random.key(0), jnp.asarray(origin), jnp.int32(0))
    selection = tried(f"{what}: weigh", lambda: weigh(*given))
    if not hasattr(selection, "weights"):
        raise InputError(
            f"{what}: weigh gives {kind(selection)}; return a collapse.Selection"
        )
    rows, weights = selection.rows, np.asarray(selection.weights)
    flat = origin.reshape(-1) if rows is None else origin.reshape(-1)[np.asarray(rows)]
    if weights.shape != flat.shape:
        raise InputError(
            f"{what}: weigh gives weights {_told(weights)} for {_told(flat)} "
            "positions; give one weight a position: reshape(-1)"
        )
    empty = flat < 0
    if (weights[empty] != 0).any():
        raise InputError(
            f"{what}: weigh gives an empty position (origin -1) the weight "
            f"{weights[empty & (weights != 0)][0]:g}; give it 0: "
            "jnp.where(origin >= 0, ..., 0)"
        )
    seen = weights[~empty]
    return seen.size == num_rows and bool((seen == seen[0]).all()) and seen[0] > 0


def _told(array: Any) -> str:
    return str(list(array.shape))
