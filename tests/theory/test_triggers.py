"""Re-anchoring on sight: exact forms, bounds, a Poisson equation, and simulation."""

import math

import numpy as np
import pytest
from calibrated import Z, assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from collapse.theory import anchoring, triggers

variances = st.lists(st.floats(0.001, 10), min_size=1, max_size=6)


def test_printed_savings():
    """The factors of 1, 2, 8 and 32 directions."""
    found = [triggers.saving(d) for d in (1, 2, 8, 32)]
    assert found == pytest.approx([3, 2, 1.25, 1.0625])


@given(noises=variances, scale=st.floats(1e-3, 1e3))
def test_what_saves_more(noises, scale):
    """Many directions < a ball < the best rule < the participation ratio's claim."""
    ball = triggers.saving(triggers.ball_dimension(noises))
    best = triggers.best_trigger(noises)
    most = triggers.saving(triggers.participation(noises))
    least = triggers.saving(len(noises))
    slack = 1 + 1e-9
    assert least <= ball * slack and ball <= best.saving * slack
    assert best.saving <= most * slack
    assert best.weights @ noises == pytest.approx(1)
    order = np.argsort(noises)
    assert (np.diff(best.weights[order]) <= 1e-9 * best.weights.max()).all()
    scaled = triggers.best_trigger(np.array(noises) * scale)
    assert scaled.saving == pytest.approx(best.saving)
    np.testing.assert_allclose(scaled.weights * scale, best.weights, rtol=1e-9)
    root = best.saving**-0.5  # theta, of shares
    shares = np.array(noises) / sum(noises)
    p = best.weights * sum(noises) * root
    np.testing.assert_allclose(2 * shares * p**2 + root * p, 1, rtol=1e-9)


@pytest.mark.parametrize("d", [1, 2, 5, 400])
def test_equal_directions_agree_in_all_forms(d):
    equal = np.full(d, 0.3)
    assert triggers.participation(equal) == pytest.approx(d)
    assert triggers.ball_dimension(equal) == pytest.approx(d)
    best = triggers.best_trigger(equal)
    assert best.saving == pytest.approx((d + 2) / d)
    np.testing.assert_allclose(best.weights, 1 / (0.3 * d))
    quiet = [*equal, *np.zeros(9)]  # directions without noise do not count
    assert triggers.ball_dimension(quiet) == pytest.approx(d)
    assert triggers.best_trigger(quiet).saving == pytest.approx((d + 2) / d)


def test_the_participation_ratio_claims_too_much():
    """By up to 11 % of the saving in two directions, 30 % in many."""

    def excess(noises):
        ball = triggers.saving(triggers.ball_dimension(noises))
        return triggers.saving(triggers.participation(noises)) / ball - 1

    two = [excess([1, r]) for r in np.geomspace(1e-3, 1, 200)]
    assert max(two) == pytest.approx(0.114, abs=0.001)
    many = [excess([1 - f, *np.full(10_000, f / 10_000)]) for f in (0.2, 0.27, 0.4)]
    assert max(many) == pytest.approx(0.294, abs=0.002)


def poisson(noises, weights, cells=40):
    """Mean time to leave sum w e^2 < 1, and mean integral of |e|^2 until then.

    Finite differences with short arms at the boundary (Shortley and Weller), of
    sum_j s_j d^2/de_j^2 u / 2 = -f: knows no polynomial.
    """
    reach = [1 / math.sqrt(w) for w in weights]
    axes = [np.linspace(-r, r, 2 * cells + 1) for r in reach]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    inside = (grid**2 @ weights) < 1 - 1e-12
    place = np.full(inside.shape, -1)
    place[inside] = np.arange(inside.sum())
    entries, rows, columns, right = [], [], [], []
    for i, j in np.argwhere(inside):
        here, e = place[i, j], grid[i, j]
        right.append([-1, -(e @ e)])
        for axis in (0, 1):
            gap = axes[axis][1] - axes[axis][0]
            rest = weights[1 - axis] * e[1 - axis] ** 2
            edge = math.sqrt((1 - rest) / weights[axis])
            arms = [min(gap, edge + e[axis]), min(gap, edge - e[axis])]
            for side, arm in zip((-1, 1), arms, strict=True):
                factor = noises[axis] / (arm * sum(arms))
                there = place[(i + side, j) if axis == 0 else (i, j + side)]
                entries.append(-factor)
                rows.append(here)
                columns.append(here)
                if there >= 0 and arm > gap * (1 - 1e-9):
                    entries.append(factor)
                    rows.append(here)
                    columns.append(there)
    matrix = csr_matrix((entries, (rows, columns)))
    return spsolve(matrix, np.array(right))[place[cells, cells]]


@pytest.mark.parametrize("ratio", [1.0, 0.2, 0.05])
def test_savings_in_two_directions_solve_their_poisson_equation(ratio):
    noises = np.array([1, ratio])
    total = noises.sum()
    claim = triggers.saving(triggers.participation(noises))
    best = triggers.best_trigger(noises)
    for weights, right in (
        (np.ones(2), triggers.saving(triggers.ball_dimension(noises))),
        (best.weights / best.weights[0], best.saving),
    ):
        time, integral = poisson(noises, weights)
        assert time == pytest.approx(1 / (noises @ weights), rel=2e-3)
        found = total / (2 * integral / time) * time  # S / (2 D) over 1 / time
        assert found == pytest.approx(right, rel=2e-3)
        if ratio < 1:
            assert found != pytest.approx(claim, rel=0.04)


@given(
    threshold=st.floats(0.01, 100),
    noise=st.floats(1e-4, 1),
    dimension=st.floats(1, 50),
    steps=st.booleans(),
)
def test_the_threshold_is_the_inverse_of_the_drift(threshold, noise, dimension, steps):
    held = triggers.triggered(threshold, noise, dimension, steps)
    if held.drift == 0:  # below what the correction is for
        assert steps and threshold < 2 * math.sqrt(noise)
        return
    found = triggers.threshold(held.drift, noise, dimension, steps)
    assert found == pytest.approx(threshold, rel=1e-6, abs=1e-9)
    more = triggers.triggered(1.1 * threshold, noise, dimension, steps)
    assert more.drift > held.drift and more.use <= held.use


@given(dimension=st.floats(1, 50), drift=st.floats(0.1, 10))
def test_small_steps_need_no_correction(dimension, drift):
    plain = triggers.threshold(drift, 1, dimension)
    gaps = []
    for noise in (1e-4 * drift, 1e-8 * drift):
        near = triggers.threshold(drift, noise, dimension, True)
        gaps.append(abs(near / plain - 1))
        assert gaps[-1] < 2 * math.sqrt(noise / drift)
        use = triggers.triggered(near, noise, dimension, True).use
        found = anchoring.least_share(drift, noise) / use
        limit = triggers.saving(dimension)
        assert found == pytest.approx(limit, rel=3 * noise / drift, abs=1e-6)
    assert gaps[1] < gaps[0] / 10


def cycles(noises, threshold, weights=None, number=20_000):
    """Generations from one real generation to the next, and the sum of |e|^2 [., 2].

    The last generation of a cycle is the real one, whose drift is 0.
    """
    rng, noises = np.random.default_rng(SEED), np.asarray(noises)
    weights = np.ones(len(noises)) if weights is None else weights
    place, found = np.zeros((number, len(noises))), np.zeros((number, 2))
    alive = np.arange(number)
    while len(alive):
        place = place + rng.standard_normal(place.shape) * np.sqrt(noises)
        found[alive, 0] += 1
        stays = place**2 @ weights <= threshold**2
        place, alive = place[stays], alive[stays]
        found[alive, 1] += (place**2).sum(1)
    return found


def held(draws, noise):
    """Mean drift, saving over the constant, and its error at Z standard errors."""
    number, total = draws.mean(0)
    drift = total / number
    spread = draws[:, 0] / number + (draws[:, 1] - drift * draws[:, 0]) / total
    error = Z * spread.std() / math.sqrt(len(draws))
    return drift, anchoring.least_share(drift, noise) * number, error


@pytest.mark.parametrize("d", [1, 2, 8, 32])
def test_the_correction_for_steps_is_met_by_simulation(d):
    """Some twenty generations between events; the limit of small steps is rejected."""
    draws = cycles(np.full(d, 1 / d), math.sqrt(20))
    right, wrong = (
        triggers.triggered(math.sqrt(20), 1.0, d, in_steps) for in_steps in (1, 0)
    )
    draws[:, 1] -= right.drift * draws[:, 0]  # a ratio of means as a mean of 0
    assert_tells_apart(
        draws,
        [1 / right.use, 0],
        [1 / wrong.use, (wrong.drift - right.drift) / wrong.use],
    )


@pytest.mark.parametrize(
    ("d", "printed"), [(1, 2.94), (2, 1.99), (8, 1.24), (32, 1.06)]
)
def test_savings_are_met_by_simulation(d, printed):
    """At steps that leave 1 to 2 % of the limit of small ones."""
    threshold = math.sqrt(150)
    drift, found, error = held(cycles(np.full(d, 1 / d), threshold, number=8000), 1.0)
    right = triggers.triggered(threshold, 1.0, d, in_steps=True)
    corrected = anchoring.least_share(right.drift, 1.0) / right.use
    assert drift == pytest.approx(right.drift, rel=error)
    assert found == pytest.approx(corrected, rel=error)
    assert abs(corrected / printed - 1) < 0.02 and error < 0.06
    wrong = triggers.saving(2 if d == 1 else d / 2)  # control: another dimension
    assert found != pytest.approx(wrong, rel=error) or d == 32
    assert corrected < triggers.saving(d)


def test_unequal_directions_are_met_by_simulation():
    """A ball and the best ellipsoid; what the participation ratio claims is wrong."""
    noises = np.array([1.0, 0.15])
    best = triggers.best_trigger(noises)
    claim = triggers.saving(triggers.participation(noises))
    for weights, threshold, right in (
        (None, math.sqrt(115), triggers.saving(triggers.ball_dimension(noises))),
        (best.weights, 10.0, best.saving),
    ):
        draws = cycles(noises, threshold, weights, number=25_000)
        _, found, error = held(draws, noises.sum())
        # a hundred generations between events leave 2 % of the limit
        assert found == pytest.approx(right, rel=error + 0.02)
        assert found < claim * (1 - error - 0.02)
    # an event in P generations, and S P / (2 saving), by the weights' scale
    assert draws[:, 0].mean() == pytest.approx(100, rel=0.15)


def test_the_overshoot_of_a_normal_walk():
    """Mean and second moment beyond a boundary of ten steps."""
    rng = np.random.default_rng(SEED)
    place, out = np.zeros(20_000), []
    while len(place) and len(out) < 4000:  # few are left then
        place = place + rng.standard_normal(len(place))
        gone = place > 10
        out.append(place[gone] - 10)
        place = place[~gone]
    out = np.concatenate(out)
    r = triggers.OVERSHOOT
    draws = np.stack([out, out**2], 1)
    assert_tells_apart(draws, [r, r**2 + 1 / 4], [0.5, r**2])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: triggers.triggered(0, 1), "threshold"),
        (lambda: triggers.triggered(1, -1), "noise"),
        (lambda: triggers.triggered(1, 1, 0.5), "dimension"),
        (lambda: triggers.threshold(0, 1), "drift"),
        (lambda: triggers.saving(math.inf), "dimension"),
        (lambda: triggers.participation([]), "noises"),
        (lambda: triggers.participation([0.0, 0.0]), "noises"),
        (lambda: triggers.ball_dimension([1, -1]), "noises"),
        (lambda: triggers.best_trigger([[1.0]]), "noises"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
