"""Metrics of linear regressors: exact errors, estimates of them, a later learner's."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import X64
from regressor_cases import KEY, close, started, truth_in

from collapse.data.designs import covariance
from collapse.measures import regression
from collapse.models.linear.model import LinearParams, linear
from collapse.numerics import draws
from collapse.theory import linear as theory

RTOL = 1e-9 if X64 else 1e-5
NUM_SEEDS = 20_000
D, NUM_ROWS, NOISE = 3, 40, 0.5


def fit(params):
    return params.coefficients[0]


def twin(params):
    return params.coefficients[1]


def truth(params):
    del params
    return truth_in(D)


def regressor():
    """A fit gone wrong and a twin less wrong."""
    wrong = jnp.array([[0.5, 0.2, -0.3], [0.1, 0.0, 0.2]])
    return LinearParams(wrong + truth_in(D)[None])


def labeller():
    """Coefficients [d] of the model that labelled their rows."""
    return truth_in(D) + jnp.array([-0.4, 0.1, 0.2])


def factor():
    """Of inputs that are neither alike nor independent."""
    stretched = np.diag([1.0, 2.0, 0.5])
    root = np.linalg.cholesky(covariance("ar1", D, 0.6))
    return jnp.asarray(stretched @ root, float)


def over_seeds(measure):
    """Values of `key -> scalars` for many keys, leaves [seeds]."""
    keys = jax.random.split(KEY, NUM_SEEDS)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(measure))(keys))


# Exact errors


def test_squared_distance_is_a_quadratic_form():
    params, w = regressor(), np.asarray(truth_in(D))
    sigma = np.asarray(factor() @ factor().T)
    for first, second in ((fit, truth), (twin, truth), (fit, twin)):
        gap = np.asarray(first(params) - second(params))
        plain = regression.squared_distance(first, second)
        close(plain(KEY, params), gap @ gap, RTOL)
        seen = regression.squared_distance(first, second, factor())
        close(seen(KEY, params), gap @ sigma @ gap, RTOL)
    assert regression.squared_distance(fit, truth)(KEY, started(jnp.asarray(w))) == 0


# Errors on test rows


@functools.cache
def on_rows():
    """Name -> [seeds]: what rows drawn anew for each seed say of one fit."""

    def measure(key):
        x = draws.normal(key, (NUM_ROWS, D)) @ factor().T
        pair = regression.test_rows(fit, x, x @ truth_in(D))
        mean, error = (metric(key, regressor()) for metric in pair)
        return {"mean": mean, "variance": error**2}

    return over_seeds(measure)


def test_the_error_on_test_rows_is_that_of_numpy():
    rng, params = np.random.default_rng(0), regressor()
    x, y = rng.normal(size=(NUM_ROWS, D)), rng.normal(size=NUM_ROWS)
    pair = regression.test_rows(fit, jnp.asarray(x, float), jnp.asarray(y, float))
    squares = (y - x @ np.asarray(fit(params))) ** 2
    right = [squares.mean(), squares.std(ddof=1) / np.sqrt(NUM_ROWS)]
    for metric, value in zip(pair, right, strict=True):
        close(metric(KEY, params), value, RTOL)


def test_the_error_on_test_rows_is_unbiased():
    """For the exact error, in the norm of the rows' covariance."""
    exact, plain = (
        float(regression.squared_distance(fit, truth, seen)(KEY, regressor()))
        for seen in (factor(), None)
    )
    assert_tells_apart(on_rows()["mean"], exact, plain)


def test_the_standard_error_is_that_of_the_rows():
    """A residual is normal, e say: the mean of m squares varies by 2 (E e^2)^2 / m."""
    found = on_rows()
    exact = float(regression.squared_distance(fit, truth, factor())(KEY, regressor()))
    right = 2 * exact**2 / NUM_ROWS
    assert_tells_apart(found["variance"], right, 2 * right)
    assert_tells_apart((found["mean"] - exact) ** 2, right, 2 * right)


# A learner


@functools.cache
def learner_errors(num_rows, ridge):
    """[seeds] errors of learners that the teacher of one regressor labels rows for."""
    learner = linear(
        D,
        noise_variance=NOISE,
        ridge=ridge,
        rows="law",
        batch_size=num_rows,
        factor=factor(),
    )

    def teach(memory):
        return LinearParams(memory[None])

    error = regression.learner_error(learner, teach, fit, truth_in(D), factor())
    return over_seeds(lambda key: error(key, regressor(), labeller()))


def test_a_learner_adds_its_own_error_to_its_teachers():
    """Of least squares on T rows s^2 d / (T - d - 1), beside the teacher's in full."""
    gap = np.asarray((labeller() - truth_in(D)) @ factor())
    others = [
        np.asarray((w - truth_in(D)) @ factor()) for w in regressor().coefficients
    ]
    own = NOISE * theory.first_error(20, D)
    found = learner_errors(20, 0.0)
    right = own + gap @ gap
    longer = NOISE * theory.first_error(23, D) + gap @ gap
    for wrong in (own, longer, *(own + other @ other for other in others)):
        assert_tells_apart(found, right, wrong)


def test_a_penalty_of_the_learner_is_its_own():
    """So large that it learns nothing: what is left is the truth itself."""
    whole = np.asarray(truth_in(D) @ factor())
    close(learner_errors(20, 1e12), np.full(NUM_SEEDS, whole @ whole), 1e-6)


# A failure in time


@pytest.mark.parametrize(
    ("curve", "generation"),
    [
        ([1.0, 5.0, 10.0, 10.5, 3.0], 3),  # ten times is not above it
        ([2.0, 21.0, 1.0, 50.0, 0.0], 1),  # the first time
        ([1.0, 2.0, 3.0, 4.0, 5.0], 5),  # never
        ([0.0, 0.0, 1e-300, 0.0, 0.0], 2),
        ([np.nan, 1.0, 2.0, 3.0, 4.0], 5),
    ],
)
def test_the_first_generation_above_a_multiple(curve, generation):
    curve = np.array(curve)
    assert regression.first_generation_above(curve, 10.0) == generation
    stacked = regression.first_generation_above(
        np.stack([[curve, 0 * curve]] * 3), 10.0
    )
    assert stacked.tolist() == [[generation, 5]] * 3


def test_eleven_fits_have_eleven_times_the_error():
    """The first fit is generation 0, and ten times its error is reached, not passed."""
    errors = theory.replace(50, 5, 99, theory.Noise()).total
    assert regression.first_generation_above(errors, 10.0) == 10
