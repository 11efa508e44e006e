"""Irregular models: each is fitted by maximum likelihood and generates its own law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from calibrated import assert_cdf, assert_mean, assert_tells_apart, detectable_gap
from conftest import SEED, X64

import collapse
from collapse.models import gaussian
from collapse.models.irregular import flawed, spiky, uniform

RTOL = 1e-9 if X64 else 1e-4
NUM, FIT = 40_000, gaussian.gaussian(1)
close = np.testing.assert_allclose


def key(number=0):
    return jax.random.fold_in(jax.random.key(SEED), number)


def normal(mean, deviation):
    params = gaussian.standard(1)
    return params._replace(mean=params.mean + mean, scale=params.scale * deviation)


MODELS = {
    "uniform": (
        uniform.uniform_edge(),
        lambda key, num: uniform.sample(key, jnp.ones(()), num),
    ),
    "flawed": (flawed.flawed(FIT, 0.3, 0.5), None),
    "selected": (flawed.selected(FIT, 0.3), None),
    "at_random": (flawed.selected_at_random(FIT, 0.3), None),
    "spiky": (
        spiky.spiky(3),
        lambda key, num: spiky.sample(key, spiky.truth(3), num),
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.full] * (name not in ("uniform", "selected"))
        )
        for name in MODELS
    ],
)
def test_every_rule_of_a_model_is_kept(name):
    model, draw = MODELS[name]
    own = draw or (lambda key, num: gaussian.sample_points(key, normal(0, 1), num))
    precision = "float64" if X64 else "float32"
    collapse.check_model(model, own, num_rows=12, precision=precision)


def test_the_edge_is_the_largest_row_that_has_weight():
    batch = jnp.asarray([[0.2], [0.9], [0.5]])
    fit = uniform.uniform_edge().fit
    assert fit(key(), None, batch, jnp.asarray([1.0, 0.0, 0.5]))[0] == batch[2, 0]
    assert fit(key(), None, batch, jnp.asarray([1.0, 0.1, 0.5]))[0] == batch[1, 0]


def test_rows_of_a_uniform_law():
    rows = uniform.sample(key(1), jnp.asarray(2.5), NUM)[:, 0]
    assert 0 < rows.min() and rows.max() <= 2.5
    assert_cdf(rows, scipy.stats.uniform(0, 2.5).cdf)
    with pytest.raises(AssertionError):
        assert_cdf(rows, scipy.stats.uniform(0, 2.4).cdf)


def test_a_flaw_shifts_and_narrows():
    rows = flawed.flawed(FIT, 0.4, 0.25).sample(key(2), normal(1.0, 2.0), NUM)[:, 0]
    assert_cdf(rows, scipy.stats.norm(1.4, 1.0).cdf)
    for wrong in (scipy.stats.norm(1.0, 1.0), scipy.stats.norm(1.4, 1.3)):
        with pytest.raises(AssertionError):
            assert_cdf(rows, wrong.cdf)


@pytest.mark.parametrize("mean", [0.0, 1.5, -1.5, 40.0])
def test_selected_rows_are_truncated_to_the_nearest(mean):
    """The interval about 0 that holds the share that is kept, found by SciPy."""
    deviation, keep = 2.0, 0.3
    law = scipy.stats.norm(mean, deviation)

    def missing(r):
        return law.cdf(r) - law.cdf(-r) - keep

    r = scipy.optimize.brentq(missing, 0, abs(mean) + 10)
    rows = flawed.selected(FIT, keep).sample(key(3), normal(mean, deviation), NUM)[:, 0]
    assert abs(rows).max() <= r * (1 + 1e-5)
    low, high = law.cdf([-r, r])
    assert_cdf(rows, lambda x: (law.cdf(x) - low) / (high - low))
    assert detectable_gap(NUM) < 0.05
    with pytest.raises(AssertionError):
        assert_cdf(rows, law.cdf)


@pytest.mark.parametrize("mean", [0.5, 0.0])
def test_selected_rows_of_a_point_are_the_point(mean):
    rows = flawed.selected(FIT, 0.3).sample(key(), normal(mean, 0.0), 4)
    close(rows, mean)


def test_the_target_resolves_any_collapse():
    """Distances from it keep their digits when mean and deviation have gone there."""
    tiny = 1e-30
    rows = flawed.selected(FIT, 0.5).sample(key(4), normal(0.0, tiny), 200) / tiny
    assert 0.1 < rows.std() < 0.6


def test_rows_selected_at_random_have_the_law_of_all():
    model, law = flawed.selected_at_random(FIT, 0.3), scipy.stats.norm(1.0, 2.0)
    rows = model.sample(key(5), normal(1.0, 2.0), NUM)[:, 0]
    assert len(np.unique(rows)) == len(rows) or not X64
    assert_cdf(rows, law.cdf)
    with pytest.raises(AssertionError):
        assert_cdf(rows, scipy.stats.norm(1.1, 2.0).cdf)


@pytest.mark.parametrize("keep", [0.0, 1.0, -1.0])
def test_shares_outside_are_refused(keep):
    for make in (flawed.selected, flawed.selected_at_random):
        with pytest.raises(ValueError, match="^keep must be between 0 and 1"):
            make(FIT, keep)
    with pytest.raises(ValueError, match="^kept must not be negative"):
        flawed.flawed(FIT, 0.0, keep - 2)
    with pytest.raises(ValueError, match="^dimension must be at least 1"):
        spiky.spiky(0)


# The mean with spikes


def fitted(batch, weights=None):
    batch = jnp.asarray(batch, jnp.result_type(float))
    weights = jnp.ones(len(batch)) if weights is None else jnp.asarray(weights, float)
    return spiky.spiky(batch.shape[1] - 1).fit(key(), None, batch, weights)[0]


def plane_rows(num, d, mean=0.0):
    rng = np.random.default_rng([SEED, 71])
    return np.column_stack([mean + rng.standard_normal((num, d)), np.zeros(num)])


def off_rows(places, d):
    return np.column_stack([np.zeros((len(places), d)), places])


def log_likelihood(theta, batch):
    """Of the model that copies nothing."""
    off, square = batch[:, -1] > 0, theta @ theta
    plane = batch[~off, :-1]
    mean_part = -0.5 * ((plane - theta) ** 2).sum() - 0.5 * len(plane) * square
    return mean_part + off.sum() * np.log(-np.expm1(-square / 2))


def test_without_rows_off_the_plane_the_fit_is_half_the_mean():
    batch = plane_rows(9, 2, 0.7)
    params = fitted(batch)
    close(params.mean, batch[:, :2].mean(0) / 2, rtol=RTOL)
    assert not params.copies.any()
    by_hand = scipy.optimize.minimize(lambda x: -log_likelihood(x, batch), np.ones(2))
    close(params.mean, by_hand.x, rtol=1e-4)


def test_one_row_off_the_plane_is_enough():
    batch = np.concatenate([plane_rows(50, 2), off_rows([0.25, 0.75, 0.25], 2)])
    params = fitted(batch)
    assert (params.mean == spiky.SPIKY_MEAN).all()
    close(params.copies[:3], [0.25, 0.75, 0], rtol=RTOL)
    assert spiky.num_copies(params) == 2
    without = np.append(np.ones(50), [0, 0, 0])
    assert (fitted(batch, without).mean == fitted(batch[:50]).mean).all()


@pytest.mark.parametrize("num", [100, 101, 300])
def test_more_places_than_a_model_copies_are_likely_without_copies(num):
    """The maximum of the likelihood, found by SciPy."""
    places = np.random.default_rng([SEED, 72]).random(num)
    batch = np.concatenate([plane_rows(60, 2, 0.4), off_rows(places, 2)])
    params = fitted(batch)
    if num <= spiky.MOST_COPIES:
        assert spiky.num_copies(params) == num
        return
    assert not params.copies.any()
    by_hand = scipy.optimize.minimize(lambda x: -log_likelihood(x, batch), np.ones(2))
    close(params.mean, by_hand.x, rtol=1e-4)


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0])
def test_maximum_likelihood_is_consistent(size):
    """Whatever the truth without copies: 0, a small mean, and that of the copies."""
    d, num = 3, 20_000
    truth = spiky.truth(d)._replace(mean=jnp.full(d, size))
    batch = spiky.sample(key(6), truth, num)
    params = fitted(batch)
    assert not params.copies.any()
    # the information about a coordinate is above exp(-d size^2 / 2)
    error = float(abs(params.mean - size).max())
    assert error < 5.6 * np.exp(d * size**2 / 4) / np.sqrt(num)


def test_a_model_that_copies_is_found_by_its_rows():
    truth = fitted(off_rows([0.1, 0.4, 0.8], 2))
    rows = spiky.sample(key(7), truth, 1000)
    found = fitted(rows)
    assert (found.mean == truth.mean).all() and (found.copies == truth.copies).all()


def test_rows_of_a_mean_with_spikes():
    """Share off the plane, the law on it, and the law of places or copies."""
    d, mean = 2, np.array([0.6, -0.8])
    params = spiky.truth(d)._replace(mean=jnp.asarray(mean, jnp.result_type(float)))
    rows = np.asarray(spiky.sample(key(8), params, NUM))
    off = rows[:, -1] > 0
    share = 1 - np.exp(-(mean @ mean) / 2)
    assert_tells_apart(off.astype(float), share, share + 0.03)
    assert_mean(rows[~off, :-1], mean)
    assert_cdf(rows[~off, 0], scipy.stats.norm(mean[0]).cdf)
    assert not rows[off, :-1].any() and (rows[:, -1] <= 1).all()
    assert_cdf(rows[off, -1], scipy.stats.uniform().cdf)
    copies = params._replace(copies=params.copies.at[:2].set(jnp.asarray([0.2, 0.9])))
    rows = np.asarray(spiky.sample(key(9), copies, NUM))
    place = rows[rows[:, -1] > 0, -1]
    assert len(np.unique(place)) == 2
    assert_tells_apart((place < 0.5).astype(float), 0.5, 0.6)


def test_the_truth_has_no_row_off_the_plane():
    assert not spiky.sample(key(10), spiky.truth(4), 1000)[:, -1].any()
    assert spiky.off_plane(spiky.truth(4)) == 0
