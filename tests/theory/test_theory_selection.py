"""Selection towards a target, against draws, and random selection as a control."""

import math

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

from collapse.theory import selection

close = np.testing.assert_allclose


@pytest.mark.parametrize("mean", [0.0, 0.4, -2.0, 8.0])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_the_nearest_share_is_kept(mean, share):
    """Against the quantile of a non-central chi-squared law, and quadrature."""
    scale = 1.5
    half = math.sqrt(scipy.stats.ncx2.ppf(share, 1, (mean / scale) ** 2)) * scale
    ends = (np.array([-half, half]) - mean) / scale
    right = scipy.stats.truncnorm.stats(*ends, loc=mean, scale=scale)
    found = selection.keep_nearest(mean, scale**2, share)
    close(found, right, rtol=1e-6, atol=1e-12)


def test_what_needs_no_selection():
    assert selection.keep_nearest(0.3, 2.0, 1) == (0.3, 2.0)
    assert selection.keep_nearest(0.3, 0.0, 0.5) == (0.3, 0.0)
    far = selection.keep_nearest(1e9, 1.0, 0.5)  # the lower half
    close(far[0] - 1e9, -math.sqrt(2 / math.pi), rtol=1e-6)
    close(far[1], 1 - 2 / math.pi, rtol=1e-9)


def simulated(share, workflow, at_random, generations=3, seeds=500, rows=2000):
    """Mean and variance of each generation [seeds, generations + 1, 2]."""
    rng = np.random.default_rng([SEED, 81])
    pool = 1.2 + rng.standard_normal((seeds, rows))
    found = [(pool.mean(1), pool.var(1))]
    for _ in range(generations):
        mean, variance = (x[:, None] for x in found[-1])
        shape = seeds, round(rows / share)
        drawn = mean + np.sqrt(variance) * rng.standard_normal(shape)
        if not at_random:
            order = np.argpartition(abs(drawn), rows, axis=1)
            drawn = np.take_along_axis(drawn, order, 1)
        kept = drawn[:, :rows]
        pool = kept if workflow == "replace" else np.hstack([pool, kept])
        found.append((pool.mean(1), pool.var(1)))
    return np.moveaxis(np.array(found), 2, 0)


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_selection_is_met_by_simulation(workflow):
    """With 2000 rows, whose finite number shifts means by less than is seen."""
    share = 0.5
    draws = simulated(share, workflow, at_random=False)
    right = np.stack(selection.selected(1.2, 1.0, share, 3, workflow), 1)
    other = {"replace": "accumulate", "accumulate": "replace"}[workflow]
    wrong = np.stack(selection.selected(1.2, 1.0, share, 3, other), 1)
    assert_tells_apart(draws[:, 1:], right[1:], wrong[1:])


def test_random_selection_changes_nothing():
    """The control at the same rate of keeping: the first of the candidates."""
    draws = simulated(0.5, "accumulate", at_random=True, seeds=200)
    first = [1.2, 1.0 - 1 / 2000]  # what is left after a fit to the real rows
    assert_mean(draws[:, 3], first)
    selected = np.stack(selection.selected(1.2, 1.0, 0.5, 3, "accumulate"), 1)
    with pytest.raises(AssertionError):
        assert_mean(draws[:, 3], selected[3])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_rates_under_replace(share):
    rho = selection.contraction(share)
    z = scipy.stats.norm.ppf((1 + share) / 2)
    expected = 1 - 2 * z * scipy.stats.norm.pdf(z) / share
    assert rho == pytest.approx(expected, rel=1e-10)
    found = selection.selected(0.01, 1.0, share, 6, "replace")
    close(found.variance[1:] / found.variance[:-1], rho, rtol=1e-3)
    close(found.mean[1:] / found.mean[:-1], rho, rtol=1e-3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_rates_under_accumulate(share):
    """Powers of t: variance and gap alike, once the gap is below the spread."""
    found = selection.selected(0.3, 1.0, share, 2000, "accumulate")
    psi = selection.exponent(share)
    for curve in (found.variance, found.mean):
        power = -math.log(curve[2000] / curve[1000]) / math.log(2001 / 1001)
        assert power == pytest.approx(psi, rel=0.02)
    assert psi == pytest.approx(1 - selection.contraction(share))


def test_many_dimensions_are_milder():
    rng, dimension, share = np.random.default_rng([SEED, 82]), 3, 0.2
    rows = rng.standard_normal((400, 1000, dimension))
    squares = (rows**2).sum(2)
    kept = np.take_along_axis(squares, squares.argpartition(200, 1), 1)[:, :200]
    # of 1000 rows: the cut is a sample quantile, off by less than what is seen
    draws = kept.mean(1) / dimension
    right = selection.contraction(share, dimension)
    assert_tells_apart(draws, right, selection.contraction(share, 1))
    found = [selection.contraction(share, d) for d in (1, 2, 10, 100)]
    assert (np.diff(found) > 0).all() and found[-1] < 1
    assert selection.contraction(1.0, 3) == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_from_far_away_the_mean_does_not_arrive(share):
    edge = selection.basin(share, "replace")
    near, far = (
        selection.selected(edge * f, 1.0, share, 300, "replace") for f in (0.9, 1.1)
    )
    assert abs(near.mean[-1]) < 1e-9 and far.variance[-1] < 1e-9
    assert far.mean[-1] > 0.1  # where it stays
    assert far.mean[-1] == pytest.approx(far.mean[-50], rel=1e-9)


def test_the_basin_of_accumulate():
    """Pools that newest rows move by a hundredth, so that steps hardly matter."""
    assert selection.basin(0.5, "accumulate") == math.inf
    edge = selection.basin(0.8, "accumulate")
    assert edge == pytest.approx(2 / scipy.stats.norm.ppf(0.8), rel=0.01)
    assert selection.basin(1.0, "accumulate") == 0
    for factor, arrives in ((0.95, True), (1.05, False)):
        mean, variance, part = edge * factor, 1.0, 0.01
        for _ in range(3000):
            new, kept = selection.keep_nearest(mean, variance, 0.8)
            spread = part * (1 - part) * (new - mean) ** 2
            variance = (1 - part) * variance + part * kept + spread
            mean += part * (new - mean)
        assert (mean / math.sqrt(variance) < 0.1) == arrives
        assert (mean < 0.01) == arrives and variance < 0.01


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: selection.keep_nearest(0, 1, 0), "share"),
        (lambda: selection.keep_nearest(0, -1, 0.5), "variance"),
        (lambda: selection.selected(0, 1, 2, 3, "replace"), "share"),
        (lambda: selection.selected(0, 1, 0.5, -1, "replace"), "num_generations"),
        (lambda: selection.selected(0, 1, 0.5, 3, "window"), "workflow"),
        (lambda: selection.contraction(0.5, 0), "dimension"),
        (lambda: selection.exponent(0), "share"),
        (lambda: selection.basin(0.5, "mix"), "workflow"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
