"""Synthetic rows beside fresh real ones, of a narrow sampler and a keep rule.

Which rows are kept decides how many synthetic rows help: the loop itself against
`theory.mad`.
"""

import functools

import jax.numpy as jnp
import numpy as np
import scipy.special
from calibrated import assert_mean, assert_tells_apart
from curator_cases import line

from collapse.core import loop, streams, workflows
from collapse.core.types import Curator
from collapse.theory import mad

REAL, BIAS, SHARE, GENERATIONS, SEEDS = 40, 0.6, 0.6, 60, 2000


def narrow():
    """A normal law with unbiased variance, whose sampler has less of it."""
    problem = line()
    plain = problem.model

    def fit(key, params, batch, weights):
        found, info = plain.fit(key, params, batch, weights)
        num = jnp.sum(weights)
        return found * jnp.stack([jnp.ones(()), num / (num - 1)]), info

    def sample(key, params, num):
        return plain.sample(key, params * jnp.array([1.0, BIAS]), num)

    model = plain._replace(fit=fit, sample=sample)

    def error(key, params):
        return params[0] ** 2 + (jnp.sqrt(params[1]) - 1) ** 2

    return problem._replace(model=model, metrics={"error": error})


def far_from_its_mean():
    """The curator that keeps rows as far from the model's mean as SHARE of them are."""
    cut = scipy.special.ndtri(1 - SHARE / 2)

    def weigh(key, batch, params):
        z = abs(batch - params[0]) / jnp.sqrt(BIAS * params[1])
        return (z > cut).astype(jnp.result_type(float))

    return Curator(3, weigh, context=lambda params, reference: params)


@functools.cache
def late_errors(synthetic, curated):
    """Error of each seed in the last generation."""
    rows = REAL + synthetic
    seats = {"curator": far_from_its_mean()} if curated else {}
    _, trace = loop.run_seeds(
        streams.seeds(3, SEEDS), lambda root: narrow(),
        workflows.mix(REAL / rows, "fresh"), rows, GENERATIONS, **seats,
    )  # fmt: skip
    return np.asarray(trace.metrics["error"], float)[:, -1]


def test_a_keep_rule_makes_room_for_more_synthetic_rows():
    kept = mad.kept(SHARE, "outer")
    plain, curated = BIAS, BIAS * kept.variance
    synthetic = 160
    alone = mad.late_error(REAL, synthetic, plain)
    ruled = mad.late_error(REAL, synthetic, curated, kept.kurtosis)
    assert_tells_apart(late_errors(synthetic, False), alone, ruled)
    assert_tells_apart(late_errors(synthetic, True), ruled, alone)
    # the rule moves the threshold beyond this number, which is above it without
    thresholds = [
        mad.threshold(REAL, plain),
        mad.threshold(REAL, curated, kept.kurtosis),
    ]
    assert thresholds[0] < synthetic < thresholds[1]
    assert late_errors(synthetic, False).mean() > mad.real_error(REAL)
    assert late_errors(synthetic, True).mean() < mad.real_error(REAL)


def test_few_rows_of_the_narrow_sampler_help():
    few = int(mad.threshold(REAL, BIAS)) // 2
    assert few > 2
    assert_mean(late_errors(few, False), mad.late_error(REAL, few, BIAS))
    assert late_errors(few, False).mean() < mad.real_error(REAL)
