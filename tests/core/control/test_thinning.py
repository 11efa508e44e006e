"""Generated rows left out: the best number of them, and what runs make of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from control_cases import N, setting, walk_problem
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import loop, streams, workflows
from collapse.core.control import ledger, thinning, trust
from collapse.core.control.policies import POLICIES
from collapse.core.control.policy import Policy, ask
from collapse.core.control.thinning import Thinning
from collapse.experiment.verifiers.ranked import thinned

G = 40
STEP = 5e-4  # so that the drift is worth many fits to n rows
SHARES = st.floats(0.001, 0.999)


def number(value):
    return jnp.asarray(value, jnp.result_type(float))


def error_after(part, share, variance):
    """Of the mean of all rows, in units of the variance of a fit to n."""
    m = part * (1 - share)
    return (share + m + m**2 * variance) / (share + m) ** 2


@given(SHARES, st.floats(0, 1e4))
def test_no_other_number_of_rows_leaves_a_smaller_error(share, variance):
    best = float(thinning.best_share(number(variance), number(share)))
    assert 0 < best <= 1
    least = error_after(best, share, variance)
    for other in np.linspace(0, 1, 21):
        assert error_after(other, share, variance) >= least * (1 - 1e-9)


@pytest.mark.x64
@given(SHARES, st.floats(0.01, 1), st.floats(0, 100))
def test_the_error_expected_next_is_that_of_these_rows(share, part, variance):
    numbers = (number(x) for x in (variance, 1.0, share, part))
    found = float(trust.after(*numbers))
    assert found == pytest.approx(error_after(part, share, variance), rel=1e-9)


def test_weights_are_better_than_fewer_rows():
    """A weight uses what the rows that would be left out know, too."""
    for variance in (1.0, 5.0, 50.0):
        best = float(thinning.best_share(number(variance), number(0.1)))
        weight = float(trust.best_weight(number(variance), number(0.1)))
        weighed = weight**2 / 0.1 + (1 - weight) ** 2 * (variance + 1 / 0.9)
        assert weighed < error_after(best, 0.1, variance)


@pytest.mark.parametrize(
    ("own", "alarm", "rate"),
    [
        (Thinning(), False, 0.3),
        (Thinning(4, 0.25), False, 0.3 / 4),
        (Thinning(4, 0.25, always=False), True, 0.3 / 4),
        (Thinning(4, 0.25, always=False), False, 1.0),
    ],
)
def test_the_best_are_kept_always_or_on_an_alarm(own, alarm, rate):
    found = thinning.keep_rate(own, number(0.3), jnp.array(alarm))
    assert float(found) == pytest.approx(rate)


def test_a_fit_has_the_rows_that_it_needs():
    own = Thinning(by_rows=True, least=12)
    for granted, part, expected in ((2, 0.01, 10 / 98), (2, 0.5, 0.5), (50, 0.0, 0.0)):
        found = thinning.enough(own, number(part), number(granted), number(100))
        assert float(found) == pytest.approx(expected)


def acting(policy, kind, own, rate, overdraft=1.0, num=G):
    """Accounts and actions after each generation of a drift that stays at nothing."""
    numbers = (jnp.int32(0), setting(rate), jnp.int32(0), number(overdraft))
    seat = ledger.controller((policy,), *numbers, jnp.int32(kind), own)
    metrics = {name: number(0.0) for name in ledger.SOURCES}

    def act(state, _):
        state, actions = seat.act(state, metrics)
        return state, (state, actions)

    return jax.lax.scan(act, seat.init(), None, length=num)[1]


def test_the_best_are_kept_where_an_alarm_is_granted_rows():
    """Half a row a generation, and an alarm in each: every second one selects."""
    ever = Policy(
        lambda known: (),
        lambda known, state, signal: ((), ask(number(1.0), alarm=jnp.array(True))),
    )
    own = Thinning(4, 0.25, always=False)
    _, actions = acting(ever, trust.EQUAL, own, 0.005, overdraft=0.0)
    bought = np.asarray(actions.real_share) > 0
    assert 0 < bought.sum() < G
    np.testing.assert_allclose(actions.keep_rate, np.where(bought, 1 / 4, 1))


def test_a_policy_s_own_weight_becomes_fewer_rows():
    """A real row that is to count w times has 1 / w of the generated ones beside it."""
    own = Thinning(by_rows=True)
    _, weighed = acting(POLICIES["golden"], trust.EQUAL, None, 0.2, num=3)
    _, thin = acting(POLICIES["golden"], trust.EQUAL, own, 0.2, num=3)
    assert (np.asarray(weighed.weight) > 1.5).all()
    np.testing.assert_allclose(thin.keep_rate, 1 / np.asarray(weighed.weight))
    assert (np.asarray(thin.weight) == 1).all()


def test_what_is_predicted_knows_of_the_rows_that_were_left_out():
    """Five generations of generated rows alone, then a fifth of real ones in each."""

    def act(known, state, signal):
        return (), ask(jnp.where(signal.generation < 5, 0.0, 0.2))

    late = Policy(lambda known: (), act)
    states, actions = acting(late, trust.PREDICTED, Thinning(by_rows=True), 0.2, num=9)
    variance, parts = 1.0, np.asarray(actions.keep_rate)
    for t, found in enumerate(np.asarray(states.variance)):
        share = 0.0 if t < 5 else 0.2
        best = thinning.best_share(number(variance), number(share))
        assert parts[t] == pytest.approx(float(best))
        variance = error_after(parts[t], share, variance) if share else variance + 1
        assert found == pytest.approx(variance)
    assert parts[5] < 0.2


def ran(kind, own, curator):
    """The trace of a run with a constant share of a tenth."""
    known = setting(0.1, step=STEP)

    def one(key):
        numbers = (jnp.int32(0), known, jnp.int32(0), number(1.0), jnp.int32(kind))
        seat = ledger.controller((POLICIES["constant"],), *numbers, own)
        seats = {"controller": seat} | ({"curator": curator} if curator else {})
        return loop.run(key, walk_problem(), workflows.replace(), N, G, **seats)

    return jax.jit(one)(streams.root(5))[1]


def test_rows_that_all_count_alike_are_all_trained_on():
    plain = ran(trust.EQUAL, None, None)
    other = ran(trust.EQUAL, Thinning(by_rows=True), thinned())
    for name, values in plain.metrics.items():
        np.testing.assert_allclose(other.metrics[name], values, rtol=1e-12)
    assert (np.asarray(other.info["kept_share"]) == 1).all()


def test_as_many_generated_rows_are_left_as_the_drift_says():
    trace = ran(trust.MEASURED, Thinning(by_rows=True), thinned())
    drift = np.asarray(trace.metrics[ledger.MONITOR])[:-1]
    share = np.asarray(trace.info["real_share"])[1:]
    part = [
        float(thinning.best_share(number(d / STEP), number(a)))
        for d, a in zip(drift, share, strict=True)
    ]
    kept = np.asarray(trace.info["kept_share"])[1:]
    rows = np.floor(np.asarray(part) * 90 + 0.5) / 90
    np.testing.assert_allclose(kept, rows, atol=1e-9)
    assert kept.min() < 0.5 and (np.asarray(trace.info["weight"]) == 1).all()


def test_without_real_rows_no_generated_row_is_left_out():
    """`golden` weighs by the rate; half of these generations have no real row."""
    known = setting(0.005)

    def one(key):
        numbers = (jnp.int32(0), known, jnp.int32(0), number(1.0), jnp.int32(0))
        seat = ledger.controller(
            (POLICIES["golden"],), *numbers, Thinning(by_rows=True)
        )
        seats = {"controller": seat, "curator": thinned()}
        return loop.run(key, walk_problem(), workflows.replace(), N, G, **seats)

    trace = jax.jit(one)(streams.root(5))[1]
    none = np.asarray(trace.info["real_share"])[1:] == 0
    kept = np.asarray(trace.info["kept_share"])[1:]
    assert 0 < none.sum() < G
    assert (kept[none] == 1).all() and (kept[~none] < 1).all()
