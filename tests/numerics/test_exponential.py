"""Powers of 2: right to the last digit, down to their bound."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.numerics import exponential
from collapse.numerics.exponential import exp2_down

DTYPES = [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]
LOW = {jnp.float32: -125, jnp.float64: -1020}


def worst(dtype):
    """Largest relative error, in units of the last place."""
    rng = np.random.default_rng(SEED)
    parts = [rng.uniform(LOW[dtype], 0, 100_000), rng.uniform(-1, 1, 100_000)]
    x = np.concatenate([*parts, -(2.0 ** -np.arange(60)), [0.0]]).astype(dtype)
    exact = np.exp2(x.astype(np.longdouble))
    found = np.asarray(exp2_down(jnp.asarray(x)), np.longdouble)
    return float(abs(found / exact - 1).max()) / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_right_to_the_last_digit(dtype, monkeypatch):
    assert worst(dtype) < 1.5
    name = "_SINGLE" if dtype == jnp.float32 else "_DOUBLE"
    monkeypatch.setattr(exponential, name, getattr(exponential, name)[1:])
    assert worst(dtype) > 1.5, "control: a power less"


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_powers_are_exact_and_it_rises(dtype):
    x = np.arange(LOW[dtype], 1).astype(dtype)
    np.testing.assert_array_equal(exp2_down(jnp.asarray(x)), np.exp2(x))
    x = np.linspace(-3, 0, 100_001).astype(dtype)
    found = np.asarray(exp2_down(jnp.asarray(x)))
    assert (np.diff(found) >= -np.finfo(dtype).eps * found[1:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_below_its_bound_it_stays_there_and_nan_stays_nan(dtype):
    low = LOW[dtype]
    x = jnp.asarray([low - 0.4, 100 * low, -jnp.inf, jnp.nan], dtype)
    for function in (exp2_down, jax.jit(exp2_down)):
        found = np.asarray(function(x))
        np.testing.assert_array_equal(found, [2.0**low] * 3 + [np.nan])
        assert found.dtype == dtype


def test_other_precisions_are_refused():
    with pytest.raises(ValueError, match="float32 or float64, got float16"):
        exp2_down(jnp.ones(2, jnp.float16))
