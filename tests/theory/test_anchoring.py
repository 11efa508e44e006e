"""Constant shares and periodic re-anchoring: recursions, inverses, simulation."""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.theory import anchoring, mixing

close = np.testing.assert_allclose
shares = st.floats(1e-6, 1)
noises = st.floats(1e-6, 1e3)
kinds = pytest.mark.parametrize("pooled", [False, True])


def recursion(share, noise, generations, start, pooled):
    """V_t step by step [G + 1]."""
    found = [start]
    for _ in range(generations):
        kept = (1 - share) ** 2
        last = found[-1]
        found.append(kept * last + noise if pooled else kept * (last + noise))
    return np.array(found)


@kinds
@given(share=st.floats(0, 1), noise=noises, start=st.floats(0, 10))
def test_the_curve_is_its_recursion(pooled, share, noise, start):
    own = anchoring.curve(share, noise, 40, start, pooled)
    close(own, recursion(share, noise, 40, start, pooled), rtol=1e-9, atol=1e-12)
    single = [anchoring.drift_at(t, share, noise, start, pooled) for t in range(41)]
    close(single, own, rtol=1e-12, atol=1e-15)
    other = recursion(share, noise, 40, start, not pooled)
    if share > 0.01:  # the two kinds are not each other
        assert not np.allclose(own[1:], other[1:], rtol=1e-9)


@kinds
@given(share=shares, noise=noises)
def test_the_least_share_is_the_inverse_of_the_drift(pooled, share, noise):
    drift, use = anchoring.constant(share, noise, pooled)
    assert use == share
    # the pooled drift is flat where the share is near 1
    rtol = 1e-9 if share < 0.9 else 1e-6
    found = anchoring.least_share(drift, noise, pooled)
    assert found == pytest.approx(share, rel=rtol)
    less = anchoring.constant(0.9 * share, noise, pooled).drift
    assert less > drift


@kinds
def test_drifts_at_the_ends(pooled):
    assert anchoring.constant(0, 0.1, pooled).drift == math.inf
    assert anchoring.constant(0, 0, pooled).drift == 0
    assert anchoring.constant(1, 0.1, pooled).drift == (0.1 if pooled else 0)
    assert anchoring.least_share(0.05, 0.1, True) == math.inf
    assert anchoring.least_share(0.1, 0.1, True) == 1
    assert anchoring.least_share(5.0, 0.0, pooled) == 0
    # both kinds need s / (2 D) where s is small
    assert anchoring.least_share(1, 1e-6, pooled) == pytest.approx(5e-7, rel=1e-5)
    assert anchoring.least_share(0.3, 0.2) == mixing.least_anchor(0.3, 0.2)


@kinds
@given(
    share=st.one_of(st.just(0.0), shares),
    noise=noises,
    level=st.floats(0.01, 1.5),
    begun=st.floats(0, 1.2),
)
def test_the_first_passage_is_that_of_the_recursion(pooled, share, noise, level, begun):
    limit = anchoring.constant(share, noise, pooled).drift
    tolerance = level * min(limit, 200 * noise)
    start = begun * tolerance
    curve = recursion(share, noise, 3000, start, pooled)
    found = anchoring.first_passage(tolerance, share, noise, start, pooled)
    over = np.flatnonzero(curve > tolerance * (1 + 1e-9))
    near = np.flatnonzero(curve > tolerance * (1 - 1e-9))
    if tolerance == 0:
        return
    if len(over):  # but for what rounding decides
        assert near[0] <= found <= over[0]
    else:
        assert found == math.inf or found >= (near[0] if len(near) else 3001)


def test_printed_first_passages():
    assert anchoring.first_passage(0.1, 0, 0.01) in (10, 11)  # 10 s is D to rounding
    assert anchoring.first_passage(0.095, 0, 0.01) == 10
    assert anchoring.first_passage(0.1, 0.02, 0.01) == 14
    held = anchoring.least_share(0.1, 0.01)
    assert anchoring.first_passage(0.1, 1.001 * held, 0.01) == math.inf
    assert anchoring.first_passage(0.1, 0.999 * held, 0.01) < 200
    assert anchoring.first_passage(0.1, 0.5, 0.01, start=0.2) == 0
    assert anchoring.first_passage(0.1, 1, 0.2, pooled=True) == 1
    assert anchoring.first_passage(1, 0, 1e-20) == pytest.approx(1e20)


@kinds
@given(noise=noises, ratio=st.floats(1, 300), generations=st.integers(1, 400))
def test_a_share_for_some_generations_is_below_that_for_ever(
    pooled, noise, ratio, generations
):
    tolerance = noise * ratio
    found = anchoring.share_until(tolerance, noise, generations, pooled)
    for_ever = anchoring.least_share(tolerance, noise, pooled)
    assert 0 <= found <= for_ever
    last = recursion(found, noise, generations, 0, pooled)[-1]
    if found:
        assert last == pytest.approx(tolerance, rel=1e-6)
        less = recursion(0.9 * found, noise, generations, 0, pooled)
        assert less[-1] > tolerance
    else:
        assert noise * generations <= tolerance and last <= tolerance * (1 + 1e-9)
    longer = anchoring.share_until(tolerance, noise, 2 * generations, pooled)
    assert longer >= found * (1 - 1e-9)


def test_shares_that_no_row_can_have():
    assert anchoring.share_until(0.05, 0.1, 9, pooled=True) == math.inf
    after_long = anchoring.share_until(0.1, 0.01, 10**6)
    assert after_long == pytest.approx(anchoring.least_share(0.1, 0.01))


@given(
    noise=noises,
    tolerance=noises,
    share=shares,
    factor=st.floats(1.01, 10),
)
def test_more_noise_needs_more_and_more_tolerance_less(noise, tolerance, share, factor):
    least = anchoring.least_share
    assert least(tolerance, factor * noise) >= least(tolerance, noise)
    assert least(factor * tolerance, noise) <= least(tolerance, noise)
    passed = anchoring.first_passage
    assert passed(factor * tolerance, share, noise) >= passed(tolerance, share, noise)
    assert passed(tolerance, share, factor * noise) <= passed(tolerance, share, noise)
    period = anchoring.longest_period
    assert period(factor * tolerance, noise) >= period(tolerance, noise)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_shares_that_decay_hold_nothing(scale):
    found = anchoring.decaying(scale, 0.01, 50_000)
    leading = anchoring.decaying_leading(scale, 0.01, 50_000)
    assert found[-1] == pytest.approx(leading[-1], rel=1e-3)
    assert leading[-1] == pytest.approx(0.01 * 50_000 / (1 + 2 * scale))
    assert found[-1] > 9 * found[5000]
    step = (1 - scale / 4) ** 2 * (found[3] + 0.01)
    assert found[4] == pytest.approx(step)


@given(period=st.integers(1, 10_000), noise=noises)
def test_the_longest_period_is_the_inverse_of_its_drift(period, noise):
    held = anchoring.periodic(period, noise)
    assert held.use == 1 / period
    assert held.drift == pytest.approx(noise * np.arange(period).mean())
    assert anchoring.longest_period(held.drift, noise) == period
    assert anchoring.longest_period(held.drift + 0.49 * noise, noise) == period
    assert anchoring.longest_period(held.drift + 0.51 * noise, noise) == period + 1


def test_periods_at_the_ends():
    assert anchoring.longest_period(1, 0) == math.inf
    assert anchoring.longest_period(0, 1) == 1
    assert anchoring.periodic(1, 0.3) == (0, 1)


@kinds
def test_constant_shares_are_met_by_simulation(pooled):
    """Three directions; real rows that know the truth, or that have noise."""
    rng, share, step = np.random.default_rng(SEED), 0.2, 0.1
    drift = np.zeros((20_000, 3))
    for _ in range(30):
        noise = rng.normal(0, math.sqrt(step / 3), drift.shape)
        drift = (1 - share) * drift + (1 if pooled else 1 - share) * noise
    right = anchoring.curve(share, step, 30, pooled=pooled)[-1]
    wrong = anchoring.constant(0.17, step, pooled).drift
    assert_tells_apart((drift**2).sum(1), right, wrong)


def test_periodic_re_anchoring_is_met_by_simulation():
    """The mean counts every generation after its pull: 0, s, ..., (P-1) s."""
    rng, period, step = np.random.default_rng(SEED), 5, 0.1
    drift, means = np.zeros((20_000, 2)), []
    for t in range(1, 2 * period + 1):
        drift = drift + rng.normal(0, math.sqrt(step / 2), drift.shape)
        if t % period == 0:
            drift = 0 * drift
        means.append((drift**2).sum(1))
    right = anchoring.periodic(period, step).drift
    wrong = step * (period + 1) / 2  # before the pull
    assert_tells_apart(np.mean(means, 0), right, wrong)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: anchoring.constant(1.1, 1), "share"),
        (lambda: anchoring.constant(0.1, -1), "noise"),
        (lambda: anchoring.least_share(-1, 1, True), "drift"),
        (lambda: anchoring.least_share(-1, 1), "drift"),
        (lambda: anchoring.curve(0.5, 1, -1), "num_generations"),
        (lambda: anchoring.curve(0.5, 1, 3, -1), "start"),
        (lambda: anchoring.drift_at(-1, 0.5, 1), "generation"),
        (lambda: anchoring.first_passage(math.nan, 0.5, 1), "tolerance"),
        (lambda: anchoring.first_passage(1, 0.5, 1, -1), "start"),
        (lambda: anchoring.share_until(-1, 1, 3), "tolerance"),
        (lambda: anchoring.share_until(1, 1, 1.5), "num_generations"),
        (lambda: anchoring.decaying(-1, 1, 3), "scale"),
        (lambda: anchoring.decaying_leading(1, math.inf, 3), "noise"),
        (lambda: anchoring.periodic(0, 1), "period"),
        (lambda: anchoring.longest_period(-1, 1), "drift"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
