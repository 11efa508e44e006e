"""The loop over generations: sample, write, weigh, fit, measure.

The only scan over generations and the only map over seeds in the lab. Nothing here
knows which model or workflow it runs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from collapse.core import store as store_lib
from collapse.core import streams
from collapse.core.seeds import over_seeds
from collapse.core.streams import Purpose
from collapse.core.types import Batch, Key, Problem, State, Trace, Workflow
from collapse.core.workflows import real_rows
from collapse.numerics import threefry

# How a State is mapped over seeds: they all are in the same generation. With one number
# for all, writing a slot is a copy and not a scatter, and generation 0 a true branch.
STATE_AXES = State(params=0, store=0, generation=None)  # type: ignore[arg-type]


def init(root: Key, problem: Problem, workflow: Workflow, num_rows: int) -> State:
    """The state before generation 0: an empty store, and parameters of no meaning.

    Generation 0 is a step like any other, except that nature writes its rows; so a run
    is one compiled program.

    Args:
      root: key of the seed, looked at for its type only.
      num_rows: n, rows a generation writes (for models whose row is the statistics of
        a whole batch: the number of batches).
    """
    batch = jax.eval_shape(lambda key: problem.draw(key, num_rows), root)
    batch = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), batch)
    store = store_lib.allocate(batch, workflow.num_slots)
    generation = jnp.array(-1, jnp.int32)

    def fit(key: Key) -> Any:
        rows, weights = store_lib.select(
            store, workflow.weigh(key, store.origin, generation)
        )
        start = problem.model.init(key, rows, weights)
        return problem.model.fit(key, start, rows, weights)[0]

    params = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(fit, root)
    )
    return State(params, store, generation)


def step(
    root: Key, problem: Problem, workflow: Workflow, num_rows: int, state: State
) -> tuple[State, Trace]:
    """One generation: rows are written, and the next model learns from the store.

    All randomness derives from `root` and the generation's number.

    Returns:
      The next state and its entry of the trace (leaves without a generation axis).
    """
    generation = state.generation + 1
    batch, origin = _write(root, problem, workflow, num_rows, state, generation)
    # Filters, verifiers and deduplication of what was written belong here.
    slot = workflow.slot(generation)
    if workflow.adds and not getattr(batch, "additive", False):
        raise ValueError(
            f"accumulate_sums needs rows that may be added, {type(batch).__name__} may "
            "not; use accumulate"
        )
    put = store_lib.add if workflow.adds else store_lib.write
    store = put(state.store, batch, origin, slot)
    key = streams.key(root, generation, Purpose.WEIGH)
    selection = workflow.weigh(key, store.origin, generation)
    rows, weights = store_lib.select(store, selection)
    start = lax.cond(
        generation == 0,
        lambda: problem.model.init(streams.key(root, 0, Purpose.INIT), rows, weights),
        lambda: state.params,
    )
    key = streams.key(root, generation, Purpose.FIT)
    params, info = problem.model.fit(key, start, rows, weights)
    key = streams.key(root, generation, Purpose.MEASURE)
    metrics = {name: metric(key, params) for name, metric in problem.metrics.items()}
    trace = Trace(metrics, info, _all_finite((params, metrics)))
    return State(params, store, generation), trace


def advance(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    num_steps: int,
) -> tuple[State, Trace]:
    """`num_steps` generations as one scan; the trace has a leading axis of that size.

    `advance(4)` then `advance(6)` gives bit for bit what `advance(10)` gives.
    """

    def body(carry: State, _: None) -> tuple[State, Trace]:
        # The barriers keep a scan of length 1, which XLA inlines, from being fused
        # with what surrounds it: its last bits would differ from a longer scan's.
        carry = lax.optimization_barrier(carry)
        return lax.optimization_barrier(step(root, problem, workflow, num_rows, carry))

    return lax.scan(body, state, None, length=num_steps)


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

    Raises:
      ValueError: if the workflow is made for fewer generations.
    """
    made_for = workflow.num_generations
    if made_for is not None and num_generations > made_for:
        raise ValueError(
            f"num_generations is {num_generations}, but the workflow is made for "
            f"{made_for}; make it for as many"
        )
    state = init(root, problem, workflow, num_rows)
    return advance(root, problem, workflow, num_rows, state, num_generations + 1)


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
      Last states with leaves [S, ...] (one generation for all) and traces with leaves
      [S, G + 1].
    """

    def one(root: Key) -> tuple[State, Trace]:
        return run(root, make_problem(root), workflow, num_rows, num_generations)

    return over_seeds(one, out_axes=(STATE_AXES, 0))(roots)


def _write(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    generation: Int[Array, ""],
) -> tuple[Batch, Int[Array, " rows"]]:
    """The rows of a generation and who wrote each.

    Nature writes n rows of generation 0, and the first rows of later ones if the
    workflow asks for fresh real rows. As many real rows are drawn then as there are
    places, so that row i of a seed is the same draw whatever the fraction: a sweep over
    fractions is paired.
    """
    num = num_rows * workflow.slots_per_write

    def real() -> Batch:
        batch = problem.draw(streams.key(root, generation, Purpose.NATURE), num_rows)
        missing = num - num_rows
        return jax.tree.map(
            lambda x: jnp.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)), batch
        )

    def synthetic() -> Batch:
        key = streams.key(root, generation, Purpose.SAMPLE)

        def slot(key: Key) -> Batch:
            return problem.model.sample(key, state.params, num_rows)

        if workflow.slots_per_write == 1:
            return slot(key)
        # slot by slot, so that the first are the same however many there are
        indices = jnp.arange(workflow.slots_per_write, dtype=jnp.uint32)

        def numbered(i: Array) -> Batch:
            return slot(threefry.fold_in(key, i))

        heavy = problem.one_by_one
        each = _up_to(generation, numbered) if heavy else jax.vmap(numbered)
        slots = each(indices)
        return jax.tree.map(lambda x: x.reshape(num, *x.shape[2:]), slots)

    place = jnp.arange(num, dtype=jnp.int32)
    if workflow.real_fraction is None:
        batch = lax.cond(generation == 0, real, synthetic)
        origin = jnp.where((generation == 0) & (place >= num_rows), -1, generation)
        return batch, origin.astype(jnp.int32)
    count = jnp.asarray(real_rows(workflow.real_fraction, num), jnp.int32)
    is_real = place < jnp.where(generation == 0, num, count)

    def choose(ours: Array, written: Array) -> Array:
        return jnp.where(is_real.reshape(-1, *[1] * (ours.ndim - 1)), ours, written)

    return jax.tree.map(choose, real(), synthetic()), jnp.where(is_real, 0, generation)


def _up_to(
    generation: Int[Array, ""], write: Callable[[Array], Batch]
) -> Callable[[Array], Batch]:
    """`write` for slot after slot; slots beyond `generation`, without weight, are 0."""

    def needed(i: Array) -> Batch:
        nothing = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(write, i)
        )
        wanted = i.astype(jnp.int32) <= generation
        return lax.cond(wanted, write, lambda i: nothing, i)

    return lambda indices: lax.map(needed, indices)


def _all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every floating-point entry is finite."""
    checks = [
        jnp.all(jnp.isfinite(leaf))
        for leaf in jax.tree.leaves(tree)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    return jnp.all(jnp.array(checks)) if checks else jnp.array(True)
