"""Rows of a linear regressor: three kinds and two designs have one law of the fit.

The law is known. With n normal rows, n > d, and labels of noise variance 1 the squared
error in the norm of Sigma is d / (n - d + 1) times a variate F(d, n - d + 1), being
z'S^-1 z for a Wishart matrix S. For n < d noise adds n / (d - n + 1) times
F(n, d - n + 1) to what the fit of minimum norm cannot see, |w*|^2 Beta((d - n)/2, n/2).
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
from conftest import SEED
from regressor_cases import DESIGN, KEY, KIND, KINDS, design_in, started, truth_in

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.data.designs import covariance
from collapse.models.linear.model import linear
from collapse.theory import linear as theory

NUM_SEEDS = 20_000
# correlated inputs with n = d + 1, where the mean is infinite; fewer rows than inputs
CASES = pytest.mark.parametrize(("d", "n"), [(3, 4), (5, 2)])


def factor_in(d):
    """Of AR(1) inputs, but where theory wants the identity."""
    if d == 5:
        return None
    return jnp.asarray(np.linalg.cholesky(covariance("ar1", d, 0.6)), float)


@functools.cache
def fits(kind, design, d, n, padded=None):
    """Name -> [seeds, 2]: features of fits to one batch, and to two of one teacher.

    Args:
      n: rows of a batch.
      padded: dimension of the model, whose last ones are not active.
    """
    size, wide = (1 if kind == "samples" else n), padded or d
    factor, w = factor_in(wide), jnp.pad(truth_in(d), (0, wide - d))
    active = jnp.arange(wide, dtype=jnp.int32) < d if padded else None
    ones = jnp.ones(n // size)
    weights = jnp.stack([jnp.append(ones, 0 * ones), jnp.append(ones, ones)])

    @jax.jit
    @jax.vmap
    def features(key):
        design_key, key = jax.random.split(key)
        own = {"rows": kind, "batch_size": size, "factor": factor, "active": active}
        if design == "fixed":
            own["design"] = design_in(design_key, kind, wide, n, factor, active)
        model = linear(wide, minimum_norm=n < d, twin=True, **own)
        batch = model.sample(key, started(w), 2 * n // size)

        @jax.vmap
        def of(weights):
            fit, twin = model.fit(key, started(w), batch, weights)[0].coefficients
            noise = fit - twin if factor is None else (fit - twin) @ factor
            return {
                "coefficient": fit[0],
                "noise": jnp.sum(noise**2),
                "bias": jnp.sum((twin - w) ** 2),
                "beyond": jnp.max(jnp.abs(jnp.stack([fit, twin])[:, d:]), initial=0),
            }

        return of(weights)

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
    found = fits(kind, design, d, n)
    right, wrong = (noise_law(d, n + more) for more in (0, 1))
    assert_cdf(found["noise"][:, 0], right.cdf)
    assert detectable_gap(NUM_SEEDS) < gap_between(right, wrong)
    with pytest.raises(AssertionError):
        assert_cdf(found["noise"][:, 0], wrong.cdf)
    if n >= d:
        assert found["bias"].max() < 1e-12
    else:
        length = float(jnp.sum(truth_in(d) ** 2))
        unseen = scipy.stats.beta((d - n) / 2, n / 2, scale=length)
        assert_cdf(found["bias"][:, 0], unseen.cdf)


@CASES
def test_two_batches_of_new_inputs_are_one_and_of_the_same_a_mean(d, n):
    fresh, fixed = (fits("samples", name, d, n) for name in ("fresh", "fixed"))
    twice, once = noise_law(d, 2 * n), noise_law(d, n)
    assert_cdf(fresh["noise"][:, 1], twice.cdf)
    assert_cdf(2 * fixed["noise"][:, 1], once.cdf)
    assert detectable_gap(NUM_SEEDS) < gap_between(once, scipy.stats.f(*twice.args))
    for draws, wrong in ((fresh, once), (fixed, twice)):
        with pytest.raises(AssertionError):
            assert_cdf(2 * draws["noise"][:, 1], wrong.cdf)


@CASES
@DESIGN
@pytest.mark.parametrize("kind", ["statistics", "law"])
def test_every_kind_of_row_has_the_law_of_samples(kind, design, d, n):
    found, reference = (fits(name, design, d, n) for name in (kind, "samples"))
    for name in ["coefficient", "noise"] + ["bias"] * (n < d):
        for batches in (0, 1):
            assert_same_law(found[name][:, batches], reference[name][:, batches])


@pytest.mark.parametrize("kind", ["statistics", "law"])
def test_a_batch_of_one_row_more_is_told_apart(kind):
    d, n = 3, 4
    found, reference = fits(kind, "fresh", d, n + 1), fits("samples", "fresh", d, n)
    effect = gap_between(noise_law(d, n), noise_law(d, n + 1))
    assert detectable_gap(NUM_SEEDS, NUM_SEEDS) < effect
    with pytest.raises(AssertionError):
        assert_same_law(found["noise"][:, 0], reference["noise"][:, 0])


@KIND
@DESIGN
def test_a_padded_problem_is_the_problem(kind, design):
    """Three of six dimensions: the same law, and nothing at all in the other three."""
    padded, reference = fits(kind, design, 3, 4, 6), fits("samples", design, 3, 4)
    for name in ("coefficient", "noise"):
        for batches in (0, 1):
            assert_same_law(padded[name][:, batches], reference[name][:, batches])
    assert (padded["beyond"] == 0).all()


@functools.cache
def errors(design, d=5, n=20, num_generations=3, num_seeds=20_000):
    """[seeds, G + 1] test errors under accumulate."""
    truth = started(truth_in(d), 1)

    def make_problem(root):
        key = streams.key(root, 0, streams.Purpose.DESIGN)
        made = design_in(key, "statistics", d, n) if design == "fixed" else None
        model = linear(d, rows="statistics", batch_size=n, design=made)

        def error(key, params):
            return jnp.sum((params.coefficients[0] - truth.coefficients[0]) ** 2)

        metrics = {"error": error}
        return Problem(lambda key, num: model.sample(key, truth, num), model, metrics)

    roots = streams.seeds(SEED, num_seeds, [design == "fixed"])
    workflow = workflows.accumulate(num_generations)
    trace = loop.run_seeds(roots, make_problem, workflow, 1, num_generations)[1]
    return np.asarray(trace.metrics["error"])


@pytest.mark.parametrize(("design", "other"), [("fixed", "fresh"), ("fresh", "fixed")])
def test_fixed_and_fresh_designs_are_told_apart(design, other):
    """By what accumulate ends with; each follows its own theory all along."""
    right, wrong = (
        theory.accumulate(20, 5, 3, theory.Noise(), name).total
        for name in (design, other)
    )
    assert_mean(errors(design), right)
    assert_tells_apart(errors(design)[:, -1], right[-1], wrong[-1])
