"""The noise of a monitor: its floor, and what a fit to n rows adds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.core import streams
from collapse.data.errors import InputError
from collapse.experiment.monitors import (
    Sizes,
    _freedom,
    floor_by_halves,
    loss_monitor,
    monitor_of,
)
from collapse.experiment.task import Task
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


@pytest.mark.parametrize("name", ["mean", "covariance", "auc", "tail"])
def test_the_noise_of_a_monitor_has_as_many_directions_as_it_says(name):
    """A sum of d squares has 2 / d of its squared mean as variance."""
    d = 3

    def shown(key):
        keys = threefry.split(key)
        kinds = jnp.result_type(float)
        real, other = (draws.normal(k, (SAMPLES * 2, d), kinds) for k in keys)
        return STATISTICS[name](real)(other)

    values = np.asarray(jax.jit(jax.vmap(shown))(streams.seeds(SEED, 4000)), float)
    own = values.var() / values.mean() ** 2
    others = {1.0, float(d), d * (d + 1) / 2} - {_freedom(name, d)}
    # squares of normal numbers, so that the error of this ratio is some 5 %
    assert abs(np.log(own / (2 / _freedom(name, d)))) < 0.35
    assert all(abs(np.log(own / (2 / other))) > 0.35 for other in others)


def test_a_few_rows_have_no_halves():
    with pytest.raises(InputError, match="^monitor_rows: 7 are too few"):
        rows = jnp.zeros((7, 2))
        floor_by_halves(rows, STATISTICS["tail"], Sizes(7, 7))


def test_the_mean_s_floor_counts_real_and_generated_rows():
    """Of a family that says no more than how its points are drawn."""

    def points(key, num):
        return draws.normal(key, (num, 3), jnp.result_type(float))

    task = Task(
        lambda root: None, points=lambda k, p, n: points(k, n), reference=points
    )

    def shown(key):
        seen = monitor_of(task, "mean", key, Sizes(40, 60), ())
        return seen.metric(threefry.fold_in(key, 1), None), seen.floor

    found, floors = jax.vmap(shown)(streams.seeds(SEED, 4000))
    assert_tells_apart(found, float(floors[0]), 1 / 40)


def test_the_loss_of_a_fit_to_n_rows_is_its_spread_over_n():
    """A normal law with two parameters, fitted to 100 rows; means over 2000 fits."""
    n, kinds = 100, jnp.result_type(float)

    def log_density(params, rows):
        mean, variance = params
        return -((rows[:, 0] - mean) ** 2) / variance / 2 - jnp.log(variance) / 2

    make = loss_monitor(
        log_density, lambda key, num: draws.normal(key, (num, 1), kinds), 2.0
    )

    def excess(key):
        rows = draws.normal(threefry.fold_in(key, 1), (n, 1), kinds)
        seen = make(key, Sizes(1000, 1))
        fit = seen.metric(key, (jnp.mean(rows), jnp.var(rows)))
        return fit - seen.metric(key, (jnp.zeros(()), jnp.ones(()))), seen.spread

    found, spread = jax.jit(jax.vmap(excess))(streams.seeds(SEED, 2000))
    # the next term is of the order of 1 / n
    assert_tells_apart(np.asarray(found) * n / 1.02, float(spread[0]), 2.0)
