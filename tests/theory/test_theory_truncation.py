"""Truncated normal moments against the textbook formulas and SciPy."""

import numpy as np
import pytest
import scipy.stats

from collapse.theory import truncation

close = np.testing.assert_allclose


def textbook(a, b):
    phi, mass = scipy.stats.norm.pdf, scipy.stats.norm.cdf(b) - scipy.stats.norm.cdf(a)
    mean = (phi(a) - phi(b)) / mass
    return mass, mean, 1 + (a * phi(a) - b * phi(b)) / mass - mean**2


@pytest.mark.parametrize("ends", [(-1, 2), (-3, 3), (0.5, 1.5), (-30, 1), (-2, -0.1)])
def test_moments_are_those_of_the_textbook(ends):
    close(truncation.inside(*ends), textbook(*map(float, ends)), rtol=1e-11, atol=1e-15)


def test_far_and_narrow_intervals_keep_their_digits():
    far = truncation.inside(10.0, 60.0)
    close(far.mass, scipy.stats.norm.sf(10), rtol=1e-12)
    close(far[1:], scipy.stats.truncnorm.stats(10, 60), rtol=1e-8)
    mirrored = truncation.inside(-60.0, -10.0)
    close(mirrored, [far.mass, -far.mean, far.variance], rtol=1e-12)
    width = 1e-6  # uniform but for the slope of the density
    narrow = truncation.inside(2.0, 2.0 + width)
    close(narrow.variance, width**2 / 12, rtol=1e-9)
    close(narrow.mean - 2, width / 2, rtol=1e-5)
    with pytest.raises(AssertionError):  # why there is a quadrature
        close(textbook(2.0, 2.0 + width)[2], width**2 / 12, rtol=0.5)


def test_arrays_are_taken_entry_by_entry():
    low = np.array([[-1.0], [0.2]])
    found = truncation.inside(low, [1.0, 2.0, 3.0])
    assert found.mean.shape == found.mass.shape == found.variance.shape == (2, 3)
    close(found.variance[1, 2], truncation.inside(0.2, 3.0).variance, rtol=1e-14)


def test_bad_bounds_are_named():
    for ends in ((1, 1), (2, 1), ([0, 3], [1, 2]), (float("nan"), 1)):
        with pytest.raises(ValueError, match=r"^low "):
            truncation.inside(*ends)
