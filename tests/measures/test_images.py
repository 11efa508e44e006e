"""Metrics of images, in numbers worked out by hand or by SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from conftest import SEED, X64

from collapse.measures import classifier as seeing
from collapse.measures import images as measures
from collapse.measures.classifier import Classifier
from collapse.measures.images import LatentModel, Real

RTOL = 1e-7 if X64 else 1e-3
KEY = jax.random.key(SEED)
# four pixels, each a class of its own
TELLS = Classifier(
    (jnp.eye(4), jnp.zeros(4)),
    (jnp.eye(4), jnp.zeros(4)),
)
IMAGES = jnp.asarray(np.repeat(np.eye(4), [6, 2, 2, 0], axis=0), jnp.result_type(float))


def measured(metrics):
    """Metrics whose model has no parameters, in one program."""
    found = jax.jit(lambda key: {n: m(key, None) for n, m in metrics.items()})(KEY)
    return {name: float(value) for name, value in found.items()}


def test_frechet_distance_is_that_of_the_formula():
    rng = np.random.default_rng(SEED)
    a, b = rng.normal(size=(50, 3)) @ np.diag([1, 2, 3]), rng.normal(1, 2, (40, 3))
    s, t = (np.cov(x.T, bias=True) for x in (a, b))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        s + t - 2 * scipy.linalg.sqrtm(s @ t).real
    )
    frechet = jax.jit(measures.frechet_distance)
    found = frechet(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(found, expected, rtol=RTOL)
    same = frechet(jnp.asarray(a), jnp.asarray(a))
    np.testing.assert_allclose(same, 0, atol=1e-4)


def test_metrics_of_classes_by_hand():
    truth = jnp.asarray([0.5, 0.35, 0.08, 0.07], IMAGES.dtype)
    found = measures.class_metrics(lambda *_: IMAGES, TELLS, truth, 10)
    values = measured(found)
    shares = np.array([0.6, 0.2, 0.2, 0])
    expected = {
        "tail_mass_10pct": 0.0,  # the rarest class alone carries at most a tenth
        "class_survival": 3 / 4,
        "class_distance": abs(shares - np.asarray(truth)).sum() / 2,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-6)
    both = jnp.asarray([0.5, 0.41, 0.05, 0.04], IMAGES.dtype)
    found = measures.class_metrics(lambda *_: IMAGES, TELLS, both, 10)
    np.testing.assert_allclose(
        found["tail_mass_10pct"](KEY, None), 0.2 / 0.09, rtol=1e-6
    )


def test_metrics_of_images_by_hand():
    held = jnp.asarray([[0.0, 1], [1, 0]] * 5)
    real = Real(held, jnp.zeros(2), jnp.asarray(2.0), jnp.full(10, -1.0))
    model = LatentModel(
        lambda key, params, num: jnp.asarray([[3.0, 0], [1, 0]] * 5),
        lambda params, images: images * jnp.asarray([[0.1, 1.0]]),
        lambda params, images: images + 0.5,
        lambda key, params, images: (jnp.full(10, -3.0), jnp.full(10, -2.5)),
    )
    found = measures.image_metrics(model, real)
    values = measured(found)
    expected = {
        "negative_elbo": 3,
        "negative_iw_bound": 2.5,
        "test_error": 1.5,
        "reconstruction_error": 0.25,
        "variance_ratio": 10 / 9 / 2,
        "mean_error": 2,
        "active_latents": 1,  # the other one's variance is 0.0025
        "precision": 0.5,  # (1, 0) is a real image, (3, 0) is far from any
    }
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-6, err_msg=name)
    spread = measures.latent_metrics(model, 10)["latent_spread"](KEY, None, None)
    seen = np.array([[0.3, 0], [0.1, 0]])
    np.testing.assert_allclose(spread, seen.std(), rtol=1e-6)


def test_the_classifier_learns():
    rng = np.random.default_rng(SEED)
    labels = rng.integers(3, size=300)
    centres = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1.0]])
    images = centres[labels] + 0.2 * rng.normal(size=(300, 4))
    images, own = (jnp.asarray(x, jnp.float32) for x in (images, np.eye(3)[labels]))
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by counts
        found = seeing.train(KEY, images[:200], own[:200])
    right = np.asarray(seeing.classes(found, images[200:])) == labels[200:]
    assert right.mean() > 0.95
    shares = np.asarray(seeing.shares(found, images))
    np.testing.assert_allclose(shares, np.bincount(labels) / 300, atol=0.05)
    assert seeing.features(found, images).shape == (300, seeing.FEATURES)
