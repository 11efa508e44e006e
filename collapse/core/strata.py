"""The workflow fixed_budget where every stratum of rows has a budget of its own."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from collapse.core import workflows
from collapse.core.types import Key, Selection, Workflow
from collapse.numerics import draws


def fixed_budget(num_generations: int, strata: Int[np.ndarray, " n"]) -> Workflow:
    """Train on n rows of all so far, of each stratum as many as a generation has.

    Within a stratum the rows are drawn uniformly, without replacement and afresh in
    every generation, as by `workflows.fixed_budget`. Rows are not curated.

    Args:
      num_generations: last generation that it has room for.
      strata: [n] the stratum of the row at each position, in every generation.
    """
    place = np.argsort(strata, kind="stable").astype(np.int32)  # stratum by stratum
    _, first, sizes = np.unique(strata[place], return_index=True, return_counts=True)
    size, start = (np.repeat(x, sizes).astype(np.int32) for x in (sizes, first))

    def weigh(key: Key, origin: Int[Array, "slots n"], generation: Array) -> Selection:
        num = origin.shape[1]
        chosen = draws.subsets(key, generation, size, start)
        slot, position = chosen // size, start + chosen % size
        rows = slot * num + jnp.asarray(place)[position]
        return Selection(jnp.ones(num), rows)

    everything = workflows.fixed_budget(num_generations)
    return everything._replace(weigh=weigh, weigh_complete=None)
