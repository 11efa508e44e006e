"""Rules on a workflow: its weights at generation 0, where all rows are real."""

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
      InputError: as `weighed`.
    """
    what = f"workflows: {name}"
    origin = np.full((workflow.num_slots, num_rows), -1, np.int32)
    slot = tried(f"{what}: slot", lambda: int(workflow.slot(jnp.int32(0))))
    origin[slot] = 0
    weights, flat = weighed(f"{what}: weigh", workflow, origin, 0)
    seen = weights[flat >= 0]
    return seen.size == num_rows and bool((seen == seen[0]).all()) and seen[0] > 0


def weighed(
    what: str, workflow: Workflow, origin: np.ndarray, generation: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights that a workflow gives in a generation, and the origins of their rows.

    Args:
      what: is on trial, for messages.
      workflow: on trial.
      origin: [slots, n] of the store.
      generation: of the fit.

    Raises:
      InputError: if `weigh` fails, or gives no selection, or not a weight a position.
    """
    weigh = workflow.weigh_complete or workflow.weigh
    given = (jax.random.key(0), jnp.asarray(origin), jnp.int32(generation))
    selection = tried(what, lambda: weigh(*given))
    if not hasattr(selection, "weights"):
        raise InputError(f"{what} gives {kind(selection)}; return a collapse.Selection")
    weights, flat = np.asarray(selection.weights), origin.reshape(-1)
    if selection.rows is not None:
        flat = flat[np.asarray(selection.rows)]
    if weights.shape != flat.shape:
        raise InputError(
            f"{what} gives weights {list(weights.shape)} for {list(flat.shape)} "
            f"positions in generation {generation}; give one weight a position: "
            "reshape(-1)"
        )
    return weights, flat
