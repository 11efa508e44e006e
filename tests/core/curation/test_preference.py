"""The best of K: who wins, and where the winner is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from curator_cases import weights_of

from collapse.core import curation
from collapse.core.curation.preference import best_of
from collapse.numerics import draws

REWARDS = jnp.array([0.0, 1.0, -1.0, 2.0])


def own(batch, reference):
    return batch


def wins(root, temperature=1.0, seeds=20_000, rewards=REWARDS):
    keys = jax.random.split(root, seeds)
    curator = best_of(len(rewards), own, temperature)
    return np.asarray(jax.vmap(lambda k: curator.weigh(k, rewards, None))(keys))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_a_candidate_wins_with_the_probability_of_bradley_and_terry(root, temperature):
    won = wins(root, temperature)
    assert (won.sum(1) == 1).all()
    power = np.exp(np.asarray(REWARDS) / temperature)
    wrong = np.exp(np.asarray(REWARDS) * temperature * 0.8)
    assert_tells_apart(won, power / power.sum(), wrong / wrong.sum())


def test_without_temperature_the_largest_reward_wins(root):
    assert (wins(root, 0.0, 50)[:, 3] == 1).all()
    first = wins(root, 0.0, 5, jnp.array([1.0, 2.0, 2.0]))
    assert (first[:, 1] == 1).all()  # the first of equals


def test_equal_rewards_are_random_selection(root):
    won = wins(root, seeds=5000, rewards=jnp.zeros(3))
    assert_tells_apart(won, np.full(3, 1 / 3), [1, 0, 0])


def test_each_group_of_candidates_has_one_winner_of_its_own():
    batch = draws.normal(jax.random.key(3), (12,))
    won = weights_of(best_of(3, own, 0.0), batch).reshape(4, 3)
    np.testing.assert_array_equal(
        won.argmax(1), np.asarray(batch).reshape(4, 3).argmax(1)
    )
    assert (won.sum(1) == 1).all()


@pytest.mark.parametrize("span", [(0, 4), (1, 4), (2, 3)])
def test_a_winner_is_kept_at_the_position_it_was_generated_for(root, span):
    """Also where the first positions are of real rows."""
    batch, key = jnp.arange(12.0), root
    curator = best_of(3, lambda batch, reference: -jnp.mod(batch * 5, 7))
    rows, weights, tally = curation.curate(key, curator, batch, None, 4, span)
    inside = (np.arange(4) >= span[0]) & (np.arange(4) < span[1])
    np.testing.assert_array_equal(weights, inside)
    won = np.asarray(curator.weigh(key, batch, None))
    winner = 3 * np.arange(4) + won.reshape(4, 3).argmax(1)
    np.testing.assert_array_equal(rows, np.where(inside, winner, 0))
    assert float(tally.accepted) * 3 == float(tally.candidates) == 3 * inside.sum()


def test_a_keep_rate_leaves_the_first_winners():
    batch = jnp.arange(12.0)
    curator = best_of(3, own, 0.0)
    for rate, right in ((1.0, 4), (1 / 3, 4), (1 / 6, 2), (0.0, 0)):
        rows, weights, _ = curation.curate(
            jax.random.key(0), curator, batch, None, 4, (0, 4), jnp.array(rate)
        )
        assert weights.tolist() == [1.0] * right + [0.0] * (4 - right)
        assert rows.tolist() == [2.0, 5.0, 8.0, 11.0][:right] + [0.0] * (4 - right)


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="num is 0"):
        best_of(0, own)
    with pytest.raises(ValueError, match="temperature is -1"):
        best_of(2, own, -1.0)
    with pytest.raises(ValueError, match="5 rows cannot be divided into groups of 2"):
        weights_of(best_of(2, own), jnp.arange(5.0))
