"""Parameters of a fit that are plain Python numbers, which no run can keep."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from collapse.core.store import weights_dtype
from collapse.core.types import Batch, Key, Model
from collapse.data.errors import ModelError
from collapse.lab.conformance.words import kind


def check(model: Model, draw: Callable[[Key, int], Batch], num: int) -> None:
    """Raise ModelError for a fit whose parameters are no arrays; only traced.

    Nothing is said of functions that cannot be traced.

    Args:
      model: on trial.
      draw: of real rows.
      num: rows of a batch.
    """

    def fitted(key: Key) -> Any:
        rows = draw(key, num)
        weights = jnp.ones(num, weights_dtype(rows))
        params, _ = model.fit(key, model.init(key, rows, weights), rows, weights)
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            if not hasattr(leaf, "dtype"):
                raise ModelError(
                    f"fit: params{jax.tree_util.keystr(path)} is {kind(leaf)}, "
                    f"{leaf!r}; give arrays: jnp.asarray(..., rows.dtype)"
                )
        return params

    try:
        jax.eval_shape(fitted, jax.random.key(0))
    except ModelError:
        raise
    except Exception:
        return  # what cannot be traced is told by `structure.trace`, with the function
