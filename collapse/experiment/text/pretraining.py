"""Weights that many models start from, trained once. Imports jax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from collapse.core import streams
from collapse.core.devices import on_host
from collapse.core.seeds import over_seeds
from collapse.core.types import Key
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig, train
from collapse.numerics import threefry

_TRAINED: dict[Any, dict[str, Any]] = {}  # what tells trainings apart -> weights


def trained_once(
    name: tuple[Any, ...],
    config: NetworkConfig,
    training: TrainConfig,
    seed: int,
    rows: Callable[[], Int[np.ndarray, "rows block"]],
    loss: Callable[..., Array],
) -> dict[str, Any]:
    """The weights of a network trained on rows; remembered while the program runs.

    Args:
      name: what tells its rows and loss apart from others.
      config: of the network.
      training: how it is trained.
      seed: of the experiment.
      rows: makes them, where they are needed.
      loss: as `training.train` takes it.
    """
    own = (*name, config, training, seed)
    if own in _TRAINED:
        return _TRAINED[own]
    net = network(config)

    def run(key: Key, rows: Array) -> dict[str, Any]:
        init_key, key = threefry.split(key)
        ones = jnp.ones(len(rows))
        return train(key, net.init(init_key), rows, ones, loss, training).weights

    key, learned = streams.key(streams.root(seed), 0, streams.Purpose.INIT), rows()
    if training.devices == 1:
        _TRAINED[own] = jax.jit(run)(key, jnp.asarray(learned))
    else:
        axes, shared = (0, None), training.devices
        each = over_seeds(run, axes, one_by_one=True, model_devices=shared)
        found = on_host(each(key[None], jnp.asarray(learned)))
        _TRAINED[own] = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), found)
    return _TRAINED[own]
