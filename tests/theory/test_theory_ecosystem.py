"""Many models on one pool, and entities that learn from each other, against draws."""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import discrete, ecosystem

close = np.testing.assert_allclose
Q = np.array([0.5, 0.3, 0.15, 0.05])


def simulated(tokens, models, generations, seeds):
    """Squared errors of a model's shares and the pool's, and the pool's 1 - sum p^2.

    [seeds, generations + 1, 3], in units of 1 - sum q^2.
    """
    rng, size = np.random.default_rng([SEED, 91]), tokens // models
    pool = rng.choice(4, (seeds, tokens), p=Q)
    found = []
    for _ in range(generations + 1):
        parts = rng.permuted(pool, axis=1).reshape(seeds, models, size)
        one = (parts[:, 0, :, None] == np.arange(4)).mean(1)
        every = (pool[..., None] == np.arange(4)).mean(1)
        rows = [((one - Q) ** 2).sum(1), ((every - Q) ** 2).sum(1)]
        found.append([*rows, 1 - (every**2).sum(1)])
        chosen = rng.integers(size, size=parts.shape)  # tokens that are generated
        pool = np.take_along_axis(parts, chosen, 2).reshape(seeds, tokens)
    return np.moveaxis(np.array(found), 2, 0) / (1 - Q @ Q)


def test_a_split_pool_is_met_by_simulation():
    tokens, models, last = 12, 4, 6
    draws = simulated(tokens, models, last, 8000)[:, [0, 3, 6]]

    def expected(models):
        """What three curves are at generations 0, 3 and 6."""
        setting = tokens, models, last
        curves = ecosystem.own_error(*setting), ecosystem.pool_error(*setting)
        return np.stack([*curves, ecosystem.pool(*setting)], 1)[[0, 3, 6]]

    for wrong in (1, 6):
        assert_tells_apart(draws, expected(models), expected(wrong))


@pytest.mark.parametrize(
    ("models", "printed"), [(1, 0.777), (16, 0.842), (24, 0.880), (48, 1)]
)
def test_table_of_factors(models, printed):
    found = ecosystem.heterozygosity_factor(48, models) ** 12
    assert abs(found - printed) < 5.001e-4


def test_one_model_is_replace():
    moments = theory.replace(20, 9, 0)
    close(ecosystem.pool(20, 1, 9), moments.variance, rtol=1e-12)
    close(ecosystem.own_error(20, 1, 9), moments.mean_error, rtol=1e-12)
    scaled = discrete.heterozygosity(Q, ecosystem.pool(20, 1, 9))
    close(scaled, discrete.heterozygosity(Q, moments.variance), rtol=1e-12)
    assert ecosystem.heterozygosity_factor(1, 1) == 1


def test_the_best_number_of_models_grows_with_the_horizon():
    found = [ecosystem.best_number(48, t) for t in (0, 47, 60, 100, 1000, 10**6)]
    assert found[:2] == [1, 1] and found[-1] == 24 and (np.diff(found) >= 0).all()
    for horizon in (5, 70, 300):
        divisors = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
        errors = {m: ecosystem.own_error(48, m, horizon)[-1] for m in divisors}
        best = ecosystem.best_number(48, horizon)
        assert errors[best] == min(errors.values())
    # between divisors it is N - N (N-1) / (t+1)
    tokens = 2**14
    best = ecosystem.best_number(tokens, 2 * tokens)
    assert 0.5 < best / (tokens - tokens * (tokens - 1) / (2 * tokens + 1)) < 2


SETTING = (4, 0.6, 0.7, 1.0, 0.5, 0.2, 0.8)


def entities_simulated(setting, generations, seeds):
    """Squared errors of the first entity [seeds, generations + 1, 4]."""
    number, a, b, tasks, noise, public, made = setting
    rng = np.random.default_rng([SEED, 92])
    truth = math.sqrt(tasks) * rng.standard_normal((seeds, number))
    private = truth + math.sqrt(noise) * rng.standard_normal((seeds, number))
    common = math.sqrt(public) * rng.standard_normal((seeds, 1))
    real = b * private + (1 - b) * common
    theta, found = real, []
    for _ in range(generations + 1):
        first = theta[:, 0]
        gaps = first - truth[:, 0], first - truth[:, 1], first
        found.append([*(g**2 for g in gaps), (first - theta[:, 1]) ** 2 / 2])
        generated = theta + math.sqrt(made) * rng.standard_normal((seeds, number))
        theta = (1 - a) * real + a * generated.mean(1, keepdims=True)
    return np.moveaxis(np.array(found), 2, 0)


def test_entities_are_met_by_simulation():
    draws = entities_simulated(SETTING, 3, 40_000)
    right = np.stack(ecosystem.entities(*SETTING, 3), 1)
    for at, value in ((0, 5), (1, 0.5), (2, 0.6), (6, 0.4)):
        other = list(SETTING)
        other[at] = value
        wrong = np.stack(ecosystem.entities(*other, 3), 1)
        assert_tells_apart(draws, right, wrong)


def test_entities_tend_to_their_limit():
    late = ecosystem.entities(*SETTING, 200)
    for curve, limit in zip(late, ecosystem.entities_limit(*SETTING), strict=True):
        assert curve.shape == (201,) and curve[-1] == pytest.approx(limit)
    alone = (*SETTING[:1], 1.0, *SETTING[2:])
    assert ecosystem.entities_limit(*alone).own == math.inf
    drift = ecosystem.entities(*alone, 10).public
    close(np.diff(drift[1:]), SETTING[-1] / SETTING[0], rtol=1e-12)
    assert ecosystem.entities_limit(*alone[:-1], 0.0).spread == 0


def test_synthetic_rows_make_entities_alike_and_help_with_others_tasks():
    """Transfer and homogenisation, with the harm to one's own task."""
    shares = np.linspace(0, 0.95, 20)
    found = [ecosystem.entities_limit(4, a, 0.7, 1, 0.1, 0.1, 0.05) for a in shares]
    own, other, _, spread = np.array(found).T
    assert (np.diff(spread) < 0).all()
    assert (np.diff(own) > 0).all() and other[12] < other[0]
    # noisy private rows of similar tasks: there the own task gains, too
    noisy = [ecosystem.entities_limit(4, a, 0.7, 0.1, 1, 0.1, 0.05) for a in shares]
    assert 0 < np.argmin([e.own for e in noisy]) < 19


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ecosystem.heterozygosity_factor(0, 1), "tokens"),
        (lambda: ecosystem.heterozygosity_factor(12, 5), "models"),
        (lambda: ecosystem.pool(12, 4, -1), "num_generations"),
        (lambda: ecosystem.own_error(12, 0, 3), "models"),
        (lambda: ecosystem.best_number(1, 3), "tokens"),
        (lambda: ecosystem.best_number(12, -1), "horizon"),
        (lambda: ecosystem.entities(1, *SETTING[1:], 3), "number"),
        (lambda: ecosystem.entities(4, 1.5, *SETTING[2:], 3), "synthetic"),
        (lambda: ecosystem.entities(4, 0.5, -1, *SETTING[3:], 3), "private"),
        (lambda: ecosystem.entities_limit(4, 0.5, 0.5, 1, -1, 1, 1), "noise"),
        (lambda: ecosystem.entities_limit(4, 0.5, 0.5, 1, 1, 1, -1), "synthetic_noise"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
