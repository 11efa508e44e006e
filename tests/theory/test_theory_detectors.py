"""Rows weighed by a detector, against printed laws and draws."""

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.theory import detectors

close = np.testing.assert_allclose
REAL, MADE, SHARE = [0.5, 0.3, 0.15, 0.05], [0.7, 0.25, 0.05, 0.0], 0.2
FULL = [0.7, 0.25, 0.04, 0.01]  # a model that generates every state
POOL = SHARE * np.array(REAL) + (1 - SHARE) * np.array(MADE)


@pytest.mark.parametrize(
    ("power", "printed"),
    [
        (0, POOL),
        (1, REAL),
        (2, (0.29, 0.27, 0.25, 0.19)),
        (10, (0.0, 0.0, 0.001, 0.999)),
    ],
)
def test_table_of_powers(power, printed):
    found = detectors.reweighted(REAL, MADE, SHARE, power)
    assert abs(found - printed).max() < (1e-12 if power < 2 else 5.1e-3)
    if power:
        says = detectors.probability(REAL, MADE, SHARE)
        expected = np.array(REAL) * says ** (power - 1)
        close(found, expected / expected.sum(), rtol=1e-12)


def test_the_detector_says_how_probable_real_is():
    close(
        detectors.probability(REAL, MADE, SHARE),
        SHARE * np.array(REAL) / POOL,
        rtol=1e-12,
    )
    said = detectors.probability([1, 0, 0], [0.5, 0.5, 0], 0.5)
    close(said[:2], [2 / 3, 0], rtol=1e-12)
    cautious = detectors.probability(REAL, FULL, SHARE, 1e6)
    close(cautious, 0.5, atol=1e-5)
    assert (detectors.probability(REAL, FULL, SHARE, 1, 3) > POOL).any()


def test_weights_are_met_by_simulation():
    """Rows of the pool with the weights of a miscalibrated detector."""
    rng, power, temperature = np.random.default_rng([SEED, 71]), 3.0, 1.7
    rows = np.where(
        rng.random(60_000) < SHARE,
        rng.choice(4, 60_000, p=REAL),
        rng.choice(4, 60_000, p=FULL),
    )
    weight = detectors.probability(REAL, FULL, SHARE, temperature)[rows] ** power
    mean = weight.mean()
    for factor, wrong in ((temperature, 1.0), (temperature, 1.3)):
        right = detectors.reweighted(REAL, FULL, SHARE, power, factor)
        control = detectors.reweighted(REAL, FULL, SHARE, power, wrong)
        # the ratio of means is right where the mean of this is 0
        draws = weight[:, None] * ((rows[:, None] == np.arange(4)) - right) / mean
        assert_tells_apart(draws, 0, control - right)
    effective = detectors.effective_share(REAL, FULL, SHARE, power, temperature)
    # E w^2 effective = (E w)^2, from two halves, which are independent
    first, second = weight.reshape(2, -1)
    squares = (first**2 + second**2) / 2
    for other in (1.0, 0.5 * effective):
        draws = squares * effective - first * second
        assert_tells_apart(draws, 0, squares.mean() * (effective - other))


def test_the_effective_share():
    assert detectors.effective_share(REAL, MADE, SHARE, 0) == pytest.approx(1)
    assert detectors.effective_share(REAL, REAL, SHARE, 7) == pytest.approx(1)
    apart = detectors.effective_share([1, 0], [0, 1], SHARE, 1)
    assert apart == pytest.approx(SHARE)  # the synthetic rows are seen and left out
    one = detectors.effective_share(REAL, MADE, SHARE, 1)
    says = detectors.probability(REAL, MADE, SHARE)
    assert one == pytest.approx(SHARE / (np.array(REAL) @ says)) and one > SHARE
    falling = [detectors.effective_share(REAL, MADE, SHARE, b) for b in range(1, 12)]
    assert (np.diff(falling) < 0).all() and falling[9] < 0.011


@given(
    seed=st.integers(0, 10**6),
    share=st.floats(0.01, 0.95),
    temperature=st.floats(0.2, 5),
    shift=st.floats(-2, 2),
)
def test_no_power_is_better_than_the_best(seed, share, temperature, shift):
    rng = np.random.default_rng(seed)
    real, made = rng.dirichlet(np.ones(5), 2)
    setting = real, made, share
    best = detectors.best_power(*setting, temperature, shift)

    def away(power):
        found = detectors.reweighted(*setting, power, temperature, shift)
        return real @ np.log(real / found)

    for other in (0.0, 1.0, 0.9 * best, 1.1 * best + 0.01):
        assert away(best) <= away(other) + 1e-12
    assert detectors.best_power(*setting) == pytest.approx(1, abs=1e-6)


def test_powers_above_one_help_where_a_detector_is_too_cautious():
    for temperature in (2.0, 5.0):
        assert detectors.best_power(REAL, FULL, SHARE, temperature) > 1.5
        rare = detectors.best_power(REAL, FULL, 1e-30, temperature)
        assert rare == pytest.approx(temperature, rel=1e-4)
    assert detectors.best_power(REAL, FULL, SHARE, 0.5) < 0.7
    assert detectors.best_power(REAL, FULL, SHARE, 1, 2.0) > 2  # takes too many
    assert detectors.best_power(REAL, FULL, SHARE, 1, -2.0) < 1
    assert detectors.best_power(REAL, REAL, SHARE, 3) == 1
    # with all states in both, D^10 ruins what a calibrated detector would repair
    real = np.array(REAL)

    def away(power, temperature):
        found = detectors.reweighted(REAL, FULL, SHARE, power, temperature)
        return real @ np.log(real / found)

    assert away(10, 1) > 10 * away(0, 1)
    assert away(10, 10) < 0.1 * away(0, 1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: detectors.probability([0.5, 0.6], [0.5, 0.5], 0.5), "real"),
        (lambda: detectors.probability([0.5, 0.5], [1.5, -0.5], 0.5), "synthetic"),
        (lambda: detectors.probability([0.5, 0.5], [1.0], 0.5), "synthetic"),
        (lambda: detectors.probability([0.5, 0.5], [1, 0], 0), "share"),
        (lambda: detectors.probability([0.5, 0.5], [1, 0], 0.5, 0), "temperature"),
        (
            lambda: detectors.probability([0.5, 0.5], [1, 0], 0.5, 1, float("nan")),
            "shift",
        ),
        (lambda: detectors.reweighted([0.5, 0.5], [1, 0], 0.5, -1), "power"),
        (lambda: detectors.effective_share([0.5, 0.5], [1, 0], 0.5, -1), "power"),
        (lambda: detectors.best_power([0.5, 0.5], [1, 0], 1), "share"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
