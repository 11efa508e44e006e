"""Variances of the limiting process, propagated from the meaning of each workflow.

A fit is the mean of its rows, which is linear in the rows' own noise: its coefficients
are carried along, so that variances are exact. With rows of variance 1 they hold for
every n, but for `fixed_budget`, whose picks are drawn.
"""

import math

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.theory import accumulate, fixed_budget
from collapse.theory.limits import limits

N = 20  # rows of a generation
close = np.testing.assert_allclose


def fresh(share):
    """New real rows for a share of the newest; at first all are real."""
    new = round(share * N)
    return lambda batches, draw: np.vstack([draw(new), batches[-1][new:]])


def kept(share):
    """The same share of the first rows for ever."""
    old = round(share * N)
    return lambda batches, draw: np.vstack([batches[0][:old], batches[-1][old:]])


def newest(batches, draw):
    return batches[-1]


RULES = {
    "replace": newest,
    "replace_multiple": newest,  # of which there are more each time
    "accumulate": lambda batches, draw: np.vstack(batches),
    "mix 0.25 fresh": fresh(0.25),
    "mix 0.25 fixed": kept(0.25),
    "mix 0.1 fresh": fresh(0.1),
    "mix 0.1 fixed": kept(0.1),
    "mix 1 fresh": fresh(1),
    "mix 1 fixed": kept(1),
    "first block and newest, n each": lambda batches, draw: np.vstack(
        batches[:: max(1, len(batches) - 1)]
    ),
}
TABLE = {row.workflow: row for row in limits(5, (0.25, 0.1, 1.0))}


def test_every_row_of_the_table_is_checked():
    assert set(TABLE) == {*RULES, "fixed_budget"}


@pytest.mark.parametrize("label", RULES)
def test_variances_are_those_of_means(label):
    noise, variances, batches, used = np.eye(32 * N), [], [], 0
    mean = np.zeros(len(noise))

    def draw(num):
        nonlocal used
        used += num
        return noise[used - num : used]

    for t in range(6):
        num = N * (t + 1) if label == "replace_multiple" else N
        batches.append(mean + draw(num))
        mean = RULES[label](batches, draw).mean(0)
        variances.append(N * mean @ mean)
    close(TABLE[label].variance, variances, rtol=1e-12)


def test_fixed_budget_is_met_by_simulation():
    """n of the k n rows so far, none twice; the limit is off by 1 / n = 0.3 %."""
    n, seeds, rng = 300, 4000, np.random.default_rng(SEED)
    mean, rows, draws = np.zeros((seeds, 1)), np.zeros((seeds, 0)), []
    for _ in range(4):
        rows = np.hstack([rows, mean + rng.standard_normal((seeds, n))])
        mean = rng.permuted(rows, axis=1)[:, :n].mean(1, keepdims=True)
        draws.append(n * mean[:, 0] ** 2)
    draws, right = np.stack(draws, 1), TABLE["fixed_budget"].variance
    for control in (right[1:5], TABLE["accumulate"].variance[:4], np.arange(1.0, 5)):
        assert_tells_apart(draws, right[:4], control)


def test_limits_are_where_the_variances_end():
    printed = {
        "accumulate": math.pi**2 / 6,
        "fixed_budget": math.pi**2 / 2 - 2,
        "mix 0.1 fresh": 5.263,
        "mix 0.01 fresh": 50.25,
        "first block and newest, n each": 4 / 3,
        "mix 1 fresh": 1,
        "mix 1 fixed": 1,
    }
    found = {row.workflow: row for row in limits(10**6, (0.1, 0.01, 1.0))}
    assert set(printed) < set(found)
    for label, row in found.items():
        assert row.variance.shape == (10**6 + 1,)
        close(row.variance[0], 1, rtol=1e-12)
        if label in ("replace", "replace_multiple"):
            growth = row.variance[-1] - row.variance[10**5]
            assert math.isinf(row.limit)
            close(growth, 9e5 if label == "replace" else math.log(10), rtol=1e-5)
        else:
            close(row.variance[-1], row.limit, rtol=2e-6)  # some are off by 1 / k
        if label in printed:
            close(row.limit, printed[label], rtol=2e-4)


def test_bad_arguments_are_named():
    for call in (lambda: limits(3, (0.5, 0.0)), lambda: limits(3, (1.5,))):
        with pytest.raises(ValueError, match="^real_fractions "):
            call()
    for wrong in (-1, 2.5):
        with pytest.raises(ValueError, match="^num_generations "):
            limits(wrong)


def test_a_fixed_budget_adds_three_times_what_accumulating_adds():
    """At every generation; at finite n to first order alone."""
    budget, pool = TABLE["fixed_budget"].variance, TABLE["accumulate"].variance
    close(budget - 1, 3 * (pool - 1), rtol=1e-12, atol=1e-12)
    assert not np.allclose(budget, 3 * pool, rtol=0.1)
    for n, within in ((10, 0.2), (1000, 2e-3)):
        left, right = (form(n, 19, 0).mean_error for form in (fixed_budget, accumulate))
        ratio = (left[19] - left[0]) / (right[19] - right[0])
        assert 0.1 * within < abs(ratio - 3) < within
