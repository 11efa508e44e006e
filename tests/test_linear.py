"""The linear regressor: three kinds of row, two designs, one law, and an exact fit.

The law is known. With n normal rows, n > d, and labels of noise variance 1 the squared
error in the norm of Sigma is d / (n - d + 1) times a variate F(d, n - d + 1), being
z'S^-1 z for a Wishart matrix S. For n < d noise adds n / (d - n + 1) times
F(n, d - n + 1) to what the fit of minimum norm cannot see, |w*|^2 Beta((d - n)/2, n/2).

Every check fails by chance with probability SUITE_FALSE_ALARM / NUM_CHECKS, 1e-7; all
91 of this module together with 1e-5.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import (
    assert_cdf,
    assert_mean,
    assert_same_law,
    assert_tells_apart,
    detectable_gap,
)
from conftest import SEED, X64
from jaxtyping import TypeCheckError

from collapse import draws, loop, streams, workflows
from collapse.data.designs import covariance
from collapse.models.linear import LinearParams, linear
from collapse.models.linear_rows import (
    FixedSamples,
    FixedStatistics,
    FreshSamples,
    design_of,
    design_of_factor,
    fresh_statistics,
    gram_factors,
    normal_inputs,
)
from collapse.theory import linear as theory
from collapse.types import Problem

RTOL = 1e-12 if X64 else 1e-5
NUM_SEEDS = 20_000
KEY = jax.random.key(SEED)
KINDS = ["samples", "statistics", "law"]
KIND = pytest.mark.parametrize("kind", KINDS)
DESIGN = pytest.mark.parametrize("design", ["fresh", "fixed"])
# one coefficient; correlated inputs with n = d + 1, where the mean is infinite; n < d
CASES = pytest.mark.parametrize(("d", "n"), [(1, 5), (3, 4), (5, 2)])


def close(found, right, rtol=RTOL):
    """Relative to the largest entry."""
    found, right = np.asarray(found), np.asarray(right)
    np.testing.assert_allclose(found, right, rtol=0, atol=rtol * abs(right).max())


def truth_in(d):
    return jnp.array([1.0, -2.0, 0.5, 0.3, -0.4])[:d]


def factor_in(d):
    """Of AR(1) inputs, but where theory wants the identity or has no choice."""
    if d in (1, 5):
        return None
    return jnp.asarray(np.linalg.cholesky(covariance("ar1", d, 0.6)), float)


def started(w, c=2):
    """Parameters that all are w."""
    return LinearParams(jnp.tile(w[None], (c, 1)), w)


def design_in(key, kind, d, n, factor=None, active=None):
    """A random fixed design, as this kind of row knows it."""
    if kind == "law":
        return design_of_factor(gram_factors(key, 1, n, d, factor, active)[0])
    return design_of(normal_inputs(d, factor, active)(key, n).T)


# The law of a fit


@functools.cache
def fits(kind, design, d, n, padded=None):
    """{one, two} -> name -> [seeds]: features of fits to batches of one teacher.

    Args:
      n: rows of a batch.
      padded: dimension of the model, whose last ones are not active.
    """
    size, wide = (1 if kind == "samples" else n), padded or d
    factor, w = factor_in(wide), jnp.pad(truth_in(d), (0, wide - d))
    active = jnp.arange(wide, dtype=jnp.int32) < d if padded else None

    @jax.jit
    @jax.vmap
    def features(key):
        design_key, key = jax.random.split(key)
        own = {"rows": kind, "batch_size": size, "factor": factor, "active": active}
        if design == "fixed":
            own["design"] = design_in(design_key, kind, wide, n, factor, active)
        model = linear(wide, minimum_norm=n < d, twin=True, **own)
        batch = model.sample(key, started(w), 2 * n // size)

        def of(weights):
            fitted, info = model.fit(key, started(w), batch, weights)
            assert info == {}
            fit, twin = fitted.coefficients
            noise = fit - twin if factor is None else (fit - twin) @ factor
            return {
                "coefficient": fit[0],
                "noise": jnp.sum(noise**2),
                "bias": jnp.sum((twin - w) ** 2),
                "beyond": jnp.max(jnp.abs(fitted.coefficients[:, d:]), initial=0),
            }

        both = jnp.ones(2 * n // size)
        return {"one": of(both.at[n // size :].set(0)), "two": of(both)}

    order = 2 * KINDS.index(kind) + (design == "fixed") + 6 * bool(padded)
    keys = jax.random.split(jax.random.fold_in(KEY, order), NUM_SEEDS)
    return jax.tree.map(np.asarray, features(keys))


def noise_law(d, n):
    """Of what noise adds to the squared error of a fit to n rows."""
    few, free = min(n, d), abs(n - d) + 1
    return scipy.stats.f(few, free, scale=few / free)


def gap_between(law, other):
    at = law.ppf(np.linspace(0.001, 0.999, 999))
    return abs(law.cdf(at) - other.cdf(at)).max()


@CASES
@KIND
@DESIGN
def test_the_error_of_a_fit_has_its_exact_law(kind, design, d, n):
    """And one row more is seen."""
    found, law, wrong = (
        fits(kind, design, d, n)["one"],
        *(noise_law(d, n + i) for i in (0, 1)),
    )
    assert_cdf(found["noise"], law.cdf)
    assert detectable_gap(NUM_SEEDS) < gap_between(law, wrong)
    with pytest.raises(AssertionError):
        assert_cdf(found["noise"], wrong.cdf)
    if n >= d:
        assert found["bias"].max() < 1e-12
    else:
        length = float(jnp.sum(truth_in(d) ** 2))
        law = scipy.stats.beta((d - n) / 2, n / 2, scale=length)
        assert_cdf(found["bias"], law.cdf)


@CASES
@DESIGN
def test_two_batches_of_new_inputs_are_one_and_of_the_same_are_a_mean(design, d, n):
    found = fits("samples", design, d, n)["two"]["noise"]
    laws = [noise_law(d, 2 * n), scipy.stats.f(*noise_law(d, n).args)]
    if design == "fixed":
        assert_cdf(2 * found, noise_law(d, n).cdf)
    else:
        assert_cdf(found, laws[0].cdf)


@CASES
@DESIGN
@pytest.mark.parametrize("kind", ["statistics", "law"])
@pytest.mark.parametrize("batches", ["one", "two"])
def test_every_kind_of_row_has_the_law_of_samples(batches, kind, design, d, n):
    found, reference = (fits(k, design, d, n)[batches] for k in (kind, "samples"))
    for name in ["coefficient", "noise"] + ["bias"] * (n < d):
        assert_same_law(found[name], reference[name])


@pytest.mark.parametrize("kind", ["statistics", "law"])
def test_a_batch_of_one_row_more_is_told_apart(kind):
    d, n = 3, 4
    found, reference = (
        fits(kind, "fresh", d, n + 1)["one"],
        fits("samples", "fresh", d, n),
    )
    effect = gap_between(noise_law(d, n), noise_law(d, n + 1))
    assert detectable_gap(NUM_SEEDS, NUM_SEEDS) < effect
    with pytest.raises(AssertionError):
        assert_same_law(found["noise"], reference["one"]["noise"])


@KIND
@DESIGN
def test_a_padded_problem_is_the_problem(kind, design):
    """Three of six dimensions: the same law, and nothing at all in the other three."""
    padded, reference = fits(kind, design, 3, 4, 6), fits("samples", design, 3, 4)
    for batches in ("one", "two"):
        for name in ("coefficient", "noise"):
            assert_same_law(padded[batches][name], reference[batches][name])
        assert (padded[batches]["beyond"] == 0).all()


@functools.cache
def errors(design, d=5, n=20, num_generations=3, num_seeds=20_000):
    """[seeds, G + 1] test errors under accumulate."""
    truth = started(truth_in(d), 1)

    def make_problem(root):
        key = streams.key(root, 0, streams.Purpose.DESIGN)
        made = design_in(key, "statistics", d, n) if design == "fixed" else None
        model = linear(d, rows="statistics", batch_size=n, design=made)

        def error(key, params):
            return jnp.sum((params.coefficients[0] - truth.teacher) ** 2)

        return Problem(
            lambda key, num: model.sample(key, truth, num), model, {"e": error}
        )

    roots = streams.seeds(SEED, num_seeds, [design == "fixed"])
    workflow = workflows.accumulate(num_generations)
    trace = loop.run_seeds(roots, make_problem, workflow, 1, num_generations)[1]
    return np.asarray(trace.metrics["e"])


@pytest.mark.parametrize(("design", "other"), [("fixed", "fresh"), ("fresh", "fixed")])
def test_fixed_and_fresh_designs_are_told_apart(design, other):
    """By what accumulate ends with; each in every generation as its own theory says."""
    right, wrong = (
        theory.accumulate(20, 5, 3, theory.Noise(), name).total
        for name in (design, other)
    )
    assert_mean(errors(design), right)
    assert_tells_apart(errors(design)[:, -1], right[-1], wrong[-1])


# The fit itself, against NumPy


def least_squares(x, y, counts, ridge):
    """[c, d] by lstsq of rows that are repeated, and of the penalty's own rows."""
    d = x.shape[1]
    x, y = np.repeat(x, counts, axis=0), np.repeat(y, counts, axis=0)
    x = np.concatenate([x, np.sqrt(ridge) * np.eye(d)])
    return np.linalg.lstsq(x, np.concatenate([y, np.zeros((d, 2))]))[0].T


@pytest.mark.parametrize(
    ("n", "ridge"), [(12, 0.0), (12, 0.7), (2, 0.0), (2, 0.7)], ids=str
)
@KIND
@DESIGN
def test_a_fit_is_least_squares_of_the_rows_behind(kind, design, n, ridge):
    """Weights are counts; places of a fixed design come repeated and in any order."""
    d, num, rng = 5, 3, np.random.default_rng(0)
    x, y = rng.normal(size=(num, n, d)), rng.normal(size=(num, n, 2))
    if design == "fixed":
        x[:] = x[0]
    weights = np.array([2, 0, 1])
    counts = np.repeat(weights, n)
    order = rng.permutation(num * n)
    as_jax = functools.partial(jnp.asarray, dtype=float)
    made, flat_x, flat_y = None, x.reshape(-1, d), y.reshape(-1, 2)
    if design == "fixed":
        made = design_of(as_jax(x[0]))
        made = design_of_factor(made.factor) if kind == "law" else made
    if kind == "samples":
        counts = weights = rng.integers(0, 3, num * n)
        flat_x, flat_y, place = flat_x[order], flat_y[order], order % n
        if made is None:
            batch = FreshSamples(as_jax(flat_x), as_jax(flat_y))
        else:
            batch = FixedSamples(jnp.asarray(place, jnp.int32), as_jax(flat_y))
    else:
        batch = fresh_statistics(as_jax(flat_x.T), as_jax(flat_y.T), num)
        batch = batch if made is None else FixedStatistics(batch.moment)
    model = linear(
        d,
        ridge=ridge,
        minimum_norm=n < d and not ridge,
        rows=kind,
        design=made,
        twin=True,
    )
    params = model.init(KEY, batch, as_jax(weights))
    fitted, info = model.fit(KEY, params, batch, as_jax(weights))
    close(fitted.coefficients, least_squares(flat_x, flat_y, counts, ridge))
    assert info == {} and (np.asarray(fitted.teacher) == 0).all()


# What is carried along


def gram_of(batch, made):
    """[d, d], X'X behind one generation's rows."""
    if made is not None:
        return np.asarray(made.factor @ made.factor.T)
    return np.asarray(batch.x.T @ batch.x if hasattr(batch, "x") else batch.gram[0])


@functools.cache
def generation(kind, design, d=3, n=8):
    """The design, and (key, params, ridge, noise, flaw) -> what is written and learnt."""
    made = design_in(KEY, kind, d, n) if design == "fixed" else None
    size = 1 if kind == "samples" else n
    own = {"rows": kind, "batch_size": size, "design": made, "twin": True}

    @jax.jit
    def step(key, params, ridge, noise, flaw):
        model = linear(d, noise_variance=noise, ridge=ridge, offset=flaw, **own)
        batch = model.sample(key, params, n // size)
        return batch, model.fit(key, params, batch, jnp.ones(n // size))[0]

    return made, step


@KIND
@DESIGN
def test_the_twin_sees_no_noise_and_the_teacher_is_who_labelled(kind, design):
    """The twin is w* for ever; with a penalty A w* of the last, A = (S + ridge)^-1 S."""
    (made, step), w = generation(kind, design), truth_in(3)
    for ridge in (0.0, 0.7):
        given = jnp.array(ridge), jnp.array(4.0), jnp.zeros(3)
        params, right = started(w), np.asarray(w)
        for key in jax.random.split(KEY, 4):
            writer = params.coefficients[0]
            batch, params = step(key, params, *given)
            gram = gram_of(batch, made)
            right = np.linalg.solve(gram + ridge * np.eye(3), gram @ right)
            close(params.coefficients[1], right)
            assert abs(params.coefficients[0] - right).max() > 0.01
            assert (np.asarray(params.teacher) == writer).all()
        assert (abs(right - w).max() > 0.05) == (ridge > 0)


@KIND
@DESIGN
def test_labels_without_noise_are_learnt_with_their_flaw(kind, design):
    w, flaw = truth_in(3), jnp.array([0.3, 0.0, -1.0])
    step = generation(kind, design)[1]
    _, params = step(KEY, started(w), jnp.array(0.0), jnp.array(0.0), flaw)
    close(params.coefficients, [w + flaw] * 2)


# Programs, precision, refusals


@KIND
def test_a_sweep_over_noise_penalty_and_dimension_is_one_program(kind):
    d, n, traced = 5, 8, []
    size = 1 if kind == "samples" else n

    @jax.jit
    def fitted(key, noise, ridge, dimension):
        active = jnp.arange(d, dtype=jnp.int32) < dimension
        own = {"rows": kind, "batch_size": size, "active": active}
        model = linear(d, noise_variance=noise, ridge=ridge, **own)
        params = started(jnp.where(active, truth_in(d), 0), 1)
        batch = model.sample(key, params, n // size)
        traced.append(1)
        return model.fit(key, params, batch, jnp.ones(n // size))[0].coefficients[0]

    for ridge in (0.0, 0.5):
        for dimension in (1, 3, 5):
            given = jnp.array(ridge), jnp.array(dimension, jnp.int32)
            levels = jnp.array([0.0, 0.01, 1.0, 4.0, 100.0])
            found = np.array([fitted(KEY, level, *given) for level in levels])
            assert np.isfinite(found).all() and (found[:, dimension:] == 0).all()
            close(found - found[0], np.outer(np.sqrt(levels), found[2] - found[0]))
            assert (found[0] != found[1])[:dimension].all()
    assert len(traced) == 1


@pytest.mark.parametrize("draw_dtype", [None, "float32"])
@pytest.mark.parametrize(
    "dtype", [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]
)
@KIND
@DESIGN
def test_precision_is_that_of_the_parameters(kind, design, dtype, draw_dtype):
    """Whatever jax's default is, without a promotion, and that of the draws."""
    d, n = 3, 5
    rows = {"rows": kind, "batch_size": 1 if kind == "samples" else n}
    factor = factor_in(3).astype(dtype)
    inputs = normal_inputs(d, factor, None, dtype, draw_dtype)

    def everything(key, factor):
        num = n // rows["batch_size"]
        fixed = (
            design_of_factor(factor) if kind == "law" else design_of(inputs(key, n).T)
        )
        model = linear(
            d,
            ridge=0.5,
            factor=factor,
            twin=True,
            draw_dtype=draw_dtype,
            **rows,
            design=fixed if design == "fixed" else None,
            active=jnp.arange(3) < 2,
        )
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), started(truth_in(d)))
        batch, weights = model.sample(key, params, num), jnp.ones(num, dtype)
        start = model.init(key, batch, weights)
        return fixed, batch, start, model.fit(key, start, batch, weights)

    leaves = jax.tree.leaves(jax.eval_shape(everything, KEY, factor))
    assert {x.dtype for x in leaves} - {jnp.dtype(jnp.int32)} == {jnp.dtype(dtype)}


def test_inputs_may_be_ones_own_and_normals_have_the_bits_of_their_draws():
    own = linear(2, inputs=lambda key, num: jnp.full((2, num), 3.0))
    assert (own.sample(KEY, started(truth_in(2)), 4).x == 3).all()
    dtype = jnp.result_type(float)
    drawn = normal_inputs(2, None, None, dtype, "float32")(KEY, 7)
    right = draws.normal(KEY, (2, 7), jnp.float32).astype(dtype)
    assert drawn.dtype == dtype and (drawn == right).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": "points"}, "rows"),
        ({"rows": "law", "inputs": normal_inputs(2)}, "needs normal inputs"),
        ({"design": design_of_factor(jnp.eye(2))}, "rows = samples needs the rows"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((ValueError, TypeCheckError), match=message):
        linear(2, **arguments)
