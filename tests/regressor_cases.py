"""What the tests of the linear regressor share: kinds of row, a truth, a design."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.models.linear.model import LinearParams
from collapse.models.linear.rows import (
    design_of,
    design_of_factor,
    gram_factors,
    normal_inputs,
)

KEY = jax.random.key(SEED)
KINDS = ["samples", "statistics", "law"]
KIND = pytest.mark.parametrize("kind", KINDS)
DESIGN = pytest.mark.parametrize("design", ["fresh", "fixed"])


def truth_in(d):
    """True coefficients [d], d at most 5."""
    return jnp.array([1.0, -2.0, 0.5, 0.3, -0.4])[:d]


def started(w, c=2):
    """Parameters whose c regressors are w."""
    return LinearParams(jnp.tile(w[None], (c, 1)))


def design_in(key, kind, d, n, factor=None, active=None):
    """A random fixed design, as this kind of row knows it."""
    if kind == "law":
        return design_of_factor(gram_factors(key, 1, n, d, factor, active)[0])
    return design_of(normal_inputs(d, factor, active)(key, n).T)


def close(found, right, rtol):
    """Equal, relative to the largest entry."""
    found, right = np.asarray(found), np.asarray(right)
    np.testing.assert_allclose(found, right, rtol=0, atol=rtol * abs(right).max())
