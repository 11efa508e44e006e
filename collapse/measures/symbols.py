"""Metrics of a distribution over symbols, given as shares [M]; exact."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core.types import Metric
from collapse.numerics.threefry import Key

TAIL = 0.1  # mass of the rarest symbols that are watched


def symbol_metrics(truth: Float[np.ndarray, " M"]) -> dict[str, Metric]:
    """Every metric of `catalogue.SYMBOLS`, by name, for shares as parameters.

    * heterozygosity: 1 - sum p^2, the chance that two draws differ, over the truth's.
    * support: number of symbols whose share is not 0.
    * entropy: -sum p log p, in nats.
    * tail_mass_10pct: mass of the truth's rarest symbols, as many as carry at most a
      tenth of it (one at least), over their true mass.
    * total_variation: half the sum of |p - q|.

    Args:
      truth: [M] shares q that sum to 1.
    """
    order = np.argsort(truth, kind="stable")
    rare = np.zeros(len(truth))
    within = np.cumsum(truth[order]) <= TAIL
    within[0] = True
    rare[order[within]] = 1 / truth[order[within]].sum()
    h = float(1 - truth @ truth)

    def entropy(key: Key, p: Float[Array, " M"]) -> Float[Array, ""]:
        del key
        return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1)), 0))

    return {
        "heterozygosity": lambda key, p: (1 - jnp.sum(p**2)) / h,
        "support": lambda key, p: jnp.sum((p > 0).astype(p.dtype)),
        "entropy": entropy,
        "tail_mass_10pct": lambda key, p: p @ jnp.asarray(rare, p.dtype),
        "total_variation": lambda key, p: (
            jnp.sum(jnp.abs(p - jnp.asarray(truth, p.dtype))) / 2
        ),
    }
