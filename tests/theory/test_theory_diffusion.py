"""Modes of a law under early stopping: recursions met by rows noised in plain NumPy."""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.theory import diffusion

NUM_SEEDS, N, G, DELTA = 20_000, 12, 3, 0.06
WEIGHTS, MEANS, SPREAD = np.array([0.7, 0.3]), np.array([-0.6, 1.2]), 0.3
ANGLES = np.array([-0.2, 2.9])
close = np.testing.assert_allclose


def drawn(rng, num, means):
    """Rows of a mixture of two normals [S, num]."""
    first = rng.random((NUM_SEEDS, num)) < WEIGHTS[0]
    z = rng.standard_normal((NUM_SEEDS, num))
    return np.where(first, *means) + SPREAD * z


def noised(rng, rows, delta, torus):
    z = rng.standard_normal(rows.shape)
    if torus:
        return rows + math.sqrt(2 * delta) * z
    return math.exp(-delta) * rows + math.sqrt(-math.expm1(-2 * delta)) * z


def cosine(x):
    return np.cos(2 * x)


def cubic(x):
    return x**3 - 3 * x


def simulate(rule, torus):
    """Mean of a mode [S, G + 1] over n rows that each model generates."""
    rng, found = np.random.default_rng([SEED, 31]), []
    mode, means = (cosine, ANGLES) if torus else (cubic, MEANS)
    batches = [drawn(rng, N, means)]
    for _ in range(G + 1):
        rows = rule(rng, batches, means)
        picks = rng.integers(rows.shape[1], size=(NUM_SEEDS, N))
        own = noised(rng, np.take_along_axis(rows, picks, 1), DELTA, torus)
        found.append(mode(own).mean(1))
        batches.append(own)
    return np.stack(found, 1)


def mixed(rng, batches, means):
    """A third of new real rows, from generation 1 on."""
    if len(batches) == 1:
        return batches[0]
    return np.concatenate([drawn(rng, N // 3, means), batches[-1][:, N // 3 :]], 1)


RULES = {
    "replace": lambda rng, batches, means: batches[-1],
    "accumulate": lambda rng, batches, means: np.concatenate(batches, 1),
    "window": lambda rng, batches, means: np.concatenate(batches[-2:], 1),
    "mix": mixed,
}


def curves(torus):
    own = (4.0 if torus else 3.0, DELTA, G)
    return {
        "replace": diffusion.replace(*own),
        "accumulate": diffusion.accumulate(*own),
        "window": diffusion.window(*own, 2),
        "mix": diffusion.mix(*own, 1 / 3),
    }


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_modes_are_met_by_simulation(rule, torus):
    law = (WEIGHTS, (ANGLES if torus else MEANS)[:, None], np.full(2, SPREAD))
    if torus:
        truth = diffusion.fourier(*law, 2).real
    else:
        truth = diffusion.hermite(*law, 3)
    right = truth * curves(torus)[rule]
    wrong = truth * curves(torus)["mix" if rule == "replace" else "replace"]
    assert_tells_apart(
        simulate(RULES[rule], torus)[:, [0, G]], right[[0, G]], wrong[[0, G]]
    )


def test_hermite_and_fourier_means_are_those_of_a_quadrature():
    law = (WEIGHTS, MEANS[:, None], np.array([0.3, 0.5]))
    nodes, mass = np.polynomial.hermite_e.hermegauss(40)
    mass = mass / mass.sum()
    at = MEANS[:, None] + law[2][:, None] * nodes
    for order in range(6):
        he = np.polynomial.hermite_e.hermeval(at, np.eye(6)[order])
        close(diffusion.hermite(*law, order), WEIGHTS @ he @ mass, atol=1e-12)
        wave = np.exp(1j * order * at)
        close(diffusion.fourier(*law, order), WEIGHTS @ wave @ mass, atol=1e-12)


def test_modes_tend_to_their_limit_at_their_rate():
    a, delta, rate = 0.2, 0.05, 4.0
    curve = diffusion.mix(rate, delta, 60, a)
    end = diffusion.limit(rate, delta, a)
    close(curve[-1], end, rtol=1e-9)
    gap = (curve - end)[:20]
    close(gap[1:] / gap[:-1], diffusion.contraction(rate, delta, a), rtol=1e-9)
    # the limit law is a mixture of the truth noised once, twice, ...
    times = np.arange(1, 400)
    series = a * (1 - a) ** (times - 1) * np.exp(-rate * delta * times)
    close(end, series.sum())
    assert diffusion.limit(rate, delta, 0.0) == 0


def test_the_fourth_moment_of_two_normals():
    """Two normals at +-1.5 of deviation .45, scaled to variance 1."""
    scale = math.sqrt(1.5**2 + 0.45**2)
    means = np.array([[-1.5], [1.5]]) / scale
    truth = diffusion.hermite(np.full(2, 0.5), means, np.full(2, 0.45 / scale), 4)
    close(truth, -1.683360, atol=1e-6)
    close(truth * diffusion.limit(4, 0.05, 0.2), -0.798932, atol=1e-6)


def test_times_that_fall_fast_leave_a_part_of_every_mode():
    """The product of e^-(rate d_t) is above 0 where the sum of d_t is finite."""
    times = 0.05 / np.arange(1, 5001) ** 2.0
    end = diffusion.replace(9.0, times, 4999)[-1]
    close(end, math.exp(-9 * 0.05 * math.pi**2 / 6), rtol=1e-3)
    slow = diffusion.replace(9.0, 0.05 / np.arange(1, 5001), 4999)
    assert slow[-1] < 0.05 < end


@pytest.mark.parametrize(
    "call",
    [
        lambda: diffusion.replace(-1.0, 0.1, 3),
        lambda: diffusion.replace(1.0, -0.1, 3),
        lambda: diffusion.replace(1.0, [0.1, 0.1], 3),
        lambda: diffusion.mix(1.0, 0.1, 3, 1.5),
        lambda: diffusion.window(1.0, 0.1, 3, 0),
        lambda: diffusion.limit(1.0, math.inf, 0.5),
        lambda: diffusion.hermite(WEIGHTS, MEANS[:, None], np.ones(2), -1),
    ],
)
def test_arguments_out_of_range_are_refused(call):
    with pytest.raises(ValueError):
        call()
