"""One network on several devices: each computes a share of every step's sequences.

Functions here are called within `core.seeds.over_seeds`, on a mesh with an axis
`MODEL_AXIS`. All devices of a model hold the same weights, average their gradients and
take the same step. They take the random numbers that one device would take for the same
sequences, so that losses agree to rounding.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from collapse.core.devices import MODEL_AXIS
from collapse.core.types import Key
from collapse.numerics import threefry


class Piece(NamedTuple):
    """Which sequences of a microbatch, or of a group, are computed at once.

    Attributes:
      first: number of the first of them in the microbatch or group.
      microbatch: sequences of the whole microbatch or group.
    """

    first: Int[Array, ""]
    microbatch: int

    def of(self, drawn: Array, num: int) -> Array:
        """The part of random numbers [microbatch, ...] that belongs to `num` of them.

        Args:
          drawn: for the whole microbatch.
          num: sequences of the piece.
        """
        return lax.dynamic_slice_in_dim(drawn, self.first, num)


def gradient(
    loss: Callable[..., Any], batch_size: int, count: int, devices: int
) -> Callable[[dict, Array, Key], tuple[Array, dict]]:
    """A function that gives loss and gradient of a minibatch on several devices.

    Microbatches are dealt to the devices; where they cannot be, each is cut into
    pieces.

    Args:
      loss: (weights, rows, key, piece) -> mean loss of the microbatch, as far as it can
        be told from a piece: the mean over its pieces is that of the microbatch.
      batch_size: rows of a minibatch, a multiple of `count` and of `devices`.
      count: microbatches.
      devices: of the model.
    """
    whole = jax.value_and_grad(loss)
    pieces = math.lcm(count, devices)
    cuts, own = pieces // count, pieces // devices
    size = batch_size // pieces

    def of_minibatch(weights: dict, rows: Array, key: Key) -> tuple[Array, dict]:
        cut = rows.reshape(pieces, size, *rows.shape[1:])
        begin = own * lax.axis_index(MODEL_AXIS).astype(jnp.int32)

        def one(i: Array) -> tuple[Array, dict]:
            number = i // cuts
            used = key if count == 1 else threefry.fold_in(key, number)
            piece = Piece(size * (i % cuts), batch_size // count)
            return whole(weights, cut[i], used, piece if cuts > 1 else None)

        def add(total: tuple[Array, dict], i: Array) -> tuple[Any, None]:
            return jax.tree.map(lambda a, b: a + b / own, total, one(i)), None

        if own == 1:
            found = one(begin)
        else:
            zeros = jax.tree.map(jnp.zeros_like, (jnp.float32(0), weights))
            mine = begin + jnp.arange(own, dtype=jnp.int32)
            found = lax.scan(add, zeros, mine)[0]
        return averaged(found)

    return of_minibatch


def averaged(tree: Any) -> Any:
    """The mean over the devices of a model of each leaf, on all of them."""
    return lax.pmean(tree, MODEL_AXIS)


def mapped(function: Callable[[Array], Array], count: int, devices: int) -> Array:
    """Results [count, ...] of the numbers 0, 1, ..., each computed by one device.

    Args:
      function: of a number [].
      count: of numbers.
      devices: of the model; 1 outside of a mesh, too.
    """
    if devices == 1:
        return lax.map(function, jnp.arange(count, dtype=jnp.int32))
    own = -(-count // devices)
    first = own * lax.axis_index(MODEL_AXIS).astype(jnp.int32)
    # all devices compute as many: some the last one again
    numbers = jnp.minimum(first + jnp.arange(own, dtype=jnp.int32), count - 1)
    found = lax.all_gather(lax.map(function, numbers), MODEL_AXIS)
    return found.reshape(devices * own, *found.shape[2:])[:count]
