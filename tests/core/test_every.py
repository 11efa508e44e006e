"""Results that hold one generation of so many: the others happen all the same."""

import jax
import numpy as np
import pytest

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.lab import schedule
from collapse.models import gaussian as g

N = 20


def problem():
    truth, model = g.standard(2), g.gaussian(2)
    mean = {"mean": lambda key, params: params.mean[0]}
    return Problem(lambda key, num: g.sample_points(key, truth, num), model, mean)


def advanced(steps, every=1, state=None):
    args = (streams.root(1), problem(), workflows.replace(), N)

    @jax.jit
    def go(state):
        begun = loop.init(*args) if state is None else state
        return loop.advance(*args, begun, steps, every=every)

    return go(state)


def test_every_third_entry_is_that_of_a_whole_trace():
    (end, whole), (other, some) = advanced(12), advanced(12, 3)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(some), strict=True):
        np.testing.assert_array_equal(np.asarray(a)[2::3], b)
    for a, b in zip(jax.tree.leaves(end), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_chunks_of_it_are_the_same_as_one_stretch():
    state, first = advanced(1)
    state, second = advanced(4, 2, state)
    _, third = advanced(6, 2, state)
    found = np.concatenate([t.metrics["mean"] for t in (first, second, third)])
    whole = np.asarray(advanced(11)[1].metrics["mean"])
    np.testing.assert_array_equal(found, whole[[0, 2, 4, 6, 8, 10]])


def test_steps_that_are_no_multiple_are_refused():
    with pytest.raises(ValueError, match="every must divide 10 steps, got 3"):
        advanced(10, 3)


@pytest.mark.parametrize("final, every", [(100, 10), (1000, 1), (60, 30), (9990, 10)])
def test_control_returns_after_generation_0_and_whole_multiples(final, every):
    ends = list(schedule.stops(final, (), False, every))
    assert ends[-1] == final and ends == sorted(set(ends))
    if every > 1:
        assert ends[0] == 0 and all(end % every == 0 for end in ends)
        lengths = {b - a for a, b in zip(ends, ends[1:], strict=False)}
        assert len(lengths) <= 2
