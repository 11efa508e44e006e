"""Area under the curve: that of all pairs, of NumPy's arrays and of JAX's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from hypothesis import given
from hypothesis import strategies as st

from collapse.numerics import ranking

FEW = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=9)


@given(FEW, FEW)
def test_it_is_the_mean_over_all_pairs(low, high):
    below, above = np.array(low), np.array(high)
    pairs = above[:, None] - below[None]
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert ranking.auc(below, above) == pytest.approx(expected, rel=1e-12)
    assert ranking.auc(above, below) == pytest.approx(1 - expected, abs=1e-12)


def test_it_is_the_same_of_jax_under_all_transformations():
    rows = np.random.default_rng(0).integers(0, 6, (2, 5, 30)).astype(float)
    expected = [ranking.auc(a, b) for a, b in zip(*rows, strict=True)]
    found = jax.jit(jax.vmap(ranking.auc))(*map(jnp.asarray, rows))
    np.testing.assert_allclose(found, expected, rtol=1e-12 if X64 else 1e-6)


def test_without_rows_there_is_none():
    empty, one = np.zeros(0), np.ones(1)
    for pair in ((empty, one), (one, empty), (empty, empty)):
        assert np.isnan(ranking.auc(*pair))
        assert jnp.isnan(ranking.auc(*map(jnp.asarray, pair)))
