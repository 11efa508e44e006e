"""Covariance matching beside a slow greedy choice, and beside random selection."""

import jax.numpy as jnp
import numpy as np
import pytest
from curator_cases import weights_of

from collapse.core.curation.at_random import at_random
from collapse.core.curation.covariance import covariance_matched

RNG = np.random.default_rng(2)
REFERENCE = RNG.normal(size=(300, 2)) @ np.array([[1.0, 0.4], [0.0, 0.5]]) + [1.0, 0.0]
ROWS = RNG.normal(size=(60, 2)) * 1.4


def distance(rows):
    """|mean|^2 + |second moments - I|^2 where the reference is white."""
    mean, factor = REFERENCE.mean(0), np.linalg.cholesky(np.cov(REFERENCE.T, ddof=0))
    white = np.linalg.solve(factor, (rows - mean).T).T
    gap = white.T @ white / len(white) - np.eye(2)
    return (white.mean(0) ** 2).sum() + (gap**2).sum()


def slow(number):
    chosen = []
    for _ in range(number):
        rest = [i for i in range(len(ROWS)) if i not in chosen]
        chosen.append(min(rest, key=lambda i: distance(ROWS[[*chosen, i]])))
    return [float(i in chosen) for i in range(len(ROWS))]


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_each_row_brings_the_moments_nearest_to_the_reference(share):
    curator = covariance_matched(share)
    found = weights_of(curator, jnp.asarray(ROWS), jnp.asarray(REFERENCE))
    np.testing.assert_array_equal(found, slow(round(share * 60)))


def test_random_rows_of_the_same_number_match_worse():
    args = jnp.asarray(ROWS), jnp.asarray(REFERENCE)
    chosen = distance(ROWS[weights_of(covariance_matched(0.4), *args) > 0])
    kept = weights_of(at_random(0.4, exact=True), *args) > 0
    assert kept.sum() == 24
    assert chosen < 0.1 * distance(ROWS[kept])


def test_real_rows_and_features_may_be_chosen():
    curator = covariance_matched(
        0.4, lambda batch: batch[:, :1], real=lambda reference: reference["real"]
    )
    batch = jnp.asarray(ROWS)
    found = weights_of(curator, batch, {"real": jnp.asarray(REFERENCE)})
    alone = weights_of(
        covariance_matched(0.4), batch[:, :1], jnp.asarray(REFERENCE)[:, :1]
    )
    np.testing.assert_array_equal(found, alone)


def test_a_reference_in_a_plane_of_its_own_gives_finite_choices():
    flat = jnp.asarray(REFERENCE * [1, 0])
    assert weights_of(covariance_matched(0.5), jnp.asarray(ROWS), flat).sum() == 30


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="share is 2"):
        covariance_matched(2.0)
