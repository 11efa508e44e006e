"""Truncation by a score, and by a model's own confidence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from curator_cases import log_normal, weights_of
from hypothesis import given
from hypothesis import strategies as st

from collapse.core import curation
from collapse.core.curation import ranking
from collapse.core.curation.confidence import most_confident
from collapse.core.curation.truncation import nearness, top_share


def own(batch, reference):
    return batch


def slow(scores, share):
    """Weights of the largest scores, of equal ones the first, by sorting pairs."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    kept = order[: int(np.floor(share * len(scores) + 0.5))]
    return [float(i in kept) for i in range(len(scores))]


@given(
    scores=st.lists(st.sampled_from([-2.0, 0.0, 0.5, 3.0]), min_size=7, max_size=7),
    share=st.floats(0, 1),
)
def test_the_largest_scores_are_kept_of_equal_ones_the_first(scores, share):
    found = weights_of(top_share(own, share), jnp.array(scores))
    assert found.tolist() == slow(scores, share)


def test_a_score_that_is_no_number_is_the_smallest():
    found = ranking.largest(jnp.array([jnp.nan, -jnp.inf, 1.0]), 2 / 3)
    assert found.tolist() == [0, 1, 1]


def test_nearness_is_minus_the_distance():
    batch = np.random.default_rng(0).normal(size=(9, 2))
    found = nearness(jnp.array([1.0, 2.0]))(jnp.asarray(batch), None)
    np.testing.assert_allclose(
        found, -np.linalg.norm(batch - [1, 2], axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(
        nearness(jnp.array(1.0))(jnp.array([0.0, 1.5]), None), [-1, -0.5]
    )


def test_enough_candidates_fill_all_positions():
    curator = top_share(own, 0.5, 2)
    batch = jnp.array([3.0, 8.0, 1.0, 7.0, 6.0, 2.0])
    rows, weights, _ = curation.curate(
        jax.random.key(0), curator, batch, None, 3, (0, 3)
    )
    assert rows.tolist() == [8, 7, 6] and weights.tolist() == [1, 1, 1]


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_controller_s_keep_rate_truncates_by_score(share):
    """Not by order: all weights are the same."""
    batch = jnp.array([3.0, 6.0, 1.0, 7.0, 8.0, 2.0, 4.0, 5.0])
    args = (jax.random.key(0), top_share(own, share), batch, None, 8, (0, 8))
    rows, weights, tally = curation.curate(*args, jnp.array(0.25))
    assert rows.tolist() == [7, 8, 0, 0, 0, 0, 0, 0]
    assert weights.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert float(tally.accepted) == 2
    first = curation.curate(
        args[0], args[1]._replace(rank=None), *args[2:], jnp.array(0.25)
    )
    assert first[0].tolist() != rows.tolist()  # the control: the first accepted ones


def test_a_keep_rate_never_brings_rejected_rows_back():
    scores = jnp.array([5.0, 4.0, -jnp.inf, jnp.nan, 1.0, 0.0])
    curator = top_share(own, 1.0)._replace(
        weigh=lambda key, batch, reference: jnp.array([0.0, 1, 1, 1, 1, 0])
    )
    rows, weights, _ = curation.curate(
        jax.random.key(0), curator, scores, None, 6, (0, 6), jnp.array(0.5)
    )
    assert weights.tolist() == [1, 1, 1, 0, 0, 0]
    assert rows.tolist()[0] == 4 and np.isneginf(rows[1]) and rows.tolist()[2] == 1


def test_confidence_is_of_the_model_that_generated_the_rows():
    batch = jnp.asarray(np.random.default_rng(1).normal(size=(20, 2)))
    curator = most_confident(lambda params, batch: log_normal(batch, params), 0.3)
    for mean in ([0.0, 0.0], [2.0, -1.0]):
        params = jnp.array(mean)
        found = weights_of(curator, batch, params=params)
        scores = -((np.asarray(batch) - mean) ** 2).sum(1)
        assert found.tolist() == slow(scores, 0.3)


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="share is 1.2"):
        top_share(own, 1.2)
