"""Curators in the loop: a verifier's contraction, and a truncation that collapses."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart
from curator_cases import line

from collapse import theory
from collapse.core import loop, streams, workflows
from collapse.core.curation import tally
from collapse.core.curation.at_random import at_random
from collapse.core.curation.confidence import most_confident
from collapse.core.curation.truncation import nearness, top_share
from collapse.core.curation.verifier import accept_points

NORMAL = scipy.stats.norm


def rho(z, flip=0.0):
    """Slope of the verifier's map at its centre.

    With flips: of a normal law with mean m near the centre, what is kept has the mean
    m [1 - (1 - 2 flip) 2 z phi(z) / (flip + (1 - 2 flip)(2 Phi(z) - 1))].
    """
    inside, edge = 2 * NORMAL.cdf(z) - 1, 2 * z * NORMAL.pdf(z)
    return 1 - (1 - 2 * flip) * edge / (flip + (1 - 2 * flip) * inside)


def kept_mean(mean, z, flip=0.0):
    """Mean of N(mean, 1) as a verifier with centre 0 and radius z leaves it."""
    low, high = -z - mean, z - mean
    inside = NORMAL.cdf(high) - NORMAL.cdf(low)
    moment = mean * inside + NORMAL.pdf(low) - NORMAL.pdf(high)
    share = flip + (1 - 2 * flip) * inside
    return (flip * mean + (1 - 2 * flip) * moment) / share


@pytest.mark.parametrize("z", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_the_slope_is_that_of_the_exact_map(z, flip):
    step = 1e-4
    slope = (kept_mean(step, z, flip) - kept_mean(-step, z, flip)) / (2 * step)
    assert slope == pytest.approx(rho(z, flip), abs=1e-6)


def test_the_slopes_of_the_literature_and_of_random_selection():
    slopes = [rho(z) for z in (0.5, 1, 2, 3)]
    np.testing.assert_allclose(slopes, [0.081, 0.291, 0.774, 0.973], atol=5e-4)
    assert rho(1.0, 0.5) == 1


@pytest.mark.parametrize(("z", "flip"), [(1.0, 0.0), (2.0, 0.0), (1.0, 0.2)])
def test_a_verifier_contracts_to_its_own_centre_and_not_to_the_truth(z, flip):
    """Its bias is 0.3; every generation's mean follows the map of the one before.

    The expectation is exact given the mean before, if a row is kept at all: the kept
    rows are a sample of the truncated law, whatever their number.
    """
    bias, rows, generations, seeds = 0.3, 100, 4, 1000
    curator = accept_points(jnp.array(bias), z, flip=flip)
    _, trace = loop.run_seeds(
        streams.seeds(0, seeds), lambda root: line(1.0), workflows.replace(), rows,
        generations, curator=curator,
    )  # fmt: skip
    gap = np.asarray(trace.metrics["mean"], float) - bias
    error = gap[:, 1:] - kept_mean(gap[:, :-1], z, flip)
    assert_mean(error, np.zeros(generations))
    for wrong in (1.0, rho(z, flip) - 0.3):  # the control: another slope
        with pytest.raises(AssertionError):
            assert_mean(gap[:, 1:] - wrong * gap[:, :-1], np.zeros(generations))
    # the slope itself: the map is odd and the means are near its centre at last
    late = gap[:, -2:]
    assert_tells_apart(
        late[:, 1] * late[:, 0] - kept_mean(late[:, 0], z, flip) * late[:, 0],
        0.0,
        (1 - rho(z, flip)) * (late[:, 0] ** 2).mean(),
    )
    kept = np.asarray(trace.info[tally.KEPT])[:, 1]
    inside = NORMAL.cdf(z - gap[:, 0]) - NORMAL.cdf(-z - gap[:, 0])
    assert_mean(kept - (flip + (1 - 2 * flip) * inside), 0.0)


ROWS, GENERATIONS, SEEDS, SHARE = 100, 40, 100, 0.5


@functools.cache
def variances(curator):
    """[S, G + 1] under accumulate, with as many rows in each generation."""
    _, trace = loop.run_seeds(
        streams.seeds(1, SEEDS), lambda root: line(), workflows.accumulate(GENERATIONS),
        ROWS, GENERATIONS, curator=curator,
    )  # fmt: skip
    assert (np.asarray(trace.info[tally.EFFECTIVE]) == 1).all()  # no position is empty
    rate = np.asarray(trace.info[tally.KEPT])[:, 1:]
    np.testing.assert_allclose(rate, SHARE)
    return np.asarray(trace.metrics["variance"], float)


def test_random_selection_under_accumulate_is_accumulate_alone():
    """At the same keep rate: exactly the law of a run without a curator."""
    found = variances(at_random(SHARE, 2, exact=True))
    alone = theory.accumulate(ROWS, GENERATIONS, 1)
    assert_mean(found[:, [0, 1, GENERATIONS]], alone.variance[[0, 1, GENERATIONS]])
    assert found.min() > 0.3


def law_of_truncation(share, generations):
    """Variance of the pool for infinitely many rows, truncated towards the true mean.

    A generation's rows have the variance c of the central share of a normal law, in
    units of the model's, so that V_t = V_(t-1) (t + c) / (t + 1) ~ t^-(1 - c).
    """
    z = NORMAL.ppf((1 + share) / 2)
    c = 1 - 2 * z * NORMAL.pdf(z) / share
    steps = np.arange(1, generations + 1)
    return np.concatenate([[1], np.cumprod((steps + c) / (steps + 1))]), c


def test_truncation_under_accumulate_collapses_as_a_power_of_time():
    """It is the selection of rows that does it, and not the number of rows."""
    found = variances(top_share(nearness(jnp.array(0.0)), SHARE, 2))
    right, c = law_of_truncation(SHARE, GENERATIONS)
    logs = np.log(found)
    # a finite number of rows changes each factor by about 1 / rows at most
    slack = 2 / ROWS * np.log(GENERATIONS)
    error = logs.mean(0) - np.log(right)
    spread = 6 * logs.std(0, ddof=1) / np.sqrt(SEEDS)
    assert (abs(error) < spread + slack).all(), error
    assert (abs(np.log(right))[-1] > 10 * (spread + slack)[-1]).all()
    times = np.log(np.arange(GENERATIONS + 1)[10:])
    powers = [np.polyfit(times, v[10:], 1)[0] for v in (logs.mean(0), np.log(right))]
    assert powers[0] == pytest.approx(powers[1], abs=0.02)
    assert powers[1] == pytest.approx(-(1 - c), abs=0.05)  # its limit for late times
    assert found[:, -1].max() < 0.1


def test_a_curator_sees_the_model_that_generated_the_rows():
    """The half of the rows nearest to its mean, which is 5 and not 0."""
    problem = line(1.0)
    shifted = problem._replace(draw=lambda key, num: 5 + problem.draw(key, num))

    def density(params, batch):
        return -((batch - params[0]) ** 2)

    state, _ = loop.run_seeds(
        streams.seeds(2, 4), lambda root: shifted, workflows.accumulate(1), ROWS, 1,
        curator=most_confident(density, SHARE, 2),
    )  # fmt: skip
    for first, kept in np.asarray(state.store.data):
        # a normal law has half of its mass within 0.67 of its mean
        assert abs(kept - first.mean()).max() < 1.1
        assert abs(first - first.mean()).max() > 1.1
