"""Curation: rejected rows are nowhere trained on, and kept ones are where they were."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from exact_cases import ROWS, WORKFLOWS, G, N, whole_numbers, written_out
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import control, curation, loop, streams, workflows
from collapse.core import store as store_lib
from collapse.core.streams import Purpose
from collapse.core.types import (
    Actions,
    ControlState,
    Curator,
    Model,
    Problem,
    Selection,
    State,
)

ALL = pytest.mark.parametrize("name", WORKFLOWS)


def problem():
    """Rows are numbers; a fit tells its rows and weights, and is their mean or 0."""

    def fit(key, params, batch, weights):
        total = jnp.sum(weights)
        mean = jnp.where(total > 0, jnp.sum(weights * batch) / jnp.maximum(total, 1), 0)
        told = {
            "rows": jnp.zeros(ROWS).at[: len(batch)].set(batch),
            "weights": jnp.zeros(ROWS).at[: len(batch)].set(weights),
        }
        return mean, told

    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=fit,
        sample=lambda key, params, num: params + jax.random.normal(key, (num,)),
    )

    def draw(key, num):
        return 100 + jax.random.normal(
            key, (num,)
        )  # told from generated rows of mean 0

    return Problem(draw, model, {}, reference=jnp.array(0.0))


def filtered(key, batch, reference):
    """Rejects what is above the reference."""
    return (batch < reference).astype(float)


def away(key, batch, reference):
    """Generated rows of this toy follow their model, of mean about 100 at first."""
    return (batch < 100).astype(float)


def nothing(key, batch, reference):
    return jnp.zeros(len(batch))


def everything(key, batch, reference):
    return jnp.ones(len(batch))


@functools.cache
def ran(name, weigh=None, candidates=1):
    """State and trace of one seed, by the general path unless `weigh` is None."""
    seat = {} if weigh is None else {"curator": Curator(candidates, weigh)}
    run = jax.jit(lambda key: loop.run(key, problem(), WORKFLOWS[name], N, G, **seat))
    return run(jax.random.key(0))


def assert_same_bits(first, second):
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


# The identity

SEATS = {
    "default": {},
    "explicit": {"curator": curation.keep_all(), "controller": control.constant()},
}


def bits_of_a_run(name, **seats):
    """Rows, origins, last parameters and trace of a run, which shows no seat."""
    run = jax.jit(
        lambda key: loop.run(key, whole_numbers(), WORKFLOWS[name], N, G, **seats)
    )
    state, trace = run(jax.random.key(0))
    assert state == State(
        state.params, state.store, state.generation, ControlState((), Actions()), None
    )
    assert state.store.weight is None and bool(trace.finite.all())
    told = {**trace.info, **trace.metrics}
    return state.store.data.value, state.store.origin, state.params, told


@pytest.mark.parametrize("seats", SEATS)
@ALL
def test_the_identity_changes_no_bit(name, seats):
    """Identity curator and constant controller, beside a loop that has neither."""
    found = bits_of_a_run(name, **SEATS[seats])
    assert_same_bits(found, written_out(jax.random.key(0), name))


@pytest.mark.parametrize("purpose", ["DATA", "INIT", "FIT", "SAMPLE", "MEASURE"])
def test_a_loop_with_another_key_has_other_bits(purpose):
    """The control of the test above; keys of WEIGH matter to a fixed budget alone."""

    def other(root, generation, stream):
        wrong = stream == Purpose[purpose]
        return streams.key(root, generation, Purpose.CURATE if wrong else stream)

    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_same_bits(
            bits_of_a_run("mix fresh"),
            written_out(jax.random.key(0), "mix fresh", other),
        )


@ALL
def test_a_curator_that_rejects_nothing_trains_on_the_same_rows(name):
    """By the general path, which moves rows: each stays where it was."""
    (_, plain), (state, general) = ran(name), ran(name, everything)
    np.testing.assert_array_equal(general.info["weights"], plain.info["weights"])
    used = np.asarray(plain.info["weights"]) > 0
    rows = [np.where(used, np.asarray(t.info["rows"]), 0) for t in (general, plain)]
    np.testing.assert_allclose(*rows, rtol=1e-6)
    assert state.store.weight is not None


# Provenance


@ALL
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1))
def test_a_position_without_a_row_has_weight_0(name, seed, share):
    """Whichever positions they are, and all others keep their weight."""
    workflow, rng = WORKFLOWS[name], np.random.default_rng(seed)
    store = store_lib.allocate(jnp.zeros(N), workflow.num_slots, curated=True)
    whole = jnp.ones((workflow.num_slots, N), jnp.int32)
    origin = jnp.where(jnp.asarray(rng.random(whole.shape) < share), -1, whole)
    key, last = jax.random.key(seed), jnp.int32(G)
    weights, there = [], []
    for each in (origin, whole):
        own = store._replace(origin=each, weight=(each >= 0).astype(float))
        picked = workflow.weigh(key, each, last)
        flat = each.reshape(-1)
        there.append(np.asarray(flat if picked.rows is None else flat[picked.rows]))
        weights.append(np.asarray(store_lib.select(own, picked)[1]))
    assert (weights[0][there[0] < 0] == 0).all()
    assert (weights[0] >= 0).all() and np.isfinite(weights[0]).all()
    if name == "fixed_budget":
        assert weights[0].sum() == min(N, (np.asarray(origin) >= 0).sum())
    else:
        np.testing.assert_array_equal(weights[0], weights[1] * (there[0] >= 0))


def test_a_workflow_that_does_not_look_is_silenced_too():
    """`select` decides, so that a workflow of one's own cannot forget it."""
    store = store_lib.allocate(jnp.zeros(N), 1, curated=True)
    store = store._replace(weight=store.weight + 1)
    careless = Selection(jnp.ones(N))
    assert (store_lib.select(store, careless)[1] == 0).all()


@ALL
def test_where_everything_is_rejected_real_rows_are_left(name):
    state, trace = ran(name, nothing)
    weights, rows = (np.asarray(trace.info[k]) for k in ("weights", "rows"))
    assert (rows[weights > 0] > 90).all()  # real
    assert (np.asarray(state.store.origin) <= 0).all()
    kept = {"replace": 0, "window": 0, "replace_multiple": 0}
    kept |= {"accumulate": N, "fixed_budget": N, "mix fresh": 3, "mix fixed": 3}
    kept |= {"anchored fresh": 1, "anchored fixed": 1}  # two rows of weight a half
    assert weights[G].sum() == kept[name]


@ALL
@pytest.mark.parametrize("candidates", [1, 3])
def test_no_rejected_row_is_trained_on(name, candidates):
    state, trace = ran(name, away, candidates)
    weights, rows = (np.asarray(trace.info[k]) for k in ("weights", "rows"))
    origin, data = np.asarray(state.store.origin), np.asarray(state.store.data)
    assert (data[origin > 0] < 100).all()
    assert (data[origin < 0] == 0).all()
    assert (weights[rows == 0] == 0).all()
    if name != "replace_multiple":
        assert (np.asarray(state.store.weight) == (origin >= 0)).all()
    assert (weights[1:].sum(1) > 0).all()


# Candidates


def kept_of(values, weights, num, span=None, rate=None):
    rate = None if rate is None else jnp.array(rate)
    batch, kept = curation.keep(
        jnp.asarray(values, float), jnp.asarray(weights, float), num,
        span or (0, num), rate,
    )  # fmt: skip
    return batch.tolist(), kept.tolist()


def test_the_first_candidates_of_positive_weight_are_kept_in_order():
    values = [1, 2, 3, 4, 5, 6]
    assert kept_of(values, [0, 2, 0, 1, 1, 1], 3) == ([2, 4, 5], [2, 1, 1])
    assert kept_of(values, [0, 0, 0, 0, 5, 0], 3) == ([5, 0, 0], [5, 0, 0])
    assert kept_of(values, [0] * 6, 3) == ([0] * 3, [0] * 3)


def test_positions_of_a_span_are_filled_from_candidates_of_their_own():
    """Two candidates a row: positions 1 and 2 of three from candidates 2 to 5."""
    values, ones = [1, 2, 3, 4, 5, 6], [1] * 6
    assert kept_of(values, ones, 3, (1, 3)) == ([0, 3, 4], [0, 1, 1])
    assert kept_of(values, [1, 1, 0, 0, 0, 1], 3, (1, 3)) == ([0, 6, 0], [0, 1, 0])
    assert kept_of(values, ones, 3, (1, 2)) == ([0, 3, 0], [0, 1, 0])
    assert kept_of(values, [1, 1, 0, 0, 1, 1], 3, (1, 2)) == ([0] * 3, [0] * 3)
    assert kept_of([1, 2, 3], [1] * 3, 3, (1, 3)) == ([0, 2, 3], [0, 1, 1])


def test_a_keep_rate_leaves_the_largest_weights():
    values, weights = [1, 2, 3, 4], [0.1, 0.4, 0.3, 0.4]
    assert kept_of(values, weights, 4, rate=0.5) == ([2, 4, 0, 0], [0.4, 0.4, 0, 0])
    assert kept_of(values, [1] * 4, 4, rate=0.25) == ([1, 0, 0, 0], [1, 0, 0, 0])
    assert kept_of(values, weights, 2, rate=0.75)[0] == [2, 3]
    assert kept_of(values, [1] * 4, 4, rate=0.0)[0] == [0] * 4
    # 1.2, 1.5 and 1.6 rows
    for rate, right in ((0.3, [2, 0, 0, 0]), (0.375, [2, 4, 0, 0])):
        assert kept_of(values, weights, 4, rate=rate)[0] == right
    assert kept_of(values, weights, 4, rate=0.4)[0] == [2, 4, 0, 0]


def test_importance_weights_reach_the_fit():
    """Here the weight of a row is its value."""

    def by_value(key, batch, reference):
        return jnp.abs(batch)

    for name in ("replace", "accumulate"):
        trace = ran(name, by_value)[1]
        weights, rows = (np.asarray(trace.info[k]) for k in ("weights", "rows"))
        newest = slice(G * N, None) if name == "accumulate" else slice(N)
        np.testing.assert_allclose(weights[G, newest], abs(rows[G, newest]), rtol=1e-6)


def test_importance_weights_enter_a_sum_of_rows_as_factors():
    """A fit to sums is one to all rows with their weights; a third are rejected."""

    def rest(key, batch, reference):
        return jnp.mod(batch.value, 3)

    def fits(workflow, weigh):
        seat = Curator(1, weigh)
        run = jax.jit(
            lambda key: loop.run(key, whole_numbers(), workflow, N, G, curator=seat)
        )
        state, trace = run(jax.random.key(0))
        return np.asarray(trace.metrics["measured"]), state.store, trace.info

    found, store, info = fits(workflows.accumulate_sums(), rest)
    right, every, _ = fits(workflows.accumulate(G), rest)
    np.testing.assert_array_equal(found, right)
    assert (np.asarray(store.weight) == 1).all()  # a sum has one weight
    assert info["weights"][G].sum() == N
    weights = np.asarray(every.weight)
    assert set(np.unique(weights)) == {0, 1, 2}
    np.testing.assert_array_equal(
        store.data.value[0], (weights * np.asarray(every.data.value)).sum(0)
    )
    by_sign = fits(
        workflows.accumulate_sums(),
        lambda key, batch, reference: jnp.sign(rest(key, batch, reference)),
    )
    assert (by_sign[0] != right).any()  # the control: the same rows, without factors


def test_curators_without_candidates_are_refused(root):
    with pytest.raises(ValueError, match="candidates"):
        loop.run(
            root, problem(), WORKFLOWS["replace"], N, G, curator=Curator(0, everything)
        )


def test_a_curator_has_randomness_of_its_own(root):
    """Each generation and slot another, and the same for the same seed."""
    seen = []

    def coin(key, batch, reference):
        seen.append(key)
        return jax.random.bernoulli(key, 0.5, (len(batch),)).astype(float)

    kept = [
        np.asarray(ran("accumulate", coin)[0].store.origin)[1:] >= 0 for _ in range(2)
    ]
    assert (kept[0] == kept[1]).all() and seen
    origin = np.asarray(
        loop.run_seeds(
            streams.seeds(0, 200), lambda key: problem(), WORKFLOWS["accumulate"], N, G,
            curator=Curator(1, coin),
        )[0].store.origin
    )  # fmt: skip
    share = (origin[:, 1:] >= 0).mean((1, 2))
    assert_tells_apart(share, 0.5, 0.6)


# A budget drawn from the rows that are there


@functools.cache
def budgets(holes):
    """[keys, slots * N] whether a row is drawn."""
    origin = np.ones((G + 1, N), np.int32)
    if holes:
        origin[1, 2:] = origin[3, :3] = -1
    weigh = WORKFLOWS["fixed_budget"].weigh

    @jax.jit
    @jax.vmap
    def drawn(key):
        picked = weigh(key, jnp.asarray(origin), jnp.int32(G))
        return jnp.zeros(origin.size).at[picked.rows].add(picked.weights)

    return origin.reshape(-1), np.asarray(
        drawn(jax.random.split(jax.random.key(1), 20_000))
    )


@pytest.mark.parametrize("holes", [False, True])
def test_a_budget_is_uniform_over_the_rows_that_are_there(holes):
    origin, drawn = budgets(holes)
    assert (drawn.sum(1) == N).all() and drawn.max() == 1
    there = origin >= 0
    assert (drawn[:, ~there] == 0).all()
    right = np.full(there.sum(), N / there.sum())
    # what ignoring the holes would give, or the first row twice as often
    wrong = np.full(there.sum(), N / origin.size) if holes else right * 1.2
    assert_tells_apart(drawn[:, there], right, wrong)
    first, last = np.flatnonzero(there)[[0, -1]]
    m = there.sum()
    pair = N * (N - 1) / (m * (m - 1))  # drawn together, without replacement
    assert_tells_apart(drawn[:, first] * drawn[:, last], pair, (N / m) ** 2 * 1.3)


@given(seed=st.integers(0, 2**31), last=st.integers(0, G))
def test_a_budget_of_complete_rows_is_the_same_draw_found_faster(seed, last):
    origin = jnp.where(jnp.arange(G + 1)[:, None] <= last, 1, -1)
    origin = jnp.broadcast_to(origin, (G + 1, N)).astype(jnp.int32)
    args = (jax.random.key(seed), origin, jnp.int32(last))
    workflow = WORKFLOWS["fixed_budget"]
    assert_same_bits(workflow.weigh(*args), workflow.weigh_complete(*args))


def test_fewer_rows_than_the_budget_are_all_drawn():
    origin = jnp.full((G + 1, N), -1, jnp.int32).at[2, 1].set(0).at[3, 5].set(4)
    picked = WORKFLOWS["fixed_budget"].weigh(jax.random.key(0), origin, jnp.int32(G))
    rows = np.asarray(picked.rows)[np.asarray(picked.weights) > 0]
    assert sorted(rows.tolist()) == [2 * N + 1, 3 * N + 5]


# On the host


def kept_rows(state):
    """Rows, weights and origins of every slot, without the positions rejected."""
    (rows,), store = jax.tree.leaves(state.store.data), state.store
    slots = zip(*map(np.asarray, (rows, store.weight, store.origin)), strict=True)
    return [tuple(part[slot[2] >= 0] for part in slot) for slot in slots]


def rejecting(own, weigh, root):
    """States and fits of runs that reject: in a curator, and on the host."""
    args = (root, own, WORKFLOWS["accumulate"], N)
    seats = Curator(1, weigh), Curator(1, lambda k, batch, r: jnp.ones(N))
    inside, outside = (loop.init(*args, curator=seat) for seat in seats)
    step = jax.jit(lambda state: loop.step(*args, state, curator=seats[0])[0])
    generate = jax.jit(lambda state: loop.generate(*args, state, curator=seats[1]))
    learn = jax.jit(lambda state, rows: loop.learn(*args[:3], state, rows)[0])
    fits = []
    for _ in range(G + 1):
        inside, rows = step(inside), generate(outside)
        rows = curation.reject(rows, weigh(None, rows.batch, None))
        outside = learn(outside, rows)
        fits.append((inside.params, outside.params))
    return inside, outside, np.asarray(fits)


def test_the_host_may_reject_between_generate_and_learn(root):
    """The same rows are kept, in order, as by a curator that is compiled.

    A curator moves them to the front of a slot, the host leaves holes. So a fit sums
    in another order: with exact sums every bit is the same, else fits to rounding.
    """

    def rest(key, batch, reference):
        return jnp.mod(batch.value, 3)

    inside, outside, fits = rejecting(whole_numbers(), rest, root)
    there = [kept_rows(state) for state in (inside, outside)]
    for one, other in zip(*there, strict=True):
        assert_same_bits(one, other)
    np.testing.assert_array_equal(fits[:, 0], fits[:, 1])
    holes = np.asarray(outside.store.origin) < 0
    assert (np.diff(holes.astype(int)) < 0).any()  # not at the end alone
    assert not (np.diff((np.asarray(inside.store.origin) < 0).astype(int)) < 0).any()
    assert {1, 2} <= set(np.concatenate([weights for _, weights, _ in there[0]]))


def test_a_host_that_rejects_agrees_to_rounding_where_sums_are_rounded(root):
    inside, outside, fits = rejecting(problem(), away, root)
    rounding = 100 * float(jnp.finfo(fits.dtype).eps)
    np.testing.assert_allclose(fits[:, 0], fits[:, 1], rtol=rounding)
    for one, other in zip(kept_rows(inside), kept_rows(outside), strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=rounding)
        assert_same_bits(one[1:], other[1:])
    assert (np.asarray(outside.store.origin) < 0).any()


def test_rows_without_a_curator_cannot_be_rejected(root):
    args = (root, problem(), WORKFLOWS["accumulate"], N)
    plain = loop.generate(*args, loop.init(*args))
    with pytest.raises(ValueError, match="give `init` and `generate` a curator"):
        curation.reject(plain, jnp.ones(N))
