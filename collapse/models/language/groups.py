"""Many sequences, some at a time: to save memory, and shared by a model's devices."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core.types import Key
from collapse.models.language import parallel
from collapse.models.language.parallel import Piece
from collapse.numerics import threefry


def in_groups(
    function: Callable[..., Array],
    size: int,
    rows: Array,
    key: Key | None = None,
    devices: int = 1,
    cuts: int = 1,
) -> Array:
    """`function` of all rows, applied to some at a time.

    Each of a model's devices takes some of the groups, or of their pieces. The last
    group is filled up with the first rows, whose second results are dropped.

    Args:
      function: of rows; with a key, of the key of a group, rows, and the piece of the
        group that they are (None for all of it).
      size: rows of a group.
      rows: [rows, ...].
      key: consumed; each group has its own.
      devices: of the model.
      cuts: equal pieces of a group that are computed one by one.
    """
    num = rows.shape[0]
    size = min(size, num)
    count = -(-num // size)
    rows = jnp.concatenate([rows, rows[: count * size - num]])
    each = size // cuts
    pieces = rows.reshape(count * cuts, each, *rows.shape[1:])

    def one(i: Array) -> Any:
        if key is None:
            return function(pieces[i])
        piece = Piece(each * (i % cuts), size) if cuts > 1 else None
        return function(threefry.fold_in(key, i // cuts), pieces[i], piece)

    results = parallel.mapped(one, -(-num // each), devices)
    return results.reshape(-1, *results.shape[2:])[:num]
