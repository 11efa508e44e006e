"""Refitted kernel density estimates: exact laws against simulations of rows."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_tells_apart
from conftest import SEED
from sklearn.neighbors import KernelDensity

from collapse import theory
from collapse.theory import kde

NUM_SEEDS = 30_000
N, REAL, G = 6, 2, 3
H = 0.6
AT = [1, 3]
close = np.testing.assert_allclose


def simulate(rule, sizes, bandwidths, relative):
    """Variance of the density and squared error of its mean, [S, G + 1, 2].

    A rule maps (rng, batches) to rows fitted to; real rows are uniform, variance 1.
    """
    rng, found = np.random.default_rng([SEED, 21]), []
    batches = [real_rows(rng, sizes[0])]
    for t, (size, h) in enumerate(zip(sizes, bandwidths, strict=True)):
        if t:
            picks = rng.integers(rows.shape[1], size=(NUM_SEEDS, size))
            noise = rng.standard_normal((NUM_SEEDS, size))
            batches.append(np.take_along_axis(rows, picks, 1) + kernel * noise)
        rows = rule(rng, batches)
        kernel = h * (rows.std(1, ddof=1, keepdims=True) if relative else 1.0)
        variance = rows.var(1) + np.broadcast_to(kernel, (NUM_SEEDS, 1))[:, 0] ** 2
        found.append(np.stack([variance, rows.mean(1) ** 2], 1))
    return np.stack(found, 1)


def real_rows(rng, num):
    return math.sqrt(12) * (rng.random((NUM_SEEDS, num)) - 0.5)


def newest(rng, batches):
    return batches[-1]


def everything(rng, batches):
    return np.concatenate(batches, 1)


def subset(rng, batches):
    return rng.permuted(everything(rng, batches), axis=1)[:, :N]


def last_two(rng, batches):
    return np.concatenate(batches[-2:], 1)


def fresh(rng, batches):
    new = real_rows(rng, REAL if len(batches) > 1 else 0)
    return np.concatenate([new, batches[-1]], 1)


def fixed(rng, batches):
    kept = batches[0][:, : REAL if len(batches) > 1 else 0]
    return np.concatenate([kept, batches[-1]], 1)


class Case(NamedTuple):
    rule: Callable
    sizes: list[int]
    fitted: list[int]  # rows of each fit
    right: Callable
    wrong: Callable


def replace(h, relative):
    return kde.replace(N, G, h, relative)


def accumulate(h, relative):
    return kde.accumulate(N, G, h, relative)


def fixed_budget(h, relative):
    return kde.fixed_budget(N, G, h, relative)


def mix(anchor):
    return lambda h, relative: kde.mix(N, REAL, 4, G, h, relative, anchor)


def window(size):
    return lambda h, relative: kde.window(N, size, G, h, relative)


SAME, GROWING = [N] * 4, [N, 2 * N, 3 * N, 4 * N]
CASES = {
    "replace": Case(newest, SAME, SAME, replace, accumulate),
    "replace_multiple": Case(
        newest, GROWING, GROWING, lambda h, r: kde.replace_multiple(N, G, h, r), replace
    ),
    "accumulate": Case(everything, SAME, GROWING, accumulate, fixed_budget),
    "fixed_budget": Case(subset, SAME, SAME, fixed_budget, accumulate),
    "window": Case(last_two, SAME, [N, 2 * N, 2 * N, 2 * N], window(2), window(3)),
    "mix fresh": Case(fresh, [N, 4, 4, 4], SAME, mix("fresh"), mix("fixed")),
    "mix fixed": Case(fixed, [N, 4, 4, 4], SAME, mix("fixed"), mix("fresh")),
}


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("workflow", CASES)
def test_moments_are_met_by_simulation(workflow, relative):
    """With a bandwidth that depends on the number of rows fitted to."""
    case = CASES[workflow]
    h = 1.2 * kde.bandwidth("std" if relative else "scott", np.array(case.fitted), 1)
    draws = simulate(case.rule, case.sizes, h, relative)[:, AT]
    right, *wrong = (
        np.stack(moments, 1)[AT]
        for moments in (
            case.right(h, relative),
            case.wrong(h, relative),
            case.right(h, not relative),
            case.right(0.9 * h, relative),
        )
    )
    for control in wrong:
        assert_tells_apart(draws, right, control)


def test_covariance_kernels_are_met_by_simulation():
    """Kernels of covariance h^2 S in two dimensions, as SciPy's; traces."""
    rng, n, h = np.random.default_rng([SEED, 22]), 7, 0.7
    factor = np.array([[1.0, 0.0], [1.5, 0.5]])
    rows, draws = rng.standard_normal((NUM_SEEDS, n, 2)) @ factor.T, []
    for _ in range(3):
        centred = rows - rows.mean(1, keepdims=True)
        squares = (centred**2).sum((1, 2))
        draws.append(squares / n + h**2 * squares / (n - 1))
        # noise of covariance S: random combinations of the centred rows
        mixed = rng.standard_normal((NUM_SEEDS, n, n)) @ centred / math.sqrt(n - 1)
        picks = rng.integers(n, size=(NUM_SEEDS, n, 1))
        rows = np.take_along_axis(rows, picks, 1) + h * mixed
    draws = np.stack(draws, 1) / np.trace(factor @ factor.T)
    right, wrong = (kde.replace(n, 2, h, r).variance for r in (True, False))
    assert_tells_apart(draws, right, wrong)
    assert_tells_apart(draws, right, right / kde.growth(n, h))


SIZES = [6, 9, 4, 12, 5, 30]


@pytest.mark.parametrize("h", [0.0, 0.5, np.array([0.1, 0.9, 0.5, 0.3, 0.7, 0.2])])
@pytest.mark.parametrize("relative", [False, True])
def test_workflows_run_into_each_other(h, relative):
    close(
        kde.window(SIZES, 6, 5, h, relative),
        kde.accumulate(SIZES, 5, h, relative),
        rtol=1e-12,
    )
    assert not np.allclose(
        kde.window(SIZES, 5, 5, h, relative), kde.accumulate(SIZES, 5, h, relative)
    )
    for anchor in ("fresh", "fixed"):
        only_new = kde.mix(6, 0, 6, 5, h, relative, anchor)
        close(only_new, kde.replace(6, 5, h, relative), rtol=1e-12)
    both = np.array(kde.mix(6, 6, 6, 1, 0.5, relative, "fixed"))
    close(both, kde.accumulate(6, 1, 0.5, relative), rtol=1e-12)


def test_without_kernels_they_are_those_of_fits():
    pairs = [
        (kde.replace(SIZES, 5, 0.0), theory.replace(SIZES, 5, 0)),
        (kde.replace_multiple(6, 5, 0.0), theory.replace_multiple(6, 5, 0)),
        (kde.accumulate(SIZES, 5, 0.0), theory.accumulate(SIZES, 5, 0)),
        (kde.fixed_budget(6, 5, 0.0), theory.fixed_budget(6, 5, 0)),
        (kde.window(SIZES, 3, 5, 0.0, True), theory.window(SIZES, 3, 5, 0)),
        (
            kde.mix(6, 2, 5, 5, 0.0, False, "fixed"),
            theory.mix(6, 2, 5, 5, 0, "fixed"),
        ),
    ]
    for kernels, fits in pairs:
        close(kernels, fits, rtol=1e-12)
        assert kernels.variance.shape == (6,) and kernels.variance.dtype == np.float64


def test_recursions_that_are_written_out():
    """In the variance c of the rows, without their means."""
    n, h = 7, 0.4
    for curve, step in (
        (kde.replace, lambda c, k: (1 - 1 / n) * (c + h**2)),
        (
            kde.accumulate,
            lambda c, k: (
                c * (1 - 1 / (n * (k + 1) ** 2))
                + h**2 * (1 / (k + 1) - 1 / (n * (k + 1) ** 2))
            ),
        ),
    ):
        c, expected = 1 - 1 / n, []
        for k in range(1, 9):
            expected.append(c + h**2)
            c = step(c, k)
        close(curve(n, 7, h).variance, expected, rtol=1e-12)
    c, expected = 1 - 1 / n, []
    for k in range(1, 9):  # fixed_budget: c is the pool's
        seen = c * k * (n - 1) / (n * k - 1)
        expected.append(seen + h**2)
        miss = c * (k - 1) / (n * k - 1) + (seen + h**2) / n
        new = (seen + h**2) * (1 - 1 / n)
        c = (k * c + new) / (k + 1) + k / (k + 1) ** 2 * miss
    close(kde.fixed_budget(n, 7, h).variance, expected, rtol=1e-12)


def test_where_variances_end():
    n, h = 20, 0.3
    close(kde.replace(n, 2000, h).variance[-1], kde.replace_limit(n, h), rtol=1e-12)
    walk = np.diff(kde.replace(n, 2000, h).mean_error)[-1]
    close(walk, kde.replace_limit(n, h) / n, rtol=1e-12)  # for ever
    factor = kde.bandwidth("std", 25, 1)
    variance = kde.replace(25, 9, factor, relative=True).variance
    close(variance, kde.growth(25, float(factor)) ** np.arange(1, 11), rtol=1e-12)
    assert abs(kde.growth(25, float(factor)) - 1.270) < 5e-4
    assert kde.growth(25, 0.19) < 1 < kde.growth(25, 0.21)  # h^2 = 1 / n
    # accumulate: h^2 log t for a fixed h, bounded for one that shrinks with the pool
    k = np.arange(1, 100_001)
    grows = kde.accumulate(n, 99_999, h).variance
    close(grows[-1] - grows[9_999], h**2 * math.log(10), rtol=1e-3)
    for rule, relative in (("scott", False), ("std", True)):
        shrinks = kde.bandwidth(rule, n * k, 1)
        bounded = kde.accumulate(n, 99_999, shrinks, relative).variance
        assert bounded.max() < 2.5 and np.diff(bounded)[9_999:].max() < 1e-5
    # fresh real rows hold the variance
    held = kde.mix(n, 4, 16, 2000, h).variance
    assert abs(held[-1] - held[-2]) < 1e-12 and held[-1] < kde.replace_limit(n, h)


@pytest.mark.parametrize("rule", ["scott", "silverman"])
@pytest.mark.parametrize("d", [1, 3])
def test_rules_are_those_of_libraries(rule, d):
    """scikit-learn's do not see the data's scale; SciPy's multiply its covariance."""
    rows = np.random.default_rng(SEED).standard_normal((40, d))
    factor = kde.bandwidth(rule, 40, d)
    for scale in (1.0, 100.0):
        fitted = KernelDensity(bandwidth=rule).fit(scale * rows)
        close(fitted.bandwidth_, factor, rtol=1e-12)
        covariance = scipy.stats.gaussian_kde(scale * rows.T, rule).covariance
        own = np.cov(scale * rows.T, ddof=1)
        close(covariance, factor**2 * own.reshape(d, d), rtol=1e-12)


def test_rules_for_many_sizes():
    sizes = np.array([1, 10, 1000])
    close(kde.bandwidth("fixed", sizes, 2), 1.0)
    close(kde.bandwidth("std", sizes, 2), kde.bandwidth("silverman", sizes, 2))
    rule_of_thumb = kde.bandwidth("silverman", sizes, 1) * sizes**0.2
    close(rule_of_thumb, 1.06, atol=1e-3)


BAD = {
    "n": [
        lambda: kde.replace(0, 3, 0.1),
        lambda: kde.replace(1, 3, 0.1, relative=True),
        lambda: kde.fixed_budget(1, 3, 0.1),
        lambda: kde.accumulate([5, 5], 3, 0.1),
        lambda: kde.growth(1, 0.1),
        lambda: kde.bandwidth("scott", 0, 1),
    ],
    "num_generations": [
        lambda: kde.accumulate(5, -1, 0.1),
        lambda: kde.replace_multiple(5, -1, 0.1),
    ],
    "bandwidth": [
        lambda: kde.replace(5, 3, -0.1),
        lambda: kde.replace(5, 3, math.inf),
        lambda: kde.window(5, 2, 3, [0.1, 0.2]),
        lambda: kde.replace_limit(5, -1.0),
    ],
    "size": [lambda: kde.window(5, 0, 3, 0.1)],
    "real": [
        lambda: kde.mix(5, -1, 4, 3, 0.1),
        lambda: kde.mix(5, 6, 4, 3, 0.1, False, "fixed"),
    ],
    "anchor": [lambda: kde.mix(5, 2, 4, 3, 0.1, False, "loose")],
    "rule": [lambda: kde.bandwidth("scotts", 5, 1)],
    "dimension": [lambda: kde.bandwidth("scott", 5, 0)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
