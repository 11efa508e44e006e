"""Expected determinants, against the variance in one dimension and simulations."""

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import determinants

close = np.testing.assert_allclose
DDOFS = pytest.mark.parametrize("ddof", [0, 1])
NUM_SEEDS = 60_000


@DDOFS
@pytest.mark.parametrize("name", ["replace", "accumulate", "fixed_budget"])
def test_in_one_dimension_it_is_the_variance(name, ddof):
    found = getattr(determinants, name)(7, 30, ddof, 1)
    close(found, getattr(theory, name)(7, 30, ddof).variance, rtol=1e-12)


@pytest.mark.parametrize("name", ["replace", "accumulate", "fixed_budget"])
def test_few_rows_have_no_determinant(name):
    form = getattr(determinants, name)
    assert (form(4, 20, 0, 4) == 0).all() and (form(5, 20, 0, 4) > 0).all()
    large = form(1000, 99, 0, 100)
    assert np.isfinite(large).all() and (np.diff(large) <= 0).all()


def test_the_last_fit_decides_between_workflows():
    replace, budget, accumulate = (
        getattr(determinants, name)(32, 99, 0, 3)
        for name in ("replace", "fixed_budget", "accumulate")
    )
    assert (replace[1:] < budget[1:]).all() and (budget[1:] < accumulate[1:]).all()
    close([replace[0], budget[0]], accumulate[0], rtol=1e-12)


def last(rng, batches):
    return batches[-1]


def everything(rng, batches):
    return np.concatenate(batches, axis=1)


def subset(rng, batches):
    pool = everything(rng, batches)
    order = rng.random(pool.shape[:2]).argsort(1)[:, : batches[0].shape[1]]
    return np.take_along_axis(pool, order[..., None], 1)


RULES = {"replace": last, "accumulate": everything, "fixed_budget": subset}


def simulate(rule, n, d, ddof, last_generation):
    """Determinants of fits [S, G + 1], from rows alone."""
    rng, found = np.random.default_rng(SEED), []
    batches = [rng.standard_normal((NUM_SEEDS, n, d))]
    for _ in range(last_generation + 1):
        rows = rule(rng, batches)
        mean = rows.mean(1, keepdims=True)
        gap = rows - mean
        covariance = np.einsum("snd,sne->sde", gap, gap) / (rows.shape[1] - ddof)
        found.append(np.linalg.det(covariance))
        factor = np.linalg.cholesky(covariance)
        noise = rng.standard_normal((NUM_SEEDS, n, d))
        batches.append(mean + np.einsum("sde,sne->snd", factor, noise))
    return np.stack(found, 1)


@pytest.mark.statistical
@DDOFS
@pytest.mark.parametrize("name", RULES)
def test_determinants_are_met_by_simulation(name, ddof):
    n, d, at = 12, 2, [0, 2]
    form = getattr(determinants, name)
    draws = simulate(RULES[name], n, d, ddof, 2)[:, at]
    right = form(n, 3, ddof, d)
    other = "fixed_budget" if name == "accumulate" else "accumulate"
    confused = getattr(determinants, other)(n, 2, ddof, d)
    variances = getattr(theory, name)(n, 2, ddof).variance  # as if independent
    for wrong in (right[1:][at], confused[at], variances[at] ** d):
        assert_tells_apart(draws, right[at], wrong)
