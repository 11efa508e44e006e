"""Verifiers of points and of regression rows: a ball, its bias and its mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from curator_cases import weights_of

from collapse.core.curation.verifier import (
    accept_lines,
    accept_points,
    displaced,
)
from collapse.numerics import draws

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(60, 3))
X, THETA = RNG.normal(size=(60, 3)), np.array([1.0, -2.0, 0.5])
Y = X @ THETA + RNG.normal(size=60)


def test_points_within_the_radius_are_accepted():
    centre = np.array([0.3, -0.2, 0.1])
    found = weights_of(accept_points(jnp.asarray(centre), 1.2), jnp.asarray(POINTS))
    right = [float(np.linalg.norm(p - centre) <= 1.2) for p in POINTS]
    assert 0 < sum(right) < 60
    np.testing.assert_array_equal(found, right)


def test_rows_may_be_single_numbers():
    found = weights_of(
        accept_points(jnp.array(1.0), 0.5), jnp.array([0.4, 0.5, 1.5, 1.6])
    )
    assert found.tolist() == [0, 1, 1, 0]


def slow(theta, r, sigma):
    """Rows that a verifier accepts, one at a time."""
    kept = []
    for x, y in zip(X, Y, strict=True):
        allowed = r * np.sqrt(sum(v * v for v in x)) + sigma
        kept.append(
            float(abs(y - sum(a * b for a, b in zip(x, theta, strict=True))) <= allowed)
        )
    return kept


@pytest.mark.parametrize("bias", [0.0, 1.5])
def test_labels_that_a_ball_of_coefficients_allows_are_accepted(bias):
    theta = displaced(jnp.asarray(THETA), bias, jnp.array([0.0, 3.0, 4.0]))
    far = np.linalg.norm(np.asarray(theta) - THETA)
    assert far == pytest.approx(bias, abs=1e-6)
    if bias:
        along = (np.asarray(theta) - THETA) / bias
        np.testing.assert_allclose(along, [0, 0.6, 0.8], atol=1e-6)
    curator = accept_lines(theta, 0.3, 0.2)
    right = slow(np.asarray(theta), 0.3, 0.2)
    assert 0 < sum(right) < 60
    for y in (jnp.asarray(Y), jnp.asarray(Y)[:, None]):  # labels of one column, too
        found = weights_of(curator, (jnp.asarray(X), y))
        np.testing.assert_array_equal(found, right)
    assert slow(THETA + 1, 0.3, 0.2) != right  # the control


def test_a_bias_is_along_the_first_axis_unless_another_is_given():
    assert displaced(jnp.zeros(2), 2.0).tolist() == [2, 0]


def test_the_centre_may_be_read_from_the_reference():
    curator = accept_points(lambda reference: reference["centre"], 1.0)
    reference = {"centre": jnp.array(5.0)}
    found = weights_of(curator, jnp.array([0.0, 4.5]), reference)
    assert found.tolist() == [0, 1]


def test_decisions_are_flipped_with_the_probability(root):
    """Inside the ball 1 - flip are kept, outside flip; at 1/2 it is random."""
    batch = jnp.array([0.0, 3.0])
    keys = jax.random.split(root, 5000)
    for flip, right in ((0.2, [0.8, 0.2]), (0.5, [0.5, 0.5]), (1.0, [0.0, 1.0])):
        curator = accept_points(jnp.array(0.0), 1.0, flip=flip)
        kept = np.asarray(jax.vmap(lambda k, c=curator: c.weigh(k, batch, None))(keys))
        if flip == 1.0:
            np.testing.assert_array_equal(kept, np.broadcast_to(right, kept.shape))
        else:
            assert_tells_apart(kept, right, [1 - flip - 0.1, flip + 0.1])


def test_radius_and_flip_may_be_traced(root):
    batch = draws.normal(root, (50,))

    def kept(radius, flip):
        curator = accept_points(jnp.array(0.0), radius, flip=flip)
        return curator.weigh(root, batch, None)

    both = jax.jit(jax.vmap(kept))(jnp.array([0.5, 1.0]), jnp.array([0.0, 0.3]))
    for row, (radius, flip) in zip(both, ((0.5, 0.0), (1.0, 0.3)), strict=True):
        np.testing.assert_array_equal(row, kept(radius, flip))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: accept_points(jnp.zeros(2), -1.0), "radius is -1; give .* at least 0"),
        (lambda: accept_points(jnp.zeros(2), 1.0, flip=2.0), "flip is 2"),
        (lambda: accept_lines(jnp.zeros(2), -1.0, 0.0), "selectivity is -1"),
        (lambda: accept_lines(jnp.zeros(2), 1.0, -2.0), "tolerance is -2"),
        (lambda: accept_lines(jnp.zeros(2), 1.0, 0.0, flip=-1.0), "flip is -1"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_centre_of_another_form_is_refused():
    with pytest.raises(ValueError, match=r"centre has shape \(2,\).*\(3,\)"):
        weights_of(accept_points(jnp.zeros(2), 1.0), jnp.asarray(POINTS))
