"""Budgets: no policy spends what it does not have, and what it spends is counted."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from control_cases import N, setting, walk_problem

from collapse.core import loop, streams, workflows
from collapse.core.control import ledger, trust
from collapse.core.control.policies import POLICIES
from collapse.core.control.policy import Policy, ask
from collapse.core.types import Problem
from collapse.models import gaussian as g

EVERY = tuple(POLICIES.values())
EQUAL = jnp.int32(trust.EQUAL)
G = 60


def number(value):
    return jnp.asarray(value, jnp.result_type(float))


@functools.cache
def program(policies, make=walk_problem):
    """One compiled run for all numbers: (key, chosen, setting, overdraft) -> found."""

    @jax.jit
    def one(key, chosen, known, overdraft):
        numbers = (chosen, known, jnp.int32(0), overdraft, EQUAL)
        own = ledger.controller(policies, *numbers)
        return loop.run(key, make(), workflows.replace(), N, G, controller=own)

    return one


def run(name, rate, overdraft=1.0, policies=EVERY, make=walk_problem, **more):
    """The trace of one seed under a policy, and its last accounts."""
    chosen = [*POLICIES].index(name) if policies is EVERY else 0
    numbers = (jnp.int32(chosen), setting(rate, **more), number(overdraft))
    state, trace = program(policies, make)(streams.root(3), *numbers)
    return trace, state.control.state


def gaussian_problem():
    """A Gaussian that learns the standard normal, with what a policy looks at."""
    model = g.gaussian(1)
    truth = g.standard(1)

    def error(key, params):
        return jnp.sum(params.mean**2)

    seen = {ledger.DRIFT: error, ledger.MONITOR: error, ledger.NOISE: error}
    return Problem(lambda key, num: g.sample_points(key, truth, num), model, seen)


def test_a_constant_share_is_bit_for_bit_the_workflow_with_that_share():
    own = {"policies": (POLICIES["constant"],), "make": gaussian_problem}
    trace, _ = run("constant", 0.1, **own)
    plain = jax.jit(
        lambda key: loop.run(key, gaussian_problem(), workflows.mix(0.1), N, G)
    )(streams.root(3))[1]
    for name, values in plain.metrics.items():
        np.testing.assert_array_equal(trace.metrics[name], values)
    np.testing.assert_allclose(trace.info["real_share"][1:], 0.1)
    other, _ = run("constant", 0.11, **own)
    assert (other.metrics[ledger.DRIFT] != plain.metrics[ledger.DRIFT])[2:].all()


@pytest.mark.parametrize("rate", [0.013, 0.1, 0.005, 1.0])
def test_parts_of_rows_are_carried_on(rate):
    trace, _ = run("constant", rate)
    spent = np.asarray(trace.info["spent"])
    due = rate * N * np.arange(G + 1)
    assert (spent == np.floor(due + 1e-9)).all()
    assert spent[-1] == np.asarray(trace.info["real_share"][1:] * N).sum()


def greedy(share):
    """Asks for so much in every generation, whatever the budget."""
    asked = functools.partial(ask, number(share), alarm=jnp.array(True))
    return Policy(lambda setting: (), lambda setting, state, signal: ((), asked()))


@pytest.mark.parametrize("overdraft", [0.0, 0.5, 0.505, 3.0])
def test_nothing_is_granted_beyond_the_overdraft(overdraft):
    trace, _ = run("", 0.1, overdraft, (greedy(1.0),))
    spent, t = np.asarray(trace.info["spent"]), np.arange(G + 1)
    assert (spent <= N * (0.1 * t + overdraft) * (t > 0) + 1e-9).all()
    assert spent[-1] == pytest.approx(N * (0.1 * G + overdraft), abs=1)


def test_a_row_that_is_not_granted_is_not_owed():
    """Only parts of rows are carried on: asked for nothing, nothing is bought."""

    def act(setting, state, signal):
        return (), ask(jnp.where(signal.generation < 5, number(1.0), number(0.0)))

    trace, _ = run("", 0.1, 0.0, (Policy(lambda setting: (), act),))
    rows = np.asarray(trace.info["real_share"]) * N
    np.testing.assert_allclose(rows[1:6], 10)
    assert (rows[6:] == 0).all()


def test_an_alarm_that_is_granted_no_row_is_none():
    """Half a row a generation: of an alarm in each of them every second buys one."""
    trace, _ = run("", 0.005, 0.0, (greedy(1.0),))
    bought = np.asarray(trace.info["real_share"][1:]) > 0
    assert 0 < bought.sum() < G
    np.testing.assert_array_equal(trace.info["alarms"][:-1], np.cumsum(bought))


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_every_policy_keeps_to_its_budget_and_shares_are_whole_rows(name, rate):
    trace, accounts = run(name, rate, price=0.001)
    rows = np.asarray(trace.info["real_share"]) * N
    np.testing.assert_allclose(rows, np.round(rows), atol=1e-9)
    assert ((rows >= 0) & (rows <= N)).all()
    t = np.arange(G + 1)
    spent = np.asarray(trace.info["spent"])
    np.testing.assert_allclose(spent[1:], np.cumsum(rows[1:]))
    assert (spent[1:] <= N * (rate * t[1:] + 1) + 1e-9).all()
    drift = np.asarray(trace.metrics[ledger.DRIFT])
    np.testing.assert_allclose(trace.info["drift_sum"], np.cumsum(drift))
    np.testing.assert_array_equal(trace.info["drift_max"], np.maximum.accumulate(drift))
    assert np.isfinite(np.asarray(trace.info["weight"])).all()


def test_the_chosen_policy_acts_as_if_it_were_alone():
    for name in ("event", "bandit"):
        among, _ = run(name, 0.1)
        alone, _ = run(name, 0.1, policies=(POLICIES[name],))
        for account in ("real_share", "weight", "spent"):
            np.testing.assert_array_equal(among.info[account], alone.info[account])
    assert (among.info["spent"] != run("event", 0.1)[0].info["spent"]).any()


def test_a_floor_that_is_not_known_is_that_of_generation_0():
    trace, accounts = run("event", 0.1, floor=float("nan"))
    assert float(accounts.floor) == float(trace.metrics[ledger.MONITOR][0])
    _, known = run("event", 0.1, floor=0.25)
    assert float(known.floor) == 0.25


def test_alarms_below_the_level_are_false():
    """The policy sounds one in every generation, at a level between the drifts.

    What counts is the true drift, whatever a monitor with noise shows of it.
    """
    trace, _ = run("constant", 0.1)
    level = float(np.median(np.asarray(trace.metrics[ledger.DRIFT])))

    def act(setting, state, signal):
        return (), ask(number(0.1), alarm=jnp.array(True), level=number(level))

    noisy = functools.partial(walk_problem, noise=0.3)
    trace, _ = run("", 0.1, policies=(Policy(lambda setting: (), act),), make=noisy)
    below, shown = (
        np.asarray(trace.metrics[name]) < level
        for name in (ledger.DRIFT, ledger.MONITOR)
    )
    assert below.sum() != shown.sum()
    assert float(trace.info["alarms"][-1]) == G + 1
    assert float(trace.info["false_alarms"][-1]) == below.sum() > 0


@pytest.mark.parametrize("signed", [False, True])
def test_what_may_change_either_way_is_seen_by_its_squared_change(signed):
    """A monitor that falls from 5 by 1 in each generation: a drift of -t, or of t^2."""
    watching = Policy(
        lambda known: jnp.full(3, jnp.nan),
        lambda known, seen, signal: (
            jnp.append(seen[1:], signal.drift),
            ask(known.rate),
        ),
    )
    known = setting(0.1, floor=float("nan"))._replace(signed=signed)
    own = ledger.controller(
        (watching,), jnp.int32(0), known, jnp.int32(0), number(1), EQUAL
    )
    state, nothing = own.init(), number(0)
    for shown in (5.0, 4.0, 3.0):
        metrics = {ledger.MONITOR: number(shown)}
        metrics |= {ledger.DRIFT: nothing, ledger.NOISE: nothing}
        state, _ = own.act(state, metrics)
    expected = [0, 1, 4] if signed else [0, -1, -2]
    np.testing.assert_array_equal(state.policies[0], expected)


@pytest.mark.parametrize(
    "name, drifts",
    [
        (ledger.MONITOR, [4, 5, 6]),  # less the floor
        (ledger.DRIFT, [50, 60, 70]),
        (ledger.NOISE, [500, 600, 700]),
    ],
)
def test_a_policy_sees_its_own_source_and_the_accounts_so_far(name, drifts):
    """Half of the rows real at a budget of 0.3: ahead by 0.2 after each generation."""
    watching = Policy(
        lambda known: jnp.full((3, 4), jnp.nan),
        lambda known, seen, signal: (
            jnp.concatenate([seen[1:], jnp.stack([*signal])[None]]),
            ask(number(0.5)),
        ),
    )
    source = jnp.int32(ledger.SOURCES.index(name))
    known = setting(0.3, floor=1.0)
    own = ledger.controller((watching,), jnp.int32(0), known, source, number(1), EQUAL)
    state = own.init()
    for shown in (5.0, 6.0, 7.0):
        metrics = {ledger.MONITOR: number(shown), ledger.DRIFT: number(10 * shown)}
        state, _ = own.act(state, metrics | {ledger.NOISE: number(100 * shown)})
    drift, generation, used, ahead = np.asarray(state.policies[0]).T
    np.testing.assert_array_equal(drift, drifts)
    np.testing.assert_array_equal(generation, [0, 1, 2])
    np.testing.assert_allclose(used, [0, 0.5, 0.5])
    np.testing.assert_allclose(ahead, [0, 0.2, 0.4], atol=1e-12)


@pytest.mark.parametrize("floor, error", [(5.0, 0.0), (float("nan"), 1.0)])
def test_a_floor_of_generation_0_has_the_error_of_a_fit(floor, error):
    """So that a drift of 0 above it leaves the error of a fit, 1 in its units."""
    known = setting(0.1, floor=floor)
    numbers = (jnp.int32(0), known, jnp.int32(0), number(1), jnp.int32(trust.MEASURED))
    own = ledger.controller((POLICIES["constant"],), *numbers)
    nothing = {ledger.DRIFT: number(0), ledger.NOISE: number(0)}
    _, actions = own.act(own.init(), {ledger.MONITOR: number(5.0)} | nothing)
    share = number(0.1)
    best = trust.per_row(trust.best_weight(number(error), share), share)
    assert float(actions.weight) == pytest.approx(float(best))
