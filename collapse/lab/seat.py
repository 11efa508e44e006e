"""Programs of tasks whose rows are curated on the host: a step is cut in two.

The first half generates candidates; the host weighs them, and may rewrite some; the
second half is the whole step of `loop`, of a model whose samples are these candidates
and of a curator whose weights are those of the host. So workflows, origins, the keep
rate and what is counted are those of every curator, and the core knows nothing of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from collapse.core import loop, streams
from collapse.core.streams import Purpose
from collapse.core.types import Batch, Curator, Problem, State, Trace
from collapse.core.workflows import real_rows
from collapse.experiment.task import HostCurator
from collapse.lab.hosted import Bound

Halves = tuple[Callable[..., Any], Callable[..., Any]]


def placeholder(candidates: int) -> Curator:
    """A curator of as many candidates, for stores that need room for weights."""
    return Curator(candidates, lambda key, batch, reference: _ones(batch))


def propose(bound: Bound, candidates: int) -> Callable[..., tuple[Batch, Array]]:
    """A function of a seed's key, state and values: candidates, and their span.

    The candidates are what the model would generate without the host: the same key. Of
    each generation the loop looks at a span of them, [2], counted as in `range`: those
    for positions that hold no real row.
    """

    def proposed(root: Any, state: State, *values: Any) -> tuple[Batch, Array]:
        problem, workflow, num = bound(root, *values)
        key = streams.key(root, state.generation + 1, Purpose.SAMPLE)
        batch = problem.model.sample(key, state.params, candidates * num)
        share = workflow.real_fraction
        begin = 0 if share is None else real_rows(share, num)
        span = workflow.span(num) if workflow.span else (begin, num)
        ends = [jnp.asarray(candidates * end, jnp.int32) for end in span]
        return batch, jnp.stack(ends)

    return proposed


def learn(bound: Bound, candidates: int) -> Callable[..., tuple[State, Trace]]:
    """A function of a seed's key, state, candidates, weights and values: one step."""

    def learned(
        root: Any, state: State, batch: Batch, weights: Any, *values: Any
    ) -> tuple[State, Trace]:
        problem, workflow, num_rows = bound(root, *values)
        given = _given(problem, batch)
        curator = Curator(candidates, lambda key, batch, reference: weights)
        own = (root, given, workflow, num_rows, state, 1)
        return loop.advance(*own, curator=curator)

    return learned


def walk(halves: Halves, length: int) -> Callable[..., Any]:
    """A function of the host's curator, keys, states and values: states and traces.

    The states are those so many steps later. The curator is an argument, so that tasks
    which differ in it alone share a program.

    Args:
      halves: `propose` and `learn` of all seeds, compiled.
      length: number of steps.
    """
    proposed, learned = halves

    def walked(
        curator: HostCurator, roots: Any, states: State, *values: Any
    ) -> tuple[State, Trace]:
        traces = []
        for _ in range(length):
            first = int(np.ravel(states.generation)[0]) < 0
            batch, spans = proposed(roots, states, *values)
            seen = None if first else batch
            found = curator.weigh(roots, states, seen, np.asarray(spans))
            weights = found.weights
            if first:  # real rows are not curated
                weights = jax.vmap(_ones)(batch)
            elif found.batch is not None:
                batch = jax.tree.map(_alike, batch, found.batch)
            weights = jnp.asarray(weights, jnp.result_type(float))
            states, trace = learned(roots, states, batch, weights, *values)
            entries = {**trace.metrics, **_entries(found.told)}
            traces.append(trace._replace(metrics=entries))
        return states, jax.tree.map(lambda *x: np.concatenate(x, 1), *traces)

    return walked


def _given(problem: Problem, batch: Batch) -> Problem:
    """The problem of a model whose samples are given."""
    model = problem.model._replace(sample=lambda key, params, num: batch)
    return problem._replace(model=model)


def _alike(old: Array, new: Any) -> Array:
    """What a curator gives back in place of an array, with the same dtype."""
    return jnp.asarray(new, old.dtype)


def _entries(told: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What is told of one generation, [S, 1] each."""
    return {name: np.asarray(value)[:, None] for name, value in told.items()}


def _ones(batch: Batch) -> Any:
    return jnp.ones(jax.tree.leaves(batch)[0].shape[0])
