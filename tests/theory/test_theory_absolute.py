"""Absolute errors of Gaussian fits, against NumPy simulations and published numbers."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.theory import absolute

PIECES = ((0, 1), (1, 20))  # with the kink at an end
close = np.testing.assert_allclose


@pytest.mark.parametrize("ddof", [0, 1])
def test_first_fits_are_met_by_simulation(ddof):
    rows = np.random.default_rng(SEED).standard_normal((50_000, 7))
    mean, spread = rows.mean(1), rows.std(1, ddof=ddof)
    for draws, form in (
        (abs(mean), absolute.mean_error_of_first),
        (abs(spread - 1), lambda n: absolute.deviation_error_of_first(n, ddof)),
    ):
        assert_tells_apart(draws, form(7), form(8))


def test_first_fits_of_many_rows():
    n = np.array([10, 100, 10**4, 10**7])
    published = [0.2523, 0.0798, 0.00798, 2.523e-4]  # exact, of the formula
    close(absolute.mean_error_of_first(n), published, rtol=5e-4)
    for ddof in (0, 1):
        found = absolute.deviation_error_of_first(n, ddof) * np.sqrt(math.pi * n)
        assert (abs(found - 1) < 0.65 / n).all()


def test_first_fits_of_two_rows():
    """The standard deviation is |x - y| / 2, half-normal: E |s - 1| by quadrature."""
    law = scipy.stats.halfnorm(scale=math.sqrt(0.5))
    parts = [law.expect(lambda s: abs(s - 1), lb=a, ub=b) for a, b in PIECES]
    close(absolute.deviation_error_of_first(2, 0), sum(parts), rtol=1e-9)


@pytest.mark.parametrize("ddof", [0, 1])
def test_runs_end_at_the_law_of_student(ddof):
    """Mean absolute value of Student's t over sqrt nu, and the chain itself."""
    law = scipy.stats.t(4 - 2 * ddof)
    exact = 2 * law.expect(lambda x: x, lb=0) / math.sqrt(2 - ddof)
    close(absolute.mean_error_limit(ddof), exact, rtol=1e-6)


@pytest.mark.statistical
def test_a_chain_ends_at_the_law_of_student():
    """Its median tells it from a normal law, which has the same variance."""
    rng, n = np.random.default_rng(SEED), 100
    mean, deviation = np.zeros(5000), np.ones(5000)
    for _ in range(6 * n):  # exp(-6) of the variance is left then
        mean += deviation * rng.standard_normal(5000) / math.sqrt(n)
        deviation *= np.sqrt(rng.chisquare(n - 1, 5000) / n)
    median = scipy.stats.t(4).ppf(0.75) / math.sqrt(2)
    normal = 2 * scipy.stats.norm.cdf(median) - 1
    assert_tells_apart((abs(mean) < median).astype(float), 0.5, normal)


@pytest.mark.statistical
@pytest.mark.parametrize("ddof", [0, 1])
def test_later_fits_are_met_by_simulation(ddof):
    rng, n, at = np.random.default_rng([SEED, ddof]), 9, [0, 1, 5]
    mean, deviation, found = np.zeros(20_000), np.ones(20_000), []
    for _ in range(7):
        rows = mean[:, None] + deviation[:, None] * rng.standard_normal((20_000, n))
        mean, deviation = rows.mean(1), rows.std(1, ddof=ddof)
        found.append((abs(mean), abs(deviation - 1)))
    draws = np.moveaxis(np.array(found)[at], 2, 0)
    for k, form in enumerate((absolute.mean_error, absolute.deviation_error)):
        right, late = form(n, 5, ddof), form(n, 6, ddof)[1:]
        assert_tells_apart(draws[..., k], right[at], late[at])


PUBLISHED = """\
100 10 .250 .245
100 11 .262 .256
100 100 .737 .596
100 1000 1.38 .707
500 100 .351 .334
500 1000 .966 .677
1000 100 .251 .244
1000 1000 .738 .596
10000 1000 .250 .245"""  # rows, fits, E |mu_t - mu| of 10^5 runs for ddof 1 and 0


@pytest.mark.parametrize("line", PUBLISHED.splitlines())
def test_table_of_mean_errors(line):
    n, fits, *means = line.split()
    for ddof, mean in zip((1, 0), means, strict=True):
        exact = absolute.mean_error(int(n), int(fits) - 1, ddof)[-1]
        assert abs(exact / float(mean) - 1) < 0.01  # of those runs


def test_curves_of_errors_begin_and_end_right():
    for n, ddof in ((3, 0), (4, 1), (60, 0), (10_000, 1)):
        mean = absolute.mean_error(n, 2, ddof)
        deviation = absolute.deviation_error(n, 2, ddof)
        close(mean[0], absolute.mean_error_of_first(n), rtol=1e-12)
        close(deviation[0], absolute.deviation_error_of_first(n, ddof), rtol=1e-10)
        assert mean.shape == deviation.shape == (3,)
    late = absolute.mean_error(400, 6000, 0)[-1]
    close(late, absolute.mean_error_limit(0), rtol=1e-3)
    close(absolute.deviation_error(20, 400, 0)[-1], 1, rtol=1e-3)


def test_gamma_functions_keep_their_digits():
    b = np.array([0.3 + 2j, 1 - 9j])
    for a in (49.9, 50.1):  # on both sides of where the series begins
        gap = scipy.special.loggamma(a - b) - scipy.special.loggamma(a)
        close(absolute._log_moment(a, a, b), gap + b * math.log(a), rtol=1e-12)


def test_bad_arguments_are_named():
    for call in (
        lambda: absolute.mean_error_of_first(1),
        lambda: absolute.deviation_error_of_first([5, 1], 1),
        lambda: absolute.deviation_error_of_first(2.5, 0),
    ):
        with pytest.raises(ValueError, match="^n must"):
            call()
    with pytest.raises(ValueError, match="^ddof "):
        absolute.mean_error_limit(2)
