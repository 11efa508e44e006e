"""Monitors of n-gram models: log-losses, on n-grams of the validation part of a text.

Generations are trained on n-grams of the training part and judged on the test part.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.types import Key, Metric
from collapse.data.errors import InputError
from collapse.data.ngrams import NgramText, counted
from collapse.data.text.blocks import evenly
from collapse.experiment.monitors import UNKNOWN, Monitor, Sizes
from collapse.measures.catalogue import UNIFORM_SHARE
from collapse.measures.ngrams import floored_bits
from collapse.models.ngram import Ngrams

_NATS = float(np.log(2))  # of a bit


def monitors(
    data: NgramText, generate: Callable[[Key, Ngrams, int], Array]
) -> dict[str, Callable[..., Monitor]]:
    """Functions that make the monitors of a seed, by name.

    * loss: log-loss of the monitor's n-grams, in nats, floored as the metric.
    * self: that, less the same of n-grams that the model generates. It is signed: the
      gap grows where a model narrows, and shrinks where its text gets more random.

    Args:
      data: n-grams of the text.
      generate: (key, params, num) -> [num] n-grams c V + v of the model.
    """
    size = data.truth.shape[1]
    freedom = float(np.sum(np.maximum((data.train > 0).sum(1) - 1, 0)))

    def loss(root: Key, sizes: Sizes, *values: Any) -> Monitor:
        del root, values
        own = _loss_of(data, sizes.reference)
        return Monitor(own, UNKNOWN, 1.0, freedom)

    def own_gap(root: Key, sizes: Sizes, *values: Any) -> Monitor:
        del root, values
        held = _loss_of(data, sizes.reference)

        def metric(key: Key, p: Ngrams) -> Float[Array, ""]:
            drawn = generate(streams.key(key, 0, streams.Purpose.MONITOR), p, sizes[1])
            share = p.shares.reshape(-1)[drawn]
            floored = (1 - UNIFORM_SHARE) * share + UNIFORM_SHARE / size
            return held(key, p) + jnp.mean(jnp.log(floored))

        return Monitor(metric, UNKNOWN, 1.0, 1.0, signed=True)

    return {"loss": loss, "self": own_gap}


def _loss_of(data: NgramText, num: int) -> Metric:
    """The metric: log-loss, in nats, of so many of the monitor's n-grams.

    Raises:
      InputError: if there are none.
    """
    watched = data.watched
    if watched is None or len(watched) < 2 or num < 1:
        raise InputError(
            "data: the validation part has too few n-grams for a monitor; give more "
            "text"
        )
    bits = floored_bits(*counted(evenly(watched, num)), data.truth.shape)
    return lambda key, params: _NATS * bits(key, params)
