"""Measures of a curator beside counts, and the law of coverage for fresh rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.core.curation import quality
from collapse.numerics import draws

WEIGHTS = jnp.array([1.0, 0.0, 0.5, 2.0, 0.0, 0.0])


def test_phi_and_psi_are_shares_of_right_and_of_wrong_rows():
    right = jnp.array([True, True, True, False, False, False])
    found = quality.keep_probabilities(WEIGHTS, right)
    np.testing.assert_allclose(found, [2 / 3, 1 / 3])
    assert quality.threshold(found) == pytest.approx(2 / 3)
    none = quality.keep_probabilities(WEIGHTS, jnp.ones(6, bool))
    assert float(none.phi) == 0.5 and np.isnan(none.psi)


@pytest.mark.parametrize(
    ("phi", "psi", "right"), [(0.9, 0.6, 0.6), (0.9, 0.3, 0.75), (0.9, 0.1, 0.9)]
)
def test_at_the_threshold_half_of_the_labels_kept_are_wrong(phi, psi, right):
    found = quality.threshold(quality.KeepProbabilities(jnp.array(phi), jnp.array(psi)))
    p = float(found)
    assert p == pytest.approx(right)
    assert p * psi / (p * psi + (1 - p) * phi) == pytest.approx(0.5)


def test_rate_cost_and_effective_size_are_counted():
    assert float(quality.keep_rate(WEIGHTS)) == 0.5
    assert float(quality.cost(WEIGHTS, 6)) == 2
    assert float(quality.cost(WEIGHTS, 2)) == 3  # there is room for two
    assert float(quality.cost(jnp.zeros(4), 2)) == np.inf
    size = (1 + 0.5 + 2) ** 2 / (1 + 0.25 + 4)
    assert float(quality.effective_size(WEIGHTS)) == pytest.approx(size)
    assert float(quality.effective_size(jnp.zeros(3))) == 0
    assert float(quality.effective_size(jnp.full(7, 3.0))) == pytest.approx(7)


def slow(points, weights, reference, k):
    lost = 0
    for i, real in enumerate(reference):
        others = sorted(
            np.linalg.norm(real - r) for j, r in enumerate(reference) if j != i
        )
        near = [
            np.linalg.norm(real - p) <= others[k - 1]
            for p, w in zip(points, weights, strict=True)
            if w > 0
        ]
        lost += not any(near)
    return lost / len(reference)


@pytest.mark.parametrize("k", [1, 5])
def test_coverage_is_lost_where_no_kept_row_is_near(k):
    rng = np.random.default_rng(k)
    points, reference = rng.normal(size=(50, 2)), rng.normal(size=(70, 2))
    for weights in (rng.random(50) < 0.3, points[:, 0] > 0, np.zeros(50), np.ones(50)):
        found = quality.lost_coverage(
            jnp.asarray(points), jnp.asarray(weights, float), jnp.asarray(reference), k
        )
        assert float(found) == pytest.approx(slow(points, weights, reference, k))
    assert float(found) < 1  # all are kept


def test_fresh_real_rows_lose_what_the_formula_says(root):
    """prod (N - j) / (M + N - j): the k nearest of all other rows are reference."""
    M, N, k = 20, 30, 3

    def lost(key):
        rows = draws.normal(key, (M + N, 2))
        return quality.lost_coverage(rows[:M], jnp.ones(M), rows[M:], k)

    found = jax.jit(jax.vmap(lost))(jax.random.split(root, 2000))
    right, wrong = (
        np.prod([(N - j) / (M + N - j) for j in range(1, k + 1 + off)])
        for off in (0, 1)
    )
    assert_tells_apart(found, right, wrong)


def test_too_few_reference_rows_are_refused():
    rows = jnp.zeros((5, 2))
    with pytest.raises(ValueError, match="k is 5, with 5 reference rows"):
        quality.lost_coverage(rows, jnp.ones(5), rows, 5)


def test_cells_are_lost_that_have_real_rows_and_no_kept_one():
    cells = jnp.array([0, 1, 2, 2, 4, 5], jnp.int32)  # 1, 4 and 5 are rejected
    reference = jnp.array([0, 0, 1, 2, 3], jnp.int32)
    found = quality.lost_cells(cells, WEIGHTS, reference, 7)
    assert float(found) == 0.5  # 1 and 3 of 0 to 3
    whole = quality.lost_cells(cells, jnp.ones(6), reference, 7)
    assert float(whole) == 0.25
