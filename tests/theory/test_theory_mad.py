"""How many synthetic rows help, against a printed table and draws of rows."""

import math

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED

from collapse import theory
from collapse.theory import mad, mixing

close = np.testing.assert_allclose


@pytest.mark.parametrize(
    ("bias", "printed"),
    [
        (1, (0.0316, 0.0252, 0.0212, 0.0199)),
        (0.95, (0.0313, 0.0244, 0.0238, 0.0447)),
        (0.85, (0.0307, 0.0262, 0.0555, 0.142)),
        (0.7, (0.0309, 0.0342, 0.1145, 0.2545)),
    ],
)
def test_table_of_late_errors(bias, printed):
    """Found by simulation with an error of about a hundredth."""
    for synthetic, value in zip((10, 40, 160, 400), printed, strict=True):
        found = mad.late_error(40, synthetic, bias)
        assert found == pytest.approx(value, rel=0.02)
        helps = value < 0.0377
        assert (synthetic <= mad.threshold(40, bias)) == helps
    assert mad.real_error(40) == pytest.approx(0.0377, abs=1e-4)


@pytest.mark.parametrize("bias", [0.7, 1.0, 1.2])
def test_first_moments_are_those_of_mixing(bias):
    ours = mad.moments(12, 8, bias, 20)
    other = mixing.moments(12, 8, 0.6, 20, 1, "fresh", bias)
    close(ours.variance, other.variance, rtol=1e-12)
    close(ours.mean_error, other.mean_error, rtol=1e-12)


OUTER = 0.6


def outer(rng, shape):
    """Rows that a verifier keeps, far from the mean of their model."""
    tail = OUTER / 2 * rng.random(shape)
    return rng.choice([-1, 1], shape) * scipy.special.ndtri(tail)


def simulated(real, synthetic, bias, noise, generations, seeds):
    """Mean and variance of each fit [seeds, generations + 1, 2]."""
    rng = np.random.default_rng([SEED, 95])
    rows = rng.standard_normal((seeds, real))
    mean, variance = rows.mean(1), rows.var(1, ddof=1)
    found = [(mean, variance)]
    for _ in range(generations):
        drawn = noise(rng, (seeds, synthetic))
        generated = mean[:, None] + np.sqrt(bias * variance)[:, None] * drawn
        rows = np.hstack([rng.standard_normal((seeds, real)), generated])
        mean, variance = rows.mean(1), rows.var(1, ddof=1)
        found.append((mean, variance))
    return np.moveaxis(np.array(found), 2, 0)


@pytest.mark.parametrize(
    ("noise", "kept", "sizes"),
    [
        (lambda rng, shape: rng.standard_normal(shape), (1.0, 0.0), (8, 6)),
        (outer, mad.kept(OUTER, "outer"), (8, 6)),
        # of two signs, where squares and mean of two rows exclude each other
        (lambda rng, shape: rng.choice([-1, 1], shape), (1.0, -2.0), (4, 2)),
    ],
)
def test_moments_are_met_by_simulation(noise, kept, sizes):
    bias, at, (scale, kurtosis) = 0.7, [1, 3], kept
    draws = simulated(*sizes, bias, noise, 3, 100_000)
    mean, variance = draws[..., 0], draws[..., 1]
    products = [mean**2, variance, mean**4, mean**2 * variance, variance**2]
    found = np.stack(products, 2)[:, at]
    setting = *sizes, bias * scale, 3
    right = np.stack(mad.moments(*setting, kurtosis), 1)[at]
    for wrong in (
        mad.moments(*setting, kurtosis + 3),  # as of Laplace rows
        mad.moments(*sizes, 1.0, 3, kurtosis),
    ):
        assert_tells_apart(found, right, np.stack(wrong, 1)[at])
    if sizes[0] > 4:  # there the gamma law is near enough
        errors = mean**2 + (np.sqrt(variance) - 1) ** 2
        expected = mad.errors(*setting, kurtosis)
        assert_mean(errors[:, 1:], expected[1:])
        assert (detectable(errors) < 0.05 * expected).all()


def test_kept_rows_are_those_of_a_truncated_law():
    rng = np.random.default_rng([SEED, 96])
    rows = rng.standard_normal(200_000)
    for side in ("outer", "inner"):
        found = mad.kept(OUTER, side)
        cut = scipy.stats.norm.ppf(1 - OUTER / 2 if side == "outer" else 0.8)
        kept = rows[(abs(rows) > cut) == (side == "outer")]
        fourth = (found.kurtosis + 3) * found.variance**2
        draws = np.stack([kept**2, kept**4], 1)
        assert_tells_apart(draws, [found.variance, fourth], [1, 3])
        assert mad.kept(1.0, side) == (1, 0)
    assert mad.kept(1e-9, "inner").kurtosis == pytest.approx(-1.2, abs=1e-3)


def test_the_error_of_real_rows_is_that_of_a_first_fit():
    for real in (2, 9, 40):
        right = theory.w2_squared(real, 0, 1)[0]
        assert mad.real_error(real) == pytest.approx(right, rel=1e-10)
        first = mad.errors(real, 5, 0.8, 400)
        assert first[0] == pytest.approx(right, rel=1e-10)
        assert first[-1] == pytest.approx(mad.late_error(real, 5, 0.8), rel=1e-6)


@pytest.mark.parametrize("bias", [0.6, 0.9, 0.98])
def test_a_threshold_is_the_last_number_that_does_no_harm(bias):
    found = mad.threshold(40, bias)
    assert mad.late_error(40, int(found), bias) <= mad.real_error(40)
    assert mad.late_error(40, int(found) + 1, bias) > mad.real_error(40)


@pytest.mark.parametrize("kurtosis", [0.0, -0.8])
def test_the_threshold_tends_to_its_limit_with_more_real_rows(kurtosis):
    for bias in (0.7, 0.9, 1.1):
        limit = mad.threshold_limit(bias, kurtosis)
        found = [mad.threshold(r, bias, kurtosis) for r in (100, 10**6)]
        assert found[1] == pytest.approx(limit, abs=1 + 2e-3 * limit)
        assert found[0] < 0.95 * found[1]
    assert mad.threshold_limit(1.0) == mad.threshold(40, 1.0) == math.inf


def test_a_keep_rule_that_corrects_the_bias_raises_the_threshold():
    for bias in (0.7, 0.85, 0.95):
        plain = mad.threshold(40, bias)
        for share, side, more in ((0.95, "outer", True), (0.95, "inner", False)):
            rule = mad.kept(share, side)
            curated = mad.threshold(40, bias * rule.variance, rule.kurtosis)
            assert (curated > plain) == more
        share = mad.correcting_share(bias)
        rule = mad.kept(share, "outer")
        assert bias * rule.variance == pytest.approx(1)
        # any number helps then, up to rounding of the share
        assert mad.late_error(40, 10**6, 1.0, rule.kurtosis) < mad.real_error(40)
        over = mad.kept(share / 2, "outer")  # one that does too much does harm again
        assert mad.threshold(40, bias * over.variance, over.kurtosis) < math.inf
    assert mad.correcting_share(1.0) == 1


def test_without_a_limit_the_error_is_infinite():
    assert mad.late_error(5, 200, 1.3) == math.inf
    assert mad.errors(5, 200, 1.3, 300)[-1] > 1e6


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: mad.moments(1, 5, 0.9, 3), "real"),
        (lambda: mad.moments(5, 0, 0.9, 3), "synthetic"),
        (lambda: mad.errors(5, 5, -1, 3), "bias"),
        (lambda: mad.errors(5, 5, 0.9, -3), "num_generations"),
        (lambda: mad.late_error(5, 5, 0.9, -3), "kurtosis"),
        (lambda: mad.real_error(1), "real"),
        (lambda: mad.threshold_limit(-1), "bias"),
        (lambda: mad.kept(0, "outer"), "share"),
        (lambda: mad.kept(0.5, "left"), "side"),
        (lambda: mad.correcting_share(1.2), "bias"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
