"""A uniform law on [0, theta], fitted by its largest row: the edge of its support.

The density is not continuous in theta, so the usual theory of maximum likelihood does
not hold: the error is of order 1/n, and every fit lies within the truth.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import draws

Edge = Float[Array, ""]


def uniform_edge() -> Model:
    """The `Model` of a uniform law on [0, theta]; rows are [n, 1], params theta.

    Weights say only which rows there are: those of weight 0 have no influence.
    """

    def init(key: Key, batch: Float[Array, "n 1"], weights: Weights) -> Edge:
        return fit(key, None, batch, weights)[0]

    def fit(
        key: Key, params, batch: Float[Array, "n 1"], weights: Weights
    ) -> tuple[Edge, Info]:
        del key, params
        return jnp.max(jnp.where(weights > 0, batch[:, 0], 0)), {}

    return Model(init, fit, sample)


def sample(key: Key, params: Edge, num: int) -> Float[Array, "num 1"]:
    """Rows that a uniform law on [0, theta] generates; consumes the key."""
    return params * (1 - draws.uniform(key, (num,), params.dtype))[:, None]
