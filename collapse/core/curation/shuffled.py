"""The weights of a curator given to rows at random: its control."""

import jax.numpy as jnp

from collapse.core.types import Batch, Curator, Key, Weights
from collapse.numerics import draws, threefry


def shuffled(curator: Curator) -> Curator:
    """The curator that gives the weights of another one to its rows in random order.

    As many candidates are kept in every slot, with the same weights, so that the number
    of rows and their effective sample size are those of the curator, and nothing else
    is: the weights do not depend on the rows they are given to. A correction, which
    is no selection, stays as it is. A controller's keep rate leaves rows by weight.

    Where a curator keeps one of each K candidates, as `best_of` does, its shuffled
    weights keep as many rows, though not one of each K.

    Args:
      curator: of which this is the control.
    """

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        own, order_key = threefry.split(key)
        weights = curator.weigh(own, batch, reference)
        return weights[jnp.argsort(draws.uniform(order_key, weights.shape))]

    return curator._replace(weigh=weigh, rank=None)
