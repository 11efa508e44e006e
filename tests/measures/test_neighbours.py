"""Measures by distances between rows: against loops, and by cases done by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED, X64

from collapse.measures import neighbours as nb

RTOL = 1e-9 if X64 else 1e-4
FLAT, TORUS = "euclidean", "torus"


def rows(num, d, seed):
    return np.random.default_rng((SEED, seed)).uniform(-np.pi, np.pi, (num, d))


def distance(x, y, space):
    gap = x - y
    if space == TORUS:
        gap = (gap + np.pi) % (2 * np.pi) - np.pi
    return float(np.sqrt((gap**2).sum()))


def table(first, second, space):
    return np.array([[distance(x, y, space) for y in second] for x in first])


CASES = [(2, FLAT), (2, TORUS), (12, FLAT)]  # of many features distances are products


@functools.partial(jax.jit, static_argnums=(2, 3))
def measured(generated, real, k, space):
    """Every measure in one program: precision and recall, nearest rows, energy."""
    return (
        nb.precision_recall(generated, real, k, space),
        nb.nearest_distances(generated, real, space),
        nb.generalisation_score(generated, real, space),
        nb.energy_distance(generated, real, space),
    )


@pytest.fixture(params=CASES, ids=["plane", "torus", "products"], scope="module")
def case(request):
    """Rows, their space, and what is measured in blocks of 8 of 30 and 29 rows."""
    d, space = request.param
    real, generated = rows(30, d, 1), 0.8 * rows(29, d, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nb, "BLOCK", 8)
        found = measured(jnp.asarray(generated), jnp.asarray(real), 3, space)
    return generated, real, space, jax.tree.map(np.asarray, found)


def test_precision_and_recall_are_those_of_a_loop(case):
    generated, real, space, (found, *_) = case

    def share(points, centres):
        own = np.sort(table(centres, centres, space), 1)[:, 3]  # the first is itself
        return (table(points, centres, space) <= own).any(1).mean()

    assert found.precision == pytest.approx(share(generated, real))
    assert found.recall == pytest.approx(share(real, generated))
    assert 0 < found.recall < found.precision <= 1


def test_distances_to_the_nearest_row_are_those_of_a_loop(case):
    generated, real, space, (_, nearest, score, _) = case
    expected = table(generated, real, space).min(1)
    np.testing.assert_allclose(nearest, expected, rtol=RTOL)
    assert score == pytest.approx(expected.mean(), rel=RTOL)


def test_the_energy_distance_is_that_of_a_loop(case):
    generated, real, space, (*_, found) = case

    def mean(x, y, pairs):
        if space == TORUS:
            x, y = (np.concatenate([np.cos(a), np.sin(a)], axis=1) for a in (x, y))
        return table(x, y, FLAT).sum() / pairs

    expected = 2 * mean(generated, real, 29 * 30)
    expected -= mean(generated, generated, 29 * 28) + mean(real, real, 30 * 29)
    assert found == pytest.approx(expected, rel=RTOL, abs=10 * RTOL)


def test_a_lost_mode_lowers_recall_and_an_invented_one_precision():
    """On the line: real rows at 0, 1, ..., 7 and at 100, ..., 107, in equal numbers."""
    low = jnp.arange(8.0)[:, None]
    real = jnp.concatenate([low, low + 100])
    share = jax.jit(nb.precision_recall)
    lost = share(low, real)
    assert lost.precision == 1 and lost.recall == 0.5
    invented = share(jnp.concatenate([real, low + 200]), real)
    assert invented.precision == pytest.approx(2 / 3) and invented.recall == 1


def test_what_is_nearly_a_copy_is_told_from_one_in_float32():
    """From a product of matrices the distance would be anything below 0.01."""
    training = jnp.asarray(100 * rows(40, 12, 5), jnp.float32)
    score = jax.jit(nb.generalisation_score)
    assert score(training[:7], training) == 0
    assert float(score(training[:7] + 2**-10, training)) == pytest.approx(
        12**0.5 * 2**-10, rel=0.05
    )


def test_the_kth_neighbour_counts_equal_distances_and_not_the_row_itself():
    line = jnp.asarray([0.0, 1, 2, 3, 4, 4])[:, None]
    found = jax.jit(nb.neighbour_distances, static_argnums=1)(line, 3)
    np.testing.assert_allclose(found, [3, 2, 2, 1, 2, 2])


def test_neighbours_across_the_edge_of_the_torus_are_near():
    edge = jnp.asarray([[np.pi - 0.1, 0.0]])
    other = jnp.asarray([[-np.pi + 0.2, 0.4]])
    assert float(nb.generalisation_score(edge, other, TORUS)) == pytest.approx(0.5)
    assert float(nb.generalisation_score(edge, other)) > 5.9


def test_angles_are_wrapped_into_one_turn():
    found = nb.wrapped(jnp.asarray([np.pi, -np.pi, 3.5, -9.0, 0.25]))
    expected = [-np.pi, -np.pi, 3.5 - 2 * np.pi, -9 + 2 * np.pi, 0.25]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_energy_distance_of_equal_laws_is_zero_on_average():
    """With rows' distances to themselves it would be 2 E|X - X'| / n: 2.26 / 8 here."""
    z = np.random.default_rng((SEED, 8)).normal(size=(2, 4000, 8, 1))
    found = jax.jit(jax.vmap(nb.energy_distance))(*jnp.asarray(z))
    assert_tells_apart(found, 0, 2 * (2 / np.sqrt(np.pi)) / 8)


def test_the_torus_shows_even_fourier_modes():
    """Density (1 + .8 cos 2x) / 2 pi against a uniform one: 8 / (15 pi) x .4^2.

    The chord is a series of -cos kx with factors 8 / (pi (4 k^2 - 1)).
    """
    rng = np.random.default_rng((SEED, 9))
    x = rng.uniform(-np.pi, np.pi, (400, 600))
    keep = rng.uniform(0, 1.8, x.shape) < 1 + 0.8 * np.cos(2 * x)
    wavy = np.stack([own[kept][:200] for own, kept in zip(x, keep, strict=True)])
    flat = rng.uniform(-np.pi, np.pi, wavy.shape)
    both = (jnp.asarray(a[..., None]) for a in (wavy, flat))
    energy = functools.partial(nb.energy_distance, space=TORUS)
    found = jax.jit(jax.vmap(energy))(*both)
    assert_tells_apart(found, 8 / (15 * np.pi) * 0.16, 0)


def test_arcs_would_not_show_them():
    """Why chords: the mean arc between two rows is pi / 2 for both of these laws."""
    x = (np.arange(4000) + 0.5) * 2 * np.pi / 4000
    density = 1 + 0.8 * np.cos(2 * x)
    arc = np.minimum(x, 2 * np.pi - x)  # to a row at 0, where the density is largest
    assert (density * arc).mean() == pytest.approx(np.pi / 2, rel=1e-6)
    assert (density * 2 * np.sin(x / 2)).mean() != pytest.approx(4 / np.pi, rel=0.01)


def test_too_few_rows_are_refused():
    few = jnp.zeros((5, 2))
    with pytest.raises(ValueError, match="5 neighbours need 6 rows at least, got 5"):
        nb.precision_recall(few, few)
    with pytest.raises(ValueError, match="2 rows"):
        nb.energy_distance(few[:1], few)
