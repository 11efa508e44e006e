"""`collapse.compare`: which generations 0 are apart, and which only by rounding."""

import numpy as np
import pytest

from collapse.lab.conformance.suspicious import suspicions

RNG = np.random.default_rng(1)


def alarms(one, other, is_random=False):
    """Number of warnings of generations 0 that are `one` and `other`."""
    traces = {"a": {"own": one[:, None]}, "b": {"own": other[:, None]}}
    return len(suspicions(traces, ["a", "b"], lambda: is_random))


@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 4e-10), (np.float32, 1e-4)])
@pytest.mark.parametrize("seeds", [1, 40])
def test_a_metric_of_small_numbers_is_looked_at_in_its_own_unit(dtype, size, seeds):
    """The variance of daily returns, say: replace gives 9 times that of accumulate."""
    usual = (size * RNG.chisquare(20, seeds) / 20).astype(dtype)
    tiny = dtype == np.float32 and seeds == 1  # as small as what rounding may leave
    assert alarms(usual, (usual / 9).astype(dtype)) == (0 if tiny else 1)
    assert not alarms(usual, usual * dtype(1 + 4 * np.finfo(dtype).eps))


def test_rounding_of_a_metric_near_0_is_no_alarm():
    """A divergence is a difference of numbers that nearly cancel."""
    usual = (1e-5 * RNG.chisquare(20, 40) / 20).astype(np.float32)
    noise = (3e-7 * RNG.normal(size=40)).astype(np.float32)
    assert not alarms(usual, usual + noise)
    assert alarms(usual, usual + noise + np.float32(3e-6))
    left = 1e-16 * RNG.normal(size=(2, 40))  # of what is 0 but for rounding
    assert not alarms(*left)
    error = RNG.normal(size=40)
    error[3] = 1e-12  # by chance, beside others that are larger
    assert not alarms(error, error + 1e-14)
    assert alarms(error, error + 1e-5)
    gone = np.where(np.arange(40) == 2, np.nan, error)
    assert alarms(error, gone) and not alarms(gone, gone)
    gone = np.where(np.arange(40) == 2, np.inf, error)
    assert alarms(error, gone) and not alarms(gone, gone)
