"""Covariances of regression inputs, in NumPy."""

import numpy as np
from numpy.typing import NDArray


def covariance(kind: str, dimension: int, parameter: float) -> NDArray[np.float64]:
    """The covariance [d, d] of the inputs of a regression.

    Args:
      kind: "isotropic", the identity; "ar1", rho^|i - j|; "power_law", a diagonal
        j^-beta for j = 1, 2, ...
      dimension: d.
      parameter: rho in (-1, 1), or beta >= 0; "isotropic" has none.

    Raises:
      ValueError: for an unknown kind or a parameter out of range.
    """
    index = np.arange(dimension)
    if kind == "isotropic":
        return np.eye(dimension)
    if kind == "ar1":
        if not -1 < parameter < 1:
            raise ValueError(f"rho must be in (-1, 1), got {parameter}")
        return parameter ** np.abs(index[:, None] - index).astype(float)
    if kind == "power_law":
        if not parameter >= 0:
            raise ValueError(f"beta must be 0 or more, got {parameter}")
        return np.diag((index + 1.0) ** -parameter)
    raise ValueError(f"kind must be isotropic, ar1 or power_law, got {kind!r}")
