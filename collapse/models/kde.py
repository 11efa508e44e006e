"""A Gaussian kernel density estimate: every row is kept, with a normal around it.

References:
  Silverman 1986, Density estimation for statistics and data analysis, sec. 3.4 and 4.3.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import kernels
from collapse.numerics.kernels import Kernels

Rule = Literal["fixed", "scott", "silverman", "std"]


def kde(
    dimension: int, rule: Rule = "fixed", bandwidth: float | Float[Array, ""] = 1.0
) -> Model:
    """The `Model` of a Gaussian kernel density estimate.

    The rule says what `bandwidth` is multiplied by, for n rows in d dimensions; of
    unequal weights n is the effective number (sum w)^2 / sum w^2. "fixed": 1. "scott":
    n^(-1 / (d + 4)), "silverman": (n (d + 2) / 4)^(-1 / (d + 4)), whatever the scale of
    the data, as in scikit-learn. "std": silverman's factor times the unbiased standard
    deviation of the rows (the root of its mean square over dimensions).
    """

    def init(key: Key, batch: Array, weights: Weights) -> Kernels:
        return fit(key, None, batch, weights)[0]

    def fit(key: Key, params, batch: Array, weights: Weights) -> tuple[Kernels, Info]:
        del key, params
        shares = weights / jnp.sum(weights)
        num, factor = 1 / jnp.sum(shares**2), jnp.asarray(bandwidth, batch.dtype)
        if rule != "fixed":
            rows = num if rule == "scott" else num * (dimension + 2) / 4
            factor = factor * rows ** (-1 / (dimension + 4))
        if rule == "std":
            centred = batch - (shares @ batch)[None]
            square = shares @ jnp.sum(centred**2, axis=1) / dimension
            factor = factor * jnp.sqrt(square * num / (num - 1))
        centres = jnp.where(shares[:, None] > 0, batch, 0)  # none of empty positions
        return Kernels(centres, shares, factor), {}

    return Model(init, fit, kernels.sample)
