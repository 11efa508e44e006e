"""Memory: what a problem remembers of earlier models for its metrics.

The functions below are made for `Problem.remember`; what they return is found in
`State.memory` and handed to `Problem.memory_metrics`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from collapse.core.types import Memory, Params, Remember


def first(read: Callable[[Params], Memory]) -> Remember:
    """A `remember` that keeps `read(params)` of generation 0 for the whole run."""

    def remember(
        memory: Memory, old: Params, new: Params, generation: Int[Array, ""]
    ) -> Memory:
        del old
        found = read(new)
        if memory is None:
            return found
        return jax.tree.map(
            lambda a, b: jnp.where(generation == 0, a, b), found, memory
        )

    return remember


def previous(read: Callable[[Params], Memory]) -> Remember:
    """A `remember` that keeps `read(params)` of the model before the newest.

    That model generated the newest rows. For generation 0 there is none: what is read
    is where its fit started.
    """

    def remember(
        memory: Memory, old: Params, new: Params, generation: Int[Array, ""]
    ) -> Memory:
        del memory, new, generation
        return read(old)

    return remember
