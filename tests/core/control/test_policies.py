"""Each policy does what its file says, against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from control_cases import setting

from collapse.core.control import level, trust
from collapse.core.control.policies import POLICIES
from collapse.core.control.policies.evidence import e_value
from collapse.core.control.policies.priced import dead_zone
from collapse.core.control.policy import Signal
from collapse.theory import mixing


def number(value):
    return jnp.asarray(value, jnp.result_type(float))


def asked(name, drifts, rate=0.1, used=0.0, ahead=0.0, **own):
    """The requests of a policy that sees these drifts, one after the other."""
    own |= {"rate": rate, "used": used, "ahead": ahead}
    return requested(name, len(drifts), lambda t, share: number(drifts)[t], **own)


def requested(name, num, drift, rate=0.1, used=0.0, ahead=0.0, **own):
    """The requests of a policy that sees `drift(generation, its last share)`."""
    known, policy = setting(rate, **own), POLICIES[name]

    def act(carry, t):
        state, share = carry
        seen = drift(t, share), t.astype(share.dtype), number(used), number(ahead)
        state, request = policy.act(known, state, Signal(*seen))
        return (state, request.share), request

    start = policy.init(known), known.rate
    found = jax.lax.scan(act, start, jnp.arange(num))[1]
    return type(found)(*map(np.asarray, found))


def shares(name, drifts, **own):
    return asked(name, drifts, **own).share.tolist()


@pytest.mark.parametrize("name", ["constant", "golden", "greedy", "decay", "periodic"])
def test_what_looks_at_nothing_does_not_depend_on_the_drift(name):
    assert shares(name, [0.0] * 30) == shares(name, np.linspace(0, 9, 30))


@pytest.mark.parametrize(
    "name", ["event", "proportional", "feed_forward", "priced", "evidence", "bandit"]
)
def test_what_watches_does(name):
    low = shares(name, [0.0] * 60, price=0.01)
    high = shares(name, [5.0 * (t % 7) for t in range(60)], price=0.01)
    assert low != high


@pytest.mark.x64
def test_a_constant_share_is_the_rate():
    assert shares("constant", [1, 2, 3]) == [0.1] * 3


def test_decay_is_c_over_t():
    np.testing.assert_allclose(shares("decay", [0] * 4), [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_allclose(shares("decay", [0] * 3, own=0.4), [0.4, 0.2, 0.4 / 3])


@pytest.mark.parametrize("rate, own", [(0.1, None), (0.5, 10.0)])
def test_periodic_takes_a_whole_generation_once_in_a_period(rate, own):
    more = {} if own is None else {"own": own}
    found = shares("periodic", [0] * 40, rate=rate, **more)
    assert [t for t, share in enumerate(found) if share] == [9, 19, 29, 39]
    assert set(found) == {0.0, 1.0}


def test_events_come_above_the_level_and_last_until_half_of_it():
    """The level is the tolerance here: 1."""
    drifts = [0.9, 1.1, 0.7, 0.51, 0.49, 0.9, 1.01]
    found = asked("event", drifts, tolerance=1.0, own=0.3)
    expected = [0, 0.3, 0.3, 0.3, 0, 0, 0.3]
    np.testing.assert_allclose(found.share, expected)
    assert found.alarm.tolist() == [share > 0 for share in expected]
    np.testing.assert_allclose(found.level, 1.0)


def test_a_level_rises_with_what_is_spent_and_falls_else():
    known = setting(0.1)
    start = level.begin(known, number(2.0))
    zero = Signal(*map(number, (0.0, 9.0, 0.0, 0.0)))
    assert float(level.height(known, start, zero)) == pytest.approx(2.0)
    for share, ratio in ((1.0, np.exp(0.9 / 2)), (0.0, np.exp(-0.1 / 2))):
        state = level.moved(known, start, zero, number(share))
        found = float(level.height(known, state, zero))
        assert found == pytest.approx(2 * ratio)  # after 1 action allowed so far
    ahead = zero._replace(ahead=number(1.0))
    for action in (1.0, 0.5):  # counted in actions: a half is two of them
        found = float(level.height(known, start, ahead, number(action)))
        assert found == pytest.approx(2 * np.exp(0.2 / action))


def test_the_proportional_share_follows_the_formula():
    """a + K (e_t - e_{t-1}) + K b (e_t - D) at D = 2, b = 0.0025, K = 2 b."""
    drifts = [0.5, 3.0, 2.0]
    share, before = 0.1, 0.01 / 0.2  # the rate, and the first guess step / (2 rate)
    expected = []
    for drift in drifts:
        share += 0.005 * (drift - before + 0.0025 * (drift - 2))
        expected.append(min(max(share, 0), 1))
        share, before = expected[-1], drift
    found = shares("proportional", drifts, tolerance=2.0, own=4.0)
    np.testing.assert_allclose(found, expected)


def test_feed_forward_is_the_least_anchor_for_what_a_generation_adds():
    """Drifts grow by 0.3 a generation without real rows: s is 0.3 in the long run."""
    found = shares("feed_forward", [0.3 * t for t in range(4000)], tolerance=2.0)
    assert found[-1] == pytest.approx(1 - np.sqrt(1 - 0.3 / 2), rel=0.01)
    assert found[0] != pytest.approx(found[-1], rel=0.1)


def test_feed_forward_knows_what_the_last_real_rows_have_taken_off():
    """At a half of real rows 0.4 becomes 0.4 / 4 and what is added, which is 0.3."""
    found = shares("feed_forward", [0.4] * 4000, used=0.5, tolerance=2.0)
    assert found[-1] == pytest.approx(1 - np.sqrt(1 - 0.3 / 2), rel=0.01)


def test_golden_and_greedy_weigh_a_row_by_the_weights_of_their_papers():
    """At a fifth of real rows: that of He et al., and one step at a time to it."""
    share = number(0.2)
    best = float(trust.per_row(number(mixing.best_weight(0.2 / 0.8)), share))
    found = asked("golden", [0] * 3, rate=0.2).trust
    np.testing.assert_allclose(found, best, rtol=1e-6)
    found = asked("greedy", [0] * 500, rate=0.2).trust
    first = trust.per_row(trust.best_weight(number(1.0), share), share)
    assert found[0] == pytest.approx(float(first)) != pytest.approx(best, rel=0.01)
    assert found[-1] == pytest.approx(best)


@pytest.mark.x64
def test_no_real_row_is_bought_below_the_drift_that_is_worth_it():
    known = setting(0.1, price=0.002)
    least = float(dead_zone(known))
    best = np.sqrt(0.01 / (2 * 0.2))  # of step / (2 price n), n = 100
    assert least == pytest.approx(0.2 * (1 - (1 - best) ** 2) / 2)
    found = shares("priced", [0.5 * least, least, 2 * least], price=0.002)
    np.testing.assert_allclose(found, [0, 0, 0.5], atol=1e-12)


def e_values(known, drifts, most):
    return jax.vmap(lambda drift: e_value(known, drift, number(most)))(number(drifts))


def test_e_values_are_one_at_most_on_average_without_a_drift():
    """Noise of the monitor is 0.2 / 3 times a chi square of three degrees."""
    known = setting(0.1, floor=0.2, freedom=3.0)
    rng = np.random.default_rng(0)
    seen = 0.2 / 3 * rng.chisquare(3, 20_000)
    for most, cap in ((0.0, 1.05), (0.5, 0.8)):
        values = e_values(known, seen - 0.2, most)
        assert float(values.mean()) < cap
    assert float(e_values(known, seen + 2.0, 0.0).mean()) > 10


def test_evidence_adds_up_to_an_alarm_and_begins_anew():
    found = asked("evidence", [3.0] * 12, tolerance=0.3, floor=0.2, own=0.02)
    alarms = np.flatnonzero(found.alarm)
    assert 0 < alarms[0] < 6 and len(alarms) > 1
    assert (np.diff(alarms) == alarms[0] + 1).all()  # as long as the first time
    quiet = asked(
        "evidence", [0.0] * 9 + [3.0] * 12, tolerance=0.3, floor=0.2, own=0.02
    )
    assert np.flatnonzero(quiet.alarm)[0] == 9 + alarms[0]  # no evidence is saved
    assert not asked("evidence", [0.0] * 50, tolerance=0.3, floor=0.2).alarm.any()


def test_a_bandit_holds_an_arm_for_one_anchoring_and_leaves_what_drifts():
    """Arms are 0, 1/2, 1, 2, 4 times the rate; only that of 2 has no drift."""

    def drift(t, share):
        return jnp.where(jnp.abs(share - 0.2) < 1e-9, 0.0, 50.0)

    found = requested("bandit", 6000, drift).share
    runs = np.diff(np.flatnonzero(np.diff(found)))
    assert (runs % 10 == 0).all()
    assert np.mean(np.isclose(found[3000:], 0.2)) > 0.9


def test_a_bandit_saves_rows_while_more_is_spent_than_the_budget_allows():
    """Nothing drifts, so that arms differ by the shadow price of their rows alone."""
    over, under = (
        np.mean(shares("bandit", [0.0] * 600, ahead=ahead)) for ahead in (40.0, -40.0)
    )
    assert over < 0.5 * under
