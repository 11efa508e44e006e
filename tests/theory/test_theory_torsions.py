"""Torsion angles: published numbers of butane, and a potential solved by hand."""

import math

import numpy as np
import pytest
from scipy import special

from collapse.theory import torsions

BUTANE = (355.03, -68.19, 791.32)
ORDERS = range(1, 7)


def test_shares_and_moments_of_butane():
    """Numbers of another quadrature at 300 K: per cent, moments, nats."""
    third = 2 * math.pi / 3
    places = [(0, third), (-third, 0), (third, 2 * third)]
    shares = [100 * torsions.share(BUTANE, 300, *own) for own in places]
    assert shares == pytest.approx([16.86, 16.86, 66.27], abs=0.005)
    moments = [torsions.fourier_moment(BUTANE, 300, k) for k in ORDERS]
    expected = [-0.50337, 0.40627, -0.77361, 0.38337, -0.22217, 0.40070]
    assert moments == pytest.approx(expected, abs=5e-6)
    assert torsions.entropy(BUTANE, 300) == pytest.approx(0.85096, abs=5e-6)


@pytest.mark.parametrize("sign", [1, -1])  # about pi, and about 0
def test_one_wave_is_the_law_of_von_mises(sign):
    """Its moments are ratios of Bessel functions."""
    wave, strength = (sign * 700, 0, 0), 700 / 350
    ratio = [special.iv(k, strength) / special.iv(0, strength) for k in ORDERS]
    found = [torsions.fourier_moment(wave, 350, k) for k in ORDERS]
    np.testing.assert_allclose(found, (-sign) ** np.array(ORDERS) * ratio, rtol=1e-8)
    entropy = math.log(2 * math.pi * special.iv(0, strength)) - strength * ratio[0]
    assert torsions.entropy(wave, 350) == pytest.approx(entropy, rel=1e-8)
    x = np.linspace(-3, 3, 5)
    mass = 2 * math.pi * special.iv(0, strength)
    expected = np.exp(-sign * strength * np.cos(x)) / mass
    np.testing.assert_allclose(torsions.density(wave, 350)(x), expected, rtol=1e-8)


def test_the_barrier_between_gauche_and_trans():
    angle, height = torsions.barrier(BUTANE)
    assert math.degrees(angle) == pytest.approx(118.4, abs=0.05)
    assert height == pytest.approx(1660.5, abs=0.1)
    # its density is that factor below the one of trans
    own = torsions.density(BUTANE, 300)
    assert own(math.pi) / own(angle) == pytest.approx(math.exp(height / 300), rel=1e-6)


@pytest.mark.parametrize("kelvin", [0, -1, math.inf, math.nan])
def test_a_temperature_is_positive(kelvin):
    with pytest.raises(ValueError, match="kelvin"):
        torsions.density(BUTANE, kelvin)
