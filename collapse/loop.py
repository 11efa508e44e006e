"""The loop over generations: sample, write, weigh, fit, measure.

The only scan over generations and the only map over seeds in the lab. Nothing here
knows which model or workflow it runs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Int

from collapse import store as store_lib
from collapse import streams
from collapse.devices import seed_devices
from collapse.streams import Purpose
from collapse.types import (
    Batch,
    Key,
    Params,
    Problem,
    Selection,
    State,
    Store,
    Trace,
    Workflow,
)


def init(
    root: Key, problem: Problem, workflow: Workflow, num_rows: int
) -> tuple[State, Trace]:
    """Generation 0: the model fitted to `num_rows` real rows.

    Args:
      root: key of the seed; all randomness of the run derives from it.
      num_rows: n, rows a generation writes (for models whose row is the statistics of
        a whole batch: the number of batches).

    Returns:
      The state, and the first entry of the trace (leaves without a generation axis).
    """
    generation = jnp.zeros((), jnp.int32)
    batch = problem.draw(streams.key(root, 0, Purpose.NATURE), num_rows)
    store = store_lib.write(
        store_lib.allocate(batch, workflow.num_slots),
        batch,
        jnp.zeros(num_rows, jnp.int32),
        workflow.slot(generation),
    )
    selection = _weigh(root, workflow, store, generation)
    rows, weights = store_lib.select(store, selection)
    start = problem.model.init(streams.key(root, 0, Purpose.INIT), rows, weights)
    return _fit(root, problem, workflow, start, store, generation)


def step(
    root: Key, problem: Problem, workflow: Workflow, num_rows: int, state: State
) -> tuple[State, Trace]:
    """One generation: the last model writes, the next one learns from the store.

    Returns:
      The next state and its entry of the trace (leaves without a generation axis).
    """
    generation = state.generation + 1
    num = num_rows * workflow.slots_per_write
    key = streams.key(root, generation, Purpose.SAMPLE)
    batch = problem.model.sample(key, state.params, num)
    origin = jnp.full(num, generation)
    if workflow.real_fraction is not None:
        batch, origin = _refresh(
            root, problem, workflow.real_fraction, generation, batch, origin
        )
    store = store_lib.write(state.store, batch, origin, workflow.slot(generation))
    return _fit(root, problem, workflow, state.params, store, generation)


def advance(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    num_generations: int,
) -> tuple[State, Trace]:
    """`num_generations` steps as one scan; the trace has a leading axis of that size.

    `advance(4)` then `advance(6)` gives bit for bit what `advance(10)` gives.
    """

    def body(carry: State, _: None) -> tuple[State, Trace]:
        # The barrier keeps a scan of length 1, which XLA inlines, from being fused
        # with what surrounds it: its last bits would differ from a longer scan's.
        carry = jax.lax.optimization_barrier(carry)
        return jax.lax.optimization_barrier(
            step(root, problem, workflow, num_rows, carry)
        )

    return jax.lax.scan(body, state, None, length=num_generations)


def run(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
) -> tuple[State, Trace]:
    """Generations 0 to `num_generations` of one seed.

    Returns:
      The last state, and the trace with leaves [G + 1].
    """
    state, first = init(root, problem, workflow, num_rows)
    state, rest = advance(root, problem, workflow, num_rows, state, num_generations)
    return state, join(first, rest)


def join(first: Trace, rest: Trace, axis: int = 0) -> Trace:
    """Put the entry of generation 0 before the entries that follow it."""
    return jax.tree.map(
        lambda a, b: jnp.concatenate([jnp.expand_dims(a, axis), b], axis), first, rest
    )


def run_seeds(
    roots: Key,
    make_problem: Callable[[Key], Problem],
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
) -> tuple[State, Trace]:
    """`run` for every seed in one compiled program, on all devices jax sees.

    Args:
      roots: [S] keys, see `streams.seeds`.
      make_problem: root key -> Problem, so that each seed may hold out its own rows.

    Returns:
      Last states with leaves [S, ...] and traces with leaves [S, G + 1].
    """

    def one(root: Key) -> tuple[State, Trace]:
        return run(root, make_problem(root), workflow, num_rows, num_generations)

    return over_seeds(one)(roots)


def over_seeds(function: Callable[..., Any]) -> Callable[..., Any]:
    """Map `function` over a leading axis of seeds, compiled and split over devices.

    Every argument and result has leaves [S, ...]. Where S is not a multiple of the
    number of devices the last seed is repeated and the copies are dropped again.
    """
    devices = seed_devices()
    mesh = Mesh(np.array(devices), ("seeds",))
    spec = PartitionSpec("seeds")
    mapped = jax.shard_map(
        jax.vmap(function), mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )

    @jax.jit
    def call(*args: Any) -> Any:
        num_seeds = jax.tree.leaves(args)[0].shape[0]
        index = jnp.arange(num_seeds + -num_seeds % len(devices))
        index = jnp.minimum(index, num_seeds - 1)
        if len(index) == num_seeds:
            return mapped(*args)
        padded = jax.tree.map(lambda leaf: leaf[index], args)
        return jax.tree.map(lambda leaf: leaf[:num_seeds], mapped(*padded))

    return call


def _refresh(
    root: Key,
    problem: Problem,
    real_fraction: float | Array,
    generation: Int[Array, ""],
    batch: Batch,
    origin: Int[Array, " rows"],
) -> tuple[Batch, Int[Array, " rows"]]:
    """Put fresh real rows in place of the first rows of a batch.

    As many real rows are drawn as there are places, so that row i of a seed is the
    same draw whatever the fraction: a sweep over fractions is paired.
    """
    num = origin.shape[0]
    real = problem.draw(streams.key(root, generation, Purpose.NATURE), num)
    count = jnp.floor(jnp.asarray(real_fraction) * num + 0.5).astype(jnp.int32)
    is_real = jnp.arange(num, dtype=jnp.int32) < count

    def choose(ours: Array, written: Array) -> Array:
        return jnp.where(is_real.reshape(-1, *[1] * (ours.ndim - 1)), ours, written)

    return jax.tree.map(choose, real, batch), jnp.where(is_real, 0, origin)


def _weigh(
    root: Key, workflow: Workflow, store: Store, generation: Int[Array, ""]
) -> Selection:
    key = streams.key(root, generation, Purpose.WEIGH)
    return workflow.weigh(key, store.origin, generation)


def _fit(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    start: Params,
    store: Store,
    generation: Int[Array, ""],
) -> tuple[State, Trace]:
    """Fit to the weighted store, then measure."""
    selection = _weigh(root, workflow, store, generation)
    rows, weights = store_lib.select(store, selection)
    key = streams.key(root, generation, Purpose.FIT)
    params, info = problem.model.fit(key, start, rows, weights)
    key = streams.key(root, generation, Purpose.MEASURE)
    metrics = {name: metric(key, params) for name, metric in problem.metrics.items()}
    trace = Trace(metrics, info, _all_finite((params, metrics)))
    return State(params, store, generation), trace


def _all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every floating-point entry is finite."""
    checks = [
        jnp.all(jnp.isfinite(leaf))
        for leaf in jax.tree.leaves(tree)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    return jnp.all(jnp.array(checks)) if checks else jnp.array(True)
