"""Floors of a monitor, and false alarms of e-processes, by simulation."""

import math

import numpy as np
import pytest
from calibrated import Z, assert_mean, assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.theory import monitoring

counts = st.floats(1, 1e6)


def test_printed_floors():
    """Held-out rows against directions, rows of variance 1."""
    found = [[monitoring.floor(n, d) for d in (1, 8, 32)] for n in (100, 1000)]
    np.testing.assert_allclose(found, [[0.01, 0.08, 0.32], [0.001, 0.008, 0.032]])
    assert monitoring.floor(100, 2, 3.0, 300) == pytest.approx(6 / 100 + 6 / 300)


@given(rows=counts, d=st.floats(1, 100), variance=st.floats(0.01, 10), more=counts)
def test_the_least_number_of_rows_is_the_inverse_of_the_floor(rows, d, variance, more):
    for generated in (math.inf, rows + more):
        level = monitoring.floor(rows, d, variance, generated)
        found = monitoring.least_reference(level, d, variance, generated)
        assert found == pytest.approx(rows, rel=1e-6)
        assert monitoring.floor(rows + 1, d, variance, generated) < level
    few = monitoring.floor(more, d, variance) * 0.99
    assert monitoring.least_reference(few, d, variance, more) == math.inf


def test_the_floor_is_what_a_monitor_sees_without_drift():
    rng = np.random.default_rng(SEED)
    held_out = rng.standard_normal((20_000, 8, 3)).mean(1)
    generated = rng.standard_normal((20_000, 12, 3)).mean(1)
    seen = ((held_out - generated) ** 2).sum(1)
    right = monitoring.floor(8, 3, 1.0, 12)
    assert_tells_apart(seen, right, monitoring.floor(8, 3))
    for factor in (0.5, 1.0, 2.0):  # of the floor, as a threshold on the square
        idle = monitoring.idle_trigger(math.sqrt(factor * right), right, 3)
        other = monitoring.idle_trigger(math.sqrt(factor * right), right, 1)
        assert_tells_apart((seen > factor * right).astype(float), idle, other)


def test_a_threshold_at_the_floor_reacts_to_noise():
    found = [monitoring.idle_trigger(0.3, 0.09, d) for d in (1, 2, 8, 32)]
    assert found == pytest.approx([0.317, 0.368, 0.433, 0.467], abs=0.001)
    assert monitoring.idle_trigger(0.1, 0.01 / 10, 8) < 1e-10
    assert monitoring.idle_trigger(0.1, 0) == 0 and monitoring.idle_trigger(0, 0) == 1
    with pytest.raises(AssertionError):  # control: a tenth of the floor is no noise
        assert monitoring.idle_trigger(0.1, 0.01 / 10, 8) > 0.3


def bets(drift, shift, shape):
    """Log wealth that each generation of normal increments multiplies [shape]."""
    x = np.random.default_rng(SEED).standard_normal(shape) + drift
    return shift * x - shift**2 / 2


def test_false_alarms_of_an_e_process_keep_ville_s_bound():
    wealth = np.cumsum(bets(0.0, 0.5, (20_000, 400)), 1).max(1)
    for delta in (0.5, 0.1, 0.02):
        alarm = (wealth >= -math.log(delta)).astype(float)
        bound = monitoring.false_alarms(1 / delta)
        assert bound == pytest.approx(delta)
        slack = Z * alarm.std() / math.sqrt(len(alarm))
        assert alarm.mean() <= bound + slack
        assert alarm.mean() > bound / 2  # it is no loose bound
    # control: a bet that is no e-process, as it forgets what it pays for the variance
    loose = np.cumsum(bets(0.0, 0.5, (20_000, 400)) + 0.1, 1).max(1)
    assert (loose >= math.log(10)).mean() > 0.2
    assert monitoring.false_alarms(0.5) == 1


def lengths(drift, shift, level, runs=3000, most=20_000):
    """Generations until the e-CUSUM of each run reaches a level."""
    rng = np.random.default_rng(SEED)
    wealth, found = np.zeros(runs), np.zeros(runs)
    alive = np.arange(runs)
    for t in range(1, most + 1):
        x = rng.standard_normal(len(alive)) + drift
        wealth = np.maximum(wealth, 0) + shift * x - shift**2 / 2
        out = wealth >= math.log(level)
        found[alive[out]] = t
        alive, wealth = alive[~out], wealth[~out]
        if not len(alive):
            return found
    raise AssertionError("runs are cut: a mean would be too small")


@pytest.mark.parametrize(("level", "shift"), [(20, 0.5), (50, 1.0)])
def test_run_lengths_of_an_e_cusum(level, shift):
    expected = monitoring.normal_cusum(level, shift)
    idle = lengths(0.0, shift, level)
    slack = Z * idle.std() / math.sqrt(len(idle))
    assert idle.mean() - slack > monitoring.run_length(level)
    for drift, right in ((0.0, expected.without), (shift, expected.under)):
        draws = lengths(drift, shift, level)
        # the approximation itself is within 2 %
        slack = Z * draws.std() / math.sqrt(len(draws)) + 0.02 * right
        assert abs(draws.mean() - right) < slack
        plain = math.log(level)  # control: without Siegmund's correction
        sign = 1 if drift == 0 else -1
        wrong = 2 * (math.expm1(sign * plain) - sign * plain) / shift**2
        assert abs(draws.mean() - wrong) > slack
        with pytest.raises(AssertionError):
            assert_mean(draws, wrong)


@given(level=st.floats(1, 1e6), shift=st.floats(0.01, 1))
def test_a_higher_level_waits_longer(level, shift):
    low, high = (monitoring.normal_cusum(x, shift) for x in (level, 2 * level))
    assert high.without > low.without and high.under > low.under
    assert low.without >= monitoring.run_length(level)
    assert low.under < low.without


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: monitoring.floor(0), "reference"),
        (lambda: monitoring.floor(9, 0), "dimension"),
        (lambda: monitoring.floor(9, 1, -1), "variance"),
        (lambda: monitoring.floor(9, 1, 1, 0), "generated"),
        (lambda: monitoring.least_reference(0), "tolerance"),
        (lambda: monitoring.idle_trigger(-1, 1), "threshold"),
        (lambda: monitoring.idle_trigger(1, -1), "monitor"),
        (lambda: monitoring.false_alarms(0), "level"),
        (lambda: monitoring.run_length(math.inf), "level"),
        (lambda: monitoring.normal_cusum(9, 0), "shift"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
