"""What a verified loop needs beside its curator: the judge's real rows, enough rows."""

import jax
import jax.numpy as jnp

from collapse.core import streams
from collapse.core.types import Batch, Info, Key, Model, Params, Weights
from collapse.experiment.verifiers.operators import REFERENCE
from collapse.experiment.verifiers.scores import Setting


def reference_of(root: Key, setting: Setting, draw: int = 0) -> Batch:
    """Real rows as the judge knows them: those of a truth that its bias has moved.

    Args:
      root: key of the seed, which may be used again.
      setting: of the operator.
      draw: number of the draw, another one than that of a monitor's rows.
    """
    key = streams.key(root, draw, streams.Purpose.MONITOR)
    rows, displaced = setting.truth(key, REFERENCE), setting.known.displaced
    return rows if displaced is None else displaced(rows, setting.numbers.bias)


def learning_from_enough(model: Model, least: int) -> Model:
    """The model that stays as it is where fewer rows are kept than a fit needs."""

    def fit(
        key: Key, params: Params, batch: Batch, weights: Weights
    ) -> tuple[Params, Info]:
        found, info = model.fit(key, params, batch, weights)
        enough = jnp.sum((weights > 0).astype(jnp.int32)) >= least
        return jax.tree.map(lambda a, b: jnp.where(enough, a, b), found, params), info

    return model._replace(fit=fit)
