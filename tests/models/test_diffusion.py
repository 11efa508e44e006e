"""Denoising diffusion: noise, samplers against the exact score, guidance, training."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import (
    assert_mean,
    assert_same_law,
    assert_tells_apart,
    detectable_gap,
)
from conftest import SEED, X64

from collapse.core import streams
from collapse.models.diffusion import noise as noise_lib
from collapse.models.diffusion import sampling
from collapse.models.diffusion.model import Design, diffusion
from collapse.models.diffusion.network import NetworkConfig, network
from collapse.models.diffusion.noise import LAST_TIME, NoiseProcess
from collapse.models.diffusion.training import Rows, TrainConfig, train

KIND = "float64" if X64 else "float32"
SPACES = ("euclidean", "torus")
TINY = NetworkConfig(2, "torus", width=8, layers=2, classes=3)
ROWS = np.array([[-1.2], [0.1], [1.4], [0.0]])
SHARES = np.array([0.5, 0.2, 0.3, 0.0])  # the last is an empty position


def key(number=0):
    return streams.root(SEED + number)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_times_and_positions_are_inverse(schedule):
    noise = NoiseProcess(schedule=schedule)
    tau = jnp.asarray([0.0, 1e-3, 0.1, 1.0, LAST_TIME], KIND)
    s = noise_lib.position(noise, tau)
    tolerance = 1e-9 if X64 else 2e-3
    np.testing.assert_allclose(noise_lib.time(noise, s), tau, tolerance, tolerance)
    assert (np.diff(s) > 0).all() and s[0] >= -1e-6 and s[-1] <= 1 + 1e-6


def test_noise_in_space_preserves_variance_and_that_of_angles_grows():
    tau = jnp.asarray([0.01, 0.5, 3.0], KIND)
    alpha, sigma = noise_lib.scales(NoiseProcess(), tau)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1, rtol=1e-6)
    np.testing.assert_allclose(alpha, np.exp(-tau), rtol=1e-6)
    alpha, sigma = noise_lib.scales(NoiseProcess("torus"), tau)
    np.testing.assert_allclose(sigma**2, 2 * tau, rtol=1e-6)
    assert (alpha == 1).all()


def through(noise, sampler, delta, steps=300, num=3000):
    """Rows of the reverse process with the exact score of weighted rows [num]."""
    rows, shares = jnp.asarray(ROWS, KIND), jnp.asarray(SHARES, KIND)

    def predict(points, alpha, sigma):
        return sampling.score(rows, shares, points, (alpha, sigma), noise)

    own = (jnp.asarray(delta, KIND), noise, sampler, steps)
    run = jax.jit(lambda k: sampling.sample(k, predict, (num, 1), *own))
    return np.asarray(run(key(1)))[:, 0]


def at_once(noise, delta, num=3000):
    """The same law without steps: picked rows, noised."""
    picks = np.random.default_rng(SEED).choice(4, num, p=SHARES)
    rows = jnp.asarray(ROWS[picks], KIND)
    found = sampling.noised(key(2), rows, jnp.asarray(delta, KIND), noise)
    return np.asarray(found)[:, 0]


@pytest.mark.parametrize("sampler", ["ddpm", "ddpm_large", "ddim"])
@pytest.mark.parametrize("space", SPACES)
def test_samplers_with_an_exact_score_generate_the_noised_rows(space, sampler):
    noise = NoiseProcess(space)
    found = through(noise, sampler, 0.1)
    assert_same_law(found, at_once(noise, 0.1))
    with pytest.raises(AssertionError):  # as if it had not been stopped early
        assert_same_law(found, at_once(noise, 1e-4))
    assert detectable_gap(3000, 3000) < 0.2  # that of the two laws is larger


def test_few_steps_of_normal_rows_keep_the_variance_that_the_recursion_says():
    """Standard normal rows, whose expected noise is sigma x: each step is linear.

    The largest variance keeps theirs in any number of steps, the least one loses some.
    """
    noise, steps, delta = NoiseProcess(), 8, jnp.asarray(0.05, KIND)
    s = np.linspace(
        *(float(x) for x in noise_lib.bounds(noise, delta)[::-1]), steps + 1
    )
    a, sigma = noise_lib.scales(noise, noise_lib.time(noise, jnp.asarray(s, KIND)))
    a, sigma = np.asarray(a, float), np.asarray(sigma, float)
    squares = {}
    for sampler in ("ddpm", "ddpm_large"):

        def run(k, sampler=sampler):
            own = ((4000, 1), delta, noise, sampler, steps)
            return sampling.sample(k, lambda x, alpha, sigma: sigma * x, *own)

        squares[sampler] = np.asarray(jax.jit(run)(key(3)))[:, 0] ** 2
    least, largest = sigma[0] ** 2, sigma[0] ** 2
    for i in range(steps):
        kept = a[i] / a[i + 1]
        added = sigma[i] ** 2 - (kept * sigma[i + 1]) ** 2
        shrunk = (1 - added) / kept
        least = shrunk**2 * least + added * (sigma[i + 1] / sigma[i]) ** 2
        largest = shrunk**2 * largest + added
    assert abs(largest - 1) < 1e-4 and least < 0.8
    assert_tells_apart(squares["ddpm_large"], largest, least)
    assert_tells_apart(squares["ddpm"], least, largest)


def test_down_to_time_0_an_exact_score_gives_its_rows_back():
    """A sampler that has learned its training rows perfectly copies them."""
    found = through(NoiseProcess(), "ddim", 0.0, num=200)
    gap = abs(found[:, None] - ROWS[None, :, 0])
    assert (gap.min(1) < 0.02).all() and (gap.argmin(1) != 3).all()


def test_the_score_of_angles_is_that_of_all_their_images():
    noise, level = (
        NoiseProcess("torus"),
        (jnp.asarray(1.0, KIND), jnp.asarray(0.8, KIND)),
    )
    rows, shares = jnp.asarray(ROWS, KIND), jnp.asarray(SHARES, KIND)
    at = jnp.asarray([[3.0], [-3.1], [0.3]], KIND)
    images = ROWS[:3] + 2 * math.pi * np.arange(-6, 7)
    gaps = (np.asarray(at)[:, :, None] - images[None]) / 0.8
    mass = SHARES[:3, None] * np.exp(-(gaps**2) / 2)
    right = (mass * gaps).sum((1, 2)) / mass.sum((1, 2))
    found = sampling.score(rows, shares, at, level, noise)
    np.testing.assert_allclose(found[:, 0], right, rtol=1e-4, atol=1e-5)


def test_a_network_on_a_torus_is_periodic():
    net = network(TINY)
    weights, apply = jax.jit(net.init)(key()), jax.jit(net.apply)
    points = jnp.asarray([[0.3, -2.0], [3.0, 1.0]], KIND)
    own = (jnp.asarray([0.2, 1.0], KIND), jnp.asarray([0, 3]))
    turned = apply(weights, points + 2 * math.pi, *own)
    np.testing.assert_allclose(apply(weights, points, *own), turned, atol=1e-5)


def test_guidance_0_ignores_classes_and_1_is_the_model_itself():
    design = Design(TINY, noise=NoiseProcess("torus"), steps=3, measured=8, guided=True)
    rows = Rows(jnp.zeros((4, 2), KIND), jnp.arange(4) % 3)
    shares = jnp.full(4, 0.25, KIND)

    def generated(guidance, labels, guided=True):
        model = diffusion(design._replace(guided=guided), 0.05, guidance)
        params = model.init(key(), rows, shares)
        params = params._replace(
            weights=network(TINY).init(key(3)),
            rows=rows._replace(labels=labels),
            shares=shares,
            time=jnp.asarray(0.05, KIND),
            guidance=jnp.asarray(guidance, KIND),
        )
        return np.asarray(jax.jit(model.sample, static_argnums=2)(key(4), params, 6)[0])

    others = jnp.asarray([2, 2, 0, 1])
    np.testing.assert_array_equal(generated(0.0, rows.labels), generated(0.0, others))
    assert abs(generated(1.0, rows.labels) - generated(1.0, others)).max() > 1e-3
    plain = generated(1.0, rows.labels, guided=False)
    np.testing.assert_allclose(generated(1.0, rows.labels), plain, atol=1e-5)
    assert abs(generated(3.0, rows.labels) - plain).max() > 1e-3


def test_the_time_of_early_stopping_falls_with_the_number_of_fits():
    design = Design(NetworkConfig(1), score="exact", measured=4000)
    rows = Rows(jnp.zeros((5, 1), KIND), jnp.zeros(5, jnp.int32))
    model = diffusion(design, 0.5, decay=1.0)
    params = model.init(key(), rows, jnp.ones(5, KIND))
    variances = []
    for number in range(2):
        params, _ = jax.jit(model.fit)(key(number), params, rows, jnp.ones(5, KIND))
        variances.append(np.asarray(params.seen.points)[:, 0] ** 2)
    right = -np.expm1(-2 * 0.5 / np.array([1, 2]))
    assert_mean(np.stack(variances, 1), right)
    with pytest.raises(AssertionError):
        assert_mean(np.stack(variances, 1), right[::-1])


def test_training_approaches_the_exact_score_of_weighted_rows():
    """Its minimiser is known; rows of weight 0 have no part in it."""
    noise, net = NoiseProcess(), network(NetworkConfig(1, width=32))
    rows = Rows(jnp.asarray(ROWS, KIND), jnp.zeros(4, jnp.int32))
    shares, delta = jnp.asarray(SHARES, KIND), jnp.asarray(0.05, KIND)
    config = TrainConfig(1500, 128)

    def run(key):
        weights = net.init(key)
        return train(key, weights, rows, shares, delta, net, noise, config)

    with jax.numpy_dtype_promotion("standard"):  # of optax
        weights, loss = jax.jit(run)(key())
    at = jnp.linspace(-2, 2, 41, dtype=KIND)[:, None]
    for tau in (0.1, 0.5, 2.0):
        level = noise_lib.scales(noise, jnp.asarray(tau, KIND))
        right = sampling.score(rows.points, shares, at, level, noise)
        sigmas = jnp.full(41, level[1], KIND)
        found = net.apply(weights, at, sigmas, jnp.zeros(41, jnp.int32))
        near = np.exp(-((np.asarray(at) - ROWS[:3, 0]) ** 2)).max(1) > 0.5
        assert float(jnp.mean((found - right)[near] ** 2)) < 0.05
        other = jnp.ones(4, KIND) / 4
        wrong = sampling.score(rows.points, other, at, level, noise)
        assert float(jnp.mean((found - wrong)[near] ** 2)) > float(
            jnp.mean((found - right)[near] ** 2)
        )
    assert 0 < float(loss) < 0.6
