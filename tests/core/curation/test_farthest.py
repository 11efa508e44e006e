"""Farthest-point selection beside a slow one, and its bound."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from curator_cases import weights_of

from collapse.core.curation.farthest import spread_out

POINTS = np.random.default_rng(1).normal(size=(40, 2))


def slow(points, number):
    chosen = [0] if number else []
    while len(chosen) < number:
        gaps = [
            -1.0 if i in chosen else min(np.linalg.norm(p - points[c]) for c in chosen)
            for i, p in enumerate(points)
        ]
        chosen.append(int(np.argmax(gaps)))
    return [float(i in chosen) for i in range(len(points))]


@pytest.mark.parametrize(
    ("share", "number"), [(0.0, 0), (0.2, 8), (0.51, 20), (1.0, 40)]
)
def test_each_row_is_the_farthest_from_those_before(share, number):
    found = weights_of(spread_out(share), jnp.asarray(POINTS))
    np.testing.assert_array_equal(found, slow(POINTS, number))
    assert found.sum() == number


def radius(points, chosen):
    """Largest distance of a row to the nearest one chosen."""
    gaps = np.linalg.norm(points[:, None] - points[list(chosen)][None], axis=2)
    return gaps.min(1).max()


def test_it_covers_within_twice_the_smallest_radius():
    few = POINTS[:12] + 9 * np.repeat(np.eye(3)[:, :2], 4, axis=0)  # three groups
    chosen = np.flatnonzero(weights_of(spread_out(0.25), jnp.asarray(few)))
    best = min(radius(few, c) for c in itertools.combinations(range(12), 3))
    assert best <= radius(few, chosen) <= 2 * best
    assert radius(few, [0, 1, 2]) > 2 * best  # the control: the first rows


def test_copies_of_one_row_are_chosen_each_once():
    assert weights_of(spread_out(0.5), jnp.zeros(6)).sum() == 3


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="share is -0.5"):
        spread_out(-0.5)
