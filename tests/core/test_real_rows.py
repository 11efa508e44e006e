"""Real rows of a user's data: the first k of a draw are a sample of k, new by key.

That is what a workflow takes that keeps a share of them.
"""

import dataclasses

import jax
import numpy as np
import pytest

from collapse.core import streams
from collapse.experiment import registry
from collapse.lab.run import prepare

ROWS = 32
CASES = {
    "gaussian": {"data": "faithful", "rows": "samples"},
    "gmm": {"data": "faithful"},
    "linear": {"data": "diabetes", "target": "progression"},
    "charlm": {"block": 1000},
}


@pytest.mark.parametrize("name", CASES)
def test_a_few_of_all_real_rows_differ_from_key_to_key(name):
    fields = CASES[name]
    if name == "linear":
        fields = fields | {"design": "fresh", "rows": "samples"}
    experiment = registry.experiment(name)(workflows=("mix",), **fields)
    experiment, data = prepare(experiment)
    num = len(data.train)
    experiment = dataclasses.replace(experiment, samples_per_generation=(num,))
    made = experiment.task(next(experiment.conditions()), data)
    assert made.batch_size == 1  # rows are single samples
    root = streams.seeds(0, 1, [])[0]
    problem = made.make_problem(root, *made.values)
    draw = jax.jit(lambda key: jax.tree.leaves(problem.draw(key, num))[0])
    first, second = (np.asarray(draw(key)) for key in jax.random.split(root))
    every = {row.tobytes() for row in first}
    assert every == {row.tobytes() for row in second}
    few = [{row.tobytes() for row in rows[:ROWS]} for rows in (first, second)]
    shared = len(few[0] & few[1])
    assert shared < ROWS, "the same rows for every key"
    # a share ROWS / num of them by chance, or more where rows are alike
    assert shared < ROWS * (ROWS / num + 0.5)
