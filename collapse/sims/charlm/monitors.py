"""Monitors and the error of language models, for studies that look inside the loop.

All are losses in nats a token, computed beside the training. The monitor's rows are in
neither the training nor the test part, see `data.text.apart`.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core import streams
from collapse.core.types import Key, MemoryMetric
from collapse.data.text.blocks import evenly
from collapse.experiment.monitors import UNKNOWN, Monitor, Sizes
from collapse.measures.catalogue import EXCESS_LOSS
from collapse.models.language.losses import cross_entropy_in_groups
from collapse.models.language.model import LanguageParams
from collapse.models.language.network import network
from collapse.sims.charlm.model import Design, Values, real_sequences


def of_first(design: Design, values: Values) -> dict[str, MemoryMetric]:
    """The metric `excess_loss`: loss on the test rows, less that of generation 0.

    Its memory is generation 0's weights. It is below 0 for a model that is better.
    """

    def excess(key: Key, params: LanguageParams, first: dict) -> Float[Array, ""]:
        del key
        return _loss(design, params.weights, values.test) - _loss(
            design, first, values.test
        )

    return {EXCESS_LOSS: excess}


def monitors(
    design: Design, n: int, watched: Int[np.ndarray, "m block"] | None
) -> dict[str, Callable[..., Monitor]]:
    """Functions that make the monitors of a seed, by name; none without rows for them.

    * loss: on the monitor's rows.
    * self: that, less the loss of the model on rows that it generates. It is signed:
      the gap grows where a model narrows, and shrinks where its text gets more random.

    Args:
      design: of the models.
      n: real sequences of a seed, which are continued if the experiment has prompts.
      watched: [m, block] rows that nothing else looks at.
    """
    if watched is None:
        return {}

    def loss(root: Key, sizes: Sizes, *arrays: Any) -> Monitor:
        del root, arrays
        rows = jnp.asarray(evenly(watched, sizes.reference))

        def metric(key: Key, params: LanguageParams) -> Float[Array, ""]:
            del key
            return _loss(design, params.weights, rows)

        return Monitor(metric, UNKNOWN, 1.0, 1.0)

    def own_gap(root: Key, sizes: Sizes, *arrays: Any) -> Monitor:
        held, values = loss(root, sizes).metric, Values(*arrays)
        model = design.model(values, real_sequences(root, values.train, n))

        def metric(key: Key, params: LanguageParams) -> Float[Array, ""]:
            own = streams.key(key, 0, streams.Purpose.MONITOR)
            rows = model.sample(own, params, sizes.samples).tokens
            return held(key, params) - _loss(design, params.weights, rows)

        return Monitor(metric, UNKNOWN, 1.0, 1.0, signed=True)

    return {"loss": loss, "self": own_gap}


def _loss(
    design: Design, weights: dict, rows: Int[Array, "rows block"]
) -> Float[Array, ""]:
    """Mean loss of the rows, in nats a token."""
    net, devices = network(design.network), design.experiment.model_devices
    return jnp.mean(cross_entropy_in_groups(net, weights, rows, devices))
