"""Ridge regression: exact propagation for one design, simulations for the mean of many.

The simulations are those of `linear_cases`.
"""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from linear_cases import FACTOR, NOISE, NUM_SEEDS, SWAPPED, WORKFLOWS, simulate, solve

from collapse.theory import linear, ridge
from collapse.theory.linear import Noise

LAMBDA = 4.0
close = np.testing.assert_allclose


@pytest.mark.parametrize("penalty", [0.0, LAMBDA])
@pytest.mark.parametrize("n", [5, 2])
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_one_design_is_exact(workflow, n, penalty):
    """Every fit is linear in w* and all noise: its matrix, by fits to its columns."""
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
    _, singular, vectors = np.linalg.svd(x)
    values = np.pad(singular**2, (0, d - singular.size))  # 0 exactly where no row is
    norms = np.diagonal(vectors @ covariance @ vectors.T)
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
@pytest.mark.parametrize("case", WORKFLOWS)
def test_fixed_inputs_are_met_by_simulation(case, correlated):
    factor = FACTOR if correlated else np.eye(3)
    found = simulate(case, 5, 3, "fixed", factor=factor, penalty=LAMBDA)
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
def test_fresh_inputs_are_met_by_simulation(n):
    found = simulate("replace", n, 3, "fresh", penalty=LAMBDA)
    spectra = ridge.draw_spectra(n, np.eye(3), 10_000, SEED)
    arguments = LAMBDA, 3, NOISE, 1.0
    fixed = np.stack(ridge.fixed("replace", spectra, *arguments), 1)
    other = ridge.draw_spectra(n + 1, np.eye(3), 2000, SEED)
    more = np.stack(ridge.fresh_replace(other, *arguments), 1)
    groups = [ridge.fresh_replace(some, *arguments) for some in in_groups(spectra)]
    assert_met(found[..., :2], np.stack(groups).swapaxes(1, 2), [fixed, more])


def test_learner_is_met_by_simulation():
    """Labels by the truth, by a teacher's error of covariance Sigma^-1, by noise."""
    n, d, rng = 5, 4, np.random.default_rng(SEED)
    factor = np.diag(np.arange(1.0, d + 1) ** -1.5)  # covariance j^-3
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


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("n", [9, 3])
def test_without_a_penalty_it_is_least_squares(workflow, n):
    """Each design's variance grows by the known factors, and bias is the known one."""
    d = 3 if n == 9 else 9
    spectra = ridge.draw_spectra(n, np.eye(d), 5, 0)
    found = ridge.fixed(workflow, spectra, 0.0, 6, NOISE, 0.5)
    right = getattr(linear, workflow)(n, d, 6, NOISE, "fixed", 0.5 * d)
    pairs = [(found, right)]
    if workflow == "replace":
        found = ridge.fresh_replace(spectra, 0.0, 6, NOISE, 0.5)
        pairs.append((found, linear.replace(n, d, 6, NOISE, "fresh", 0.5 * d)))
    for found, right in pairs:
        growth = right.variance / right.variance[0]
        close(found.variance, found.variance[0] * growth, rtol=1e-9)
        close(found.bias, right.bias, rtol=1e-9, atol=1e-12)


SPECTRA = ridge.draw_spectra(5, np.eye(3), 5, 0)


def fixed(workflow="replace", penalty=1.0, last=3, noise=NOISE, signal=1.0):
    return ridge.fixed(workflow, SPECTRA, penalty, last, noise, signal)


def fresh(penalty=1.0, last=3, noise=NOISE, signal=1.0):
    return ridge.fresh_replace(SPECTRA, penalty, last, noise, signal)


BAD = {
    "n": [
        lambda: ridge.draw_spectra(0, np.eye(3), 5, 0),
        lambda: ridge.learner(0, np.eye(3), 0.1, 5, 0),
    ],
    "num_designs": [
        lambda: ridge.draw_spectra(5, np.eye(3), 0, 0),
        lambda: ridge.learner(5, np.eye(3), 0.1, -1, 0),
    ],
    "workflow": [lambda: fixed("window")],
    "penalty": [
        lambda: fixed(penalty=-1.0),
        lambda: fresh(penalty=math.nan),
        lambda: ridge.learner(5, np.eye(3), -1.0, 5, 0),
    ],
    "signal": [lambda: fixed(signal=-1.0), lambda: fresh(signal=-1.0)],
    "num_generations": [
        lambda f=f, last=last: f(last=last)
        for f in (fixed, fresh)
        for last in (-2, 2.5)
    ],
    "noise": [lambda f=f: f(noise=Noise(-1.0)) for f in (fixed, fresh)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
