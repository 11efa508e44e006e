"""A verifier of labels: right ones are kept more often than wrong ones.

References:
  Feng, Dohmatob, Yang, Charton & Kempe 2024, arXiv:2406.07515.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from collapse.core.curation.at_random import chosen
from collapse.core.curation.checks import Number, within
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.numerics import draws


def verify_labels(
    correct: Callable[[Batch, Any], Bool[Array, " rows"]],
    phi: Number,
    psi: Number,
    candidates: int = 1,
) -> Curator:
    """The curator that keeps right rows with probability phi, wrong ones with psi.

    Of wrong labels at a share p it leaves the share p psi / (p psi + (1 - p) phi):
    below one half as long as p < phi / (phi + psi), the paper's threshold p*
    (`quality.threshold`). phi = 1 and psi = 0 is the oracle; phi = psi is random
    selection, draw by draw that of `at_random(phi)` with the same key.

    Args:
      correct: `(batch, reference) -> [rows]`, whether each row is right.
      phi: probability that a right row is kept.
      psi: probability that a wrong row is kept.
      candidates: rows generated for each row kept.

    Raises:
      ValueError: if phi or psi is no probability.
    """
    within("phi", phi, 0, 1)
    within("psi", psi, 0, 1)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        right = correct(batch, reference)
        unit = draws.uniform(key, right.shape)
        keep, mistake = (jnp.asarray(v, unit.dtype) for v in (phi, psi))
        return chosen(unit, jnp.where(right, keep, mistake))

    return Curator(candidates, weigh)
