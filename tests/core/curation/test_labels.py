"""The verifier of labels: what phi and psi leave of wrong ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_same_law, assert_tells_apart, detectable_gap
from curator_cases import weights_of

from collapse.core.curation.at_random import at_random
from collapse.core.curation.labels import verify_labels

LABELS = jnp.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1], jnp.int32)  # of which 1 is wrong
WRONG = 0.3


def right(batch, reference):
    return batch == reference


def kept(curator, root, seeds=4000):
    keys = jax.random.split(root, seeds)
    weigh = jax.vmap(lambda key: curator.weigh(key, LABELS, jnp.int32(0)))
    return np.asarray(weigh(keys))


def test_right_and_wrong_rows_are_kept_with_their_probabilities(root):
    weights = kept(verify_labels(right, 0.9, 0.3), root)
    probability = np.where(np.asarray(LABELS) == 0, 0.9, 0.3)
    assert_tells_apart(weights, probability, probability[::-1])


def test_the_share_of_wrong_labels_left_is_that_of_the_formula(root):
    """p psi / (p psi + (1 - p) phi), by sums over seeds of what is kept."""
    weights = kept(verify_labels(right, 0.9, 0.6), root)
    left = WRONG * 0.6 / (WRONG * 0.6 + (1 - WRONG) * 0.9)
    wrong = weights[:, 7:].sum(1)
    assert_tells_apart(wrong - left * weights.sum(1), 0, 0.3)
    with pytest.raises(AssertionError):  # the control: as many as were generated
        assert_tells_apart(wrong - WRONG * weights.sum(1), 0, 1)


def test_equal_probabilities_are_random_selection(root):
    """With the same key the same rows, and with other keys the same law."""
    curator = verify_labels(right, 0.4, 0.4)
    same = [kept(c, root) for c in (curator, at_random(0.4))]
    np.testing.assert_array_equal(*same)
    other = kept(at_random(0.4), jax.random.fold_in(root, 1))
    number = np.arange(1, 11)  # tells which rows are kept, not only how many
    assert_same_law(same[0] @ number, other @ number)
    assert detectable_gap(4000, 4000) < 0.25
    biased = kept(verify_labels(right, 0.6, 0.1), jax.random.fold_in(root, 2))
    with pytest.raises(AssertionError):
        assert_same_law(same[0] @ number, biased @ number)


def test_the_oracle_keeps_the_right_ones_alone():
    found = weights_of(verify_labels(right, 1.0, 0.0), LABELS, jnp.int32(0))
    np.testing.assert_array_equal(found, np.asarray(LABELS) == 0)


def test_what_is_no_probability_is_refused():
    for phi, psi, message in ((1.5, 0.0, "phi is 1.5"), (1.0, -1.0, "psi is -1")):
        with pytest.raises(ValueError, match=message):
            verify_labels(right, phi, psi)
