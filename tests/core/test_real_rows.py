"""Real rows of a user's data: the first k of a draw are a sample of k, new by key.

That is what a workflow takes that keeps a share of them.
"""

import dataclasses

import jax
import numpy as np
import pytest

from collapse.core import streams
from collapse.lab import run as runner
from collapse.sims.charlm import family as charlm
from collapse.sims.gaussian import family as gaussian
from collapse.sims.gmm import family as gmm
from collapse.sims.linear import family as linear

ROWS = 32
CASES = {
    "gaussian": (gaussian.FAMILY, {"data": "faithful", "rows": "samples"}),
    "gmm": (gmm.FAMILY, {"data": "faithful"}),
    "linear": (linear.FAMILY, {"data": "diabetes", "target": "progression"}),
    "charlm": (charlm.FAMILY, {"block": 1000}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_few_of_all_real_rows_differ_from_key_to_key(name):
    family, fields = CASES[name]
    if name == "linear":
        fields = fields | {"design": "fresh", "rows": "samples"}
    experiment = dataclasses.replace(family.default, workflows=("mix",), **fields)
    experiment, data = runner.prepare(experiment, load=family.load)
    num = len(data.train)
    experiment = dataclasses.replace(experiment, samples_per_generation=(num,))
    cell = next(iter(experiment.cells()))
    made = family.setup(experiment, cell, experiment.labels()[0], data)
    assert made.num_rows == num  # rows are single samples
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
