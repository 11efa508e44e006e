"""What is told of documents that leaked: how many a seed learns, what losses show."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from collapse.data.worlds.rows import WorldRows
from collapse.measures import worlds
from collapse.sims.worlds.model import WorldArrays, real_documents


def teller(
    n: int, data: WorldRows, values: WorldArrays
) -> Callable[[Any, Float[np.ndarray, "S m"]], dict[str, np.ndarray]]:
    """A function of roots and losses on right answers: leaked_share and leak_auc, [S].

    Args:
      n: real documents of a seed.
      data: that they are from.
      values: arrays of the condition.
    """
    skills = [data.world.skill_of(data.text(row)[0]) for row in data.asked]
    leaking = [row.tobytes() for row in data.asked[data.leaks]]
    dtype = data.asked.dtype

    def told(roots: Any, losses: Float[np.ndarray, "S m"]) -> dict[str, np.ndarray]:
        every = np.asarray(_compiled(n)(roots, values)).astype(dtype)
        learned = [{row.tobytes() for row in rows} for rows in every]
        shares = [sum(row in own for row in leaking) / len(leaking) for own in learned]
        shown = data.world.skills
        aucs = [worlds.leak_auc(skills, data.leaks, own, shown) for own in losses]
        return {"leaked_share": np.array(shares), "leak_auc": np.array(aucs)}

    return told


@functools.lru_cache(maxsize=4)
def _compiled(n: int) -> Callable[..., Any]:
    """A compiled function of roots and arrays: the real documents of all seeds."""
    return jax.jit(jax.vmap(functools.partial(real_documents, num=n), (0, None)))
