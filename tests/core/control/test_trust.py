"""Weights of real rows: the best one for a step, and what it tends to."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.core.control import trust
from collapse.theory import mixing

SHARES = st.floats(0.001, 0.999)


def number(value):
    return jnp.asarray(value, jnp.result_type(float))


def error_after(weight, share, variance):
    """Of w * real + (1 - w) * generated, in units of the variance of a fit to n."""
    return weight**2 / share + (1 - weight) ** 2 * (variance + 1 / (1 - share))


@given(SHARES, st.floats(0, 1e4))
def test_no_other_weight_leaves_a_smaller_error(share, variance):
    best = float(trust.best_weight(number(variance), number(share)))
    least = error_after(best, share, variance)
    for other in np.linspace(0, 1, 21):
        assert error_after(other, share, variance) >= least * (1 - 1e-9)


@given(SHARES, st.floats(0.01, 0.99), st.floats(0, 100))
def test_the_error_is_that_of_rows_with_these_weights(share, weight, variance):
    each = trust.per_row(number(weight), number(share))
    found = float(trust.after(number(variance), each, number(share)))
    assert found == pytest.approx(error_after(weight, share, variance), rel=1e-9)


def test_equal_rows_have_the_error_of_pooled_ones():
    """(1 - a)^2 V + 1, whose limit is 1 / (a (2 - a))."""
    share, variance = number(0.1), number(1.0)
    for _ in range(300):
        variance = trust.after(variance, number(1.0), share)
    assert float(variance) == pytest.approx(1 / (0.1 * 1.9))


def test_rows_of_one_kind_have_nothing_to_weigh():
    for share, expected in ((0.0, 6.0), (1.0, 1.0)):
        assert float(trust.per_row(number(0.3), number(share))) == 1
        assert float(trust.after(number(5.0), number(1.0), number(share))) == expected


def test_as_many_real_rows_tend_to_the_golden_ratio_as_garg_et_al_say():
    """w_t = (1 + w_{t-1}) / (2 + w_{t-1}) from w = 1: 0.667, 0.625, 0.619, ..."""
    share, variance, weight = number(0.5), number(2.0), 1.0  # fit to n / 2 real rows
    for _ in range(12):
        weight = (1 + weight) / (2 + weight)
        found = trust.best_weight(variance, share)
        assert float(found) == pytest.approx(weight)
        variance = trust.after(variance, trust.per_row(found, share), share)
    assert weight == pytest.approx((np.sqrt(5) - 1) / 2)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8])
def test_the_weight_for_a_step_tends_to_the_best_constant_one(share):
    """That of He et al., sqrt(k^2 + 4 k) / 2 - k / 2 for k real rows to another."""
    variance = number(1.0)
    for _ in range(2000):
        weight = trust.best_weight(variance, number(share))
        each = trust.per_row(weight, number(share))
        variance = trust.after(variance, each, number(share))
    assert float(weight) == pytest.approx(mixing.best_weight(share / (1 - share)))
    # the error in the long run is that weight, in units of a fit to the real rows alone
    assert float(variance) * share == pytest.approx(float(weight))


def test_what_is_chosen_follows_what_is_known():
    own = (number(4.0), number(9.0), number(0.25))
    found = [float(trust.chosen(jnp.int32(k), *own)) for k in range(3)]
    assert found[trust.EQUAL] == 1
    for kind, known in ((trust.PREDICTED, 4.0), (trust.MEASURED, 9.0)):
        weight = trust.best_weight(number(known), number(0.25))
        expected = float(trust.per_row(weight, number(0.25)))
        assert found[kind] == pytest.approx(expected) and found[kind] > 1
