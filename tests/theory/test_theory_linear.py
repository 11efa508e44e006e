"""Errors of linear regressors: printed tables, and simulations by `linear_cases`."""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from linear_cases import (
    FACTOR,
    NOISE,
    NUM_SEEDS,
    SWAPPED,
    WORKFLOWS,
    last_two,
    newest,
    simulate,
    solve,
)

from collapse.theory import linear
from collapse.theory.linear import Noise

close = np.testing.assert_allclose

# Gerstgrasser et al. (arXiv:2404.01413), fixed design: test error after so many fits,
# in units of the first
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
    assert (np.diff(variance) > 0).all()
    assert variance[-1] < math.pi**2 / 6 * variance[0]


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

# workflow -> one that it may be confused with
CONFUSED = {
    "replace": "replace_multiple",
    "accumulate": "replace_multiple",
    "replace_multiple": "accumulate",
}


def other(design):
    return "fresh" if design == "fixed" else "fixed"


@pytest.mark.parametrize("design", ["fixed", "fresh"])
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_variance_is_met_by_simulation(workflow, design):
    """Correlated inputs, n > d + 1: nothing is lost, so all error is due to noise."""
    found = simulate(workflow, 12, 3, design, factor=FACTOR)
    curve, confused = getattr(linear, workflow), getattr(linear, CONFUSED[workflow])
    right, draws = curve(12, 3, 4, NOISE, design), found[:, :, 1]
    assert (right.bias == 0).all() and (found[:, :, 0] < 1e-20).all()
    assert_tells_apart(draws, right.variance[:4], right.variance[1:])
    controls = [
        curve(11, 3, 3, NOISE, design),
        curve(12, 3, 3, SWAPPED, design),
        confused(12, 3, 3, NOISE, design),
    ]
    if workflow != "replace":  # whose design does not matter
        controls.append(curve(12, 3, 3, NOISE, other(design)))
    for control in controls:
        assert_tells_apart(draws, right.variance[:4], control.variance)


@pytest.mark.parametrize(
    ("workflow", "design"), [(w, "fixed") for w in WORKFLOWS] + [("replace", "fresh")]
)
def test_minimum_norm_is_met_by_simulation(workflow, design):
    """n < d - 1 and a signal of 16 / 4: bias and variance."""
    curve, n, d = getattr(linear, workflow), 6, 16
    draws = simulate(workflow, n, d, design, scale=0.5, seeds=6000)[..., :2]
    right = np.stack(curve(n, d, 3, NOISE, design, 4.0), 1)
    controls = [curve(n - 1, d, 3, NOISE, design, 4.0)]
    if workflow == "replace":
        controls.append(curve(n, d, 3, NOISE, other(design), 4.0))
    for control in controls:
        assert_tells_apart(draws, right, np.stack(control, 1))


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


def test_mix_is_met_by_simulation():
    """With models that err by delta: what that does is the error of the twin."""
    n, d, real, delta = 12, 3, 4, np.array([0.5, -0.3, 0.4])
    found = simulate(newest, n, d, "fresh", real=real, delta=delta, factor=FACTOR)
    length = ((delta @ FACTOR) ** 2).sum()
    right = linear.mix(n, d, real, 3, NOISE, length)
    plain = linear.mix(n, d, real, 3, NOISE, (delta**2).sum())  # another norm
    for wrong in (plain, linear.mix(n, d, real + 1, 3, NOISE, length)):
        assert_tells_apart(found[:, 1:, 0], right.bias[1:], wrong.bias[1:])
    assert right.bias[0] == 0 and (found[:, 0, 0] < 1e-20).all()
    wrong = linear.mix(n - 1, d, real, 3, NOISE, length)
    assert_tells_apart(found[..., 1], right.variance, wrong.variance)
    assert_tells_apart(found[..., 2], right.total, wrong.total)


def test_mix_runs_from_replace_to_real_data():
    mixed = linear.mix(12, 3, 0, 5, NOISE, 0.7)
    replace = linear.replace(12, 3, 5, NOISE, "fresh")
    close(mixed.variance, replace.variance, rtol=1e-12)
    close(mixed.bias, 0.7 * np.arange(6) ** 2, rtol=1e-12)  # delta, t times
    real = linear.mix(12, 3, 12, 5, NOISE, 0.7)
    assert (real.bias == 0).all()
    close(real.variance, linear.first_error(12, 3), rtol=1e-12)


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


def curves(last, noise):
    """Calls of all that take a number of generations and a noise."""
    yield from (lambda c=c: c(9, 3, last, noise) for c in MULTIPLES)
    yield lambda: linear.window(9, 3, 2, last, noise)
    yield lambda: linear.mix(9, 3, 2, last, noise)


BAD = {
    "n": [
        lambda: linear.first_error(0, 3),
        lambda: linear.replace(2.5, 3, 3, NOISE),
        lambda: linear.accumulate(4, 3, 3, NOISE, "fresh"),
        lambda: linear.replace_multiple(2, 8, 3, NOISE, "fresh"),
        lambda: linear.window(4, 3, 2, 3, NOISE),
        lambda: linear.mix(4, 3, 2, 3, NOISE),
        lambda: linear.contraction(4, 2, 3),
    ],
    "d": [lambda: linear.first_error(5, 0), lambda: linear.window(9, -1, 2, 3, NOISE)],
    "design": [lambda c=c: c(9, 3, 3, NOISE, "fixe") for c in MULTIPLES],
    "signal": [lambda c=c: c(9, 3, 3, NOISE, "fixed", -1.0) for c in MULTIPLES],
    "num_generations": [*curves(-1, NOISE), *curves(-2, NOISE), *curves(2.5, NOISE)],
    "noise": [*curves(3, Noise(-1.0)), *curves(3, Noise(1.0, math.inf))],
    "size": [lambda: linear.window(9, 3, 0, 3, NOISE)],
    "real": [
        lambda: linear.mix(9, 3, -1, 3, NOISE),
        lambda: linear.mix(9, 3, 10, 3, NOISE),
    ],
    "synthetic": [
        lambda: linear.contraction(9, -1, 3),
        lambda: linear.contraction(9, 10, 3),
    ],
    "synthetic_bias": [
        lambda: linear.mix(9, 3, 1, 3, NOISE, -1.0),
        lambda: linear.strong_collapse(0.5, math.nan),
    ],
    "share": [lambda: linear.strong_collapse(1.1, 1.0)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
