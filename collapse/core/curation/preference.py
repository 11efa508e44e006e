"""The best of K by a reward: of each K candidates one is preferred and kept.

References:
  Ferbach, Bertrand, Bose & Gidel 2024, arXiv:2407.09499 (Bradley-Terry choice of K).
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from collapse.core.curation.checks import Number, within
from collapse.core.curation.ranking import Score
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.numerics import draws


def best_of(num: int, reward: Score, temperature: Number = 1.0) -> Curator:
    """The curator that keeps one of each `num` candidates, preferred by its reward.

    The candidates of a position are `num` in a row. Of these one wins, by the choice of
    Bradley and Terry: candidate i with probability exp(r_i / T) / sum_j exp(r_j / T).
    The winner is kept at that position, so that all positions are filled and real rows
    keep theirs. Equal rewards give random selection at the same rate, 1 / num, which is
    the control, as `at_random(1 / num, num, exact=True)` is. A controller's keep rate
    below 1 / num leaves the first winners.

    Args:
      num: K, candidates for each row kept.
      reward: `(batch, reference) -> [rows]`, finite.
      temperature: T >= 0; 1 is the paper's choice, 0 the largest reward without noise
        (of equal ones the first).

    Raises:
      ValueError: if K is below 1 or T negative.
    """
    if num < 1:
        raise ValueError(f"num is {num}; give at least 1 candidate for each row kept")
    within("temperature", temperature, 0)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        won = winners(key, reward(batch, reference), num, temperature)
        return won.astype(jnp.result_type(float))

    return Curator(num, weigh)


def winners(
    key: Key, rewards: Float[Array, " rows"], num: int, temperature: Number
) -> Bool[Array, " rows"]:
    """Whether each candidate is the one of its group of `num` that is preferred.

    By the largest of reward plus Gumbel noise of scale T, which is distributed as the
    softmax of rewards over T. Consumes the key.

    Raises:
      ValueError: if the rows cannot be divided into groups of so many.
    """
    rows = rewards.shape[0]
    if rows % num:
        raise ValueError(f"{rows} rows cannot be divided into groups of {num}")
    unit = draws.uniform(key, (rows,), rewards.dtype)
    # where a uniform number is 0 the noise is -inf, and the candidate does not win
    gumbel = -jnp.log(-jnp.log(unit))
    noise = jnp.asarray(temperature, rewards.dtype)
    value = rewards + jnp.where(noise > 0, noise * gumbel, 0)
    best = jnp.argmax(value.reshape(-1, num), axis=1)
    return (jnp.arange(num, dtype=best.dtype)[None] == best[:, None]).reshape(-1)
