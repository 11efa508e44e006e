"""Operators whose keep rate a controller sets: those that keep the best rows."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.keeping import num_rows
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.experiment.verifiers.operators import OperatorSpec
from collapse.experiment.verifiers.scores import SCORES, Setting, muddled, true_ratio
from collapse.numerics import draws


def ranked(spec: OperatorSpec, setting: Setting) -> Curator:
    """The curator that rejects nothing, but tells a keep rate which rows are the best.

    The random control has the same rows in random order.

    Args:
      spec: one of `operators.RANKED`.
      setting: of the operator.
    """
    oracle = spec.kind == "oracle" and spec.name == "realistic"
    score, context = (true_ratio if oracle else SCORES[spec.name])(setting)

    def rank(key: Key, batch: Batch, reference: object) -> Float[Array, " rows"]:
        if spec.kind == "random":
            return draws.uniform(key, (num_rows(batch),))
        return muddled(key, score(batch, reference), setting.numbers.noise)

    return Curator(setting.candidates, _all, context=context, rank=rank)


def thinned() -> Curator:
    """The curator that keeps the first of the generated rows, as a keep rate says."""
    return Curator(1, _all)


def _all(key: Key, batch: Batch, reference: object) -> Weights:
    """Weights of 1 for all rows."""
    del key, reference
    return jnp.ones(num_rows(batch))
