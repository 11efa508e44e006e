"""Runs of models that jax cannot compile, step by step on the host.

A model of another framework cannot be called while jax traces a program, and a compiled
program that calls back to it would hold its weights several times. So the cut is at
`programs.Program`, the narrowest place: what runs a condition is a function of states
either way. A step is the same `loop.step`, called with compilation off, so that
workflows, store, origins, curation and random streams are those of every model; only
the scan over generations and the map over seeds become loops of Python. All above it
(blocks of seeds, checkpoints, workers, results) does not know the difference.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core import loop
from collapse.core.types import Model, Problem, State, Trace, Workflow

Bound = Callable[..., tuple[Any, Workflow, int]]
Seated = Callable[..., dict[str, Any]]


def untraced(function: Callable[..., Any], shapes: Callable[..., Any]) -> Any:
    """The function of the host, of which tracing finds the shapes without calling it.

    Args:
      function: of arrays, in another framework.
      shapes: of the same arguments -> pytree of `jax.ShapeDtypeStruct` of its result.
    """

    def call(*arguments: Any) -> Any:
        leaves = jax.tree.leaves(arguments)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return jax.tree.map(
                lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes(*arguments)
            )
        return function(*arguments)

    return call


def blank(bound: Bound, seated: Seated, roots: Any, *values: Any) -> State:
    """States before generation 0 with leaves [S, ...], arrays of the host.

    Weights are zeros that take no memory before they are written to.

    Args:
      bound: (root, *values) -> problem, workflow, n.
      seated: (root, *values) -> curator and controller by name, where there are some.
      roots: [S] keys.
      values: of the task.
    """
    every = []
    with jax.disable_jit():
        for root in roots:
            problem, workflow, num = _quick(bound(root, *values))
            own = (root, _without_model(problem), workflow, num)
            every.append(loop.init(*own, **seated(root, *values)))
    found = shapes(bound, seated, roots, *values)
    params, memory = jax.tree.map(
        lambda leaf: np.zeros(leaf.shape, leaf.dtype), (found.params, found.memory)
    )
    return _stacked(every)._replace(params=params, memory=memory)


def shapes(bound: Bound, seated: Seated, roots: Any, *values: Any) -> State:
    """Shapes of what `blank` gives, found without making it."""

    def one(root: Any) -> State:
        return loop.init(root, *bound(root, *values), **seated(root, *values))

    found: State = jax.tree.map(
        lambda axis, part: part if axis is None else _several(part, len(roots)),
        loop.STATE_AXES,
        State(*jax.eval_shape(one, roots[0])),
        is_leaf=lambda axis: axis is None or axis == 0,
    )
    return found


def walk(
    bound: Bound,
    seated: Seated,
    length: int,
    roots: Any,
    states: State,
    *values: Any,
) -> tuple[State, Trace]:
    """States [S, ...] after so many generations, and traces [S, length].

    Args:
      bound: see `blank`.
      seated: see `blank`.
      length: number of generations.
      roots: [S] keys.
      states: from which to go on.
      values: of the task.
    """
    ends, traces = [], []
    with jax.disable_jit():
        for i, root in enumerate(roots):
            state, entries = _one(states, i), []
            own, seats = _quick(bound(root, *values)), seated(root, *values)
            for _ in range(length):
                state, entry = loop.step(root, *own, state, **seats)
                entries.append(jax.tree.map(np.asarray, entry))
            ends.append(state)
            traces.append(jax.tree.map(lambda *x: np.stack(x), *entries))
    return _stacked(ends), jax.tree.map(lambda *x: np.stack(x), *traces)


@functools.lru_cache(maxsize=32)
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays alone, compiled also where compilation is off."""
    fast = jax.jit(function)

    def call(*arguments: Any) -> Any:
        with jax.disable_jit(False):
            return fast(*arguments)

    return call


def _without_model(problem: Problem) -> Problem:
    """The problem of a model without weights, of which nothing is remembered."""
    nothing = Model(lambda *_: (), lambda *_: ((), {}), problem.model.sample)
    return problem._replace(model=nothing, metrics={}, memory_metrics={}, remember=None)


def _quick(given: tuple[Any, Workflow, int]) -> tuple[Any, Workflow, int]:
    """The same, with the workflow's weights compiled: drawing rows is a long loop."""
    problem, workflow, num_rows = given
    whole = workflow.weigh_complete
    workflow = workflow._replace(
        weigh=compiled(workflow.weigh),
        weigh_complete=None if whole is None else compiled(whole),
    )
    return problem, workflow, num_rows


def _one(states: State, seed: int) -> State:
    """The state of one seed of many; weights stay arrays of the host."""
    found = jax.tree.map(lambda leaf: leaf[seed], _without_generation(states))
    of_jax = (found.store, states.generation, found.control)
    store, generation, control = jax.tree.map(jnp.asarray, of_jax)
    return State(found.params, store, generation, control, found.memory)


def _stacked(states: list[State]) -> State:
    """States of seeds with a leading axis, but for the generation, which is for all."""

    def stack(*leaves: Any) -> np.ndarray:
        first = np.asarray(leaves[0])
        return first[None] if len(leaves) == 1 else np.stack(leaves)  # large: a view

    parts = map(_without_generation, states)
    generation: Any = np.asarray(states[0].generation)
    return State(*jax.tree.map(stack, *parts))._replace(generation=generation)


def _without_generation(state: State) -> State:
    """The state with what all seeds have in common left out."""
    nothing: Any = None
    return state._replace(generation=nothing)


def _several(part: Any, num: int) -> Any:
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((num, *leaf.shape), leaf.dtype), part
    )
