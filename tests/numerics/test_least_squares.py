"""Least squares against `numpy.linalg.lstsq`, and what weights mean.

Errors are relative to the largest coefficient of a target. The solvers that see X'X
alone lose the condition of X once more, as they say, and are allowed that factor.
"""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from hypothesis import given
from hypothesis.extra import numpy as st_numpy

from collapse.data import designs
from collapse.numerics import least_squares

RTOL = 1e-12 if X64 else 1e-5
DTYPE = jnp.result_type(float)
PENALTY = 0.75  # a number of few bits: exact in both precisions
SHAPES = [(7, 1, 0), (5, 5, 0.5), (12, 3, 0), (40, 12, 0.9), (200, 32, 0.9)]
FLAT = [(1, 3, 0), (3, 8, 0), (8, 20, 0.9)]  # fewer rows than coefficients
UNITS = np.array([1, 2.0**-20, 2.0**20], DTYPE)
close = np.testing.assert_allclose


def problem(n, d, rho=0.5, c=3):
    """Correlated rows [n, d], targets [c, n] and weights [n], in the precision set."""
    rng = np.random.default_rng([n, d, c])
    root = np.linalg.cholesky(designs.covariance("ar1", d, rho))
    rows, targets = rng.normal(size=(n, d)) @ root.T, rng.normal(size=(c, n))
    weights = rng.integers(1, 9, n) / 4
    return tuple(x.astype(DTYPE) for x in (rows, targets, weights))


def oracle(rows, targets, weights, penalty=0.0):
    """Weighted fits [c, d]; ridge by rows that say w = 0. Of minimum norm if many."""
    root = np.sqrt(weights.astype(np.float64))
    x, y = root[:, None] * rows, root[:, None] * targets.T
    d = x.shape[1]
    x = np.concatenate([x, penalty**0.5 * np.eye(d)])
    y = np.concatenate([y, np.zeros((d, len(targets)))])
    return np.linalg.lstsq(x, y)[0].T


@functools.cache
def compiled(name, penalty, minimum_norm):
    """A solver with these numbers in it."""
    settings = {"penalty": penalty} | ({"minimum_norm": True} if minimum_norm else {})
    return jax.jit(functools.partial(getattr(least_squares, name), **settings))


def solver(name, penalty, minimum_norm=False):
    """The same, or called as it is with a traced penalty."""
    if isinstance(penalty, float):
        return compiled(name, penalty, minimum_norm)
    return functools.partial(getattr(least_squares, name), penalty=penalty)


def by_rows(rows, targets, weights, penalty=0.0, minimum_norm=False):
    arrays = map(jnp.asarray, (rows, targets, weights))
    return solver("solve_rows", penalty, minimum_norm)(*arrays)


def by_gram(rows, targets, weights, penalty=0.0, minimum_norm=False):
    moments = (weights * targets) @ rows
    gram = (weights[:, None] * rows).T @ rows
    arrays = jnp.asarray(gram), jnp.asarray(moments)
    return solver("solve_gram", penalty, minimum_norm)(*arrays)


def by_spectrum(rows, targets, weights, penalty=0.0, minimum_norm=True):
    del minimum_norm  # always
    moments = jnp.asarray((weights * targets) @ rows)
    basis = spectrum(jnp.asarray(np.sqrt(weights)[:, None] * rows))
    return solver("solve_spectrum", penalty)(*basis, moments, jnp.ones((), DTYPE))


spectrum = jax.jit(least_squares.spectrum)
SOLVERS = [by_rows, by_gram, by_spectrum]
EACH = pytest.mark.parametrize("solve", SOLVERS)


def assert_solves(found, right, slack=1.0):
    assert found.shape == right.shape and found.dtype == DTYPE
    error = abs(np.asarray(found, np.float64) - right).max(1)
    assert (error <= RTOL * slack * abs(right).max(1)).all(), error


def slack(solve, rows, weights):
    """Condition of the rows, which those that see their Gram matrix lose again."""
    if solve is by_rows:
        return 1.0
    singular = np.linalg.svd(np.sqrt(weights)[:, None] * rows, compute_uv=False)
    return singular[0] / singular[singular > 1e-5 * singular[0]].min()


# Against NumPy


@EACH
@pytest.mark.parametrize("penalty", [0.0, PENALTY])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fits_are_those_of_numpy(solve, shape, penalty):
    rows, targets, weights = problem(*shape)
    right = oracle(rows, targets, weights, penalty)
    room = slack(solve, rows, weights)
    assert_solves(solve(rows, targets, weights, penalty), right, room)
    if penalty == 0 and solve is not by_spectrum:  # one fit is best, and the shortest
        assert_solves(solve(rows, targets, weights, 0.0, True), right, room)


@EACH
@pytest.mark.parametrize("shape", FLAT, ids=str)
def test_fewer_rows_than_coefficients(solve, shape):
    rows, targets, weights = problem(*shape)
    right, room = oracle(rows, targets, weights), slack(solve, rows, weights)
    assert_solves(solve(rows, targets, weights, minimum_norm=True), right, room)
    right = oracle(rows, targets, weights, PENALTY)
    assert_solves(solve(rows, targets, weights, PENALTY), right, room)


@EACH
@pytest.mark.parametrize("shape", [(40, 12), (8, 20)], ids=str)
def test_minimum_norm_of_rows_that_repeat(solve, shape):
    """Equal columns, equal rows, a column of zeros, and rows that weigh nothing."""
    rows, targets, weights = problem(*shape)
    rows[:, 1], rows[1:3] = rows[:, 0], rows[0]
    rows[:, 2] = 0
    weights[3:5] = 0
    right, room = oracle(rows, targets, weights), slack(solve, rows, weights)
    for unit in UNITS:  # what is negligible does not depend on it
        found = unit * solve(unit * rows, targets, weights, minimum_norm=True)
        assert_solves(found, right, room)


@pytest.mark.parametrize("solve", [by_rows, by_gram])
def test_units_of_the_columns_cost_no_digits(solve):
    rows, targets, weights = problem(40, 12, 0.0)
    units = 2.0 ** np.linspace(-12, 12, 12).round()  # exact, from 1/4096 to 4096
    found = np.asarray(solve(rows * units.astype(DTYPE), targets, weights))
    room = slack(solve, rows, weights)
    assert_solves(found * units.astype(DTYPE), oracle(rows, targets, weights), room)


def test_solving_by_rows_loses_the_condition_once():
    """Two columns nearly alike, and labels without noise."""
    eps = float(jnp.finfo(DTYPE).eps)
    rows, _, weights = problem(40, 12, 0.0)
    rows[:, 1] = rows[:, 0] + eps ** (1 / 3) * rows[:, 1]
    right = np.ones((1, 12))
    targets = (right @ rows.T.astype(np.float64)).astype(DTYPE)
    once, twice = (
        abs(np.asarray(solve(rows, targets, weights)) - right).max()
        for solve in (by_rows, by_gram)
    )
    assert once < 100 * eps ** (2 / 3)
    assert twice > 10 * once  # or there was nothing to lose


def test_what_no_row_determines_is_not_finite():
    rows, targets, weights = problem(12, 3)
    nothing = rows * np.array([1, 0, 1], DTYPE)
    for solve in (by_rows, by_gram):
        assert not np.isfinite(solve(nothing, targets, weights)).all()
        assert not np.isfinite(solve(rows, targets, 0 * weights)).any()
        one_column = solve(0 * rows[:, :1], targets, weights)
        assert not np.isfinite(one_column).any()


# Penalties


@EACH
def test_a_traced_penalty_is_the_number(solve):
    rows, targets, weights = problem(12, 3)
    traced = jax.jit(lambda p: solve(rows, targets, weights, p))
    for penalty in (0.0, PENALTY, 100.0):
        right = np.asarray(solve(rows, targets, weights, penalty), np.float64)
        assert_solves(traced(jnp.asarray(penalty, DTYPE)), right)
    swept = jnp.asarray([0.0, PENALTY, 100.0], DTYPE)
    for penalty, found in zip(swept, jax.vmap(traced)(swept), strict=True):
        assert_solves(found, np.asarray(traced(penalty), np.float64))


@pytest.mark.parametrize("name", ["solve_rows", "solve_gram"])
def test_a_number_0_costs_nothing(name):
    solve, square = getattr(least_squares, name), jnp.ones((4, 4))
    arrays = (square, square, jnp.ones(4))[: 3 if name == "solve_rows" else 2]

    def program(**penalty):
        return str(jax.make_jaxpr(lambda *arrays: solve(*arrays, **penalty))(*arrays))

    assert program() == program(penalty=0.0)
    assert len(program()) < len(program(penalty=1.0))


# The spectrum


@pytest.mark.parametrize("shape", SHAPES + FLAT, ids=str)
def test_spectrum_is_that_of_the_rows(shape):
    rows, _, _ = problem(*shape)
    vectors, singular = map(np.asarray, spectrum(jnp.asarray(rows)))
    right = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    size, d = right[0], rows.shape[1]
    close(singular[: right.size], right, rtol=0, atol=RTOL * size)
    assert (singular[right.size :] == 0).all() and singular.shape == (d,)
    close(vectors.T @ vectors, np.eye(d), rtol=0, atol=RTOL)
    gram = vectors * singular**2 @ vectors.T
    close(gram, rows.T @ rows, rtol=0, atol=RTOL * size**2)


def test_negligible_singular_values_are_zero():
    rows, _, _ = problem(40, 12)
    rows[:, 3], rows[:, 5] = rows[:, 0], 0
    for unit in UNITS:
        _, singular = spectrum(jnp.asarray(unit * rows))
        assert (np.asarray(singular) > 0).sum() == 10


@pytest.mark.parametrize("penalty", [0.0, PENALTY])
@pytest.mark.parametrize("copies", [1, 3])
def test_copies_are_the_same_rows_again(copies, penalty):
    """The same inputs several times, labelled anew each time."""
    rows, _, _ = problem(12, 3)
    targets = problem(12 * copies, 3)[1]
    stacked = np.tile(rows, (copies, 1))
    vectors, singular = spectrum(jnp.asarray(rows))
    moments = jnp.asarray(targets @ stacked)
    solve = jax.jit(least_squares.solve_spectrum)
    found = solve(vectors, singular, moments, jnp.asarray(copies, DTYPE), penalty)
    right = oracle(stacked, targets, np.ones(12 * copies), penalty)
    assert_solves(found, right, slack(by_spectrum, rows, np.ones(12)))


@pytest.mark.x64
@pytest.mark.parametrize("penalty", [0.0, PENALTY, jnp.float32(1), jnp.ones(())])
def test_dtype_follows_the_rows(penalty):
    square, one = jnp.eye(3, dtype=jnp.float32), jnp.float32(1)
    for found in (
        least_squares.solve_rows(square, square, square[0] + 1, penalty),
        least_squares.solve_gram(square, square, penalty),
        least_squares.solve_spectrum(square, square[0], square, one, penalty),
        *least_squares.spectrum(square),
    ):
        assert found.dtype == jnp.float32


# What weights mean: values vary, and three heavy rows keep the condition below 30


@st.composite
def regressions(draw):
    halves = st.integers(-6, 6).map(lambda half: half / 2)
    rows = draw(st_numpy.arrays(DTYPE, (12, 3), elements=halves, fill=st.nothing()))
    targets = draw(st_numpy.arrays(DTYPE, (2, 12), elements=halves, fill=st.nothing()))
    share = st.one_of(st.just(0), st.integers(1, 3), st.floats(0.125, 4, width=16))
    weights = draw(st_numpy.arrays(DTYPE, 12, elements=share, fill=st.nothing()))
    rows[:3], weights[:3] = 2 * np.eye(3), 1 + weights[:3]
    return rows, targets, weights


fit_rows, fit_gram = (
    jax.jit(solve) for solve in (least_squares.solve_rows, least_squares.solve_gram)
)


def fits(rows, targets, weights, penalty):
    """From rows and from their Gram matrix, at once."""
    x, y, v = map(jnp.asarray, (rows, targets, weights))
    penalty = jnp.asarray(penalty, DTYPE)
    gram = (v[:, None] * x).T @ x
    moments = (v[None] * y) @ x
    return np.stack([fit_rows(x, y, v, penalty), fit_gram(gram, moments, penalty)])


def assert_same(one, other):
    """Up to roundings: coefficients are below 10, the condition squared below 300."""
    assert np.isfinite(one).all()
    close(one, other, rtol=0, atol=1e-9 if X64 else 1e-3)


PENALTIES = st.sampled_from([0.0, PENALTY])


@given(regressions(), PENALTIES, st.floats(-100, 100, width=16))
def test_a_row_of_weight_zero_has_no_effect(problem, penalty, value):
    rows, targets, weights = problem
    silent = weights == 0
    value = np.asarray(value, DTYPE)
    changed = np.where(silent[:, None], value, rows), np.where(silent, value, targets)
    assert_same(fits(*problem, penalty), fits(*changed, weights, penalty))


@given(regressions(), PENALTIES, st.permutations(range(12)))
def test_order_does_not_matter(problem, penalty, order):
    rows, targets, weights = problem
    shuffled = rows[order], targets[:, order], weights[order]
    assert_same(fits(*problem, penalty), fits(*shuffled, penalty))


@given(regressions(), PENALTIES, st.integers(0, 11))
def test_weight_two_is_the_row_twice(problem, penalty, row):
    rows, targets, weights = problem
    again = [*range(12), row]
    twice = fits(rows[again], targets[:, again], weights[again], penalty)
    doubled = weights * np.where(np.arange(12) == row, 2, 1).astype(DTYPE)
    assert_same(fits(rows, targets, doubled, penalty), twice)


@given(regressions(), PENALTIES, st.sampled_from([1e-6, 0.3, 7, 1e6]))
def test_only_a_penalty_knows_the_scale_of_the_weights(problem, penalty, factor):
    """Scaling all weights changes nothing if the penalty, if any, is scaled along."""
    rows, targets, weights = problem
    scaled = rows, targets, (factor * weights).astype(DTYPE)
    assert_same(fits(*problem, penalty), fits(*scaled, factor * penalty))


def test_singular_rows_without_a_remedy_are_nan():
    rows = jnp.tile(jnp.array([[1.0, 2.0], [2.0, 4.0]]), (3, 1))
    found = least_squares.solve_rows(rows, jnp.ones((1, 6)), jnp.ones(6))
    assert jnp.isnan(found).all()
