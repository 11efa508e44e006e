"""A mean under a verifier that errs: against its parts, and against simulation."""

import numpy as np
import pytest

from collapse.theory import verifiers
from collapse.theory.verified_loop import errors, kept_rows


def test_without_noise_kept_rows_are_those_of_the_verifier():
    for gap in (-1.5, 0.0, 0.4):
        found = kept_rows(gap, 0.8)
        np.testing.assert_allclose(found.gap, verifiers.refit(gap, 0.8))
        np.testing.assert_allclose(found.variance, verifiers.kept_variance(gap, 0.8))
        np.testing.assert_allclose(found.share, verifiers.keep_rate(gap, 0.8))


def test_decisions_that_are_coins_keep_half_of_the_rows_and_their_law():
    assert kept_rows(0.7, 1.0, 0.5) == pytest.approx((0.5, 0.7, 1.0))


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_slope_of_the_kept_mean_is_the_variance_of_a_kept_row(noise):
    step = 1e-4
    low, high = (kept_rows(0.6 + s, 1.1, noise).gap for s in (-step, step))
    slope = (high - low) / (2 * step)
    np.testing.assert_allclose(slope, kept_rows(0.6, 1.1, noise).variance, rtol=1e-6)


def test_a_small_bias_gives_the_map_made_linear():
    found = errors(0.01, 1.0, 10**6, 12)
    linear = verifiers.errors(0.01, 1.0, 10**6, 12)
    np.testing.assert_allclose(found.to_truth, linear.to_truth, rtol=1e-3)
    np.testing.assert_allclose(found.to_verifier, linear.to_verifier, rtol=1e-3)


def test_accumulated_rows_kept_at_random_have_the_known_error():
    """Variances 1 / (n (t+1)^2) of independent batches add up."""
    found = errors(0.0, 1.0, 50, 9, "accumulate", noise=0.5)
    t = np.arange(1, 11)
    np.testing.assert_allclose(found.to_truth, np.cumsum(1 / t**2) / 50, rtol=1e-6)


SETTINGS = [
    ("replace", 0.0, 0.0),
    ("replace", 0.2, 0.1),
    ("accumulate", 0.0, 0.0),
    ("accumulate", 0.1, 0.2),
]


@pytest.mark.parametrize("workflow, noise, share", SETTINGS)
def test_errors_are_those_of_simulated_rows(workflow, noise, share):
    bias, reach, n, last, seeds = 0.8, 1.2, 100, 6, 4000
    found = errors(bias, reach, n, last, workflow, noise, share)
    rng = np.random.default_rng(3)
    mean = rng.normal(size=(seeds, n)).mean(1)
    for t in range(1, last + 1):
        rows = mean[:, None] + rng.normal(size=(seeds, 6 * n))
        inside = abs(rows - bias) <= reach
        kept = np.where(rng.random(rows.shape) < noise, ~inside, inside)
        real = round(share * n)
        kept &= kept.cumsum(1) <= n - real
        assert (kept.sum(1) == n - real).all()
        new = (rows * kept).sum(1) + rng.normal(size=(seeds, real)).sum(1)
        part = 1.0 if workflow == "replace" else 1 / (t + 1)
        mean = (1 - part) * mean + part * new / n
    squares = mean**2, (mean - bias) ** 2
    for square, curve in zip(squares, (found.to_truth, found.to_verifier), strict=True):
        error = square.std() / np.sqrt(seeds)
        assert abs(square.mean() - curve[-1]) < 4.5 * error + 1 / n**2
        assert abs(square.mean() - 1.25 * curve[-1]) > 4.5 * error + 1 / n**2


@pytest.mark.parametrize(
    "given, said",
    [
        ({"bias": -1.0}, "bias"),
        ({"reach": 0.0}, "reach"),
        ({"noise": 0.6}, "noise"),
        ({"real_share": 1.5}, "real_share"),
        ({"workflow": "window"}, "workflow"),
        ({"rows": 0}, "rows"),
    ],
)
def test_values_out_of_range_are_refused(given, said):
    usual = {"bias": 0.1, "reach": 1.0, "rows": 10, "num_generations": 2}
    with pytest.raises(ValueError, match=said):
        errors(**(usual | given))


@pytest.mark.parametrize("real", [0.0, 0.2])
def test_what_errors_neglect_falls_like_the_square_of_the_rows(real):
    """Four times the rows leave a sixteenth of it, and a quarter if 1 / n is missed.

    The first verified generation, exactly: a mean over m ~ N(0, 1 / n) by quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)

    def neglected(n):
        gaps = -0.8 + nodes / np.sqrt(n)
        share, gap, variance = np.array([kept_rows(g, 1.2, 0.1) for g in gaps]).T
        gap = (1 - real) * gap - real * 0.8  # real rows are at a gap of -0.8
        own = (real + (1 - real) * variance) / n
        exact = (gap + 0.8) ** 2 + own, gap**2 + own, share
        curves = errors(0.8, 1.2, n, 1, noise=0.1, real_share=real)
        found = np.array([curve[1] for curve in curves])
        return abs(np.array(exact) @ weights / weights.sum() - found)

    assert (neglected(100) > 12 * neglected(400)).all()
