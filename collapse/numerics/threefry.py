"""The generator Threefry-2x32: the bits of `jax.random`, in code without a loop.

On a CPU `jax.random` compiles the generator to a loop, which neither vectorises along a
short axis nor compiles quickly: deriving one key takes XLA half a second. Without the
loop the same twenty rounds fuse with the operations around them.

References:
  Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3 (SC'11).
"""

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

Key: TypeAlias = jax.Array
NAME = "threefry2x32"  # among jax's generators
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def applies(key: Key) -> bool:
    """Whether this module gives the same bits for a key as `jax.random`.

    True for jax's default keys; for others `jax.random` itself must be used.
    """
    return (
        jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        and str(jax.random.key_impl(key)) == NAME
        and bool(getattr(jax.config, "jax_threefry_partitionable"))  # noqa: B009 - untyped
    )


def fold_in(key: Key, data: int | Array) -> Key:
    """The same key as `jax.random.fold_in(key, data)`; `key` may be used again."""
    if not applies(key):
        return jax.random.fold_in(key, data)
    words = block(key, jnp.zeros((), jnp.uint32), jnp.asarray(data).astype(jnp.uint32))
    return jax.random.wrap_key_data(jnp.stack(words), impl=NAME)


def split(key: Key, num: int = 2) -> list[Key]:
    """The same keys as `jax.random.split(key, num)`; consumes `key`."""
    return [fold_in(key, i) for i in range(num)]


def words(key: Key, num: int) -> tuple[UInt32[Array, " num"], UInt32[Array, " num"]]:
    """Two random 32-bit words for each counter 0..num-1; consumes the key."""
    counter = jnp.arange(num, dtype=jnp.uint32)
    return block(key, jnp.zeros(num, jnp.uint32), counter)


def block(key: Key, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Two random words: 20 rounds of Threefry-2x32 on two counter words."""
    k0, k1 = jax.random.key_data(key)
    schedule = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    x0 = x0 + k0
    x1 = x1 + k1
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = ((x1 << np.uint32(r)) | (x1 >> np.uint32(32 - r))) ^ x0
        x0 = x0 + schedule[(i + 1) % 3]
        x1 = x1 + schedule[(i + 2) % 3] + np.uint32(i + 1)
    return x0, x1
