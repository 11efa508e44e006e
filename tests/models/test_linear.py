"""The linear regressor: an exact fit, its noise-free twin, and one program a sweep."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from jaxtyping import TypeCheckError
from regressor_cases import DESIGN, KEY, KIND, close, design_in, started, truth_in

from collapse.core import loop, workflows
from collapse.core.types import Problem
from collapse.data.designs import covariance
from collapse.models.linear.model import linear
from collapse.models.linear.rows import (
    FixedSamples,
    FreshSamples,
    design_of,
    design_of_factor,
    fresh_statistics,
    label,
    labellings,
    normal_inputs,
)
from collapse.numerics import draws

RTOL = 1e-12 if X64 else 1e-5
DTYPES = [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]


# The fit, against NumPy


def least_squares(x, y, counts, ridge):
    """[c, d] by lstsq of rows that are repeated, and of the penalty's own rows."""
    d = x.shape[1]
    x, y = np.repeat(x, counts, axis=0), np.repeat(y, counts, axis=0)
    x = np.concatenate([x, np.sqrt(ridge) * np.eye(d)])
    y = np.concatenate([y, np.zeros((d, y.shape[1]))])
    return np.linalg.lstsq(x, y)[0].T


@pytest.mark.parametrize(
    ("d", "n", "ridge"),
    [(5, 12, 0.0), (5, 12, 0.7), (12, 2, 0.0), (12, 2, 0.7), (1, 4, 0.0)],
    ids=["plain", "ridge", "minimum norm", "few and ridge", "one input"],
)
@KIND
@DESIGN
def test_a_fit_is_least_squares_of_the_rows_behind(kind, design, d, n, ridge):
    """Weights are counts; rows of a fixed design may come repeated, in any order."""
    num, rng = 3, np.random.default_rng(0)
    x, y = rng.normal(size=(num, n, d)), rng.normal(size=(num, n, 2))
    weights, made = np.array([2, 0, 3]), None
    as_jax = functools.partial(jnp.asarray, dtype=float)
    if design == "fixed":
        x[:] = x[0]
        made = design_of(as_jax(x[0]))
        made = design_of_factor(made.factor) if kind == "law" else made
    x, y, counts = x.reshape(-1, d), y.reshape(-1, 2), np.repeat(weights, n)
    if kind == "samples":  # as a budget picks them
        place = rng.permutation(num * n)
        x, y, counts = x[place], y[place], rng.integers(0, 3, num * n)
        weights, place = counts, jnp.asarray(place % n, jnp.int32)
        batch = FreshSamples(as_jax(x), as_jax(y))
        batch = batch if made is None else FixedSamples(place, as_jax(y))
    else:
        batch = fresh_statistics(as_jax(x.T), as_jax(y.T), num)
        batch = batch if made is None else labellings(batch.moment)
    shortest = n < d and not ridge
    own = {"rows": kind, "design": made, "minimum_norm": shortest, "twin": True}
    model = linear(d, ridge=ridge, **own)
    params = model.init(KEY, batch, as_jax(weights))
    fitted, info = model.fit(KEY, params, batch, as_jax(weights))
    close(fitted.coefficients, least_squares(x, y, counts, ridge), RTOL)
    assert info == {}


@pytest.mark.parametrize("n", [2, 9])
def test_a_design_knows_its_gram_matrix_and_what_it_cannot_see(n):
    x = np.random.default_rng(0).normal(size=(n, 4))
    whole = design_of(jnp.asarray(x, float))
    for made in (whole, design_of_factor(whole.factor)):
        vectors, singular = np.asarray(made.vectors), np.asarray(made.singular)
        assert ((singular == 0) == (np.arange(4) >= n)).all()
        close((vectors * singular**2) @ vectors.T, x.T @ x, RTOL)
        close(made.factor @ made.factor.T, x.T @ x, RTOL)


# What is carried along


@functools.cache
def generation(kind, design, d=3, n=8):
    """The design; (key, params, ridge, noise, flaw) -> what is generated, learnt."""
    made = design_in(KEY, kind, d, n) if design == "fixed" else None
    size = 1 if kind == "samples" else n
    own = {"rows": kind, "batch_size": size, "design": made, "twin": True}

    @jax.jit
    def step(key, params, ridge, noise, flaw):
        model = linear(d, noise_variance=noise, ridge=ridge, offset=flaw, **own)
        batch = model.sample(key, params, n // size)
        return batch, model.fit(key, params, batch, jnp.ones(n // size))[0]

    return made, step


def gram_of(batch, made):
    """[d, d], X'X behind one generation's rows."""
    if made is not None:
        return np.asarray(made.factor @ made.factor.T)
    return np.asarray(batch.x.T @ batch.x if hasattr(batch, "x") else batch.gram[0])


@KIND
@DESIGN
def test_the_twin_sees_no_noise(kind, design):
    """The twin stays w*; with ridge it is A times the last one, A = (S + r I)^-1 S."""
    (made, step), w = generation(kind, design), truth_in(3)
    for ridge in (0.0, 0.7):
        given = jnp.array(ridge), jnp.array(4.0), jnp.zeros(3)
        params, right = started(w), np.asarray(w)
        for key in jax.random.split(KEY, 4):
            batch, params = step(key, params, *given)
            gram = gram_of(batch, made)
            right = np.linalg.solve(gram + ridge * np.eye(3), gram @ right)
            close(params.coefficients[1], right, RTOL)
            assert abs(params.coefficients[0] - right).max() > 0.01
        assert (abs(right - w).max() > 0.05) == (ridge > 0)


@KIND
@DESIGN
def test_labels_without_noise_are_learnt_with_their_flaw(kind, design):
    w, flaw = truth_in(3), jnp.array([0.3, 0.0, -1.0])
    step = generation(kind, design)[1]
    _, params = step(KEY, started(w), jnp.array(0.0), jnp.array(0.0), flaw)
    close(params.coefficients, [w + flaw] * 2, RTOL)


def test_inputs_may_be_ones_own_and_normals_have_the_bits_of_their_draws():
    own = linear(2, inputs=lambda key, num: jnp.full((2, num), 3.0))
    assert (own.sample(KEY, started(truth_in(2)), 4).x == 3).all()
    dtype = jnp.result_type(float)
    drawn = normal_inputs(2, None, None, dtype, "float32")(KEY, 7)
    right = draws.normal(KEY, (2, 7), jnp.float32).astype(dtype)
    assert drawn.dtype == dtype and (drawn == right).all()
    noise = label(jnp.zeros((2, 7)), jnp.zeros((1, 2)), 1.0, KEY, "float32")
    right = draws.normal(KEY, (7,), jnp.float32).astype(dtype)
    assert noise.dtype == dtype and (noise[0] == right).all()


# Programs, precision, refusals


@KIND
def test_a_sweep_over_noise_penalty_and_dimension_is_one_program(kind):
    """And with the same key noise enters by its standard deviation alone."""
    d, n, traced = 5, 8, []
    size = 1 if kind == "samples" else n

    @jax.jit
    def fitted(key, noise, ridge, dimension):
        active = jnp.arange(d, dtype=jnp.int32) < dimension
        own = {"rows": kind, "batch_size": size, "active": active}
        model = linear(d, noise_variance=noise, ridge=ridge, **own)
        params = started(jnp.where(active, truth_in(d), 0), 1)
        batch = model.sample(key, params, n // size)
        traced.append(kind)
        return model.fit(key, params, batch, jnp.ones(n // size))[0].coefficients[0]

    levels = jnp.array([0.0, 0.01, 1.0, 4.0, 100.0])
    for ridge in (0.0, 0.5):
        for dimension in (1, 3, 5):
            given = jnp.array(ridge), jnp.array(dimension, jnp.int32)
            found = np.array([fitted(KEY, level, *given) for level in levels])
            assert np.isfinite(found).all() and (found[:, dimension:] == 0).all()
            right = np.outer(np.sqrt(levels), found[2] - found[0])
            close(found - found[0], right, RTOL)
            assert (found[0] != found[1])[:dimension].all()
    assert len(traced) == 1


@pytest.mark.parametrize("draw_dtype", [None, "float32"])
@pytest.mark.parametrize("dtype", DTYPES)
@KIND
@DESIGN
def test_precision_is_that_of_the_parameters(kind, design, dtype, draw_dtype):
    """Whatever jax's default is and that of the draws, and without a promotion."""
    d, n = 3, 5
    size = 1 if kind == "samples" else n
    factor = jnp.asarray(np.linalg.cholesky(covariance("ar1", d, 0.6)), dtype)
    inputs = normal_inputs(d, factor, None, dtype, draw_dtype)
    own = {"rows": kind, "batch_size": size, "factor": factor, "twin": True}
    own |= {"draw_dtype": draw_dtype, "active": jnp.arange(d, dtype=jnp.int32) < 2}

    def everything(key):
        made = (
            design_of_factor(factor) if kind == "law" else design_of(inputs(key, n).T)
        )
        fixed = made if design == "fixed" else None
        model, num = linear(d, ridge=0.5, design=fixed, **own), n // size
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), started(truth_in(d)))
        batch, weights = model.sample(key, params, num), jnp.ones(num, dtype)
        start = model.init(key, batch, weights)
        return made, batch, start, model.fit(key, start, batch, weights)

    leaves = jax.tree.leaves(jax.eval_shape(everything, KEY))
    assert {leaf.dtype for leaf in leaves} - {jnp.dtype("int32")} == {jnp.dtype(dtype)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": "points"}, "rows"),
        ({"rows": "law", "inputs": normal_inputs(2)}, "law needs normal inputs"),
        ({"factor_alone": True}, "rows = samples needs the rows of the design"),
        (
            {"factor_alone": True, "rows": "statistics"},
            "rows = statistics needs the rows of the design",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    if arguments.pop("factor_alone", False):
        arguments["design"] = design_of_factor(jnp.eye(2))
    with pytest.raises((ValueError, TypeCheckError), match=message):
        linear(2, **arguments)


def run(model, workflow):
    """Coefficients [3, c, d] of one seed, whose truth is the model's own start."""
    begin = started(truth_in(3))
    read = {
        f"{c}{i}": lambda key, params, at=(c, i): params.coefficients[at]
        for c in range(2)
        for i in range(3)
    }
    problem = Problem(lambda key, num: model.sample(key, begin, num), model, read)
    trace = jax.jit(lambda key: loop.run(key, problem, workflow, 1, 2)[1])(KEY)
    return np.stack(list(trace.metrics.values()), 1).reshape(3, 2, 3)


@DESIGN
@pytest.mark.parametrize("kind", ["statistics", "law"])
def test_rows_kept_as_their_sum_are_the_rows(kind, design):
    made = design_in(KEY, kind, 3, 12) if design == "fixed" else None
    own = {"rows": kind, "batch_size": 12, "design": made, "twin": True}
    model = linear(3, ridge=2.0, **own)
    whole = run(model, workflows.accumulate(2))
    close(run(model, workflows.accumulate_sums()), whole, RTOL)
    assert abs(whole[0] - whole[2]).max() > 0.01


@pytest.mark.parametrize("d", [1, 3])
def test_a_law_kept_as_a_factor_is_the_law(d):
    batch = [
        linear(d, rows="law", batch_size=9, twin=True, alone=alone)
        for alone in (False, True)
    ]
    start, ones = started(truth_in(d)), jnp.ones(1)
    fits = [m.fit(KEY, start, m.sample(KEY, start, 1), ones)[0] for m in batch]
    close(fits[1].coefficients, fits[0].coefficients, 10 * RTOL)
    assert not hasattr(batch[1].sample(KEY, start, 1), "gram")


@pytest.mark.parametrize(
    "own",
    [{"rows": "statistics"}, {"ridge": 1.0}, {"minimum_norm": True}]
    + [{"batch_size": 2}, {"factor": jnp.eye(3)}, {"design": design_of(jnp.eye(3))}],
)
def test_a_factor_is_kept_only_where_it_serves(own):
    with pytest.raises(ValueError, match="alone needs"):
        linear(3, **{"rows": "law", "batch_size": 9, "alone": True, **own})


@pytest.mark.parametrize(
    "own", [{"rows": "statistics"}, {"alone": True}, {"design": design_of(jnp.eye(3))}]
)
def test_sizes_may_differ_only_in_a_law_of_new_inputs(own):
    with pytest.raises(ValueError, match="batch_size must be one number"):
        linear(3, **{"rows": "law", "batch_size": jnp.array([5, 9]), **own})


def test_a_factor_is_refused_beside_other_rows():
    model = linear(3, rows="law", batch_size=9, twin=True, alone=True)
    with pytest.raises(ValueError, match="must see one row"):
        run(model, workflows.accumulate(2))


@pytest.mark.parametrize("own", [{"rows": "samples"}, {"alone": True}])
def test_rows_that_may_not_be_added_are_refused(own):
    model = linear(3, **({"rows": "law", "batch_size": 9, "twin": True} | own))
    with pytest.raises(ValueError, match="may not; use accumulate"):
        run(model, workflows.accumulate_sums())
