"""Samples that a run keeps: by which key they are generated, and where they lie."""

from typing import NamedTuple

import jax
import numpy as np
import pytest

from collapse.core import streams
from collapse.core.streams import Purpose
from collapse.experiment.task import Task
from collapse.lab import parts
from collapse.sims.gaussian import Gaussian

ROOTS = streams.seeds(0, 3)


class Model(NamedTuple):
    """A state, of which snapshots read the parameters alone."""

    params: jax.Array


def test_a_snapshot_is_what_the_next_generation_is_given():
    """So its key is that of the generation after, of the seed."""

    def told(key, params, num):
        return np.append(jax.random.key_data(key), [params, num])[:, None]

    experiment = Gaussian(
        samples_per_generation=(20, 30), snapshots=(0, 4), snapshot_seeds=2
    ).resolved(0, 0)
    *_, condition = experiment.conditions()
    task = Task(lambda root: None, points=told)
    state = Model(np.arange(3) * 10)
    assert parts._snapshot(condition, task, 0, ROOTS, state, 3) == []
    (found,) = parts._snapshot(condition, task, 0, ROOTS, state, 4)
    for seed in (0, 1):
        key = streams.key(ROOTS[seed], 5, Purpose.SAMPLE)
        right = [*jax.random.key_data(key), 10 * seed, 20]  # as many in all cells
        assert found[seed, :, 0].tolist() == right
    assert len(found) == 2
    (last,) = parts._snapshot(condition, task, 1, ROOTS, state, 4)
    assert len(last) == 1  # of the second block of seeds, which begins at seed 1


@pytest.mark.parametrize("centre", [0.0, np.array([1.7e9, 20.0])])
def test_samples_of_centred_rows_lie_where_the_rows_do(centre):
    samples = np.arange(12, dtype="f4").reshape(2, 3, 2)
    found = parts._shifted(samples, np.asarray(centre))
    np.testing.assert_array_equal(found, samples.astype(float) + centre)
    assert found.dtype == ("f8" if np.any(centre) else "f4")
