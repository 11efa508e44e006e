"""The loop over generations: generate, curate, store, weigh, fit, measure, control.

The only scan over generations and the only map over seeds in the lab. Nothing here
knows which model or workflow it runs. A step is `generate` then `learn`; where metrics
or curators need the host, it calls the two itself and acts in between.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from collapse.core import control
from collapse.core import store as store_lib
from collapse.core.control import CONSTANT
from collapse.core.curation import KEEP_ALL, keeps_all
from collapse.core.generation import generate
from collapse.core.learning import learn, measure, remembered
from collapse.core.seeds import over_seeds
from collapse.core.types import (
    Controller,
    Curator,
    Key,
    Memory,
    Metrics,
    Params,
    Problem,
    State,
    Trace,
    Workflow,
)

# How a State is mapped over seeds: they all are in the same generation. With one number
# for all, writing a slot is a copy and not a scatter, and generation 0 a true branch.
STATE_AXES = State(params=0, store=0, generation=None, control=0, memory=0)  # type: ignore[arg-type]


def init(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    *,
    curator: Curator = KEEP_ALL,
    controller: Controller = CONSTANT,
) -> State:
    """The state before generation 0: an empty store, and parameters of no meaning.

    Generation 0 is a step like any other, except that its rows are real; so a run is
    one compiled program.

    Args:
      root: key of the seed, looked at for its type only.
      problem: of the run.
      workflow: of the run.
      num_rows: n, rows added in a generation (for models whose row is the statistics of
        a whole batch: the number of batches).
      curator: which generated rows are kept.
      controller: what sets the next generation's share of real rows and the like.
    """
    batch = jax.eval_shape(lambda key: problem.draw(key, num_rows), root)
    store = store_lib.allocate(
        _zeros(batch), workflow.num_slots, curated=not keeps_all(curator)
    )
    generation = jnp.array(-1, jnp.int32)

    def fit(key: Key) -> tuple[Params, Memory]:
        rows, weights = store_lib.select(
            store, workflow.weigh(key, store.origin, generation)
        )
        start = problem.model.init(key, rows, weights)
        params = problem.model.fit(key, start, rows, weights)[0]
        return params, remembered(problem, None, start, params, generation)

    def measured(key: Key, params: Params, memory: Memory) -> Metrics:
        return measure(key, problem, params, memory)

    params, memory = jax.eval_shape(fit, root)
    # shapes of metrics take time to find, and the constant controller needs none
    watched = controller != CONSTANT
    metrics = jax.eval_shape(measured, root, params, memory) if watched else {}
    begun = control.begin(controller, metrics)
    return State(_zeros(params), store, generation, begun, _zeros(memory))


def step(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    *,
    curator: Curator = KEEP_ALL,
    controller: Controller = CONSTANT,
) -> tuple[State, Trace]:
    """The next state and its entry of the trace: `generate`, then `learn`."""
    rows = generate(root, problem, workflow, num_rows, state, curator=curator)
    return learn(root, problem, workflow, state, rows, controller=controller)


def advance(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    num_steps: int,
    *,
    curator: Curator = KEEP_ALL,
    controller: Controller = CONSTANT,
    every: int = 1,
) -> tuple[State, Trace]:
    """The state after `num_steps` generations, as one scan, and their trace.

    Leaves of the trace have a leading axis of that size.

    `advance(4)` then `advance(6)` gives bit for bit what `advance(10)` gives.

    Args:
      root: key of the seed, which may be used again.
      problem: of the run.
      workflow: of the run.
      num_rows: n.
      state: from which to go on.
      num_steps: generations.
      curator: which generated rows are kept.
      controller: what sets the next generation's share of real rows and the like.
      every: of so many generations the trace has the last one only; what happens in
        the others is the same.

    Raises:
      ValueError: if `every` does not divide the number of steps.
    """
    if num_steps % every:
        raise ValueError(f"every must divide {num_steps} steps, got {every}")

    def body(carry: State, _: None) -> tuple[State, Trace]:
        # The barriers keep a scan of length 1, which XLA inlines, from being fused
        # with what surrounds it: its last bits would differ from a longer scan's.
        carry = lax.optimization_barrier(carry)
        args = (root, problem, workflow, num_rows, carry)
        found = step(*args, curator=curator, controller=controller)
        return lax.optimization_barrier(found)

    def unseen(_: Any, carry: State) -> State:
        return body(carry, None)[0]

    def last(carry: State, _: None) -> tuple[State, Trace]:
        return body(lax.fori_loop(0, every - 1, unseen, carry), None)

    each = body if every == 1 else last
    return lax.scan(each, state, None, length=num_steps // every)


def run(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
    *,
    curator: Curator = KEEP_ALL,
    controller: Controller = CONSTANT,
) -> tuple[State, Trace]:
    """The last state and the trace of generations 0 to `num_generations` of one seed.

    Returns:
      The last state, and the trace with leaves [G + 1].

    Raises:
      ValueError: if the workflow is made for fewer generations.
    """
    made_for = workflow.num_generations
    if made_for is not None and num_generations > made_for:
        raise ValueError(
            f"num_generations is {num_generations}, but the workflow is made for "
            f"{made_for}; make it for as many"
        )
    args = (root, problem, workflow, num_rows)
    state = init(*args, curator=curator, controller=controller)
    return advance(
        *args, state, num_generations + 1, curator=curator, controller=controller
    )


def run_seeds(
    roots: Key,
    make_problem: Callable[[Key], Problem],
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
    *,
    curator: Curator = KEEP_ALL,
    controller: Controller = CONSTANT,
) -> tuple[State, Trace]:
    """Last states and traces of every seed: `run` in one program, on all devices.

    Args:
      roots: [S] keys, see `streams.seeds`.
      make_problem: root key -> Problem, so that each seed may hold out its own rows.

    Returns:
      Last states with leaves [S, ...] (one generation for all) and traces with leaves
      [S, G + 1].
    """

    def one(root: Key) -> tuple[State, Trace]:
        args = (root, make_problem(root), workflow, num_rows, num_generations)
        return run(*args, curator=curator, controller=controller)

    return over_seeds(one, out_axes=(STATE_AXES, 0))(roots)


def _zeros(shapes: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
