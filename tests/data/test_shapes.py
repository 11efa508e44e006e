"""Curved data distributions: where their rows lie, and how often."""

import numpy as np
import pytest
from calibrated import assert_mean
from conftest import SEED
from scipy import integrate
from sklearn import datasets

from collapse.core import streams
from collapse.data import shapes
from collapse.data.errors import InputError
from collapse.experiment.toml import to_toml
from collapse.sims.kde import Kde

NUM = 20_000
KEY = streams.root(SEED)


def rows(shape, noise=0.0, num=NUM):
    return np.asarray(shapes.sample(shape, KEY, num, noise))


def nearest(points, curve):
    """Distance of each of 200 points to a curve given by many of its points."""
    return np.sqrt(((points[:200, None] - curve[None]) ** 2).sum(-1)).min(1)


@pytest.mark.parametrize(
    "shape, made",
    [
        ("moons", lambda: datasets.make_moons(4000, noise=None)[0]),
        ("circles", lambda: datasets.make_circles(4000, noise=None, factor=0.8)[0]),
    ],
)
def test_rows_lie_on_the_curves_of_the_library(shape, made):
    assert nearest(rows(shape), made()).max() < 3e-3
    assert nearest(rows(shape) + 0.3, made()).max() > 0.1


def test_a_swiss_roll_is_that_of_the_library():
    points, t = datasets.make_swiss_roll(10, random_state=0)
    np.testing.assert_allclose(points[:, 0], t * np.cos(t))  # the curve that is meant
    x, y, z = rows("swiss_roll").T
    radius = np.hypot(x, z)
    np.testing.assert_allclose(np.cos(radius) * radius, x, atol=1e-4 * radius.max())
    assert 0 <= y.min() and y.max() <= 21
    assert 1.5 * np.pi <= radius.min() and radius.max() <= 4.5 * np.pi


@pytest.mark.statistical
def test_every_part_is_as_likely():
    mean = integrate.quad(lambda t: t * np.cos(t), 1.5 * np.pi, 4.5 * np.pi)[0] / (
        3 * np.pi
    )
    assert_mean(rows("swiss_roll", 0.05)[:, :2], [mean, 10.5])
    assert_mean(rows("moons", 0.05), [0.5, 0.25])
    circles = rows("circles")
    assert_mean(np.c_[circles, (circles**2).sum(1) > 0.9], [0, 0, 0.5])
    blobs = rows("blobs")
    gap = ((blobs[:, None] - shapes.CENTRES) ** 2).sum(-1)
    assert_mean(gap.argmin(1)[:, None] == np.arange(3), np.full(3, 1 / 3))
    assert_mean(gap.min(1), 2.0)


def test_the_kernel_density_of_a_shape_measures_its_error_alone():
    size = {"samples_per_generation": (32,)}
    one = Kde(shape=("moons", "circles"), dimension=2, **size)
    one.check()
    assert one.quantity("test_error").long_name == "log-loss on held-out rows"
    assert one.known_metrics() == ("test_error",)
    assert "shape" in to_toml(one) and "shape" not in to_toml(Kde(dimension=2))
    for shape, dimension, said in (
        (("normal", "moons"), 2, "run it alone"),
        (("moons", "swiss_roll"), 2, "run them apart"),
        (("moons",), 3, "set --dimension"),
    ):
        with pytest.raises(InputError, match=said):
            Kde(shape=shape, dimension=dimension, **size).check()
