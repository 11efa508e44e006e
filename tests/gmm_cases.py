"""What the tests of the Gaussian mixture share: data, starts and one compiled fit."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import SEED, X64

from collapse.models.gmm.model import GmmParams, gmm

KEY = jax.random.key(SEED)
RTOL = 1e-9 if X64 else 1e-5


def clusters(seed, num_components, dimension, num_rows, spread=3.0):
    """Rows around random centres, in NumPy's float64."""
    rng = np.random.default_rng([SEED, seed])
    centres = spread * rng.normal(size=(num_components, dimension))
    which = rng.integers(num_components, size=num_rows)
    return centres[which] + rng.normal(size=(num_rows, dimension))


def guess(seed, num_components, rows):
    """A poor start: random weights and rows, the covariance of everything."""
    rng = np.random.default_rng([SEED, seed, 1])
    d = rows.shape[1]
    spread = np.cov(rows.T).reshape(d, d)
    return GmmParams(
        jnp.asarray(rng.dirichlet(np.full(num_components, 5.0))),
        jnp.asarray(rows[rng.choice(len(rows), num_components, replace=False)]),
        jnp.asarray(np.stack([spread] * num_components)),
    )


@jax.jit
def em(params, rows, weights, tol=0.0, max_iter=3, reg_covar=1e-6):
    """A fit from `params`; with the default `tol`, exactly `max_iter` steps."""
    num_components, dimension = params.means.shape
    model = gmm(
        num_components,
        dimension=dimension,
        tol=tol,
        max_iter=max_iter,
        reg_covar=reg_covar,
        start="previous",
    )
    return model.fit(KEY, params, jnp.asarray(rows), jnp.asarray(weights))


def assert_same(one, other, rtol=RTOL):
    """Equal trees, up to `rtol` of the numbers or of 1."""
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
