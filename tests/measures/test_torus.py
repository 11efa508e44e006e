"""Measures of torsion angles, by NumPy and SciPy and by cases done by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED, X64
from scipy.spatial.distance import jensenshannon

from collapse.measures import torus

RTOL = 1e-9 if X64 else 1e-4
RNG = np.random.default_rng(SEED)
FIRST, SECOND = RNG.uniform(-np.pi, np.pi, (50, 2)), RNG.normal(0, 1, (60, 2))


DIVERGENCE = jax.jit(torus.torsion_divergence, static_argnums=2)


def shares(angles, bins):
    edges = [np.linspace(-np.pi, np.pi, bins + 1)] * angles.shape[1]
    return np.histogramdd(angles, edges)[0].ravel() / len(angles)


@pytest.mark.parametrize("m", [1, 2])
def test_the_divergence_is_that_of_the_joint_histograms(m):
    first, second = FIRST[:, :m], SECOND[:, :m]
    expected = jensenshannon(shares(first, 6), shares(second, 6)) ** 2
    found = DIVERGENCE(jnp.asarray(first), jnp.asarray(second), 6)
    assert float(found) == pytest.approx(expected, rel=RTOL)


def test_of_many_torsions_it_is_the_mean_of_each_alone():
    first, second = np.repeat(FIRST, 2, 1)[:, :3], np.repeat(SECOND, 2, 1)[:, :3]
    each = [
        jensenshannon(shares(a[:, None], 9), shares(b[:, None], 9)) ** 2
        for a, b in zip(first.T, second.T, strict=True)
    ]
    found = DIVERGENCE(jnp.asarray(first), jnp.asarray(second), 9)
    assert float(found) == pytest.approx(np.mean(each), rel=RTOL)


def test_it_is_zero_for_the_same_rows_and_log_2_for_rows_apart():
    x = jnp.asarray(FIRST)
    assert float(DIVERGENCE(x, x, 6)) == pytest.approx(0, abs=1e-7)
    apart = DIVERGENCE(jnp.zeros((50, 2)), jnp.full((50, 2), 2.0), 6)
    assert float(apart) == pytest.approx(np.log(2), rel=1e-6)


def test_angles_of_other_turns_are_the_same_angles():
    x = jnp.asarray(SECOND)
    both = [
        lambda a: torus.histogram(a, 7),
        lambda a: torus.conformer_shares(a, torus.ALANINE),
    ]
    shown = jax.jit(lambda a: [measure(a) for measure in both])
    for here, there in zip(shown(x), shown(x + 4 * np.pi), strict=True):
        np.testing.assert_array_equal(here, there)
    assert float(torus.histogram(jnp.full((3, 1), np.pi), 4)[0]) == 1


@pytest.mark.parametrize("bins", [7, 36])
def test_no_row_is_lost_at_the_end_of_a_turn(bins):
    last = jnp.nextafter(jnp.float32(np.pi), jnp.float32(0))
    angles = last - jnp.arange(8, dtype=jnp.float32)[:, None] * 2**-22
    assert float(torus.histogram(angles, bins).sum()) == 1


def test_conformers_of_an_alkane_share_the_circle():
    degrees = jnp.asarray([[180.0], [-130], [121], [60], [0.5], [-0.5], [-119], [-60]])
    found = torus.conformer_shares(jnp.radians(degrees), torus.ALKANE)
    np.testing.assert_allclose(found, [3 / 8, 2 / 8, 3 / 8])
    true = np.array([0.75, 0.125, 0.125])
    left = torus.conformer_survival(jnp.radians(degrees), torus.ALKANE, true)
    np.testing.assert_allclose(left, [0.5, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("name", ["ALKANE", "ALANINE"])
def test_every_angle_is_in_one_conformer(name):
    regions = getattr(torus, name)
    m = regions.low.shape[1]
    angles = RNG.uniform(-np.pi, np.pi, (500, m))
    found = torus.inside(jnp.asarray(angles), regions)
    np.testing.assert_array_equal(jnp.sum(found, axis=1), 1)


def test_conformers_of_alanine_dipeptide_are_where_its_minima_are():
    minima = {"C7eq": (-80, 75), "alpha_R": (-75, -20), "alpha_L": (55, 40)}
    minima |= {"C7ax": (65, -60)}
    angles = jnp.radians(jnp.asarray([*minima.values(), (-150.0, 150.0)]))
    found = np.asarray(torus.inside(angles, torus.ALANINE))
    place = [torus.ALANINE.names[k] for k in found.argmax(1)]
    assert place == [*minima, "C7eq"]  # the stretched ones count to C7eq


def test_gauche_pairs_are_of_neighbours():
    degrees = jnp.asarray([[60.0, 60, 180, -60], [180, 60, -70, 180]])
    assert float(torus.gauche_pairs(jnp.radians(degrees))) == pytest.approx(2 / 6)


def test_fourier_moments_are_means_of_waves():
    orders = np.array([1, 3])
    found = torus.fourier_moments(jnp.asarray(FIRST), orders)
    expected = np.exp(1j * orders[:, None, None] * FIRST).mean(1)
    np.testing.assert_allclose(found[:, 0], expected.real, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], expected.imag, atol=1e-6)
    assert found.shape == (2, 2, 2)


def test_measures_are_mapped_over_seeds():
    x = jnp.asarray(np.stack([FIRST, FIRST[::-1] + 1]))
    found = jax.jit(jax.vmap(torus.torsion_divergence))(x, x[::-1])
    assert float(found[0]) == pytest.approx(float(found[1]), rel=1e-5)
    assert float(found[0]) > 0.1
