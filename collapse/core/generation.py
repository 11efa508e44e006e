"""The rows of one generation: generated or drawn, and curated."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from collapse.core import streams
from collapse.core.curation import tally as tally_lib
from collapse.core.curation.keeping import KEEP_ALL, check, curate, keeps_all, seen
from collapse.core.curation.tally import Tally
from collapse.core.streams import Purpose
from collapse.core.types import (
    Actions,
    Batch,
    Curator,
    Generated,
    Info,
    Key,
    Problem,
    State,
    Workflow,
)
from collapse.core.workflows import real_rows
from collapse.numerics import threefry

T = TypeVar("T")
# rows, and, where they are curated, their weights and what the curator did
_Rows: TypeAlias = tuple[Batch, Array | None, Tally | None]


def generate(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    *,
    curator: Curator = KEEP_ALL,
) -> Generated:
    """The rows of the next generation and the origin of each; first half of a step.

    Generation 0 is n real rows. Later ones begin with fresh real rows if the workflow,
    or an action of the controller, gives them a share. As many real rows are drawn then
    as there are positions, so that row i of a seed is the same draw whatever the share:
    a sweep over shares is paired. All other rows are generated and curated.

    Args:
      root: key of the seed, which may be used again.
      problem: of the run.
      workflow: of the run.
      num_rows: n.
      state: after the last generation.
      curator: which generated rows are kept. Where the host has to look at them, give
        `init` and `generate` a curator that is not `keep_all`, and the host's weights
        to `curation.reject`.

    Raises:
      ValueError: if the curator has no candidates, or the controller sets what this
        workflow or curator does not have.
    """
    check(curator)
    generation = state.generation + 1
    num = num_rows * workflow.slots_per_write
    share = _real_share(workflow, state.control.actions)
    problem, count = _counted(problem, state, share, num)
    position = jnp.arange(num, dtype=jnp.int32)

    def real() -> _Rows:
        batch = problem.draw(streams.key(root, generation, Purpose.DATA), num_rows)
        return _padded(batch, num - num_rows), *_of_real(curator, position < num_rows)

    span = workflow.span(num_rows) if workflow.span else (count, num_rows)

    def synthetic() -> _Rows:
        return _synthetic(root, problem, workflow, num_rows, state, curator, span)

    if share is None:
        batch, weight, tally = lax.cond(generation == 0, real, synthetic)
        filled = (generation > 0) | (position < num_rows)
        origin = jnp.where(filled, generation, -1)
    else:
        is_real = position < jnp.where(generation == 0, num, count)
        origin = jnp.where(is_real, 0, generation)
        ours, (generated, kept, tally) = real()[:2], synthetic()
        batch, weight = _merged(is_real, ours, (generated, kept))
    if weight is not None:
        origin = jnp.where(weight > 0, origin, -1)
    origin = origin.astype(jnp.int32)
    return Generated(batch, origin, weight, _told(tally, generation))


def _told(tally: Tally | None, generation: Int[Array, ""]) -> Info | None:
    """What a trace tells of the curator; generation 0 has no candidates."""
    if tally is None:
        return None
    counted = jax.tree.map(lambda x: jnp.where(generation > 0, x, 0), tally)
    return tally_lib.shares(counted)


def _counted(
    problem: Problem, state: State, share: float | Array | None, num: int
) -> tuple[Problem, Int[Array, ""]]:
    """The problem at the share of real rows, and the number of real positions."""
    batches = sized(problem, state)
    if batches is not problem:  # the first of two batches is the real one
        return batches, jnp.ones((), jnp.int32)
    count = 0 if share is None else real_rows(share, num)
    return problem, jnp.asarray(count, jnp.int32)


def sized(problem: Problem, state: State) -> Problem:
    """The problem of the next generation, whose batches have the sizes of its share."""
    share = state.control.actions.real_share
    if problem.at_share is None or share is None:
        return problem
    return problem.at_share(share)


def _padded(batch: Batch, missing: int) -> Batch:
    """A batch followed by `missing` rows of zeros."""
    return jax.tree.map(
        lambda x: jnp.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)), batch
    )


def _merged(is_real: Bool[Array, " rows"], real: T, synthetic: T) -> T:
    """The real rows at some positions, and the synthetic ones at all others."""

    def choose(ours: Array, generated: Array) -> Array:
        return jnp.where(is_real.reshape(-1, *[1] * (ours.ndim - 1)), ours, generated)

    merged: T = jax.tree.map(choose, real, synthetic)
    return merged


def _real_share(workflow: Workflow, actions: Actions) -> float | Array | None:
    """Share of fresh real rows: the controller's, or else the workflow's."""
    if actions.real_share is None:
        return workflow.real_fraction
    if workflow.span is not None or workflow.slots_per_write > 1:
        raise ValueError(
            "a controller may set real_share only under workflows that do not count "
            "real rows themselves: replace, accumulate, accumulate_sums, window, "
            "fixed_budget, mix with fresh rows"
        )
    return actions.real_share


def _synthetic(
    root: Key,
    problem: Problem,
    workflow: Workflow,
    num_rows: int,
    state: State,
    curator: Curator,
    span: tuple[int | Array, int | Array],
) -> _Rows:
    """Rows that the last model generates, for all slots, and what the curator did."""
    generation, rate = state.generation + 1, state.control.actions.keep_rate
    if keeps_all(curator) and rate is not None:
        raise ValueError("a controller may set keep_rate only where there is a curator")
    key = streams.key(root, generation, Purpose.SAMPLE)
    curate_key = streams.key(root, generation, Purpose.CURATE)
    correct_key = streams.key(root, generation, Purpose.CORRECT)
    reference = seen(curator, state.params, problem.reference)

    def slot(key: Key, curate_key: Key, correct_key: Key) -> _Rows:
        candidates = curator.candidates * num_rows
        batch = problem.model.sample(key, state.params, candidates)
        if keeps_all(curator):
            return batch, None, None
        if curator.correct is not None:
            batch = curator.correct(correct_key, batch, reference)
        return curate(curate_key, curator, batch, reference, num_rows, span, rate)

    if workflow.slots_per_write == 1:
        return slot(key, curate_key, correct_key)
    # slot by slot, so that the first are the same however many there are
    indices = jnp.arange(workflow.slots_per_write, dtype=jnp.uint32)

    def numbered(i: Array) -> _Rows:
        own = threefry.fold_in(correct_key, i)
        return slot(threefry.fold_in(key, i), threefry.fold_in(curate_key, i), own)

    needed = workflow.slots_needed or (lambda generation: generation + 1)
    count = needed(generation)
    each = _first(count, numbered) if problem.one_by_one else jax.vmap(numbered)
    batch, weight, tally = each(indices)
    rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (batch, weight))
    used = indices.astype(jnp.int32) < count
    # slots that are generated for nothing are not counted
    whole = jax.tree.map(lambda x: jnp.sum(jnp.where(used, x, 0)), tally)
    return *rows, whole


def _first(
    count: Int[Array, ""], generated: Callable[[Array], Batch]
) -> Callable[[Array], Batch]:
    """A function from slots to their rows; zeros for all but the first `count`."""

    def needed(i: Array) -> Batch:
        nothing = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(generated, i)
        )
        wanted = i.astype(jnp.int32) < count
        return lax.cond(wanted, generated, lambda i: nothing, i)

    return lambda indices: lax.map(needed, indices)


def _of_real(curator: Curator, there: Array) -> tuple[Array | None, Tally | None]:
    """Weights of 1 for real rows at these positions, and that none was a candidate."""
    if keeps_all(curator):
        return None, None
    return there.astype(jnp.result_type(float)), tally_lib.nothing()
