"""Named random streams: a key is derived from what it is for, never carried along.

Since a key depends only on (root, generation, purpose), a run of 6 generations is the
beginning of a run of 10 (to rounding, where sums run over stores of other sizes), a
resumed run equals an uninterrupted one, and all workflows of one seed see the same real
data and the same generation 0.
"""

import enum
from collections.abc import Iterable

import jax
import numpy as np
from jaxtyping import Array, Int, UInt32

from collapse.core.types import Key
from collapse.numerics import threefry


class Purpose(enum.IntEnum):
    """What a stream is for. The numbers are part of every published result."""

    DATA = 0  # real rows
    INIT = 1  # where a fit may start
    FIT = 2  # randomness inside a fit
    SAMPLE = 3  # rows a model generates
    WEIGH = 4  # rows a workflow picks
    MEASURE = 5  # points a metric looks at
    HELD_OUT = 6  # real rows no generation is trained on
    TRUTH = 7  # a data distribution that differs from seed to seed
    DESIGN = 8  # inputs that all generations share
    CURATE = 9  # randomness of a curator
    CORRECT = 10  # randomness of a correction of rows
    MONITOR = 11  # real rows that a monitor compares with, and rows it generates
    PRIVATE = 12  # real rows that each of several models keeps for itself
    MARK = 13  # which tokens a watermark makes likelier


def key(root: Key, generation: int | Int[Array, ""], purpose: Purpose) -> Key:
    """The key of one stream of one generation; `root` may be used again.

    Args:
      root: key of one seed.
      generation: scalar, may be traced.
      purpose: what the numbers are for.

    Raises:
      ValueError: for a key of another generator than Threefry. Where fold_in commutes,
        as for rbg, the real rows of generation 3 would be those that model 3 generates.
    """
    generator = str(jax.random.key_impl(root))
    if generator != threefry.NAME:
        raise ValueError(
            f"root: a key of the generator {generator}; make it by "
            f"collapse.streams.seeds, or with impl={threefry.NAME!r}"
        )
    return threefry.fold_in(threefry.fold_in(root, generation), int(purpose))


def root(seed: int) -> Key:
    """The key of a seed, whatever generator and precision jax is set to.

    The one of `jax.random.key` where 64-bit numbers are on: without them that key is
    the same for seeds that are equal modulo 2^32.

    Raises:
      ValueError: for a seed of more than 64 bits.
    """
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"seed: {seed}; give a number of at most 64 bits")
    words = np.array([seed >> 32 & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(jax.numpy.asarray(words), impl=threefry.NAME)


def seeds(seed: int, num_seeds: int, cell: Iterable[int] = ()) -> Key:
    """[S] root keys. Seed i has the same key whatever `num_seeds` is.

    Args:
      seed: of the experiment.
      num_seeds: S.
      cell: numbers that tell the cells of a grid apart where these are not to share
        their randomness.
    """
    base = root(seed)
    for value in cell:
        base = threefry.fold_in(base, jax.numpy.asarray(value % 2**32, "uint32"))
    return _numbered(base, jax.numpy.arange(num_seeds, dtype="uint32"))


@jax.jit  # one small program, where each operation would be one
def _numbered(base: Key, numbers: UInt32[Array, " S"]) -> Key:
    """[S] keys, one for each number."""
    return jax.vmap(lambda i: threefry.fold_in(base, i))(numbers)
