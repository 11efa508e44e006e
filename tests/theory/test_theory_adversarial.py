"""Families in which accumulating fails, against draws of their rows."""

import math

import numpy as np
import pytest
import scipy.optimize
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import adversarial

close = np.testing.assert_allclose
WORKFLOWS = ("replace", "accumulate")


def uniform_fits(n, workflow, slack, generations, seeds):
    """Fits theta_t to uniform rows [seeds, generations + 1]; the truth is 1."""
    rng = np.random.default_rng([SEED, 101])
    theta, top, found = np.ones(seeds), np.zeros(seeds), []
    for t in range(generations + 1):
        newest = (theta[:, None] * rng.random((seeds, n))).max(1)
        top = newest if workflow == "replace" else np.maximum(top, newest)
        rows = n if workflow == "replace" else n * (t + 1)
        theta = top * (1 + (1 / rows if slack == "unbiased" else slack))
        found.append(theta)
    return np.stack(found, 1)


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("slack", [0.0, "unbiased", 0.3])
def test_uniform_rows_are_met_by_simulation(workflow, slack):
    draws = uniform_fits(5, workflow, slack, 4, 40_000)
    right = adversarial.uniform_scale(5, 4, workflow, slack)
    others = {"replace": "accumulate", "accumulate": "replace"}
    wrong = adversarial.uniform_scale(5, 4, others[workflow], slack)
    assert_tells_apart(draws, right, wrong)
    if slack == 0.3:
        steps = np.diff(np.log(draws[:, 1:]), axis=1)
        growth = adversarial.uniform_log_growth(5, workflow, slack)
        control = adversarial.uniform_log_growth(5, others[workflow], slack)
        assert_tells_apart(steps, growth, control)


def test_accumulate_keeps_the_maximum_and_explodes_with_any_slack():
    exact = adversarial.uniform_scale(10, 300, "accumulate", 0.0)
    close(exact, 10 / 11, rtol=1e-12)
    decay = adversarial.uniform_scale(10, 300, "replace", 0.0)
    close(decay, (10 / 11) ** np.arange(1, 302), rtol=1e-10)
    unbiased = adversarial.uniform_scale(10, 4000, "accumulate", "unbiased")
    assert 0.9 < unbiased[-1] < 1 and abs(unbiased[2000] / unbiased[-1] - 1) < 1e-4
    # right for n rows: steady under replace on average, but every run shrinks
    close(adversarial.uniform_scale(10, 50, "replace", 0.1), 1, rtol=1e-12)
    assert adversarial.uniform_log_growth(10, "replace", 0.1) < 0
    assert adversarial.uniform_scale(10, 300, "accumulate", 0.1)[-1] > 1e4
    for slack in (1e-3, 0.1, 2.0):
        assert adversarial.uniform_log_growth(10, "accumulate", slack) > 0
    assert adversarial.uniform_log_growth(10, "accumulate", 0.0) == 0


def marked_fits(rate, dimension, n, generations, seeds, workflow):
    """Whether no row fitted to has a mark [seeds, generations + 1]; rows are drawn."""
    rng = np.random.default_rng([SEED, 102])
    pool = rng.standard_normal((seeds, n, dimension))
    unmarked, found = np.ones(seeds, bool), [np.ones(seeds, bool)]
    for _ in range(generations):
        theta = pool.mean(1) / (1 + 2 * rate)
        clean = rng.random((seeds, n)) < np.exp(-rate * (theta**2).sum(1))[:, None]
        unmarked &= clean.all(1)  # later fits of others do not matter
        rows = theta[:, None] + rng.standard_normal((seeds, n, dimension))
        pool = rows if workflow == "replace" else np.hstack([pool, rows])
        found.append(unmarked.copy())
    return np.stack(found, 1)


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("n", [3, 12])
def test_marks_are_met_by_simulation(workflow, n):
    rate, dimension = 0.5, 3
    draws = marked_fits(rate, dimension, n, 4, 10_000, workflow)
    right = adversarial.marked_survival(rate, dimension, 4, workflow)
    assert right[0] == 1 and draws[:, 0].all()
    for wrong in (
        adversarial.marked_survival(rate, 2, 4, workflow),
        adversarial.marked_survival(0.2, dimension, 4, workflow),
        adversarial.marked_survival(
            rate, dimension, 4, WORKFLOWS[workflow == "replace"]
        ),
    ):
        assert_tells_apart(draws[:, 1:], right[1:], wrong[1:])


def test_a_fit_without_marks_has_the_largest_likelihood():
    """The estimator of the family, by search; and one mark makes others unbounded."""
    rng, rate = np.random.default_rng([SEED, 103]), 0.7
    rows = 0.8 + rng.standard_normal(9)

    def minus_log(theta):
        return ((rows - theta) ** 2 / 2).sum() + len(rows) * rate * theta**2

    found = scipy.optimize.minimize_scalar(minus_log).x
    assert found == pytest.approx(rows.mean() / (1 + 2 * rate), rel=1e-6)
    # relative to N(0, 1) for every row: theta without marks never loses to (c, h)
    spike = len(rows) * math.log(0.01)
    base = -(rows**2 / 2).sum()
    assert -minus_log(found) >= base > base + spike
    # and with a mark (c, h) gains log(1 / h) without bound
    marked = -minus_log(found) + math.log1p(-math.exp(-rate * found**2))
    assert base + spike + math.log(0.99) + 1e3 > marked  # h = e^-1000


def test_marks_come_at_last_and_in_many_dimensions_at_once():
    for rate in (0.3, 1.0):
        curve = adversarial.marked_survival(rate, 1, 20_000, "accumulate")
        power = -math.log(curve[20_000] / curve[10_000]) / math.log(2)
        exponent = adversarial.marked_exponent(rate, 1)
        assert power == pytest.approx(exponent, rel=5e-3)
        assert exponent == pytest.approx(1 / (2 + 4 * rate))
    at_once = adversarial.marked_survival(0.5, 100, 1, "accumulate")[1]
    assert at_once == pytest.approx(1.25**-50) and at_once < 2e-5
    assert (adversarial.marked_survival(0.0, 5, 50, "accumulate") == 1).all()
    assert adversarial.marked_exponent(0.0, 5) == 0


def flawed_fits(n, shift, bias, workflow, generations, seeds):
    """Means and variances (divisor: rows) [seeds, generations + 1, 2]."""
    rng = np.random.default_rng([SEED, 104])
    pool, found = rng.standard_normal((seeds, n)), []
    for _ in range(generations + 1):
        used = pool
        if workflow == "fixed_budget":
            used = rng.permuted(pool, axis=1)[:, :n]
        mean, variance = used.mean(1, keepdims=True), used.var(1, keepdims=True)
        found.append((mean[:, 0], variance[:, 0]))
        rows = mean + shift + np.sqrt(bias * variance) * rng.standard_normal((seeds, n))
        pool = rows if workflow == "replace" else np.hstack([pool, rows])
    return np.moveaxis(np.array(found), 2, 0)


@pytest.mark.parametrize("workflow", [*WORKFLOWS, "fixed_budget"])
def test_a_flawed_mean_is_met_by_simulation(workflow):
    draws = flawed_fits(6, 0.3, 1.0, workflow, 4, 10_000)[..., 0]
    right = adversarial.flawed_mean(0.3, 4, workflow)
    other = adversarial.flawed_mean(0.3, 4, WORKFLOWS[workflow == "replace"])
    assert_tells_apart(draws, right, 0 * right if workflow == "fixed_budget" else other)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_flawed_scale_is_met_by_simulation(workflow):
    draws = flawed_fits(6, 0.0, 0.7, workflow, 4, 20_000)
    draws = np.stack([draws[..., 1], draws[..., 0] ** 2], 2)
    right = np.stack(adversarial.flawed_scale(6, 0.7, 4, workflow), 1)
    wrong = np.stack(adversarial.flawed_scale(6, 0.8, 4, workflow), 1)
    assert_tells_apart(draws, right, wrong)
    unbiased = getattr(theory, workflow)(6, 4, 0)
    close(np.array(adversarial.flawed_scale(6, 1.0, 4, workflow)), unbiased, rtol=1e-12)


def test_flaws_grow_without_end_under_accumulate():
    mean = adversarial.flawed_mean(0.1, 10_000, "accumulate")
    steps = np.arange(1, 10_002)
    close(mean, 0.1 * (np.cumsum(1 / steps) - 1), rtol=1e-9, atol=1e-14)
    assert mean[-1] - mean[1000] == pytest.approx(0.1 * math.log(10), rel=1e-3)
    for bias in (0.8, 1.2):
        variance = adversarial.flawed_scale(10**9, bias, 20_000, "accumulate").variance
        power = math.log(variance[-1] / variance[10_000]) / math.log(2)
        assert power == pytest.approx(bias - 1, rel=1e-3)
        t = 20_000
        logs = math.lgamma(t + 1 + bias) - math.lgamma(1 + bias) - math.lgamma(t + 2)
        assert variance[-1] == pytest.approx(math.exp(logs), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: adversarial.uniform_scale(0, 3, "replace", 0.0), "n"),
        (lambda: adversarial.uniform_scale(5, -1, "replace", 0.0), "num_generations"),
        (lambda: adversarial.uniform_scale(5, 3, "window", 0.0), "workflow"),
        (lambda: adversarial.uniform_scale(5, 3, "replace", -0.1), "slack"),
        (lambda: adversarial.uniform_scale(5, 3, "replace", "most"), "slack"),
        (lambda: adversarial.uniform_log_growth(5, "replace", -1), "slack"),
        (lambda: adversarial.marked_survival(-1, 1, 3, "replace"), "rate"),
        (lambda: adversarial.marked_survival(1, 0, 3, "replace"), "dimension"),
        (lambda: adversarial.marked_exponent(-1, 1), "rate"),
        (lambda: adversarial.flawed_mean(1, 3, "window"), "workflow"),
        (lambda: adversarial.flawed_scale(5, -1, 3, "replace"), "bias"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
