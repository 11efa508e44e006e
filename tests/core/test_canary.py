"""A compiled row-by-row quadratic form against NumPy, kept for ever.

Some jax releases (0.10.2 among them) return wrong numbers here on CPU, silently, for a
window of row counts around this one. It is a Mahalanobis distance, hence the
log-density of every Gaussian and mixture in the lab.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

ROWS, DIMENSION = 40_000, 3
DTYPES = [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]


def problem(dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, DIMENSION)).astype(dtype)
    factor = np.linalg.cholesky(np.cov(x.T) + np.eye(DIMENSION)).astype(dtype)
    return x, factor


def num_wrong(got, x, factor):
    """Rows off by 16 roundings of the largest; right releases stay below 1."""
    expected = ((x.astype(float) @ factor.T.astype(float)) ** 2).sum(1)
    bound = 16 * np.finfo(x.dtype).eps * expected.max()
    return (np.abs(np.asarray(got, float) - expected) > bound).sum()


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_quadratic_form_is_right_in_every_row(dtype):
    x, factor = problem(dtype)

    @jax.jit
    @jax.vmap
    def quadratic(row):
        return jnp.sum((jnp.asarray(factor) @ row) ** 2)

    got = quadratic(jnp.asarray(x))
    assert got.dtype == dtype
    assert num_wrong(got, x, factor) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_wrong_row_would_be_seen(dtype):
    x, factor = problem(dtype)
    right = ((x @ factor.T) ** 2).sum(1)
    wrong = right.copy()
    wrong[[20_000, 20_001]] = wrong[[20_001, 20_000]]
    assert num_wrong(right, x, factor) == 0
    assert num_wrong(wrong, x, factor) == 2
