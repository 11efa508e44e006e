"""The closed forms, against printed tables and against NumPy simulations.

The simulations know rows and fits only: no code of the lab and no formula. They keep to
few generations and many seeds, where means are nearly normal (see `calibrated`).
"""

import ast
import importlib
import inspect
import math
import pkgutil
import sys

import numpy as np
import pytest
import scipy.special
import scipy.stats
from calibrated import (
    NUM_CHECKS,
    SUITE_FALSE_ALARM,
    Z,
    assert_cdf,
    assert_mean,
    assert_same_law,
    assert_tells_apart,
    detectable,
    detectable_gap,
)
from conftest import SEED

from collapse import theory

NUM_SEEDS = 50_000
DDOFS = pytest.mark.parametrize("ddof", [0, 1])
close = np.testing.assert_allclose

# Setting of Kazdan et al. (arXiv:2410.16713), ddof 0: exact variance after 1, 2, 5, 10,
# 20, 50 fits of n = 10, 32, 100 rows, and in the limit.
VARIANCES = {
    theory.replace: (
        ".90000 .81000 .59049 .34868 .12158 .00515 0",
        ".96875 .93848 .85322 .72798 .52995 .20445 0",
        ".99000 .98010 .95099 .90438 .81791 .60501 0",
    ),
    theory.accumulate: (
        ".90000 .87750 .85888 .85150 .84756 .84511 .843436",
        ".96875 .96118 .95478 .95221 .95083 .94997 .949383",
        ".99000 .98753 .98542 .98457 .98411 .98383 .983632",
    ),
    theory.fixed_budget: (
        ".90000 .83132 .77933 .75978 .74954 .74325 .738993",
        ".96875 .94592 .92713 .91971 .91575 .91329 .911610",
        ".99000 .98256 .97628 .97377 .97241 .97157 .970997",
    ),
}

# Setting of Shumailov et al. (arXiv:2305.17493): rows, fits, then E W2^2 (exact) and
# the median of sigma (from 10^5 simulated runs) for ddof 1, and the same for ddof 0.
DISTANCES = """\
100 10 .1499 .953 .1454 .904
100 11 .1648 .948 .1594 .895
100 100 1.446 .603 1.060 .366
100 1000 11.84 .0063 1.999 .0000415
500 100 .2977 .905 .2789 .819
500 1000 2.788 .367 1.555 .135
1000 100 .1494 .951 .1446 .905
1000 1000 1.443 .607 1.056 .368
10000 1000 .1494 .952 .1445 .905"""


def rounds_to(value, printed):
    """Whether a number is what is printed, to the last printed digit."""
    digits = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10.0**-digits * (1 + 1e-9)


@pytest.mark.parametrize("curve", VARIANCES, ids=lambda f: f.__name__)
def test_table_of_variances(curve):
    for n, row in zip((10, 32, 100), VARIANCES[curve], strict=True):
        *printed, limit = row.split()
        moments = curve(n, 49, 0)
        for fits, text in zip((1, 2, 5, 10, 20, 50), printed, strict=True):
            assert rounds_to(moments.variance[fits - 1], text), (n, fits)
            assert rounds_to(1 - moments.mean_error[fits - 1], text), (n, fits)
        if curve is theory.accumulate:
            end = theory.accumulate_limit(n, 0)
        else:  # what is printed as the limit is the value after 100 000 fits
            end = curve(n, 99_999, 0).variance[-1]
        assert rounds_to(end, limit), n


@pytest.mark.parametrize(
    ("curve", "limits"),
    [
        (theory.accumulate, ".005197 .001644"),
        (theory.fixed_budget, ".009253 .002931"),
    ],
)
def test_table_of_mean_error_limits(curve, limits):
    for n, text in zip((316, 1000), limits.split(), strict=True):
        assert rounds_to(curve(n, 99_999, 0).mean_error[-1], text), n


@pytest.mark.parametrize("line", DISTANCES.splitlines())
def test_table_of_distances(line):
    n, fits, *printed = line.split()
    for ddof, w2, median in ((1, *printed[:2]), (0, *printed[2:])):
        arguments = int(n), int(fits) - 1, ddof
        assert rounds_to(theory.w2_squared(*arguments)[-1], w2)
        close(theory.median_sigma(*arguments)[-1], float(median), rtol=0.02)


def test_small_printed_numbers():
    close(theory.w2_squared_leading(100, 10)[-1], 0.165)
    fits = np.array([1, 2, 3, 5, 10, 20, 50, 100])
    for curve, printed in (
        (theory.survival_decay(99), "1.0 .6321 .4685 .3121 .1723 .0916 .0384 .0195"),
        (1 - theory.poisson_survival(1, 99), ".368 .531 .626 .732 .842 .912 .962 .981"),
    ):
        for value, text in zip(curve[fits - 1], printed.split(), strict=True):
            assert rounds_to(value, text)


# Simulations. A rule takes (rng, batches so far, noise) and returns the rows of the
# next fit, [S, rows]; batch 0 is real, of mean 0 and variance 1.


def last(rng, batches, noise):
    return batches[-1]


def everything(rng, batches, noise):
    return np.concatenate(batches, axis=1)


def subset(rng, batches, noise):
    pool = rng.permuted(np.concatenate(batches, axis=1), axis=1)
    return pool[:, : batches[0].shape[1]]


def last_two(rng, batches, noise):
    return np.concatenate(batches[-2:], axis=1)


def fresh_two(rng, batches, noise):
    real = noise(rng, (NUM_SEEDS, 2)) if len(batches) > 1 else batches[0][:, :0]
    return np.concatenate([real, batches[-1]], axis=1)


def fixed_two(rng, batches, noise):
    real = batches[0][:, : 2 if len(batches) > 1 else 0]
    return np.concatenate([real, batches[-1]], axis=1)


def normal(rng, shape):
    return rng.standard_normal(shape)


def uniform(rng, shape):
    return rng.uniform(-math.sqrt(3), math.sqrt(3), shape)


def simulate(rule, sizes, ddof, noise=normal):
    """Fitted means and variances, two arrays [S, G + 1]."""
    rng, means, variances = np.random.default_rng(SEED), [], []
    batches = [noise(rng, (NUM_SEEDS, sizes[0]))]
    for size in (*sizes[1:], 0):
        rows = rule(rng, batches, noise)
        means.append(rows.mean(1))
        variances.append(rows.var(1, ddof=ddof))
        scale = np.sqrt(variances[-1])[:, None]
        batches.append(means[-1][:, None] + scale * noise(rng, (NUM_SEEDS, size)))
    return np.stack(means, 1), np.stack(variances, 1)


UNEVEN = [4, 8, 3, 5, 6, 7]
# name: (rule, rows of each generation, curve, curve of a likely confusion); the curves
# take (num_generations, ddof)
CASES = {
    "replace": (
        last,
        [6] * 5,
        lambda g, ddof: theory.replace(6, g, ddof),
        lambda g, ddof: theory.window(6, 2, g, ddof),
    ),
    "replace_multiple": (
        last,
        [6, 12, 18, 24, 30],
        lambda g, ddof: theory.replace_multiple(6, g, ddof),
        lambda g, ddof: theory.replace(6, g, ddof),
    ),
    "replace_growing": (
        last,
        [6, 18, 30, 48, 66],
        lambda g, ddof: theory.replace_growing(6, 1.5, g, ddof),
        lambda g, ddof: theory.replace_multiple(6, g, ddof),
    ),
    "accumulate": (
        everything,
        [6] * 5,
        lambda g, ddof: theory.accumulate(6, g, ddof),
        lambda g, ddof: theory.fixed_budget(6, g, ddof),
    ),
    "accumulate_uneven": (
        everything,
        UNEVEN[:5],
        lambda g, ddof: theory.accumulate(UNEVEN[: g + 1], g, ddof),
        lambda g, ddof: theory.window(UNEVEN[: g + 1], 2, g, ddof),
    ),
    "fixed_budget": (
        subset,
        [6] * 5,
        lambda g, ddof: theory.fixed_budget(6, g, ddof),
        lambda g, ddof: theory.accumulate(6, g, ddof),
    ),
    "window": (
        last_two,
        UNEVEN[:5],
        lambda g, ddof: theory.window(UNEVEN[: g + 1], 2, g, ddof),
        lambda g, ddof: theory.window(UNEVEN[: g + 1], 3, g, ddof),
    ),
    "mix_fresh": (
        fresh_two,
        [5, 4, 4, 4, 4],
        lambda g, ddof: theory.mix(5, 2, 4, g, ddof, "fresh"),
        lambda g, ddof: theory.mix(5, 2, 4, g, ddof, "fixed"),
    ),
    "mix_fixed": (
        fixed_two,
        [5, 4, 4, 4, 4],
        lambda g, ddof: theory.mix(5, 2, 4, g, ddof, "fixed"),
        lambda g, ddof: theory.mix(5, 2, 4, g, ddof, "fresh"),
    ),
}


@pytest.mark.statistical
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("ddof", "noise"), [(0, normal), (1, normal), (0, uniform)])
def test_moments_are_met_by_simulation(case, ddof, noise):
    rule, sizes, curve, confused = CASES[case]
    means, variances = simulate(rule, sizes, ddof, noise)
    at = [0, 1, 4]  # few, because every entry is a check of the budget
    draws = np.stack([variances[:, at], means[:, at] ** 2], 1)
    right = np.array(curve(5, ddof))
    one_late = right[:, 1:]
    for control in (one_late, curve(4, 1 - ddof), confused(4, ddof)):
        assert_tells_apart(draws, right[:, at], np.array(control)[:, at])


@pytest.mark.parametrize("case", CASES)
def test_variance_and_mean_error_sum_to_one(case):
    _, _, curve, _ = CASES[case]
    close(sum(curve(5, 0)), 1, rtol=1e-12)
    assert (sum(curve(5, 1)) > 1.1).all()


@DDOFS
@pytest.mark.parametrize("n", [6, np.array([6, 3, 9, 4, 20, 7, 2, 5, 30])])
def test_windows_run_from_replace_to_accumulate(n, ddof):
    accumulate = theory.accumulate(n, 8, ddof)
    close(theory.window(n, 1, 8, ddof), theory.replace(n, 8, ddof), rtol=1e-12)
    close(theory.window(n, 9, 8, ddof), accumulate, rtol=1e-12)
    assert not np.allclose(theory.window(n, 8, 8, ddof), accumulate)


@DDOFS
@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_mix_runs_from_replace_to_real_data(anchor, ddof):
    close(theory.mix(6, 0, 6, 8, ddof, anchor), theory.replace(6, 8, ddof), rtol=1e-12)
    only_real = theory.mix(6, 6, 0, 8, ddof, anchor)
    close(only_real.variance, 1 - (1 - ddof) / 6, rtol=1e-12)
    close(only_real.mean_error, 1 / 6, rtol=1e-12)
    both = np.array(theory.mix(6, 6, 6, 2, ddof, "fixed"))  # real block and newest one
    accumulate = np.array(theory.accumulate(6, 2, ddof))
    close(both[:, :2], accumulate[:, :2], rtol=1e-12)
    assert not np.isclose(both[:, 2], accumulate[:, 2]).any()


@DDOFS
@pytest.mark.parametrize("n", [3, 10, 100])
def test_accumulate_limit(n, ddof):
    far = theory.accumulate(n, 200_000, ddof).variance
    end = 2 * far[-1] - far[100_000]  # what is missing falls like 1/t
    close(end, theory.accumulate_limit(n, ddof), rtol=1e-9)
    assert theory.accumulate_limit(n, 0) < theory.accumulate_limit(n, 1) < 1


@pytest.mark.parametrize("n", [2, 3, 10, 100])
def test_fixed_budget_has_a_limit_for_maximum_likelihood_alone(n):
    far = theory.fixed_budget(n, 100_000, 0).mean_error
    end = 2 * far[-1] - far[50_000]
    close(end, theory.fixed_budget_limit(n, 0), rtol=1e-7)
    assert theory.fixed_budget_limit(n, 1) == math.inf
    growth = theory.fixed_budget(n, 100_000, 1).variance[[1_000, 100_000]]
    close(growth[1] / growth[0], 100 ** (1 / n), rtol=5e-3)


def test_fixed_budget_of_unbiased_fits_grows():
    found = theory.fixed_budget(5, 200, 1).variance[[10, 50, 200]]
    close(found, [1.067, 1.384, 1.804], rtol=5e-4)
    found = theory.fixed_budget(10, 100_000, 1).variance[[100, 1_000, 10_000, 100_000]]
    close(found, [1.26, 1.58, 1.98, 2.50], rtol=4e-3)
    k = np.arange(2, 202)
    product = np.cumprod(1 + (k - 3) / (k * (5 * k - 1)))
    close(theory.fixed_budget(5, 200, 1).variance[1:], product, rtol=1e-12)
    product = 0.8 * np.cumprod(1 - 2.8 / (k * (5 * k - 1)))
    close(theory.fixed_budget(5, 200, 0).variance[1:], product, rtol=1e-12)


BOUNDED = {
    "accumulate": lambda n, last, ddof: theory.accumulate(n, last, ddof),
    "fixed_budget": lambda n, last, ddof: theory.fixed_budget(n, last, ddof),
    "mix fresh": lambda n, last, ddof: theory.mix(n, 1, n - 1, last, ddof, "fresh"),
    "mix fixed": lambda n, last, ddof: theory.mix(n, 2, n - 2, last, ddof, "fixed"),
}


@DDOFS
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("workflow", BOUNDED)
def test_what_stays_bounded_and_keeps_variance(workflow, n, ddof):
    """The third column of README's table of workflows, for few rows and both ddof."""
    variance, error = BOUNDED[workflow](n, 40_000, ddof)
    grows = error[40_000] > 1.02 * error[10_000]
    assert grows == (workflow == "fixed_budget" and ddof == 1)
    assert variance[40_000] > 0.98 * variance[10_000] > 0
    once = theory.mix(n, 1, n - 1, 40_000, ddof, "fixed").variance
    assert once[-1] < 1e-6  # one real row, the same for ever, has no variance to keep


@DDOFS
def test_leading_orders(ddof):
    n = 10_000
    close(theory.w2_squared(n, 9, ddof), theory.w2_squared_leading(n, 9), rtol=2e-3)
    for curve, limit in (
        (theory.fixed_budget, (math.pi**2 / 2 - 2) / n),
        (theory.accumulate, math.pi**2 / (6 * n)),
    ):
        far = curve(n, 10_000, ddof).mean_error
        close(2 * far[-1] - far[5_000], limit, rtol=2e-3)
    for a in (0.1, 0.5):
        fresh, real = 1 / (a * (2 - a)), int(a * n)
        limits = {"fresh": fresh, "fixed": 1 / a + (1 - a) * fresh}
        for anchor, limit in limits.items():
            error = theory.mix(n, real, n - real, 400, ddof, anchor).mean_error
            close(n * error[-1], limit, rtol=2e-3)


def test_finite_distance_needs_superlinear_sizes():
    k = np.arange(1, 2001)
    bounded = theory.w2_squared(100 * k**2, 1999, 1)
    close(bounded[-1], 1.5 * math.pi**2 / 6 / 100, rtol=0.03)
    growth = np.diff(theory.w2_squared(100 * k, 1999, 1)[[19, 199, 1999]])
    close(growth, 0.015 * math.log(10), rtol=0.03)
    ends = theory.replace_growing(100, 2, 1999, 1).mean_error[-1]
    close(ends, scipy.special.zeta(2) / 100, rtol=1e-3)
    close(
        theory.replace_growing(7, 1, 9, 0), theory.replace_multiple(7, 9, 0), rtol=1e-14
    )


def test_workflows_are_ordered():
    curves = theory.replace, theory.fixed_budget, theory.accumulate
    replace, budget, accumulate = (f(20, 10, 0).variance[1:] for f in curves)
    assert (replace < budget).all() and (budget < accumulate).all()
    errors = [theory.window(20, size, 10, 0).mean_error for size in (1, 2, 5)]
    assert (errors[1][1:] < errors[0][1:]).all()
    assert (errors[2][2:] < errors[1][2:]).all()  # until t = 1 both see everything


def test_special_functions():
    """Digamma, trigamma and c4, also where n is very large."""
    n = np.array([2, 3, 4, 7, 20, 31, 1000, 10**7])
    x = (n - 1) / 2
    means = np.diff(theory.log_sigma_mean(n, 7, 1), prepend=0)
    expected = (scipy.special.digamma(x) - np.log(x)) / 2
    assert (abs(means - expected) < 1e-13 * np.maximum(1, abs(expected))).all()
    variances = np.diff(theory.log_sigma_variance(n, 7), prepend=0)
    expected = scipy.special.polygamma(1, x) / 4
    assert (abs(variances - expected) < 1e-13 * np.maximum(1, expected)).all()
    # Gamma(x + 1) = x Gamma(x), hence c4(n) c4(n + 1) = sqrt((n - 1) / n)
    c4 = np.array([theory.expected_sigma(k, 0, 1)[0] for k in range(2, 500)])
    close(c4[0], math.sqrt(2 / math.pi), rtol=1e-14)
    k = np.arange(2, 499)
    close(c4[:-1] * c4[1:], np.sqrt((k - 1) / k), rtol=1e-14)
    close(theory.w2_squared(10**7, 0, 1)[0], 1.5e-7, rtol=1e-6)
    k = np.array([10**3, 10**4, 10**5 + 1, 10**7, 10**9])  # where log Gammas cancel
    pairs = [
        theory.expected_sigma(j, 0, 1) * theory.expected_sigma(j + 1, 0, 1) for j in k
    ]
    close(np.concatenate(pairs), np.sqrt((k - 1) / k), rtol=1e-14)


@pytest.mark.statistical
@DDOFS
def test_laws_of_sigma_are_met_by_simulation(ddof):
    sizes = np.array([12, 8, 20, 10])
    means, variances = simulate(last, sizes, ddof)
    sigma, log_sigma = np.sqrt(variances), np.log(variances) / 2
    at = [0, 1, 3]
    for draws, curve in (
        (sigma, theory.expected_sigma),
        (log_sigma, theory.log_sigma_mean),
        (means**2 + (sigma - 1) ** 2, theory.w2_squared),
    ):
        right, other = curve(sizes, 3, ddof), curve(sizes, 3, 1 - ddof)
        other_order = curve(np.sort(sizes), 3, ddof)
        assert_tells_apart(draws[:, at], right[at], other[at])
        assert_tells_apart(draws[:, at], right[at], other_order[at])
    square = (log_sigma - theory.log_sigma_mean(sizes, 3, ddof)) ** 2
    right = theory.log_sigma_variance(sizes, 3)
    known_mean = theory.log_sigma_variance(sizes + 1, 3)  # chi-square with n degrees
    assert_tells_apart(square[:, at], right[at], known_mean[at])


@DDOFS
@pytest.mark.parametrize(("n", "off"), [(5, 0.07), (20, 0.01), (100, 0.002)])
def test_median_sigma_of_one_fit(n, off, ddof):
    median = math.sqrt(scipy.stats.chi2(n - 1).median() / (n - ddof))
    close(theory.median_sigma(n, 0, ddof)[0], median, rtol=off)


@pytest.mark.statistical
def test_rows_and_exact_laws_agree():
    """The chi-square laws behind the curves, in distribution."""
    n, law, wrong = 10, scipy.stats.chi2(9), scipy.stats.chi2(10)
    _, variances = simulate(last, [n] * 5, 1)
    squares, x = (n - 1) * variances[:, 0], np.linspace(0, 40, 1000)
    assert_cdf(squares, law.cdf)
    assert detectable_gap(NUM_SEEDS) < abs(wrong.cdf(x) - law.cdf(x)).max()
    with pytest.raises(AssertionError, match="CDFs"):
        assert_cdf(squares, wrong.cdf)
    rng = np.random.default_rng([SEED, 1])
    factors = rng.chisquare(n - 1, (NUM_SEEDS, 5)) / (n - 1)
    assert_same_law(variances[:, -1], factors.prod(1))
    drift = math.exp(2 * theory.log_sigma_mean(n, 0, 1)[0])  # one generation too many
    at = np.quantile(factors.prod(1), [0.5])
    effect = abs((factors.prod(1) * drift < at).mean() - 0.5)
    assert detectable_gap(NUM_SEEDS, NUM_SEEDS) < effect
    with pytest.raises(AssertionError, match="CDFs"):
        assert_same_law(variances[:, -1], factors.prod(1) * drift)


@pytest.mark.statistical
@DDOFS
def test_log_det_is_met_by_simulation(ddof):
    n, d, rng = 9, 3, np.random.default_rng([SEED, 2])
    root = np.array([[1.0, 0, 0], [0.6, 0.5, 0], [-1.0, 0.3, 2.0]])
    mean, truth = np.zeros((NUM_SEEDS, d)), root @ root.T
    log_det, moments = [], []
    for _ in range(3):
        noise = rng.standard_normal((NUM_SEEDS, n, d))
        rows = mean[:, None] + noise @ np.swapaxes(root, -1, -2)
        mean = rows.mean(1)
        centred = rows - mean[:, None]
        covariance = np.swapaxes(centred, 1, 2) @ centred / (n - ddof)
        root = np.linalg.cholesky(covariance)
        log_det.append(np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(truth)[1])
        trace = np.trace(covariance, axis1=1, axis2=2)
        moments.append(np.stack([trace, (mean**2).sum(1)], 1) / np.trace(truth))
    draws, right = np.stack(log_det, 1), theory.log_det_mean(n, 2, ddof, d)
    assert_tells_apart(draws, right, theory.log_det_mean(n, 2, 1 - ddof, d))
    assert_tells_apart(draws, right, d * theory.log_det_mean(n, 2, ddof, 1))
    square, variance = (draws - right) ** 2, theory.log_det_variance(n, 2, d)
    assert_tells_apart(square, variance, d * theory.log_det_variance(n, 2, 1))
    right, other = (np.array(theory.replace(n, 2, k)) for k in (ddof, 1 - ddof))
    assert_tells_apart(np.stack(moments, 2), right, other)  # traces, in d = 3


def heterozygosity(q, n, num_generations):
    return theory.heterozygosity(q, theory.replace(n, num_generations, 0).variance)


@pytest.mark.statistical
def test_heterozygosity_is_met_by_simulation():
    truth, n, rng = np.array([0.5, 0.3, 0.15, 0.05]), 12, np.random.default_rng(SEED)
    shares, draws = np.tile(truth, (NUM_SEEDS, 1)), []
    for _ in range(4):
        shares = rng.multinomial(n, shares) / n
        draws.append(1 - (shares**2).sum(1))
    draws, right = np.stack(draws, 1), heterozygosity(truth, n, 4)
    assert_tells_apart(draws, right[:4], right[1:])
    assert_tells_apart(draws, right[:4], heterozygosity(truth, n - 1, 3))


@pytest.mark.statistical
def test_poisson_survival_is_met_by_simulation():
    expected_count, rng = 2.5, np.random.default_rng(SEED)
    count, alive = np.full(NUM_SEEDS, expected_count), []
    for _ in range(6):
        count = rng.poisson(count)  # the total of n rows of mean count / n
        alive.append(count > 0)
    at, draws = [0, 2, 5], np.stack(alive, 1)
    right = theory.poisson_survival(expected_count, 6)
    lower_bound = -np.expm1(-expected_count / np.arange(1, 7))  # g_k >= 1/k
    assert_tells_apart(draws[:, at], right[at], right[1:][at])
    assert_tells_apart(draws[:, at], right[at], lower_bound[at])


def test_calibrated_thresholds_are_where_they_are_said_to_be():
    alarm, draws = SUITE_FALSE_ALARM / NUM_CHECKS, np.arange(500.0)
    se = draws.std(ddof=1) / math.sqrt(500)
    close(2 * scipy.stats.norm.sf(Z), alarm)
    assert_mean(draws, draws.mean() + 0.999 * Z * se)
    one, two = (int(500 * math.sqrt(math.log(2 / alarm) / k)) for k in (1000, 500))
    roots = math.sqrt(1 / 1000) + math.sqrt(1 / 2000)
    uneven = int(500 * math.sqrt(math.log(4 / alarm)) * roots)
    assert_cdf(draws, lambda x: np.clip((x + 1 - one) / 500, 0, 1))
    assert_same_law(draws, draws + two)
    assert_same_law(draws, np.tile(draws + uneven, 2))  # unequal sizes, and ties
    for call in (
        lambda: assert_mean(draws, draws.mean() - 1.001 * Z * se),
        lambda: assert_mean(np.stack([draws, draws], 1), [draws.mean(), np.nan]),
        lambda: assert_cdf(draws, lambda x: np.clip((x - one) / 500, 0, 1)),
        lambda: assert_cdf(np.append(draws, np.nan), lambda x: x / 500),
        lambda: assert_same_law(draws, draws + two + 1),
        lambda: assert_same_law(draws, np.tile(draws + uneven + 1, 2)),
        lambda: assert_same_law(np.append(draws, np.nan), draws),
    ):
        with pytest.raises(AssertionError):
            call()


def test_negative_controls_are_controlled():
    draws = np.arange(100.0)
    mean, edge = draws.mean(), float(detectable(draws))
    assert_tells_apart(draws, mean, mean + 1.01 * edge)
    for right, wrong, message in (
        (mean, mean + 0.99 * edge, "blind"),
        (mean + edge, mean, "standard errors"),
        (mean - 0.51 * edge, mean + 0.51 * edge, "not rejected"),
    ):
        with pytest.raises(AssertionError, match=message):
            assert_tells_apart(draws, right, wrong)


MODULES = [module.name for module in pkgutil.iter_modules(theory.__path__)]
BAD = {
    "n": [
        lambda: theory.replace(1, 3, 1),
        lambda: theory.replace(np.array(2.5), 3, 0),
        lambda: theory.replace(np.array(math.nan), 3, 0),
        lambda: theory.replace([5, 5], 3, 0),
        lambda: theory.replace_multiple(0, 3, 0),
        lambda: theory.accumulate(0, 3, 0),
        lambda: theory.accumulate_limit(1, 1),
        lambda: theory.fixed_budget(1, 3, 0),
        lambda: theory.fixed_budget_limit(1, 0),
        lambda: theory.window(-1, 2, 3, 0),
        lambda: theory.mix(1, 1, 1, 3, 1, "fresh"),
        lambda: theory.mix([5] * 4, 1, 4, 3, 0, "fresh"),
        lambda: theory.log_det_mean(3, 3, 1, 3),
        lambda: theory.log_sigma_variance(1, 3),
        lambda: theory.expected_sigma(1, 3, 0),
        lambda: theory.w2_squared(1, 3, 0),
        lambda: heterozygosity([0.5, 0.5], 0, 3),
    ],
    "num_generations": [
        lambda: theory.replace(5, -1, 0),
        lambda: theory.replace_multiple(5, -2, 0),
        lambda: theory.survival_decay(-1),
    ],
    "ddof": [
        lambda: theory.replace(5, 3, 2),
        lambda: theory.mix(5, 1, 4, 3, -1, "fresh"),
    ],
    "size": [lambda: theory.window(5, 0, 3, 0)],
    "real": [
        lambda: theory.mix(5, -1, 4, 3, 0, "fresh"),
        lambda: theory.mix(5, 6, 4, 3, 0, "fixed"),
        lambda: theory.mix(5, 1, 0, 3, 1, "fresh"),
    ],
    "synthetic": [lambda: theory.mix(5, 1, -1, 3, 0, "fresh")],
    "anchor": [lambda: theory.mix(5, 1, 4, 3, 0, "fixe")],
    "dimension": [lambda: theory.log_det_variance(5, 3, 0)],
    "count": [
        lambda: theory.poisson_survival(-1, 3),
        lambda: theory.poisson_survival(math.nan, 3),
    ],
    "q": [
        lambda: heterozygosity([0.5, 0.6], 5, 3),
        lambda: heterozygosity([1.5, -0.5], 5, 3),
        lambda: heterozygosity(np.array([[0.5, 0.5]]), 5, 3),
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()


def test_curves_have_the_promised_type():
    for curve in (
        *theory.replace_multiple(5, 7, 0),
        *theory.accumulate(5, 7, 1),
        *theory.fixed_budget(5, 7, 1),
        *theory.window([5] * 8, 2, 7, 1),
        *theory.mix(5, 2, 3, 7, 0, "fresh"),
        theory.log_det_mean(5, 7, 1, 2),
        theory.w2_squared(5, 7, 0),
        heterozygosity([0.5, 0.5], 5, 7),
        theory.poisson_survival(2, 7),
    ):
        assert curve.dtype == np.float64 and curve.shape == (8,)
    assert theory.replace(5, 0, 0).variance.shape == (1,)


@pytest.mark.parametrize("name", MODULES)
def test_theory_is_independent(name):
    """No import of ours but theory itself: a mistake elsewhere cannot be shared."""
    module = importlib.import_module(f"collapse.theory.{name}")
    nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
    names = {
        a.name for node in nodes if isinstance(node, ast.Import) for a in node.names
    }
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {n for n in names if f"{n}.".startswith("collapse.theory.")}
    foreign = {n.split(".")[0] for n in names - ours}
    assert foreign - sys.stdlib_module_names <= {"numpy", "scipy"}
