"""Curation: rejected rows are nowhere trained on, and kept ones are where they were."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import curation, loop, streams, workflows
from collapse.core import store as store_lib
from collapse.core.types import Curator, Model, Problem, Selection

N, G = 6, 3
WORKFLOWS = {
    "replace": workflows.replace(),
    "accumulate": workflows.accumulate(G),
    "fixed_budget": workflows.fixed_budget(G),
    "window": workflows.window(2),
    "replace_multiple": workflows.replace_multiple(G),
    "mix fresh": workflows.mix(0.5),
    "mix fixed": workflows.mix(0.5, "fixed"),
    "anchored fresh": workflows.anchored(N, 2, 3, (0.5, 2.0)),
    "anchored fixed": workflows.anchored(N, 2, 3, (0.5, 2.0), "fixed"),
}
ALL = pytest.mark.parametrize("name", WORKFLOWS)
ROWS = N * (G + 1)


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


@ALL
def test_the_identity_changes_no_bit(name, root):
    run = jax.jit(
        lambda key: loop.run(
            key, problem(), WORKFLOWS[name], N, G, curator=curation.keep_all()
        )
    )
    assert_same_bits(run(jax.random.key(0)), ran(name))


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


def test_importance_weights_reach_the_fit(root):
    """And enter a sum of rows as factors; here the weight of a row is its value."""

    def by_value(key, batch, reference):
        return jnp.abs(batch)

    for name in ("replace", "accumulate"):
        trace = ran(name, by_value)[1]
        weights, rows = (np.asarray(trace.info[k]) for k in ("weights", "rows"))
        newest = slice(G * N, None) if name == "accumulate" else slice(N)
        np.testing.assert_allclose(weights[G, newest], abs(rows[G, newest]), rtol=1e-6)


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


def test_the_host_may_reject_between_generate_and_learn(root):
    """On the same path as a curator that is compiled, and with the same bits."""
    args = (root, problem(), WORKFLOWS["accumulate"], N)
    seat, host = Curator(1, away), Curator(1, everything)
    inside = loop.init(*args, curator=seat)
    outside = loop.init(*args, curator=host)
    for _ in range(G + 1):
        inside, _ = loop.step(*args, inside, curator=seat)
        rows = loop.generate(*args, outside, curator=host)
        rows = curation.reject(rows, away(None, rows.batch, None))
        outside, _ = loop.learn(*args[:3], outside, rows)
    there = [np.sort(np.asarray(s.store.data[:2]), 1) for s in (inside, outside)]
    np.testing.assert_allclose(*there, rtol=1e-6)  # one moves rows, the other does not
    assert (np.asarray(outside.store.origin) < 0).any()
    with pytest.raises(ValueError, match="give `init` and `generate` a curator"):
        plain = loop.generate(*args, loop.init(*args))
        curation.reject(plain, jnp.ones(N))
