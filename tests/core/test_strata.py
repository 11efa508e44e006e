"""A budget by strata: as many of each as a generation has, drawn uniformly."""

import jax
import jax.numpy as jnp
import numpy as np
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.core import strata

STRATA = np.array([2, 0, 2, 1, 2, 0, 2])
LAST, SEEDS = 3, 4000


def chosen(generation):
    """Whether each row of the store is drawn [SEEDS, slots, n]."""
    workflow = strata.fixed_budget(LAST, STRATA)
    origin = jnp.zeros((LAST + 1, len(STRATA)), jnp.int32)

    def rows(key):
        return workflow.weigh(key, origin, jnp.asarray(generation)).rows

    keys = jax.random.split(jax.random.key(SEED), SEEDS)
    found = np.asarray(jax.jit(jax.vmap(rows))(keys))
    seen = np.zeros((SEEDS, origin.size), int)
    np.add.at(seen, (np.arange(SEEDS)[:, None], found), 1)
    return seen.reshape(SEEDS, *origin.shape)


def test_a_first_generation_is_all_trained_on():
    assert (chosen(0)[:, 0] == 1).all()


def test_each_stratum_has_its_budget_and_rows_of_it_the_same_chance():
    seen = chosen(2)
    assert set(np.unique(seen)) == {0, 1} and not seen[:, 3:].any()
    for stratum, size in ((0, 2), (1, 1), (2, 4)):
        assert (seen[..., STRATA == stratum].sum((1, 2)) == size).all()
    right, wrong = np.full((3, 7), 1 / 3), np.full((3, 7), 1 / 2)
    assert_tells_apart(seen[:, :3], right, wrong)
    # pairs of one slot's rows of a stratum, of 12 in all: without replacement
    kept = seen[:, 0, STRATA == 2].sum(1)
    assert_tells_apart(kept * (kept - 1) / 2, 6 * 4 / 12 * 3 / 11, 6 / 9)
