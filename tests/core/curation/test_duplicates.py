"""Deduplication: of near rows the first is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from curator_cases import weights_of

from collapse.core.curation.duplicates import without_duplicates

POINTS = np.random.default_rng(0).normal(size=(150, 2))  # more than a block
POINTS[70] = POINTS[3]


def slow(points, distance):
    kept = []
    for i, point in enumerate(points):
        near = [
            np.sqrt(((point - other) ** 2).sum()) < distance for other in points[:i]
        ]
        kept.append(float(not any(near)))
    return kept


@pytest.mark.parametrize("distance", [0.0, 1e-9, 0.1, 0.5, 100.0])
def test_a_row_near_an_earlier_one_is_rejected(distance):
    found = weights_of(without_duplicates(distance), jnp.asarray(POINTS))
    right = slow(POINTS, distance)
    np.testing.assert_array_equal(found, right)
    expected = {0.0: 150, 1e-9: 149, 100.0: 1}
    assert sum(right) == expected.get(distance, sum(right))
    kept = POINTS[found > 0]
    gaps = np.linalg.norm(kept[:, None] - kept[None], axis=2)
    assert (gaps[~np.eye(len(kept), dtype=bool)] >= distance).all()


def test_an_earlier_row_counts_though_it_is_rejected_itself():
    found = weights_of(without_duplicates(1.0), jnp.array([0.0, 0.6, 1.2, 5.0]))
    assert found.tolist() == [1, 0, 0, 1]


def test_distances_are_between_features():
    def last(batch):
        return batch[:, 1:]

    batch = jnp.array([[0.0, 1.0], [9.0, 1.0], [0.0, 2.0]])
    assert weights_of(without_duplicates(0.5, last), batch).tolist() == [1, 0, 1]
    assert weights_of(without_duplicates(0.5), batch).tolist() == [1, 1, 1]


def test_the_distance_may_be_traced():
    def kept(distance):
        curator = without_duplicates(distance)
        return curator.weigh(jax.random.key(0), jnp.asarray(POINTS), None)

    both = jax.jit(jax.vmap(kept))(jnp.array([0.1, 0.5]))
    np.testing.assert_array_equal(both[0], slow(POINTS, 0.1))
    np.testing.assert_array_equal(both[1], slow(POINTS, 0.5))


def test_a_negative_distance_is_refused():
    with pytest.raises(ValueError, match="distance is -1"):
        without_duplicates(-1.0)
