"""The inverse error function: right to the last digits, tails and centre alike."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from conftest import SEED
from jax import lax

from collapse.numerics.inverse_error import erf_inv

DTYPES = [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]


def points(dtype):
    """All orders of magnitude of x and of the distance of x from 1, and between."""
    rng, bits = np.random.default_rng(SEED), np.finfo(dtype).nmant
    powers = 2.0 ** -np.arange(1, bits + 1)
    near = 1 - rng.uniform(0, 1e-5, 20_000)
    parts = [rng.uniform(0, 1, 100_000), powers, 1 - powers, near]
    x = np.concatenate([*parts, [0.0]]).astype(dtype)
    x = x[x < 1]
    return np.concatenate([x, -x])


def worst(function, dtype):
    """Largest relative error, in units of the last place."""
    x = points(dtype)
    exact = scipy.special.erfinv(x.astype(float))
    found = np.asarray(function(jnp.asarray(x)), float)
    assert (found[x == 0] == 0).all()
    error = abs(found - exact)[x != 0] / abs(exact)[x != 0]
    return error.max() / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_right_to_the_last_digits(dtype):
    assert worst(erf_inv, dtype) < 5


@pytest.mark.parametrize("dtype", DTYPES)
def test_that_of_xla_is_not(dtype):
    """When this fails XLA has improved: measure whether ours is still worth having."""
    assert worst(lax.erf_inv, dtype) > 20


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_odd_and_rises(dtype):
    x = np.sort(points(dtype))
    found = np.asarray(erf_inv(jnp.asarray(x)))
    np.testing.assert_allclose(found, -found[::-1], rtol=4 * np.finfo(dtype).eps)
    slack = 4 * np.finfo(dtype).eps * abs(found[1:])
    assert (np.diff(found) >= -slack).all()
