"""Variational autoencoders: the closed fit, networks, bounds, generated images."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED, X64
from flax import linen as nn

from collapse.models.vae import linear
from collapse.models.vae import model as networks
from collapse.models.vae.convolution import Doubling, Halving
from collapse.models.vae.linear import LinearParams, ppca
from collapse.models.vae.network import VaeConfig, network
from collapse.models.vae.training import TrainConfig

RTOL = 1e-9 if X64 else 2e-4
D, K = 5, 2
LOADINGS = np.linalg.qr(np.random.default_rng(1).normal(size=(D, K)))[0] * [2.0, 1.0]
TRUE = LinearParams(
    *(jnp.asarray(x, jnp.result_type(float)) for x in (np.arange(D), LOADINGS, 0.3))
)
COVARIANCE = LOADINGS @ LOADINGS.T + 0.3 * np.eye(D)
close = np.testing.assert_allclose


def key(number=0):
    return jax.random.key(SEED + number)


@functools.cache
def rows(num=40):
    return jax.jit(lambda k: ppca(K).sample(k, TRUE, num))(key(1))


fit = jax.jit(lambda x, weights: ppca(K).fit(key(), None, x, weights)[0])
density = jax.jit(linear.log_density)
encode = jax.jit(linear.encode)


@pytest.fixture
def standard():
    """Optax multiplies floats by counts."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def test_the_linear_fit_is_the_most_likely_one():
    from sklearn.decomposition import PCA

    x = rows()
    found = fit(x, jnp.ones(len(x)).astype(x.dtype))
    other = PCA(K).fit(np.asarray(x, float))
    share = (len(x) - 1) / len(x)  # it divides by n - 1
    close(found.mean, other.mean_, rtol=RTOL)
    close(found.noise, other.noise_variance_ * share, rtol=RTOL * 10)
    close(
        found.loadings @ found.loadings.T + found.noise * jnp.eye(D),
        other.get_covariance() * share,
        rtol=RTOL * 10,
        atol=RTOL * 10,
    )
    total = np.cov(np.asarray(x, float).T, bias=True).trace()
    close(linear.total_variance(found), total, rtol=RTOL)

    def likelihood(params):
        return float(density(params, x).mean())

    best = likelihood(found)
    for change in (
        {"noise": found.noise * 1.1},
        {"loadings": found.loadings * 0.9},
        {"mean": found.mean + 0.1},
    ):
        assert likelihood(found._replace(**change)) < best


def test_weights_of_a_linear_fit_are_repetitions_and_its_sign_is_fixed():
    x, twice = rows(), jnp.asarray([0.0, 2, 1, 1] * 10).astype(rows().dtype)
    chosen = np.repeat(np.arange(40), np.asarray(twice).astype(int))
    found = fit(x, twice)
    plain = fit(x[chosen], jnp.ones(len(chosen)).astype(x.dtype))
    for a, b in zip(found, plain, strict=True):
        close(a, b, rtol=RTOL * 100, atol=RTOL * 100)
    assert (np.abs(found.loadings).max(0) == np.asarray(found.loadings).max(0)).all()


def test_the_linear_density_and_posterior_are_those_of_the_normal_law():
    x = np.asarray(rows(7), float)
    law = scipy.stats.multivariate_normal(np.arange(D), COVARIANCE)
    close(density(TRUE, rows(7)), law.logpdf(x), rtol=RTOL)
    posterior = (x - np.arange(D)) @ np.linalg.solve(COVARIANCE, LOADINGS)
    close(encode(TRUE, rows(7)), posterior, rtol=RTOL, atol=RTOL)
    close(
        linear.decode(TRUE, encode(TRUE, rows(7))),
        np.arange(D) + posterior @ LOADINGS.T,
        rtol=RTOL,
        atol=RTOL,
    )
    # without noise and with an unused latent: no density, but one with some noise
    flat = TRUE._replace(loadings=TRUE.loadings.at[:, 1].set(0), noise=TRUE.noise * 0)
    law = scipy.stats.multivariate_normal(
        np.arange(D), np.outer(*[LOADINGS[:, 0]] * 2) + 0.01 * np.eye(D)
    )
    close(linear.log_density(flat, rows(7), 0.01), law.logpdf(x), rtol=RTOL * 10)
    assert (np.asarray(encode(flat, rows(7)))[:, 1] == 0).all()


@pytest.mark.x64
def test_what_the_linear_model_generates():
    """Its covariance; means that without noise; others half that of latents."""
    half = jnp.asarray(0.5)
    for options, expected in (
        ({}, COVARIANCE),
        ({"generate": "mean"}, LOADINGS @ LOADINGS.T),
        ({"latent_variance": half}, COVARIANCE - LOADINGS @ LOADINGS.T / 2),
    ):
        draw = jax.jit(functools.partial(ppca(K, **options).sample, num=20_000))
        x = np.asarray(draw(key(2), TRUE)) - np.arange(D)
        pairs = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        wrong = expected + 0.15 * np.eye(D)
        assert_tells_apart(pairs, expected.ravel(), wrong.ravel())


def count(config):
    weights = jax.eval_shape(network(config).init, key())
    return sum(leaf.size for leaf in jax.tree.leaves(weights))


@pytest.mark.parametrize(
    ("layer", "same"),
    [
        (Halving, functools.partial(nn.Conv, strides=(2, 2), padding=1)),
        (Doubling, functools.partial(nn.ConvTranspose, strides=(2, 2))),
    ],
)
def test_convolutions_as_products_are_those_of_flax(layer, same):
    images = jax.random.normal(jax.random.key(SEED), (2, 8, 12, 3), jnp.float32)
    init = nn.initializers.normal(1.0)
    own, theirs = layer(5, init), same(5, (4, 4), kernel_init=init)
    weights = theirs.init(jax.random.key(1), images)
    ours = own.init(jax.random.key(1), images)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), weights, ours))
    weights = jax.tree.map(lambda leaf: leaf + 0.1, weights)  # biases begin at 0

    def slopes(layer):
        def total(weights, images):
            found = layer.apply(weights, images)
            return jnp.sum(found**2), found

        return jax.jit(jax.grad(total, (0, 1), has_aux=True))(weights, images)

    for found, right in zip(
        *map(jax.tree.leaves, map(slopes, (own, theirs))), strict=True
    ):
        close(found, right, rtol=1e-4, atol=1e-3)


def test_the_convolutions_are_those_of_the_paper():
    paper = VaeConfig((28, 28), "conv", 20, 64)
    assert count(paper) == 647_081
    assert count(paper._replace(likelihood="gaussian")) == 647_082
    sides = 784 * 256 + 256 + 2 * (256 * 20 + 20) + 20 * 256 + 256 + 256 * 784 + 784
    assert count(VaeConfig((28, 28), "mlp", 20, 256)) == sides
    net = network(paper)
    shapes = jax.eval_shape(
        lambda key, x: net.decode(net.init(key), net.encode(net.init(key), x)[0]),
        key(),
        jnp.zeros((3, 784), jnp.float32),
    )
    assert shapes.shape == (3, 784)
    with pytest.raises(ValueError, match="sides that 4 divides"):
        network(VaeConfig((8, 6), "conv"))


def small(likelihood, **more):
    config = VaeConfig((2, 2), "mlp", 1, 6, likelihood)
    net = network(config)
    weights = jax.jit(net.init)(key(3))
    rng = np.random.default_rng(SEED)
    weights = jax.tree.map(
        lambda x: x + jnp.asarray(0.5 * rng.normal(size=x.shape), x.dtype), weights
    )
    images = jnp.asarray(np.random.default_rng(0).random((5, 4)), jnp.float32)
    return config, net, weights, images


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_bounds_lie_below_the_likelihood_by_quadrature_and_reach_it(likelihood):
    config, net, weights, images = small(likelihood)
    nodes, mass = np.polynomial.hermite_e.hermegauss(100)

    @jax.jit
    def at(node):
        output = net.decode(weights, jnp.broadcast_to(node, (5, 1)))
        return networks.log_likelihood(config, weights, images, output)

    each = np.stack([at(jnp.float32(node)) for node in nodes])
    exact = scipy.special.logsumexp(
        each + np.log(mass / np.sqrt(2 * np.pi))[:, None], axis=0
    )

    @jax.jit
    def bounds(k):
        return networks.bounds(k, config, net, weights, images, 400)

    found = [bounds(key(10 + i)) for i in range(40)]
    elbo, tight = (np.array(x) for x in zip(*found, strict=True))
    assert_mean(np.exp(tight - exact), 1.0)  # its exponential is unbiased
    assert (elbo.mean(0) < tight.mean(0)).all()
    assert (elbo.mean(0) < exact - 0.01).all()
    with pytest.raises(AssertionError):
        assert_mean(np.exp(elbo - exact), 1.0)


def test_a_drawn_image_has_the_decoder_s_mean():
    for likelihood in ("bernoulli", "gaussian"):
        config, net, weights, _ = small(likelihood)
        params = networks.VaeParams(weights)
        own = {"latent_variance": jnp.float32(0)}  # one image, drawn many times
        means, drawn = (
            np.asarray(
                jax.jit(
                    functools.partial(
                        networks.vae(config, generate=g, **own).sample, num=4000
                    )
                )(key(4), params)
            )
            for g in ("mean", "sample")
        )
        assert (means == means[0]).all()
        assert_tells_apart(drawn, means[0], means[0][::-1])
        if likelihood == "bernoulli":
            assert set(np.unique(drawn)) == {0, 1}
        else:
            spread = (drawn - means[0]) ** 2
            noise = float(networks.noise_variance(weights))
            assert_tells_apart(spread, noise, 1.2 * noise)


def trained(config, images, *, beta=1.0, **how):
    model = networks.vae(config, TrainConfig(batch_size=8, **how), beta=beta)
    ones = jnp.ones(len(images), jnp.float32)

    @jax.jit
    def fit(key):
        return model.fit(key, model.init(key, images, ones), images, ones)

    return fit(key())


@pytest.mark.usefixtures("standard")
def test_training_lowers_the_loss_and_steps_follow_the_epochs():
    config, _, _, _ = small("gaussian")
    images = jnp.asarray(np.random.default_rng(0).random((30, 4)) ** 3, jnp.float32)
    few, many = (
        trained(config, images, **h)[1] for h in ({"steps": 3}, {"epochs": 40.0})
    )
    assert few["steps"] == 3 and many["steps"] == 150
    assert many["loss"] < few["loss"] - 0.5


@pytest.mark.usefixtures("standard")
def test_beta_draws_the_posterior_to_the_prior():
    config, net, _, _ = small("gaussian")
    images = jnp.asarray(np.random.default_rng(0).random((30, 4)), jnp.float32)
    found = []
    for beta in (0.0, 30.0):
        params = trained(config, images, beta=beta, steps=200)[0]
        each = networks.divergence(*net.encode(params.weights, images))
        found.append(float(each.mean()))
    assert found[1] < 0.01 < 0.1 < found[0]
