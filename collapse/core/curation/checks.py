"""Checks of the numbers that curators are made from."""

from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float

Number: TypeAlias = float | Float[Array, ""]  # may be traced


def within(
    name: str, value: Number, low: int | float, high: int | float = np.inf
) -> None:
    """Raise ValueError unless a number lies in [low, high]; a traced one passes."""
    if isinstance(value, jax.core.Tracer) or low <= float(value) <= high:
        return
    allowed = f"at least {low:g}" if high == np.inf else f"from {low:g} to {high:g}"
    raise ValueError(f"{name} is {float(value):g}; give a number {allowed}")


def positive(name: str, value: Number) -> None:
    """Raise ValueError unless a number is above 0; a traced one passes."""
    if not isinstance(value, jax.core.Tracer) and not float(value) > 0:
        raise ValueError(f"{name} is {float(value):g}; give a number above 0")
