"""Closed forms of mixtures of real and synthetic rows, against each other and draws."""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse import theory
from collapse.theory import mixing

close = np.testing.assert_allclose
shares = st.floats(0.01, 1)


@pytest.mark.parametrize(
    ("ratio", "weight"),
    [(0.25, 0.390388), (0.5, 0.5), (1, (math.sqrt(5) - 1) / 2), (2, 0.7320508)],
)
def test_the_best_weight_is_what_remains_of_the_error(ratio, weight):
    """The golden ratio for as many real rows as synthetic ones."""
    assert mixing.best_weight(ratio) == pytest.approx(weight, rel=1e-6)
    real = 1000
    left = mixing.location_limit(real, int(real / ratio), weight, "fresh") * real
    assert left == pytest.approx(weight, rel=1e-6)


@given(ratio=st.floats(1e-6, 1e6), weight=shares)
def test_no_weight_is_better_than_the_best(ratio, weight):
    best = mixing.best_weight(ratio)

    def cost(w):
        return (w**2 + ratio * (1 - w) ** 2) / (w * (2 - w))

    assert cost(best) <= cost(weight) * (1 + 1e-9)
    assert cost(best) == pytest.approx(best, rel=1e-6)
    assert best**2 == pytest.approx(ratio * (1 - best), rel=1e-6)


def test_the_best_weight_at_the_ends():
    assert mixing.best_weight(0) == 0
    assert mixing.best_weight(1e12) == pytest.approx(1, abs=1e-11)
    assert mixing.best_weight(1e-8) == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
@pytest.mark.parametrize("bias", [1.0, 0.7])
def test_location_tends_to_its_limit(anchor, bias):
    for weight in (0.1, 0.5, 0.9, 1.0):
        setting = (30, 50, weight)
        curve = mixing.location(*setting, 300, anchor, bias)
        assert curve.shape == (301,) and curve[0] == 1 / 30
        limit = mixing.location_limit(*setting, anchor, bias)
        assert curve[-1] == pytest.approx(limit, rel=1e-9)
    assert mixing.location_limit(30, 50, 0, anchor) == math.inf
    assert mixing.location(30, 50, 0, 9, anchor)[-1] == pytest.approx(1 / 30 + 9 / 50)
    assert mixing.location(30, 0, 1, 9, anchor)[-1] == pytest.approx(1 / 30)


@given(weight=shares, real=st.integers(1, 99), synthetic=st.integers(1, 99))
def test_synthetic_rows_never_help_a_fixed_anchor(weight, real, synthetic):
    assert mixing.location_limit(real, synthetic, weight, "fixed") >= 1 / real


def test_pooling_a_budget_is_the_weight_of_its_shares():
    printed = {"fresh": (5.263, 1.961, 1.171), "fixed": (14.74, 4.706, 2.065)}
    for anchor, values in printed.items():
        for share, value in zip((0.1, 0.3, 0.618), values, strict=True):
            found = 1000 * mixing.budget_limit(1000, share, anchor)
            assert found == pytest.approx(value, rel=5e-4)
            real = round(1000 * share)
            limit = mixing.location_limit(real, 1000 - real, share, anchor)
            assert 1000 * limit == pytest.approx(found, rel=1e-9)
        falling = [mixing.budget_limit(9, a, anchor) for a in np.linspace(0.01, 1, 99)]
        assert (np.diff(falling) < 0).all()
        assert mixing.budget_limit(9, 0, anchor) == math.inf


@given(price=st.floats(0, 1e6), other=shares)
def test_no_share_is_better_at_its_price(price, other):
    best = mixing.best_share_at_price(price)

    def cost(a):
        return 1 / (a * (2 - a)) + price * a

    assert cost(best) <= cost(other) * (1 + 1e-12)
    if 0 < best < 1:
        steep = 2 * (1 - best) / (best * (2 - best)) ** 2
        assert steep == pytest.approx(price, rel=1e-6, abs=1e-9)


def test_the_least_anchor_holds_and_less_does_not():
    for drift, noise in ((1.0, 0.02), (0.05, 0.01), (0.3, 2.0)):
        least = mixing.least_anchor(drift, noise)
        held = mixing.anchored_drift(np.full(10_000, least), noise)
        assert held.max() <= drift * (1 + 1e-9)
        assert held[-1] == pytest.approx(drift, rel=1e-6)
        assert mixing.anchored_drift(np.full(10_000, 0.8 * least), noise)[-1] > drift
    assert mixing.least_anchor(1.0, 1e-6) == pytest.approx(5e-7, rel=1e-3)
    assert mixing.least_anchor(0.0, 1.0) == 1 and mixing.least_anchor(1.0, 0.0) == 0


@pytest.mark.parametrize("c", [0.5, 1.5, 4.0])
def test_shares_that_go_to_nothing_hold_nothing(c):
    t = np.arange(1, 100_001)
    found = mixing.anchored_drift(np.minimum(1, c / t), 0.01)
    assert found[-1] == pytest.approx(0.01 * t[-1] / (1 + 2 * c), rel=1e-3)
    assert found[-1] > 9 * found[10_000]


def test_drift_under_falling_shares_by_simulation():
    """Models pulled to their anchor by a_t = c / t walk away all the same."""
    rng, noise, drift = np.random.default_rng(SEED), 0.01, np.zeros(4000)
    shares = np.minimum(1, 1.5 / np.arange(1, 2001))
    early = None
    for t, share in enumerate(shares, 1):
        drift = (1 - share) * (drift + rng.normal(0, noise**0.5, len(drift)))
        early = drift if t == 200 else early
    expected = mixing.anchored_drift(shares, noise)
    held = mixing.anchored_drift(np.full(2000, shares[-1]), noise)  # by the last alone
    faster = mixing.anchored_drift(np.minimum(1, 0.5 / np.arange(1, 2001)), noise)
    for wrong in (held, faster):
        draws, at = np.stack([early, drift], 1) ** 2, [200, -1]
        assert_tells_apart(draws, expected[at], wrong[at])
    assert np.mean(drift**2) > 8 * np.mean(early**2)


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_plain_pooling_is_the_mix_of_moments(anchor, ddof):
    """Where the latter's first fit has the real rows alone, too."""
    ours = mixing.moments(12, 8, 0.6, 30, ddof, anchor)
    other = theory.mix(12, 12, 8, 30, ddof, anchor)
    close(np.array(ours), np.array(other), rtol=1e-12)


def simulated(real, synthetic, weight, generations, ddof, anchor, bias, seeds):
    """Squared mean error and variance of each fit [seeds, generations + 1, 2]."""
    rng = np.random.default_rng(SEED)
    pool = rng.standard_normal((seeds, real))
    mean, variance = pool.mean(1), pool.var(1, ddof=ddof)
    found = [(mean**2, variance)]
    share = np.repeat([weight / real, (1 - weight) / synthetic], [real, synthetic])
    total = real + synthetic
    for _ in range(generations):
        if anchor == "fresh":
            pool = rng.standard_normal((seeds, real))
        noise = rng.standard_normal((seeds, synthetic))
        generated = mean[:, None] + np.sqrt(bias * variance)[:, None] * noise
        rows = np.hstack([pool, generated])
        mean = rows @ share
        variance = (rows - mean[:, None]) ** 2 @ share * total / (total - ddof)
        found.append((mean**2, variance))
    return np.moveaxis(np.array(found), 2, 0)


@pytest.mark.parametrize(
    "case",
    [
        (6, 9, 0.3, 4, 0, "fresh", 0.8),
        (6, 9, 0.3, 4, 1, "fixed", 0.8),
        (5, 3, 0.9, 4, 1, "fresh", 1.0),
        (5, 3, 0.2, 4, 0, "fixed", 1.5),
    ],
)
@pytest.mark.statistical
def test_moments_are_met_by_simulation(case):
    *setting, anchor, bias = case
    draws = simulated(*case, seeds=20_000)
    right = mixing.moments(*setting, anchor, bias)
    right = np.stack([right.mean_error, right.variance], 1)
    other = {"fresh": "fixed", "fixed": "fresh"}[anchor]
    for control in (
        mixing.moments(*setting, other, bias),
        mixing.moments(*setting, anchor, bias + 0.3),
    ):
        wrong = np.stack([control.mean_error, control.variance], 1)
        assert_tells_apart(draws[:, 1:], right[1:], wrong[1:])


def test_the_plateau_of_a_biased_sampler_is_that_of_many_rows():
    for weight, bias in ((0.5, 0.85), (0.1, 0.5), (1.0, 0.3), (0.3, 1.0), (0.2, 1.1)):
        many = mixing.moments(10**9, 10**9, weight, 400, 1, "fresh", bias)
        assert mixing.plateau(weight, bias) == pytest.approx(many.variance[-1])
    assert mixing.plateau(0, 1) == 1 and mixing.plateau(0, 0.9) == 0
    for weight, bias in ((0.1, 2), (0, 1.5), (0.5, 2)):
        assert mixing.plateau(weight, bias) == math.inf
    steps = mixing.moments(10**9, 10**9, 0.1, 400, 1, "fresh", 2.0).variance
    assert steps[-1] > 1e90


@pytest.mark.statistical
def test_shares_of_a_state_by_simulation():
    """A fixed pool of ten rows, of which three have the state, and eight draws."""
    rng, share = np.random.default_rng(SEED), np.full(40_000, 0.3)
    draws = []
    for _ in range(5):
        share = (3 + rng.binomial(8, share)) / 18
        draws.append((share - 0.3) ** 2)
    right = mixing.state_variance(0.3, 10, 8, 5)
    wrong = mixing.state_variance(0.3, 0, 8, 5)  # no anchor
    assert right[0] == 0
    assert_tells_apart(np.stack(draws, 1), right[1:], wrong[1:])
    a = 8 / 18
    limit = a**2 * 0.21 / 8 / (1 - a**2 * (1 - 1 / 8))
    assert mixing.state_variance(0.3, 10, 8, 200)[-1] == pytest.approx(limit)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: mixing.location(0, 5, 0.5, 3, "fresh"), "real"),
        (lambda: mixing.location(5, -1, 0.5, 3, "fresh"), "synthetic"),
        (lambda: mixing.location(5, 0, 0.5, 3, "fresh"), "weight"),
        (lambda: mixing.location(5, 5, 1.5, 3, "fresh"), "weight"),
        (lambda: mixing.location(5, 5, 0.5, -1, "fresh"), "num_generations"),
        (lambda: mixing.location(5, 5, 0.5, 3, "loose"), "anchor"),
        (lambda: mixing.location_limit(5, 5, 0.5, "fresh", -1), "bias"),
        (lambda: mixing.best_weight(-1), "ratio"),
        (lambda: mixing.budget_limit(0, 0.5, "fresh"), "n"),
        (lambda: mixing.budget_limit(5, float("nan"), "fresh"), "share"),
        (lambda: mixing.best_share_at_price(-1), "price"),
        (lambda: mixing.least_anchor(-1, 1), "drift"),
        (lambda: mixing.least_anchor(1, math.inf), "noise"),
        (lambda: mixing.anchored_drift([0.5, 2], 1), "shares"),
        (lambda: mixing.state_variance(2, 5, 5, 3), "q"),
        (lambda: mixing.state_variance(0.5, 5, 0, 3), "synthetic"),
        (lambda: mixing.moments(1, 5, 0.5, 3, 1, "fresh"), "ddof"),
        (lambda: mixing.plateau(-0.1, 1), "weight"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
