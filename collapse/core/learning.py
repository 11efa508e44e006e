"""The second half of a step: the store, the fit, the measurements, the controller."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from collapse.core import control, streams
from collapse.core import store as store_lib
from collapse.core.control import CONSTANT
from collapse.core.generation import sized
from collapse.core.streams import Purpose
from collapse.core.types import (
    Actions,
    Controller,
    Generated,
    Info,
    Key,
    Memory,
    Metrics,
    Params,
    Problem,
    State,
    Store,
    Trace,
    Workflow,
)


def learn(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    state: State,
    rows: Generated,
    *,
    controller: Controller | None = CONSTANT,
) -> tuple[State, Trace]:
    """The next state, its model fitted to the store with these rows, and the trace.

    Second half of a step. All randomness derives from `root` and the generation's
    number.

    Args:
      root: key of the seed, which may be used again.
      problem: of the run.
      workflow: of the run.
      state: after the last generation, from which the rows were generated.
      rows: of this generation.
      controller: of the run; None where the host calls `control.decide` afterwards.

    Returns:
      The next state and its entry of the trace (leaves without a generation axis).

    Raises:
      ValueError: if rows are to be summed and may not be, or not with such weights; if
        a metric has two definitions, or a diagnostic the name of an action or of what
        is told of a curator.
    """
    generation = state.generation + 1
    actions = state.control.actions
    problem = sized(problem, state)
    store = _stored(workflow, state.store, rows, generation, actions)
    key = streams.key(root, generation, Purpose.WEIGH)
    complete = workflow.weigh_complete if store.weight is None else None
    selection = (complete or workflow.weigh)(key, store.origin, generation)
    batch, weights = store_lib.select(store, selection, actions.weight)
    start = lax.cond(
        generation == 0,
        lambda: problem.model.init(streams.key(root, 0, Purpose.INIT), batch, weights),
        lambda: state.params,
    )
    key = streams.key(root, generation, Purpose.FIT)
    params, info = problem.model.fit(key, start, batch, weights)
    memory = remembered(problem, state.memory, start, params, generation)
    key = streams.key(root, generation, Purpose.MEASURE)
    metrics = measure(key, problem, params, memory)
    told = _with_curation(_with_actions(info, actions), rows.info)
    trace = Trace(metrics, told, _all_finite((params, metrics)))
    state = State(params, store, generation, state.control, memory)
    if controller is not None:
        state = control.decide(controller, state, metrics)
        told = control.reported(controller, state)
        trace = trace._replace(info=_disjoint(trace.info, told))
    return state, trace


def _stored(
    workflow: Workflow,
    store: Store,
    rows: Generated,
    generation: Int[Array, ""],
    actions: Actions,
) -> Store:
    """The store with the rows of a generation in their slot."""
    slot = workflow.slot(generation)
    if not workflow.adds:
        return store_lib.write(store, rows, slot)
    if not getattr(rows.batch, "additive", False):
        raise ValueError(
            f"accumulate_sums needs rows that may be added, {type(rows.batch).__name__}"
            " may not; use accumulate"
        )
    if actions.weight is not None:
        raise ValueError(
            "accumulate_sums cannot tell real rows in a sum, so that a controller may "
            "not set their weight; use accumulate"
        )
    return store_lib.add(store, rows, slot)


def remembered(
    problem: Problem,
    memory: Memory,
    old: Params,
    new: Params,
    generation: Int[Array, ""],
) -> Memory:
    """What the problem remembers after a fit; None if it remembers nothing."""
    if problem.remember is None:
        return None
    return problem.remember(memory, old, new, generation)


def measure(key: Key, problem: Problem, params: Params, memory: Memory) -> Metrics:
    """All metrics of a generation, by name."""
    if twice := problem.metrics.keys() & problem.memory_metrics.keys():
        raise ValueError(f"metrics defined with and without memory: {sorted(twice)}")
    plain = {name: metric(key, params) for name, metric in problem.metrics.items()}
    return plain | {
        name: metric(key, params, memory)
        for name, metric in problem.memory_metrics.items()
    }


def _with_actions(info: Info, actions: Actions) -> Info:
    """A fit's diagnostics, and the actions that its generation ran under, by name."""
    return _disjoint(
        info, {k: v for k, v in actions._asdict().items() if v is not None}
    )


def _disjoint(info: Info, more: Info) -> Info:
    """Diagnostics, and more of them under other names."""
    if twice := info.keys() & more.keys():
        raise ValueError(
            f"diagnostics named like an action or an account: {sorted(twice)}; rename "
            "them"
        )
    return {**info, **more}


def _with_curation(info: Info, told: Info | None) -> Info:
    """Diagnostics, and what the curator did; unchanged if rows are not curated."""
    if told is None:
        return info
    if twice := info.keys() & told.keys():
        raise ValueError(
            f"diagnostics named like those of curation: {sorted(twice)}; rename them"
        )
    return {**info, **told}


def _all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every floating-point entry is finite."""
    checks = [
        jnp.all(jnp.isfinite(leaf))
        for leaf in jax.tree.leaves(tree)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    return jnp.all(jnp.array(checks)) if checks else jnp.array(True)
