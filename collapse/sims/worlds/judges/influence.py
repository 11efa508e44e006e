"""The operator influence: documents by what a step on each is worth to the model."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from collapse.data.worlds.rows import WorldRows, encoded, tokens_of, unasked
from collapse.experiment.text.documents import ReadDocument
from collapse.models.language import influence
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.documents import Format
from collapse.models.language.network import network
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.judgement import Finder, Occasion, Opinion
from collapse.sims.worlds.model import WorldDesign

_PROBES = 32  # clean documents whose loss should fall


def finder(data: WorldRows, experiment: Worlds, design: WorldDesign) -> Finder:
    """A function that scores documents by their gains, see `influence`.

    The probes are clean documents, the same in all generations; none has a prompt that
    is asked when models are measured. The model is the one that generated the
    documents, and the step has the learning rate of training.

    Args:
      data: of the world.
      experiment: that asks for it.
      design: of the models.
    """
    clean = unasked(data.world, np.random.default_rng([experiment.seed, 5]), _PROBES)
    block = data.train.shape[1]
    probes = jnp.asarray(encoded(clean, block, data.vocabulary), jnp.int32)
    gains = _compiled(
        design.network, design.form, experiment.gains, experiment.learning_rate
    )

    def find(documents: Sequence[ReadDocument], occasion: Occasion) -> Opinion:
        weights = occasion.weights()
        assert weights is not None  # it was asked for a base model
        texts = [one.text for one in documents]
        rows = jnp.asarray(tokens_of(texts, block, data.vocabulary), jnp.int32)
        scores = np.asarray(gains(weights, rows, probes), float)
        worst = -np.inf  # of a model that has diverged, which says nothing
        return Opinion(np.nan_to_num(scores, nan=worst), len(documents))

    return find


@functools.lru_cache(maxsize=8)
def _compiled(
    config: NetworkConfig,
    form: Format,
    gains: Literal["one_step", "first_order"],
    rate: float,
) -> Callable[..., Any]:
    """A compiled function of weights, rows and probes: the gains of the rows."""
    way = influence.one_step if gains == "one_step" else influence.first_order
    losses = influence.document_losses(network(config), form)
    return jax.jit(
        lambda weights, rows, probes: way(losses, weights, rows, probes, rate)
    )
