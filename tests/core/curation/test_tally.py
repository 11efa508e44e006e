"""What a trace tells of a curator, beside counts of the rows that were kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact_cases import WORKFLOWS, G, N, whole_numbers

from collapse.core import curation, loop, workflows
from collapse.core.curation import tally
from collapse.core.curation.at_random import at_random
from collapse.core.types import Actions, Controller, Curator

NAMES = [tally.KEPT, tally.EFFECTIVE]


def rest(key, batch, reference):
    """Weights 0, 1 and 2, a third of the rows each."""
    return jnp.mod(batch.value, 3)


def ran(workflow, curator=None, **more):
    if curator is not None:
        more["curator"] = curator
    run = jax.jit(lambda key: loop.run(key, whole_numbers(), workflow, N, G, **more))
    state, trace = run(jax.random.key(0))
    return state, {k: np.asarray(v) for k, v in trace.info.items()}


def kish(weights):
    return weights.sum() ** 2 / (weights**2).sum() if weights.any() else 0.0


def test_runs_without_a_curator_tell_nothing_of_one():
    assert not set(NAMES) & ran(WORKFLOWS["replace"])[1].keys()
    assert set(NAMES) < ran(WORKFLOWS["replace"], at_random(1.0))[1].keys()


def test_shares_are_those_of_the_candidates_and_of_the_rows_stored():
    """One candidate a row: both can be counted from the store."""
    state, info = ran(workflows.accumulate(G), Curator(1, rest))
    weights, origin = np.asarray(state.store.weight), np.asarray(state.store.origin)
    kept = (origin > 0).sum(1) / N
    np.testing.assert_allclose(info[tally.KEPT], [1, *kept[1:]])
    effective = [1] + [kish(w) / N for w in weights[1:]]
    np.testing.assert_allclose(info[tally.EFFECTIVE], effective)
    assert len(set(kept[1:])) > 1 and (kept[1:] < 1).all()
    lower = info[tally.EFFECTIVE] < info[tally.KEPT]  # where weights are unequal
    assert lower.any() and (info[tally.EFFECTIVE] <= info[tally.KEPT]).all()


def test_candidates_count_whether_or_not_there_is_room_for_them():
    """Four a row, all of which pass: kept, and as many as there are positions."""
    info = ran(workflows.replace(), Curator(4, lambda k, b, r: jnp.ones(4 * N)))[1]
    assert (info[tally.KEPT] == 1).all() and (info[tally.EFFECTIVE] == 1).all()
    half = ran(workflows.replace(), at_random(0.5, 4, exact=True))[1]
    np.testing.assert_allclose(half[tally.KEPT], [1] + [0.5] * G)
    assert (half[tally.EFFECTIVE] == 1).all()
    few = ran(workflows.replace(), at_random(1 / 12, 4, exact=True))[1]
    np.testing.assert_allclose(few[tally.EFFECTIVE], [1] + [1 / 3] * G)


def test_where_nothing_is_kept_both_are_0():
    info = ran(workflows.replace(), at_random(0.0))[1]
    for name in NAMES:
        np.testing.assert_array_equal(info[name], [1] + [0] * G)


@pytest.mark.parametrize("name", ["mix fresh", "mix fixed", "anchored fixed"])
def test_positions_of_real_rows_are_not_counted(name):
    state, info = ran(WORKFLOWS[name], Curator(1, rest))
    origin = np.asarray(state.store.origin)
    weights = np.asarray(state.store.weight)
    slot = int(WORKFLOWS[name].slot(jnp.int32(G)))
    newest = origin[slot] == G
    first, last = WORKFLOWS[name].span(N) if WORKFLOWS[name].span else (N // 2, N)
    positions = int(last) - int(first)
    assert 0 < positions < N
    assert info[tally.KEPT][G] == pytest.approx(newest.sum() / positions)
    effective = kish(weights[slot][newest]) / positions
    assert info[tally.EFFECTIVE][G] == pytest.approx(effective)


def test_a_generation_of_real_rows_alone_has_shares_of_1():
    info = ran(workflows.mix(1.0), at_random(0.0))[1]
    for name in NAMES:
        np.testing.assert_array_equal(info[name], np.ones(G + 1))


@pytest.mark.parametrize("one_by_one", [False, True])
def test_slots_of_a_generation_are_added_up_but_for_those_without_weight(one_by_one):
    workflow = workflows.replace_multiple(G)
    own = whole_numbers()._replace(one_by_one=one_by_one)
    args = (jax.random.key(0), own, workflow, N)
    seat = {"curator": Curator(1, rest)}
    state = loop.init(*args, **seat)
    for t in range(G + 1):
        state, trace = loop.step(*args, state, **seat)
        if t:
            weights = np.asarray(state.store.weight)[: t + 1]
            kept = (weights > 0).mean()
            assert float(trace.info[tally.KEPT]) == pytest.approx(kept)
            found = float(trace.info[tally.EFFECTIVE])
            assert found == pytest.approx(kish(weights) / weights.size)


def test_a_keep_rate_is_told_as_what_was_kept():
    controller = Controller(
        lambda: jnp.zeros(()), lambda s, m: (s, Actions(keep_rate=jnp.array(1 / 3)))
    )
    info = ran(workflows.replace(), at_random(1.0), controller=controller)[1]
    np.testing.assert_allclose(info[tally.KEPT], [1] + [1 / 3] * G)


def test_the_host_s_second_curation_is_told_too(root):
    args = (root, whole_numbers(), workflows.accumulate(G), N)
    seat = {"curator": at_random(0.8, 2)}
    state = loop.init(*args, **seat)
    for t in range(2):
        rows = loop.generate(*args, state, **seat)
        again = curation.reject(rows, rest(None, rows.batch, None))
        state, trace = loop.learn(*args[:3], state, again)
        info, before = (
            {k: float(d[k]) for k in NAMES} for d in (trace.info, rows.info)
        )
        if t == 0:  # real rows are left alone
            assert info == before == dict.fromkeys(NAMES, 1.0)
    kept, left = (np.asarray(r.weight) for r in (rows, again))
    share = (left > 0).sum() / (kept > 0).sum()
    assert 0 < share < 1
    assert info[tally.KEPT] == pytest.approx(before[tally.KEPT] * share)
    assert info[tally.EFFECTIVE] == pytest.approx(kish(left) / N)


def test_a_diagnostic_may_not_have_the_name_of_what_is_told(root):
    def fit(key, params, batch, weights):
        return params, {"kept_share": jnp.ones(())}

    own = whole_numbers()
    own = own._replace(model=own.model._replace(fit=fit))
    args = (root, own, workflows.replace(), N, G)
    assert "kept_share" in loop.run(*args)[1].info
    with pytest.raises(
        ValueError, match=r"those of curation: \['kept_share'\]; rename"
    ):
        loop.run(*args, curator=at_random(0.5))
