"""Statistics that monitors show: against loops, without bias, in bounded memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED, X64

from collapse.measures import neighbours as nb
from collapse.measures import two_samples as ts

RTOL = 1e-9 if X64 else 1e-4


def rows(num, d, seed):
    return np.random.default_rng((SEED, seed)).normal(size=(num, d))


def squares(first, second):
    return ((first[:, None] - second[None]) ** 2).sum(2)


@pytest.mark.parametrize("d", [2, 12])  # of many features distances are products
def test_the_mean_discrepancy_is_that_of_a_loop(d, monkeypatch):
    """With blocks of 8 of 30 and 21 rows."""
    monkeypatch.setattr(nb, "BLOCK", 8)
    reference, points = rows(30, d, 1), 1 + 0.8 * rows(21, d, 2)
    between = squares(reference, reference)[np.triu_indices(30, 1)]
    width = np.median(between)

    def mean(first, second, pairs):
        near = np.exp(-squares(first, second) / (2 * width))
        return (near.sum() - (len(first) if first is second else 0)) / pairs

    expected = mean(points, points, 21 * 20) + mean(reference, reference, 30 * 29)
    expected -= 2 * mean(points, reference, 21 * 30)
    found = ts.mmd_to(jnp.asarray(reference, float))(jnp.asarray(points, float))
    assert found == pytest.approx(expected, rel=RTOL, abs=RTOL) and found > 0.05


def test_the_width_is_that_of_the_first_rows_of_the_reference(monkeypatch):
    monkeypatch.setattr(ts, "_PAIRED", 5)
    reference = rows(30, 2, 1)
    some = squares(reference[:5], reference[:5])[np.triu_indices(5, 1)]
    found = ts.squared_width(jnp.asarray(reference, float))
    assert found == pytest.approx(np.median(some), rel=RTOL)
    assert ts.squared_width(jnp.zeros((4, 2))) == 1  # all rows alike


def test_the_mean_discrepancy_of_one_law_is_nothing_on_average():
    """Of other laws it is not, nor is that of pairs of a row with itself."""

    def sampled(key, spread):
        keys = jax.random.split(key)
        reference, points = (jax.random.normal(k, (12, 3)) for k in keys)
        return ts.mmd_to(reference)(spread * points)

    keys = jax.random.split(jax.random.key(SEED), 4000)
    one, other = (
        np.asarray(jax.jit(jax.vmap(lambda k, s=s: sampled(k, s)))(keys), float)
        for s in (1.0, 1.5)
    )
    assert_mean(one, 0.0)
    biased = 2 / 12 * 0.3  # what pairs of a row with itself would add, at least
    assert_tells_apart(one, 0.0, biased)
    assert other.mean() > 0.03


def test_distances_take_no_memory_for_all_pairs():
    """20 000 rows on each side would be 3.2 GB of squared distances."""
    shape = jax.ShapeDtypeStruct((20_000, 2), jnp.result_type(float))
    compiled = jax.jit(lambda x, y: ts.mmd_to(x)(y)).lower(shape, shape).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 2**28


def test_every_statistic_is_small_for_one_law_and_larger_for_another():
    reference, same = rows(400, 2, 1), rows(400, 2, 2)
    other = np.random.default_rng((SEED, 3)).normal(size=(400, 2)) * 1.6 + 0.4
    sets = [jnp.asarray(x, float) for x in (reference, same, other)]
    for name, statistic in ts.STATISTICS.items():
        near, far = (float(jax.jit(statistic(sets[0]))(x)) for x in sets[1:])
        assert far > 5 * abs(near), name
