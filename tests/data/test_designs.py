"""Covariances of regression inputs: their values, and what is refused."""

import math

import numpy as np
import pytest
import scipy.linalg

from collapse.data.designs import covariance

close = np.testing.assert_allclose
KINDS = [("isotropic", 0.0), ("power_law", 0.0), ("power_law", 1.0), ("power_law", 3.5)]
KINDS += [("ar1", rho) for rho in (-0.9, 0.0, 0.5, 0.99)]


@pytest.mark.parametrize("d", [1, 2, 7, 40])
@pytest.mark.parametrize(("kind", "parameter"), KINDS)
def test_symmetric_and_positive_definite(kind, parameter, d):
    found = covariance(kind, d, parameter)
    assert found.shape == (d, d) and found.dtype == np.float64
    assert (found == found.T).all() and np.linalg.eigvalsh(found)[0] > 0
    np.linalg.cholesky(found)


def test_isotropic_is_the_identity():
    assert (covariance("isotropic", 4, math.nan) == np.eye(4)).all()


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.25, 0.9])
def test_ar1_is_the_law_of_the_process(rho):
    """x_1 = e_1 and x_j = rho x_{j-1} + sqrt(1 - rho^2) e_j, with e ~ N(0, I)."""
    d = 6
    step, own = np.eye(d), math.sqrt(1 - rho**2) * np.eye(d)
    step[np.arange(1, d), np.arange(d - 1)] = -rho
    own[0, 0] = 1
    root = np.linalg.solve(step, own)
    close(covariance("ar1", d, rho), root @ root.T, rtol=0, atol=1e-14)
    powers = [1, rho, rho * rho, rho**3, rho**4, rho**5]
    close(covariance("ar1", d, rho), scipy.linalg.toeplitz(powers), rtol=1e-14)


def test_power_law_falls_along_the_diagonal():
    right = np.diag([1, 1 / 4, 1 / 9, 1 / 16])
    close(covariance("power_law", 4, 2.0), right, rtol=1e-14)
    close(covariance("power_law", 4, 0.5)[3, 3], 0.5, rtol=1e-14)
    assert (covariance("power_law", 5, 0.0) == np.eye(5)).all()


@pytest.mark.parametrize(
    ("kind", "parameter", "name"),
    [
        ("ar1", 1.0, "rho"),
        ("ar1", -1.0, "rho"),
        ("ar1", 1.5, "rho"),
        ("ar1", math.nan, "rho"),
        ("power_law", -0.1, "beta"),
        ("power_law", math.nan, "beta"),
        ("powerlaw", 1.0, "kind"),
        ("", 1.0, "kind"),
    ],
)
def test_bad_arguments_are_named(kind, parameter, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        covariance(kind, 3, parameter)
