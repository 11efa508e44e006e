"""Flawed and selected Gaussians: exact moments, and the limit of many rows."""

import math

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import flawed

NUM_SEEDS, N, G = 30_000, 6, 4
SHIFT, KEPT = 0.4, 0.8
close = np.testing.assert_allclose
FORMS = {
    "replace": (flawed.replace, theory.replace),
    "accumulate": (flawed.accumulate, theory.accumulate),
    "fixed_budget": (flawed.fixed_budget, theory.fixed_budget),
}


def simulate(workflow, shift, kept):
    """Variance and squared error of the mean of fits [S, 2, G + 1]."""
    rng, found = np.random.default_rng([SEED, 63]), []
    pool = rng.standard_normal((NUM_SEEDS, N))
    for _ in range(G + 1):
        rows = pool
        if workflow == "fixed_budget":
            rows = rng.permuted(pool, axis=1)[:, :N]
        mean, variance = rows.mean(1), rows.var(1)
        found.append((variance, mean**2))
        z = rng.standard_normal((NUM_SEEDS, N)) * np.sqrt(kept * variance)[:, None]
        new = mean[:, None] + shift + z
        pool = new if workflow == "replace" else np.concatenate([pool, new], 1)
    return np.array(found).transpose(2, 1, 0)


@pytest.mark.parametrize("workflow", FORMS)
def test_flaws_are_met_by_simulation(workflow):
    form, _ = FORMS[workflow]
    draws = simulate(workflow, SHIFT, KEPT)
    right = np.stack(form(N, G, SHIFT, KEPT))
    others = [other for other, _ in FORMS.values() if other is not form]
    for wrong in (form(N, G, SHIFT), form(N, G, 0.3, KEPT), others[0](N, G, SHIFT)):
        assert_tells_apart(draws, right, np.stack(wrong))


@pytest.mark.parametrize("workflow", FORMS)
def test_without_a_flaw_they_are_those_of_any_fit(workflow):
    form, plain = FORMS[workflow]
    close(form(20, 30, 0.0), plain(20, 30, 0), rtol=1e-12)
    assert not np.allclose(form(20, 30, 0.01), plain(20, 30, 0))


def test_a_shift_adds_up_like_the_harmonic_numbers():
    """Of so many rows that nothing else is left; under accumulate without bound."""
    n, last, shift = 10**14, 2000, 0.25
    fits = np.arange(1, last + 2)
    harmonic = np.cumsum(1 / fits) - 1
    for form in (flawed.accumulate, flawed.fixed_budget):
        drift = np.sqrt(form(n, last, shift).mean_error)
        close(drift[1:], shift * harmonic[1:], rtol=1e-6)
    replaced = np.sqrt(flawed.replace(n, last, shift).mean_error)
    close(replaced[1:], shift * fits[:-1], rtol=1e-6)
    growth = harmonic[-1] - harmonic[last // 2]
    close(growth, math.log(fits[-1] / fits[last // 2]), rtol=1e-3)


def test_lost_variance_adds_up_like_a_power():
    fits = np.arange(1, 2002)
    variance = flawed.accumulate(10**12, 2000, 0.0, KEPT).variance
    slope = np.log(variance[-1] / variance[1000]) / np.log(fits[-1] / fits[1000])
    close(slope, KEPT - 1, rtol=1e-3)
    replaced = flawed.replace(10**12, 20, 0.0, KEPT).variance
    close(replaced, KEPT ** np.arange(21), rtol=1e-9)


def nearest(rng, mean, deviation, keep, target, num=400_000):
    """Kept rows of so many candidates: those nearest to the target."""
    rows = mean + deviation * rng.standard_normal(num)
    order = np.argsort(abs(rows - target))
    return rows[order[: round(keep * num)]]


@pytest.mark.parametrize("target", [1.0, -2.0])
@pytest.mark.parametrize("everything", [False, True])
def test_selection_of_many_rows(everything, target):
    """Mean and variance of the rows nearest to a target, kept out of many."""
    rng, keep = np.random.default_rng([SEED, 64]), 0.4
    pool = rng.standard_normal(160_000)
    curves = flawed.selected(keep, target, 3, everything)
    for t in range(4):
        mean, variance = pool.mean(), pool.var()
        # standard errors are below 0.003: of 160 000 rows, and three steps of them
        assert abs(mean**2 - curves.mean_error[t]) < 0.015
        assert abs(variance - curves.variance[t]) < 0.015
        new = nearest(rng, mean, math.sqrt(variance), keep, target)
        pool = np.concatenate([pool, new]) if everything else new
    wrong = flawed.selected(keep, target, 3, not everything)
    assert abs(wrong.variance[3] - curves.variance[3]) > 0.1


def test_selected_rows_collapse_like_a_power():
    """Distance and variance go to the target and 0; the power is that of the theory."""
    for keep in (0.2, 0.5, 0.9):
        curves = flawed.selected(keep, 0.0, 10_000, True)
        slope = math.log(curves.variance[-1] / curves.variance[5000])
        slope /= math.log(10_001 / 5001)
        assert slope == pytest.approx(-flawed.selected_power(keep), rel=1e-3)
        assert not curves.mean_error.any()
        curves = flawed.selected(keep, 1.0, 10_000, True)
        away = 1 - np.sqrt(curves.mean_error)
        assert 0 < away[-1] < 0.9 * away[5000]
        assert curves.variance[-1] < 0.9 * curves.variance[5000]
    z = scipy.stats.norm.ppf(0.75)
    cut = scipy.stats.truncnorm(-z, z).var()
    assert flawed.selected_power(0.5) == pytest.approx(1 - cut, rel=1e-9)
    assert flawed.selected_power(0.999) < 0.03 < 0.95 < flawed.selected_power(0.1)


BAD = {
    "n": [lambda: flawed.replace(0, 3, 0.1), lambda: flawed.fixed_budget(1, 3, 0.1)],
    "num_generations": [
        lambda: flawed.accumulate(5, -1, 0.1),
        lambda: flawed.selected(0.5, 1.0, -1, True),
    ],
    "shift": [lambda: flawed.replace(5, 3, math.nan)],
    "kept": [lambda: flawed.accumulate(5, 3, 0.1, -0.5)],
    "keep": [
        lambda: flawed.selected(1.0, 0.0, 3, True),
        lambda: flawed.selected_power(0.0),
        lambda: flawed.selected_power(2.0),
    ],
    "target": [lambda: flawed.selected(0.5, math.inf, 3, True)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
