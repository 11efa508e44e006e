"""What all curves share: their type, and the checks of their arguments."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Curve: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = int | Sequence[int] | NDArray[Any]  # one, or a schedule [G + 1]


def schedule(n: Rows, num_generations: int, ddof: int = 0, least: int = 1) -> Curve:
    """Rows of each generation as floats [G + 1], after checking all three arguments."""
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 or 1, got {ddof}")
    shape = (whole("num_generations", num_generations, 0) + 1,)
    sizes, least = np.asarray(n, dtype=np.float64), max(least, 1 + ddof)
    if sizes.shape not in ((), shape):
        raise ValueError(f"n must be one number or {shape}, got shape {sizes.shape}")
    if not (np.isfinite(sizes) & (sizes >= least) & (sizes % 1 == 0)).all():
        raise ValueError(f"n must be whole and at least {least}, got {n!r}")
    return np.broadcast_to(sizes, shape)


def not_negative(name: str, value: float) -> float:
    """The value, if it is one finite number of at least 0."""
    if np.ndim(value) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {value}")
    return float(value)


def positive(name: str, value: float) -> float:
    """The value, if it is one finite number above 0."""
    if np.ndim(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be finite and above 0, got {value}")
    return float(value)


def whole(name: str, value: int, least: int) -> int:
    """The value, if it is one whole number of at least `least`."""
    if np.ndim(value) or not (value >= least and value % 1 == 0):
        raise ValueError(f"{name} must be whole and at least {least}, got {value}")
    return int(value)


def in_unit(name: str, value: float) -> float:
    """The value, if it is one number in [0, 1]."""
    if np.ndim(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {value}")
    return float(value)


def distribution(name: str, values: Sequence[float] | NDArray[Any]) -> Curve:
    """The values [M] as floats, if they are not negative and sum to 1."""
    shares = np.asarray(values, dtype=np.float64)
    if shares.ndim != 1 or not (shares >= 0).all() or not math.isclose(shares.sum(), 1):
        raise ValueError(f"{name} must be a vector of shares that sum to 1")
    return shares
