"""The noise floor of a monitor, from halves of its rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.core import streams
from collapse.data.errors import InputError
from collapse.experiment.monitors import Sizes, floor_by_halves
from collapse.measures.two_samples import STATISTICS
from collapse.numerics import draws, threefry

REFERENCE, SAMPLES, SEEDS = 2000, 200, 600


def both(name, key):
    """The floor of one seed, and what the statistic shows of a perfect model."""
    keys = threefry.split(key)
    real, generated = (
        draws.normal(k, (num, 2), jnp.result_type(float))
        for k, num in zip(keys, (REFERENCE, SAMPLES), strict=True)
    )
    statistic = STATISTICS[name]
    floor = floor_by_halves(real, statistic, Sizes(REFERENCE, SAMPLES))
    return floor, statistic(real)(generated)


@pytest.mark.parametrize("name", ["mean", "covariance", "auc", "tail"])
def test_a_floor_is_what_a_perfect_model_shows(name):
    """On average, to leading order: ten rows of a half are beyond each quantile."""
    keys = streams.seeds(SEED, SEEDS)
    floors, shown = jax.jit(jax.vmap(lambda key: both(name, key)))(keys)
    floors, shown = np.asarray(floors, float), np.asarray(shown, float)
    ratio = floors.mean() / shown.mean()
    error = 4 * np.hypot(*(x.std() / x.mean() / SEEDS**0.5 for x in (floors, shown)))
    assert error < 0.35
    assert abs(np.log(ratio)) < error + 0.1
    # the control: noise of the halves themselves, of other sizes
    sizes = (1 / REFERENCE + 1 / SAMPLES) / (4 / REFERENCE)
    assert abs(np.log(ratio / sizes)) > error + 0.1


def test_a_few_rows_have_no_halves():
    with pytest.raises(InputError, match="^monitor_rows: 7 are too few"):
        rows = jnp.zeros((7, 2))
        floor_by_halves(rows, STATISTICS["tail"], Sizes(7, 7))
