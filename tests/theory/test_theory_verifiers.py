"""The map of verified retraining, against draws of rows that a verifier keeps."""

import math

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_tells_apart, detectable
from conftest import SEED

from collapse.theory import verifiers

close = np.testing.assert_allclose
ndtr, ndtri = scipy.special.ndtr, scipy.special.ndtri


@pytest.mark.parametrize(
    ("reach", "printed"), [(0.5, 0.081), (1, 0.291), (2, 0.774), (3, 0.973)]
)
def test_table_of_contractions(reach, printed):
    found = verifiers.contraction(reach)
    assert abs(found - printed) < 5.001e-4
    phi, mass = scipy.stats.norm.pdf(reach), 2 * scipy.stats.norm.cdf(reach) - 1
    assert found == pytest.approx(1 - 2 * reach * phi / mass, rel=1e-12)


@pytest.mark.parametrize("reach", [0.3, 1.0, 2.5])
def test_the_slope_of_the_map_is_the_variance_of_what_is_kept(reach):
    gaps, step = np.linspace(-6, 6, 41), 1e-5
    ends = verifiers.refit(gaps + step, reach), verifiers.refit(gaps - step, reach)
    slope = (ends[0] - ends[1]) / (2 * step)
    variance = verifiers.kept_variance(gaps, reach)
    close(slope, variance, rtol=1e-6)
    assert (variance > 0).all() and (variance < 1).all()
    assert variance.argmax() == 20  # at the centre, which makes `distance` a bound
    rising = np.diff(verifiers.kept_variance(np.linspace(0, 30, 3000), reach))
    assert (rising <= 1e-15).all()


@pytest.mark.parametrize("reach", [0.2, 1.0, 3.0])
def test_the_only_fixed_point_is_the_centre(reach):
    assert verifiers.refit(0.0, reach) == pytest.approx(0, abs=1e-14)
    for start in (5.0, -0.5):
        found = verifiers.path(start, reach, 2000)
        assert found.shape == (2001,) and found[0] == start
        assert abs(found[-1]) < 1e-10
        assert (np.diff(abs(found)) <= 1e-15).all()
    late = verifiers.path(1e-3, reach, 1)
    assert late[1] / late[0] == pytest.approx(verifiers.contraction(reach), rel=1e-5)


def kept_rows(rng, gaps, reach, rows):
    """Rows of N(gap, 1) in [-reach, reach] [S, rows], by the inverse of their law."""
    low, high = ndtr(-reach - gaps)[:, None], ndtr(reach - gaps)[:, None]
    return gaps[:, None] + ndtri(low + (high - low) * rng.random((len(gaps), rows)))


def test_one_fit_is_met_by_rejection():
    """Rows are drawn and thrown away, as a verifier does it."""
    rng, gap, reach = np.random.default_rng([SEED, 41]), 0.8, 1.2
    rows = gap + rng.standard_normal(400_000)
    kept = abs(rows) <= reach
    rate = verifiers.keep_rate(gap, reach)
    assert_tells_apart(kept, rate, verifiers.keep_rate(0.0, reach))
    mean, variance = verifiers.refit(gap, reach), verifiers.kept_variance(gap, reach)
    rows = rows[kept]
    draws = np.stack([rows, (rows - mean) ** 2], 1)
    rho = verifiers.contraction(reach)
    assert_tells_apart(draws, [mean, variance], [rho * gap, rho])  # as if it were small


def simulated(bias, reach, sizes, seeds):
    """Means of each generation [seeds, G + 1] about the truth, which is 0."""
    rng = np.random.default_rng([SEED, 42])
    mean = rng.standard_normal(seeds) / math.sqrt(sizes[0])
    found = [mean]
    for size in sizes[1:]:
        mean = bias + kept_rows(rng, mean - bias, reach, size).mean(1)
        found.append(mean)
    return np.stack(found, 1)


def test_errors_are_met_by_simulation():
    """Near the centre, where what the linear map leaves out is a thousandth."""
    bias, reach, sizes = 0.1, 1.5, [80, 150, 150, 300, 300]
    means = simulated(bias, reach, sizes, 6000)
    right = verifiers.errors(bias, reach, sizes, 4)
    draws = np.stack([means**2, (means - bias) ** 2], 2)
    # the control has the noise of rows that are not truncated
    rho = verifiers.contraction(reach)
    wrong = np.array(verifiers.errors(bias, reach, np.array(sizes), 4)).T
    for t in range(1, 5):
        wrong[t:] += ((1 - rho) / sizes[t] * rho ** (2 * np.arange(5 - t)))[:, None]
    right = np.stack([right.to_truth, right.to_verifier], 1)
    assert_tells_apart(draws, right, wrong[:, ::-1])


def test_the_distance_is_a_bound_from_far_away():
    reach, start, seeds = 1.0, 2.0, 4000
    rng, gaps = np.random.default_rng([SEED, 43]), np.full(4000, start)
    bound = verifiers.distance(start**2, reach, 20, 4)
    linear = verifiers.contraction(reach)
    assert bound[1] == pytest.approx(linear**2 * start**2 + linear / 20)
    for t in range(1, 5):
        gaps = kept_rows(rng, gaps, reach, 20).mean(1)
        squares = gaps**2
        assert squares.mean() < bound[t] + detectable(squares)
        if t == 1:  # it is no equality there: the map is curved
            assert squares.mean() < bound[t] - detectable(squares)
    assert len(gaps) == seeds


def test_errors_end_where_they_must():
    bias, reach = 0.2, 1.0
    rho = verifiers.contraction(reach)
    found = verifiers.errors(bias, reach, 50, 400)
    noise = rho / 50 / (1 - rho**2)
    assert found.to_verifier[-1] == pytest.approx(noise)
    assert found.to_truth[-1] == pytest.approx(bias**2 + noise)
    assert found.to_truth[0] == pytest.approx(1 / 50)
    wide = verifiers.errors(bias, 40.0, 50, 10)  # keeps every row: replace
    close(wide.to_truth, np.arange(1, 12) / 50, rtol=1e-9)
    growing = verifiers.errors(bias, reach, 50 * 4 ** np.arange(12), 11)
    assert growing.to_verifier[-1] < 1e-4  # the noise goes where numbers grow


@pytest.mark.parametrize("reach", [0.7, 1.5, 2.5])
@pytest.mark.parametrize("bias", [0.02, 0.08, 0.15, 0.6])
def test_a_verdict_is_what_many_rows_give(bias, reach):
    real, rho = 100, verifiers.contraction(reach)
    sizes = np.full(400, 10**12)
    sizes[0] = real
    curve = verifiers.errors(bias, reach, sizes, 399).to_truth
    found = verifiers.worth(bias, reach, real)
    assert found.first == pytest.approx(curve[0])
    assert found.second == pytest.approx(curve[1], rel=1e-6)
    assert found.best == pytest.approx(curve.min(), rel=1e-6)
    assert found.best_generation == curve.argmin()
    assert found.last == pytest.approx(curve[-1], rel=1e-4)
    helps = bias**2 * (1 - rho) < (1 + rho) / real
    assert (found.second < found.first) == helps
    assert found.best >= bias**2 / (1 + real * bias**2) * (1 - 1e-12)


def test_a_verifier_helps_first_and_reverses_if_it_is_biased():
    small = verifiers.worth(0.05, 2.0, 100)
    assert small.best < small.second < small.first and small.best < small.last
    large = verifiers.worth(0.5, 1.0, 100)
    assert large.best_generation == 0 and large.second > large.first
    none = verifiers.worth(0.0, 2.0, 100)
    assert none.best_generation == math.inf and none.best == none.last == 0
    wide = verifiers.worth(0.1, 50.0, 100)
    assert wide.best_generation == 0 and wide.best == wide.first


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: verifiers.contraction(0), "reach"),
        (lambda: verifiers.refit(0.0, math.inf), "reach"),
        (lambda: verifiers.keep_rate(math.nan, 1.0), "gap"),
        (lambda: verifiers.path(0.1, 1.0, -1), "num_generations"),
        (lambda: verifiers.distance(-1, 1.0, 5, 3), "start"),
        (lambda: verifiers.errors(-1, 1.0, 5, 3), "bias"),
        (lambda: verifiers.errors(0.1, 1.0, 0, 3), "n"),
        (lambda: verifiers.worth(0.1, 1.0, 0), "real"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
