"""Torsion angles: butane's law against quadrature, files and their unit."""

import math

import jax
import numpy as np
import pytest
from calibrated import assert_cdf, assert_tells_apart
from conftest import SEED, X64

from collapse.core import streams
from collapse.data.errors import DataError
from collapse.data.torsions import alkanes, files
from collapse.theory import torsions as theory

KEY = streams.root(SEED)
LAW = alkanes.torsion_law()
ORDERS = np.arange(1, 7)


@pytest.fixture(scope="module")
def angles():
    """20 000 pairs of torsions, [rows, 2]."""
    draw = jax.jit(alkanes.sample, static_argnums=(2, 3))
    return np.asarray(draw(KEY, LAW, 20_000, 2))


def test_samples_have_the_law_of_the_quadrature(angles):
    own = theory.density(alkanes.BUTANE, 300)
    grid = np.linspace(-np.pi, np.pi, 20_001)
    steps = (own(grid[1:]) + own(grid[:-1])) / 2 * np.diff(grid)
    below = np.concatenate([[0], np.cumsum(steps)])
    assert -np.pi <= angles.min() and angles.max() < np.pi
    assert_cdf(angles[:, 0], lambda x: np.interp(x, grid, below))
    hot = theory.density(alkanes.BUTANE, 450)
    steps = (hot(grid[1:]) + hot(grid[:-1])) / 2 * np.diff(grid)
    with pytest.raises(AssertionError, match="gap"):
        assert_cdf(angles[:, 0], lambda x: np.interp(x, grid[1:], np.cumsum(steps)))


def test_torsions_of_a_chain_are_independent_and_alike(angles):
    waves = np.cos(ORDERS * angles[..., None])  # [rows, 2, K]
    expected = [theory.fourier_moment(alkanes.BUTANE, 300, int(k)) for k in ORDERS]
    hotter = [theory.fourier_moment(alkanes.BUTANE, 350, int(k)) for k in ORDERS]
    assert_tells_apart(waves[:, 1], expected, hotter)
    both = waves[:, 0, 0] * waves[:, 1, 0]
    square = theory.fourier_moment(alkanes.BUTANE, 300, 2) / 2 + 0.5
    assert_tells_apart(both, expected[0] ** 2, square)  # not copies of each other


def test_the_table_is_exact_where_its_cells_end():
    places = np.array([500, 1500, 2048, 3333])
    expected = [
        theory.share(alkanes.BUTANE, 300, -math.pi, LAW.angles[k]) for k in places
    ]
    np.testing.assert_allclose(LAW.below[places], expected, rtol=1e-9)


def test_the_log_density_is_exact():
    x = np.linspace(-3, 3, 14).reshape(7, 2)
    own = theory.density(alkanes.BUTANE, 250)
    found = alkanes.log_density(alkanes.torsion_law(250), jax.numpy.asarray(x))
    rtol = 1e-9 if X64 else 1e-5
    np.testing.assert_allclose(found, np.log(own(x)).sum(1), rtol=rtol)


@pytest.mark.parametrize("kelvin", [0, -1, math.inf, math.nan])
def test_a_temperature_is_positive(kelvin):
    with pytest.raises(ValueError, match="kelvin"):
        alkanes.torsion_law(kelvin)


RNG = np.random.default_rng(SEED)
TURNS = RNG.uniform(-1, 1, (40, 2))


@pytest.fixture
def table(tmp_path):
    def write(values, name="angles.csv"):
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, values)
        else:
            np.savetxt(path, values, delimiter=",", header="phi,psi", comments="")
        return str(path)

    return write


def every(data):
    return np.sort(np.concatenate([data.train, data.held_out]), axis=0)


@pytest.mark.parametrize("name", ["angles.csv", "angles.npy"])
@pytest.mark.parametrize("shift", [0, 1])  # from -pi, and from 0
def test_angles_are_read_in_both_units_and_wrapped(table, name, shift):
    turns = TURNS / 2 + shift / 2
    expected = np.sort(files.wrapped(2 * np.pi * turns), axis=0)
    assert -np.pi <= expected.min() < expected.max() < np.pi
    radians = files.load(table(2 * np.pi * turns, name))
    degrees = files.load(table(360 * turns, name), unit="degrees")
    np.testing.assert_allclose(every(radians), expected, atol=1e-12)
    np.testing.assert_allclose(every(degrees), expected, atol=1e-12)
    assert len(radians.held_out) == 10 and "angles in radians" in radians.said
    assert degrees.decided == radians.decided == ()


def test_degrees_are_noticed_and_the_flag_is_named(table):
    path = table(180 * TURNS)
    with pytest.raises(
        DataError, match="if angles are in degrees, give --unit degrees"
    ) as error:
        files.load(path)
    assert str(error.value).startswith(f"{path}: phi has ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("unit", files.UNITS)
def test_what_is_no_angle_is_refused(table, unit):
    path = table(1000 * TURNS)
    with pytest.raises(DataError, match="within one turn, and leave") as error:
        files.load(path, unit=unit)
    assert "--unit" not in str(error.value)


def test_radians_that_are_called_degrees_are_said(table):
    data = files.load(table(np.pi * TURNS), unit="degrees")
    assert any("drop --unit" in phrase for phrase in data.decided)
    assert "drop --unit" in data.said


def test_an_unknown_unit_is_refused(table):
    with pytest.raises(DataError, match="unit: must be one of radians, degrees"):
        files.load(table(TURNS), unit="turns")
    with pytest.raises(DataError, match="is in radians; drop --unit degrees"):
        files.load("alanine-dipeptide", unit="degrees")


def test_a_turn_that_is_rounded_up_is_a_turn(table):
    values = np.pi * TURNS
    values[0] = 6.2832
    assert np.isclose(every(files.load(table(values))), 0, atol=1e-4).any()


def test_classes_beside_angles_are_no_angles(tmp_path):
    """A column of classes goes last, is not scaled, and may have words."""
    rows = [f"{'ab'[i % 2]},{10 * i - 170},{7 * i * i % 180}" for i in range(34)]
    path = tmp_path / "angles.csv"
    path.write_text("\n".join(["kind,phi,psi", *rows]) + "\n")
    data = files.load(str(path), unit="degrees", label="kind")
    assert data.columns == ("phi", "psi", "kind")
    assert "classes of kind: a, b" in data.said
    every = np.concatenate([data.train, data.held_out])
    order = np.argsort(every[:, 0])
    phi = np.deg2rad(10 * np.arange(34) - 170)
    np.testing.assert_allclose(
        every[order, 0], np.sort(files.wrapped(phi[:, None])[:, 0])
    )
    psi = np.deg2rad(7 * np.arange(34) ** 2 % 180)
    np.testing.assert_allclose(every[order, 1], psi)
    assert (every[order, 2] == np.arange(34) % 2).all()
    assert data.classes == ("a", "b")
    with pytest.raises(DataError, match="label: alanine-dipeptide has no column"):
        files.load("alanine-dipeptide", label="kind")
