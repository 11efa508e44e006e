"""How well numbers rank: for NumPy's arrays as for JAX's."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def auc(
    below: Float[Array, " m"] | Float[np.ndarray, " m"],
    above: Float[Array, " r"] | Float[np.ndarray, " r"],
) -> Any:
    """Chance that one of `above` is larger than one of `below`; ties count half.

    It is the area under the curve of true against false positives, and 1/2 if both have
    one law. NaN if one of them is empty. Takes the time of sorting.

    Args:
      below: [m] without NaN, all of NumPy or all of JAX.
      above: [r].

    Returns:
      A scalar in their type.

    References:
      Mann & Whitney 1947: their statistic U over m r.
    """
    xp: ModuleType = jnp if isinstance(below, jax.Array) else np
    if not (len(below) and len(above)):
        return xp.full((), xp.nan, below.dtype)[()]
    below = xp.sort(below)
    rank = xp.searchsorted(below, above, side="left") + xp.searchsorted(
        below, above, side="right"
    )
    return xp.mean(rank.astype(below.dtype)) / (2 * len(below))
