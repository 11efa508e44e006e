"""What policies reach when they hold a walk: exact laws, and controls that fail.

The walk is that of theory: equal steps in d directions, and real rows that re-anchor
perfectly. All policies run as one program.
"""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean
from control_cases import N, setting, walk_problem

from collapse.core import loop, streams, workflows
from collapse.core.control import ledger, trust
from collapse.core.control.policies import POLICIES
from collapse.core.seeds import over_seeds
from collapse.theory import anchoring, mixing, triggers

S, G = 200, 3000
RATE = 0.02
NONE = float("nan")
STEP = 0.01  # of the squared drift a generation, over all directions


@functools.cache
def program(dimension):
    problem = walk_problem((np.sqrt(STEP / dimension),) * dimension)

    def one(root, chosen, source, rate, own, tolerance):
        known = setting(rate, step=STEP)._replace(own=own, tolerance=tolerance)
        numbers = (chosen, known, source, jnp.float64(2.0), jnp.int32(trust.EQUAL))
        control = ledger.controller(tuple(POLICIES.values()), *numbers)
        args = (root, problem, workflows.replace(), N)
        state = loop.init(*args, controller=control)
        return loop.advance(*args, state, G + 1, controller=control)[1]

    return over_seeds(one, (0, *[None] * 5))


def held(name, dimension=1, source=0, rate=RATE, own=NONE, tolerance=NONE):
    """Drift [S, G] from generation 1 on, and real rows a generation [S]."""
    chosen = jnp.int32([*POLICIES].index(name))
    numbers = (chosen, jnp.int32(source), *map(jnp.float64, (rate, own, tolerance)))
    trace = program(dimension)(streams.seeds(1, S), *numbers)
    drift = np.asarray(trace.metrics[ledger.DRIFT])[:, 1:]
    return drift, np.asarray(trace.info["spent"])[:, -1] / G


pytestmark = [pytest.mark.x64, pytest.mark.full]


def test_a_constant_share_ends_at_the_drift_of_theory():
    drift, rows = held("constant")
    np.testing.assert_allclose(rows, RATE * N)
    assert_mean(drift[:, 500:].mean(1), anchoring.constant(RATE, STEP).drift)
    with pytest.raises(AssertionError):
        assert_mean(drift[:, 500:].mean(1), anchoring.constant(2 * RATE, STEP).drift)


def test_a_share_that_decays_has_the_drift_of_its_recursion_and_grows():
    drift, _ = held("decay", own=0.7, rate=0.9)
    shares = np.floor(np.cumsum(0.7 / np.arange(1, G + 1)) * N + 1e-9)
    shares = np.diff(shares, prepend=0) / N  # whole rows
    expected = mixing.anchored_drift(shares, STEP)
    assert_mean(drift[:, [9, 99, 999, 2999]], expected[[10, 100, 1000, 3000]])
    assert expected[3000] > 2.5 * expected[1000]


@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_events_save_what_theory_says(dimension):
    """At a known level; one that has to be found costs up to a tenth more drift.

    Theory counts no generation beyond the level, since it acts at once. Here a drift is
    seen once there, so that a cycle is longer by one, of the squared radius R.
    """
    known, spent = held("event", dimension, tolerance=STEP / RATE)
    once = triggers.triggered(np.sqrt(STEP / RATE), STEP, dimension, in_steps=True)
    cycle = 1 / once.use
    drift = (once.drift * cycle + STEP * cycle) / (cycle + 1)
    assert known.mean() == pytest.approx(drift, rel=0.03)
    assert spent.mean() / N == pytest.approx(1 / (cycle + 1), rel=0.03)
    found, rows = held("event", dimension)
    assert 0.97 * RATE < rows.mean() / N < 1.01 * RATE
    # drift times rows hardly depends on the level
    cost = found[:, 500:].mean() * rows.mean() / known.mean() / spent.mean()
    assert 0.98 < cost < 1.12
    saving = anchoring.constant(rows.mean() / N, STEP).drift / found[:, 500:].mean()
    other = triggers.saving(2 * dimension)
    assert saving - other > triggers.saving(dimension) - saving


def test_events_at_random_are_worse_than_a_constant_share():
    """Twice the drift of equal periods: waiting times are geometric."""
    drift, rows = held("event", source=ledger.SOURCES.index(ledger.NOISE))
    constant = anchoring.constant(rows.mean() / N, STEP).drift
    assert drift[:, 500:].mean() > 1.3 * constant
    assert held("event")[0][:, 500:].mean() < 0.5 * constant


def test_equal_periods_are_as_good_as_a_constant_share():
    drift, rows = held("periodic")
    assert rows.mean() == pytest.approx(RATE * N, rel=0.01)
    expected = anchoring.periodic(round(1 / RATE), STEP).drift
    whole = G // 50 * 50
    assert_mean(drift[:, :whole].mean(1), expected)
    assert expected == pytest.approx(anchoring.constant(RATE, STEP).drift, rel=0.05)


@pytest.mark.parametrize("name", ["proportional", "evidence", "feed_forward"])
def test_policies_with_a_level_spend_their_budget(name):
    rows = held(name)[1].mean()
    assert rows == pytest.approx(RATE * N, rel=0.05)
