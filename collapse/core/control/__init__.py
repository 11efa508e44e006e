"""Control: what the next generation gets, chosen from what has been measured."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from collapse.core.types import (
    Actions,
    Controller,
    ControlState,
    Info,
    Metrics,
    State,
)


def _nothing() -> tuple[()]:
    return ()


def _leave_alone(state: tuple[()], metrics: Metrics) -> tuple[tuple[()], Actions]:
    del metrics
    return state, Actions()


def constant() -> Controller:
    """The controller that does nothing; it leaves a run bit for bit alone."""
    return Controller(_nothing, _leave_alone)


CONSTANT = constant()


def begin(controller: Controller, metrics: Mapping[str, Any]) -> ControlState:
    """The state of the controller before generation 0.

    Args:
      metrics: shapes and types of a generation's metrics.
    """
    state = controller.init()
    actions = jax.eval_shape(controller.act, state, metrics)[1]
    ones = jax.tree.map(lambda leaf: jnp.ones(leaf.shape, leaf.dtype), actions)
    return ControlState(state, ones)


def decide(controller: Controller, state: State, metrics: Metrics) -> State:
    """The control state with the controller's actions for the next generation.

    `learn` does this, unless it is given None for the controller since some metrics are
    measured on the host: then the host calls it once it has them.
    """
    own, actions = controller.act(state.control.state, metrics)
    return state._replace(control=ControlState(own, actions))


def reported(controller: Controller, state: State) -> Info:
    """What the controller tells of its state, for the trace; empty if nothing."""
    if controller.report is None:
        return {}
    return controller.report(state.control.state)
