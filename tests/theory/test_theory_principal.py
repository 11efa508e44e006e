"""Components of noise: exact cases, published numbers, and simulated tables."""

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from calibrated import (
    NUM_CHECKS,
    SUITE_FALSE_ALARM,
    Z,
    assert_cdf,
    assert_tells_apart,
    count,
)
from conftest import SEED
from sklearn.decomposition import PCA

from collapse.theory import principal


def share_of_table(table, k):
    """Of the correlation matrix, as a library has it; the theory draws no table."""
    standard = (table - table.mean(0)) / table.std(0)
    return PCA(k).fit(standard).explained_variance_ratio_.sum()


def assert_share(hits, right, wrong):
    """So many of the draws hit as a probability says, and not as a wrong one does."""
    tail = SUITE_FALSE_ALARM / NUM_CHECKS / 2
    law, found = (scipy.stats.binom(len(hits), p) for p in (right, wrong)), sum(hits)
    inside = [one.ppf(tail) <= found <= one.isf(tail) for one in law]
    assert inside == [True, False], found / len(hits)
    count()


def assert_near(found, error, right):
    """A simulated number is right, by its own standard error, and not 2 % off."""
    assert (Z + 3) * error < 0.02 * right
    assert abs(found - right) < Z * error
    assert abs(found - 1.02 * right) > Z * error
    count()


def test_shares_of_tables_are_met_by_simulation():
    rng = np.random.default_rng([SEED, 71])
    own = [share_of_table(t, 5) for t in rng.normal(size=(1500, 18, 9))]
    found = principal.noise_share(5, 9, 18, draws=60_000, seed=1)
    assert_tells_apart(own, found.mean, 9 / 17)  # as if five of 17 dimensions
    four = principal.noise_share(5, 9, 19, seed=1)  # as if rows were not centred
    assert_tells_apart(own, found.mean, four.mean)
    for i, (right, wrong) in enumerate(((0.05, 0.15), (0.5, 0.35), (0.95, 0.8))):
        assert_share(own <= found.quantiles[i], right, wrong)


@pytest.mark.parametrize(
    ("rows", "mean", "high"), [(18, 0.828, 0.869), (54, 0.713, None), (6, 1.0, 1.0)]
)
def test_five_components_of_nine_noise_metrics(rows, mean, high):
    """What a study of 18 rows is to be compared with."""
    found = principal.noise_share(5, 9, rows, draws=30_000)
    assert abs(found.mean - mean) < 0.0005 + Z * found.mean_error
    assert abs(found.mean - mean - 0.004) > 0.0005 + Z * found.mean_error
    if high is not None:
        error = found.quantile_errors[-1]
        assert abs(found.quantiles[-1] - high) < 0.0005 + Z * error
    count(2)


def test_simulated_shares_are_exact_where_theirs_are_known():
    """Of two metrics by a Beta law, of three rows by a random walk."""
    rng = np.random.default_rng([SEED, 72])
    exact = principal.noise_share(1, 2, 12)
    own = principal._drawn(1, 2, 11, 20_000, rng)
    assert_tells_apart(own, exact.mean, principal.noise_share(1, 2, 13).mean)
    for i, (right, wrong) in enumerate(((0.05, 0.1), (0.5, 0.4), (0.95, 0.9))):
        assert_share(own <= exact.quantiles[i], right, wrong)
    t = scipy.stats.t.isf(0.025, 10)  # the usual test of a correlation of 12 rows
    r = t / np.sqrt(t**2 + 10)
    assert exact.quantiles[-1] == pytest.approx((1 + r) / 2)
    assert (exact.mean_error, *exact.quantile_errors) == (0, 0, 0, 0)
    for p in (3, 4, 9):
        # standardised rows are p directions in the plane at angles a_j: the larger
        # eigenvalue of their sum is p / 2 + |sum_j exp(2 i a_j)| / 2
        length, _ = scipy.integrate.quad(
            lambda t, p=p: (1 - scipy.special.j0(t) ** p) / t**2, 0, 200, limit=999
        )
        length += 1 / 200  # from there on the power is below 2e-4
        found = principal.noise_share(1, p, 3)
        assert_near(found.mean, found.mean_error, 0.5 + length / (2 * p))


def test_the_squares_of_correlations_have_their_mean():
    """E tr R^2 = p + p (p - 1) / (rows - 1): shares of all numbers of components."""
    p, rows, shares = 5, 9, []
    for k in range(1, p + 1):
        rng = np.random.default_rng([SEED, 74])  # the same tables
        shares.append(principal._drawn(k, p, rows - 1, 4000, rng))
    each = np.diff(shares, axis=0, prepend=0) * p  # eigenvalues
    assert (each[:-1] >= each[1:] - 1e-12).all()
    right = p + p * (p - 1) / (rows - 1)
    assert_tells_apart((each**2).sum(0), right, p + p * (p - 1) / rows)


def test_as_many_components_as_there_are_hold_all():
    for k, p, rows in ((5, 9, 6), (9, 9, 30), (7, 9, 6), (1, 1, 9), (1, 9, 2)):
        found = principal.noise_share(k, p, rows)
        assert (found.mean, found.mean_error) == (1, 0)
        assert found.quantiles.tolist() == [1, 1, 1]
    assert principal.noise_share(4, 9, 6, draws=100).mean < 1


def test_standard_errors_are_those_of_repeated_simulations():
    found = [principal.noise_share(2, 4, 8, draws=400, seed=s) for s in range(300)]
    values = np.array([(one.mean, *one.quantiles) for one in found])
    errors = np.array([(one.mean_error, *one.quantile_errors) for one in found])
    # relative error of a standard deviation of 300 normal numbers
    allowed = Z / np.sqrt(2 * 300)
    ratios = errors.mean(0) / values.std(0, ddof=1)
    assert (abs(ratios - 1) < allowed).all(), ratios
    count(ratios.size)
    assert (abs(2 * ratios - 1) > allowed).all()  # twice the error is seen


def solved(x, y):
    """Slopes of outcomes [..., n] on centred predictors [..., n, k]."""
    turned = np.swapaxes(x, -1, -2)
    return np.linalg.solve(turned @ x, turned @ y[..., None])


def in_sample(y, x):
    """R2 of a regression, [...]."""
    x, y = x - x.mean(-2, keepdims=True), y - y.mean(-1, keepdims=True)
    rest = y - (x @ solved(x, y))[..., 0]
    return 1 - (rest**2).sum(-1) / (y**2).sum(-1)


def test_noise_regresses_on_five_components_of_18_rows():
    rng = np.random.default_rng([SEED, 75])
    table = rng.normal(size=(10_000, 18, 9))
    table = (table - table.mean(1, keepdims=True)) / table.std(1, keepdims=True)
    _, vectors = np.linalg.eigh(np.swapaxes(table, 1, 2) @ table)
    own = in_sample(rng.normal(size=(10_000, 18)), table @ vectors[:, :, -5:])
    assert principal.noise_r2(5, 18) == 5 / 17
    assert_tells_apart(own, principal.noise_r2(5, 18), 5 / 18)
    for level in (0.05, 0.5, 0.95):
        at = principal.noise_r2_quantile(5, 18, level)
        wrong = scipy.stats.beta.cdf(at, 2.5, 4.5)  # of three rows fewer
        assert_share(own <= at, level, wrong)
    assert_cdf(own, lambda x: scipy.stats.beta.cdf(x, 2.5, 6))
    assert principal.noise_r2_quantile(5, 6, 0.3) == principal.noise_r2(5, 6) == 1


def test_permuted_outcomes_of_any_law_regress_as_noise_does():
    y = np.array([0.0, 1, 1, 5, 100])
    x = np.array([[1.0, 0], [2, 1], [4, 0], [8, -3], [16, 0]])
    every = [in_sample(np.array(own), x) for own in itertools.permutations(y)]
    assert np.mean(every) == pytest.approx(principal.noise_r2(2, 5))


@pytest.mark.parametrize("r2", [0.0, 0.6])
def test_regressions_on_new_rows_are_met_by_simulation(r2):
    """Expected squared errors of the regression and the mean, their ratio exact."""
    k, n, num = 4, 15, 6000
    rng = np.random.default_rng([SEED, 76])
    x = rng.normal(size=(num, n + 1, k)) @ rng.normal(size=(k, k))
    slope = rng.normal(size=k)
    signal = x @ slope
    signal *= np.sqrt(r2) / np.sqrt((np.cov(x.reshape(-1, k).T) @ slope) @ slope)
    y = signal + np.sqrt(1 - r2) * rng.normal(size=signal.shape)
    right = principal.out_of_sample_r2(r2, k, n)
    wrong = r2  # as if slopes were known
    means = [own[:, :n].mean(1, keepdims=True) for own in (x, y)]
    slopes = solved(x[:, :n] - means[0], y[:, :n] - means[1])
    of_mean = y[:, n] - means[1][:, 0]
    of_fit = of_mean - ((x[:, n:] - means[0]) @ slopes)[:, 0, 0]
    gap = np.stack([of_fit, of_mean], 1) ** 2
    assert_tells_apart(gap @ [1, right - 1], 0, gap.mean(0) @ [0, right - wrong])


def test_noise_predicts_worse_than_the_mean():
    assert principal.out_of_sample_r2(0, 5, 17) == -0.5
    assert principal.out_of_sample_r2(1, 5, 17) == 1
    assert principal.out_of_sample_r2(0.3, 2, 10**9) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: principal.noise_share(0, 3, 9), "k"),
        (lambda: principal.noise_share(1, 3, 1), "rows"),
        (lambda: principal.noise_share(1, 3, 9, [1.5]), "levels"),
        (lambda: principal.noise_share(1, 3, 9, draws=1), "draws"),
        (lambda: principal.noise_r2(5, 5), "rows"),
        (lambda: principal.noise_r2_quantile(1, 5, -0.1), "level"),
        (lambda: principal.out_of_sample_r2(0, 5, 7), "rows"),
        (lambda: principal.out_of_sample_r2(2, 5, 9), "r2"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        call()
