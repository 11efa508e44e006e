"""Errors of linear regressors: printed tables, NumPy simulations, exact propagation.

The simulations know rows and fits only: no code of the lab and no formula.
"""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.theory import limits, linear, ridge
from collapse.theory.linear import Noise

NUM_SEEDS = 20_000
NOISE = Noise(1.0, 2.0)  # of real and of synthetic labels
# covariance of the inputs and its Cholesky factor
FACTOR = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [-0.5, 0, 1.5]])
close = np.testing.assert_allclose

# Gerstgrasser et al. (arXiv:2404.01413), fixed design: test error after so many fits, in
# units of the first
FITS = [1, 2, 5, 10, 20, 50, 100, 200]
MULTIPLES = {
    linear.replace: "1 2 5 10 20 50 100 200",
    linear.accumulate: "1 1.25 1.463611 1.549768 1.596163 1.625133 1.634984 1.639947",
    linear.replace_multiple: "1 1.5 2.283333 2.928968 3.597740 4.499205 5.187378 "
    "5.878031",
}


def rounds_to(value, printed):
    """Whether a number is what is printed, to the last printed digit."""
    digits = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10.0**-digits * (1 + 1e-9)


@pytest.mark.parametrize(("n", "d"), [(100, 32), (20, 32)])
@pytest.mark.parametrize("curve", MULTIPLES, ids=lambda f: f.__name__)
def test_table_of_multiples(curve, n, d):
    error = curve(n, d, 199, Noise(3.0, 3.0))
    close(error.variance[0], 3 * linear.first_error(n, d), rtol=1e-12)
    for fits, text in zip(FITS, MULTIPLES[curve].split(), strict=True):
        assert rounds_to(error.variance[fits - 1] / error.variance[0], text), fits
    assert (error.total == error.bias + error.variance).all()
    assert error.total.shape == (200,) and error.total.dtype == np.float64


def test_accumulate_ends_at_its_bound():
    variance = linear.accumulate(100, 32, 10**6, Noise()).variance
    end = variance[-1] + linear.first_error(100, 32) / 10**6
    close(end / variance[0], math.pi**2 / 6, rtol=1e-9)
    assert end * (1 + 1e-9) > variance[-1]


def test_first_errors():
    for n, text in ((100, ".47761"), (316, ".11307"), (1000, ".033092")):
        assert rounds_to(linear.first_error(n, 32), text)
    infinite = [n for n in range(1, 20) if math.isinf(linear.first_error(n, 8))]
    assert infinite == [7, 8, 9]
    for n in infinite:
        for curve in MULTIPLES:
            assert np.isinf(curve(n, 8, 3, Noise(1.0, 0.0)).variance).all()
            assert (curve(n, 8, 3, Noise(0.0, 0.0)).variance == 0).all()
            later = curve(n, 8, 3, Noise(0.0, 1.0)).variance
            assert later[0] == 0 and np.isinf(later[1:]).all()


# Simulations


def newest(batches):
    return batches[-1:]


def everything(batches):
    return batches


def last_two(batches):
    return batches[-2:]


def solve(x, y, penalty):
    """Ridge fits [S, c, d] to labels [S, c, rows]; of minimum norm without a penalty."""
    if penalty == 0:
        return y @ np.swapaxes(np.linalg.pinv(x), 1, 2)
    gram = np.swapaxes(x, 1, 2) @ x + penalty * np.eye(x.shape[2])
    return np.swapaxes(np.linalg.solve(gram, np.swapaxes(y @ x, 1, 2)), 1, 2)


def simulate(rule, n, d, design, multiple=False, **others):
    """Squared errors [S, G + 1, 3]: of the noise-free twin, of the noise, of both.

    Others: `real` rows a later generation is given, the writers' error `delta` [d],
    and factor, penalty, the variance of each true coefficient, generations, seeds.
    """
    real, delta = others.get("real"), others.get("delta", np.zeros(d))
    factor, penalty = others.get("factor", np.eye(d)), others.get("penalty", 0.0)
    num = others.get("seeds", NUM_SEEDS)
    rng = np.random.default_rng([SEED, n, d])
    truth = rng.standard_normal((num, 1, d)) * others.get("scale", 1.0)
    labels = np.repeat(truth, 2, axis=1)  # by the noisy fit, and by its twin
    first = rng.standard_normal((num, n, d)) @ factor.T
    batches, errors = [], []
    for t in range(others.get("generations", 4)):
        k = t + 1 if multiple else 1
        if design == "fixed" or t == 0:
            x = np.tile(first, (1, k, 1))
        else:
            x = rng.standard_normal((num, k * n, d)) @ factor.T
        y = labels @ np.swapaxes(x, 1, 2)
        variance = np.full(k * n, NOISE.synthetic if t else NOISE.real)
        if t and real is not None:
            y[:, :, :real] = truth @ np.swapaxes(x[:, :real], 1, 2)
            variance[:real] = NOISE.real
        y[:, 0] += np.sqrt(variance) * rng.standard_normal((num, k * n))
        batches.append((x, y))
        xs, ys = zip(*rule(batches), strict=True)
        fit = solve(np.concatenate(xs, 1), np.concatenate(ys, 2), penalty)
        noisy, twin = fit[:, 0], fit[:, 1]
        gaps = (twin - truth[:, 0], noisy - twin, noisy - truth[:, 0])
        errors.append(np.stack([((gap @ factor) ** 2).sum(1) for gap in gaps], 1))
        labels = fit + delta
    return np.stack(errors, 1)


# name: (rule, all rows of t + 1 batches, curve, curve of a likely confusion); the curves
# take (n, d, G, noise, design)
CASES = {
    "replace": (newest, False, linear.replace, linear.replace_multiple),
    "accumulate": (everything, False, linear.accumulate, linear.replace_multiple),
    "replace_multiple": (newest, True, linear.replace_multiple, linear.accumulate),
}
SWAPPED = Noise(NOISE.synthetic, NOISE.real)


@pytest.mark.parametrize("design", ["fixed", "fresh"])
@pytest.mark.parametrize("case", CASES)
def test_variance_is_met_by_simulation(case, design):
    """Correlated inputs, n > d + 1: nothing is lost, so all error is due to noise."""
    rule, multiple, curve, confused = CASES[case]
    found = simulate(rule, 12, 3, design, multiple, factor=FACTOR)
    right, draws = curve(12, 3, 4, NOISE, design), found[:, :, 1]
    assert (right.bias == 0).all() and (found[:, :, 0] < 1e-20).all()
    assert_tells_apart(draws, right.variance[:4], right.variance[1:])
    for control in (
        curve(11, 3, 3, NOISE, design),
        curve(12, 3, 3, SWAPPED, design),
        confused(12, 3, 3, NOISE, design),
    ):
        assert_tells_apart(draws, right.variance[:4], control.variance)
    if case != "replace":  # which errs alike with both
        other = curve(12, 3, 3, NOISE, "fresh" if design == "fixed" else "fixed")
        assert_tells_apart(draws, right.variance[:4], other.variance)


@pytest.mark.parametrize(
    ("case", "design"), [(c, "fixed") for c in CASES] + [("replace", "fresh")]
)
def test_minimum_norm_is_met_by_simulation(case, design):
    n, d, scale = 6, 16, 0.5  # signal 16 / 4
    rule, multiple, curve, _ = CASES[case]
    found = simulate(rule, n, d, design, multiple, scale=scale, seeds=4000)
    arguments = 3, NOISE, design
    right, short = curve(n, d, *arguments, 4.0), curve(n - 1, d, *arguments, 4.0)
    right, short = (np.stack([*e, e.total], 1) for e in (right, short))
    assert_tells_apart(found, right, short)
    if case == "replace":
        other = curve(n, d, 3, NOISE, "fresh" if design == "fixed" else "fixed", 4.0)
        assert_tells_apart(found, right, np.stack([*other, other.total], 1))


def test_window_is_met_by_simulation():
    draws = simulate(last_two, 12, 3, "fixed", factor=FACTOR, generations=5)[..., 1]
    right = linear.window(12, 3, 2, 4, NOISE).variance
    for wrong in (
        linear.window(12, 3, 3, 4, NOISE),
        linear.window(12, 3, 2, 4, SWAPPED),
    ):
        assert_tells_apart(draws, right, wrong.variance)
    for size, curve in ((1, linear.replace), (5, linear.accumulate)):
        window = linear.window(12, 3, size, 4, NOISE)
        close(window.variance, curve(12, 3, 4, NOISE).variance, rtol=1e-12)


@pytest.mark.parametrize("real", [0, 4, 12])
def test_mix_is_met_by_simulation(real):
    """With writers that err by delta: the twin's error is the bias."""
    delta = np.array([0.5, -0.3, 0.4])
    bias = ((delta @ FACTOR) ** 2).sum()
    found = simulate(newest, 12, 3, "fresh", real=real, delta=delta, factor=FACTOR)
    assert (found[:, 0, 0] < 1e-20).all()
    error = linear.mix(12, 3, real, 3, NOISE, bias)
    assert_tells_apart(
        found[..., 1], error.variance, linear.mix(11, 3, real, 3, NOISE).variance
    )
    if real == 12:  # nothing that is written is read
        assert (error.bias == 0).all() and (found[..., 0] < 1e-20).all()
        return
    wrong = linear.mix(12, 3, real, 3, NOISE, (delta**2).sum())
    assert_tells_apart(found[:, 1:, 0], error.bias[1:], wrong.bias[1:])
    wrong = linear.mix(12, 3, real + 1, 3, NOISE, bias)
    assert_tells_apart(found[:, 1:, 2], error.total[1:], wrong.total[1:])


@pytest.mark.parametrize(("n", "s", "d"), [(10, 5, 3), (14, 2, 5)])
def test_contraction_is_met_by_simulation(n, s, d):
    """Fits to labels x'v of s rows and 0 of the others: how much is left of v."""
    x = np.random.default_rng([SEED, n]).standard_normal((NUM_SEEDS, n, d))
    v = np.arange(1.0, d + 1) / np.linalg.norm(np.arange(1.0, d + 1))
    fit = solve(x, (x @ v * (np.arange(n) < s))[:, None], 0.0)[:, 0]
    draws, right = (fit**2).sum(1), linear.contraction(n, s, d)
    assert_tells_apart(draws, right, (s / n) ** 2)
    assert_tells_apart(draws, right, linear.contraction(n + 1, s, d))
    assert linear.contraction(n, 0, d) == 0 and linear.contraction(n, n, d) == 1
    close(linear.contraction(10**7, 10**7 // n, d), n**-2, rtol=1e-5)


def test_strong_collapse_is_what_more_rows_do_not_cure():
    for share in (0.1, 0.5, 1.0):
        floor, errors = linear.strong_collapse(share, 0.7), []
        for n in (10**3, 10**5, 10**7):
            synthetic = round(share * n)
            errors.append(linear.mix(n, 8, n - synthetic, 1, NOISE, 0.7).total[1])
        assert errors[0] > errors[1] > errors[2] > floor
        close(errors[2], floor, rtol=1e-3)
        close(errors[1] - floor, 100 * (errors[2] - floor), rtol=0.01)  # like 1 / n


def test_until():
    curve = np.array([2.0, 1.0, 4.0, 7.0, 5.0])
    assert [linear.until(curve, m) for m in (0.4, 1, 2, 3)] == [0, 2, 3, 3]
    assert math.isinf(linear.until(curve, 3.5))  # reached, not passed
    errors = linear.replace(50, 5, 99, Noise()).total
    assert linear.until(errors, 10) == 10  # eleven fits have eleven times the error


# Ridge

LAMBDA = 4.0
WORKFLOWS = {name: rule[:2] for name, rule in CASES.items()}


@pytest.mark.parametrize("penalty", [0.0, LAMBDA])
@pytest.mark.parametrize("n", [5, 2])
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_ridge_of_one_design_is_exact(workflow, n, penalty):
    """Every fit is linear in w* and in all noise: its matrix, by fits to its columns."""
    rng, d, covariance = np.random.default_rng(n), 3, FACTOR @ FACTOR.T
    x, (rule, multiple) = rng.standard_normal((n, d)) @ FACTOR.T, WORKFLOWS[workflow]
    maps, batches, right = np.eye(d), [], []  # columns: w*, then noise as it comes
    variances = np.zeros(d)
    for t in range(4):
        rows = np.tile(x, (t + 1 if multiple else 1, 1))
        labels = np.hstack([rows @ maps, np.eye(len(rows))])
        variances = np.append(
            variances, [NOISE.synthetic if t else NOISE.real] * len(rows)
        )
        batches.append((rows, labels))
        xs, ys = zip(*rule(batches), strict=True)
        ys = [np.pad(y, ((0, 0), (0, variances.size - y.shape[1]))) for y in ys]
        top = np.vstack([*xs, math.sqrt(penalty) * np.eye(d)])
        maps = np.linalg.lstsq(top, np.vstack([*ys, np.zeros((d, variances.size))]))[0]
        sizes = ((FACTOR.T @ (maps - np.eye(d, variances.size))) ** 2).sum(0)
        right.append([0.7 * sizes[:d].sum(), sizes @ variances])
    values, vectors = np.linalg.eigh(x.T @ x)
    norms = np.diagonal(vectors.T @ covariance @ vectors)
    spectra = ridge.Spectra(values[None], norms[None])
    found = ridge.fixed(workflow, spectra, penalty, 3, NOISE, 0.7)
    close(np.stack(found, 1), right, rtol=1e-9, atol=1e-12)


def assert_met(draws, theory, wrong):
    """Means of 400 groups of seeds, less those of as many groups of other designs.

    The spread of the differences holds the standard errors of both.
    """
    groups = draws.reshape(400, -1, *draws.shape[1:]).mean(1)
    gaps = np.array(wrong) - theory.mean(0)
    for gap in gaps:
        assert_tells_apart(groups - theory, np.zeros_like(gap), gap)


def in_groups(spectra):
    """The designs in 400 groups."""
    parts = (np.split(part, 400) for part in spectra)
    return [ridge.Spectra(*pair) for pair in zip(*parts, strict=True)]


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_ridge_is_met_by_simulation(case, correlated):
    rule, multiple, *_ = CASES[case]
    factor = FACTOR if correlated else np.eye(3)
    found = simulate(rule, 5, 3, "fixed", multiple, factor=factor, penalty=LAMBDA)
    spectra = ridge.draw_spectra(5, factor @ factor.T, 10_000, SEED)

    def theory(workflow=case, penalty=LAMBDA, spectra=spectra, noise=NOISE):
        error = ridge.fixed(workflow, spectra, penalty, 3, noise, 1.0)
        return np.stack(error, 1)

    confused = "accumulate" if case == "replace_multiple" else "replace_multiple"
    wrong = [theory(confused), theory(penalty=1.2 * LAMBDA), theory(noise=SWAPPED)]
    if correlated:  # the norm of the coefficients
        wrong.append(theory(spectra=spectra._replace(norms=np.ones((1, 3)))))
    groups = np.array([theory(spectra=some) for some in in_groups(spectra)])
    assert_met(found[..., :2], groups, wrong)


@pytest.mark.parametrize("n", [5, 2])
def test_ridge_with_fresh_inputs_is_met_by_simulation(n):
    found = simulate(newest, n, 3, "fresh", penalty=LAMBDA)
    spectra = ridge.draw_spectra(n, np.eye(3), 10_000, SEED)
    arguments = LAMBDA, 3, NOISE, 1.0
    fixed = np.stack(ridge.fixed("replace", spectra, *arguments), 1)
    other = ridge.draw_spectra(n + 1, np.eye(3), 2000, SEED)
    more = np.stack(ridge.fresh_replace(other, *arguments), 1)
    groups = [ridge.fresh_replace(some, *arguments) for some in in_groups(spectra)]
    assert_met(found[..., :2], np.stack(groups).swapaxes(1, 2), [fixed, more])


def test_learner_is_met_by_simulation():
    """Labels by the truth, by a teacher's error of covariance Sigma^-1, by noise."""
    n, d, rng = 7, 4, np.random.default_rng(SEED)
    factor = np.diag(np.arange(1.0, d + 1) ** -0.75)  # covariance j^-3/2
    x = rng.standard_normal((NUM_SEEDS, n, d)) @ factor
    truth, error = rng.standard_normal((2, NUM_SEEDS, d))
    error = error @ np.linalg.inv(factor)
    teachers = np.stack([truth, error], 1)
    noise = rng.standard_normal((NUM_SEEDS, 1, n))
    labels = np.concatenate([teachers @ x.swapaxes(1, 2), noise], 1)
    fit = solve(x, labels, 0.5)
    fit[:, 0] -= truth
    draws = ((fit @ factor) ** 2).sum(2) / [1, d, 1]

    def theory(penalty, covariance, seed, designs=25):
        return ridge.learner(n, covariance, penalty, designs, seed)

    covariance = factor @ factor
    groups = np.array([theory(0.5, covariance, [SEED, k]) for k in range(400)])
    wrong = theory(0.6, covariance, SEED, 4000), theory(0.5, np.eye(d), SEED, 1000)
    assert_met(draws, groups, wrong)
    plain = theory(0.0, covariance, SEED)
    close(plain[:2], [0, 1], atol=1e-9)
    assert 1 > theory(0.1, covariance, SEED).rho > theory(1.0, covariance, SEED).rho


# Limits of large samples

SHARES = (0.5, 0.1)
ROWS = 20


def simulate_means(rows_of, num, seeds):
    """sqrt(n) times the means of what each fit is given, unit variance, [S, 4]."""
    rng, batches, means = np.random.default_rng([SEED, num]), [], []
    mean = np.zeros((seeds, 1))
    for t in range(4):
        batches.append(mean + rng.standard_normal((seeds, num)))
        rows = rows_of(rng, batches, t)
        mean = rows.mean(1, keepdims=True)
        means.append(math.sqrt(num) * mean[:, 0])
    return np.stack(means, 1)
