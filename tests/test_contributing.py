"""The example model and workflow of CONTRIBUTING.md do what the text says."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.special
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.core import loop, streams

TEXT = Path(__file__).parent.parent / "CONTRIBUTING.md"
ROWS, GENERATIONS, SEEDS = 20, 50, 1000


@pytest.fixture(scope="module")
def names():
    """What the Python of the document defines, run from top to bottom."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT.read_text(), re.S):
        exec(block, names)
    return names


def test_example_model_collapses_as_its_docstring_says(names):
    roots, problem = streams.seeds(SEED, SEEDS), names["problem"]
    workflow = names["workflows"].replace()
    _, trace = loop.run_seeds(roots, lambda _: problem, workflow, ROWS, GENERATIONS)
    assert trace.finite.all()
    last = np.log(np.asarray(trace.metrics["scale"], float))[:, GENERATIONS]
    # each factor is gamma(n) / n, whose logarithm has mean digamma(n) - log(n)
    drift = scipy.special.digamma(ROWS) - np.log(ROWS)
    # the control: a scale that does not collapse
    assert_tells_apart(last, right=(GENERATIONS + 1) * drift, wrong=0)
    assert 0.25 < np.exp((GENERATIONS + 1) * drift) < 0.35  # "about 0.3" in the text


def test_example_workflow_weighs_by_age(names):
    origin = np.array([[0, 0], [1, 1], [2, 2], [-1, -1]])
    rows = names["fade"](3, 0.5).weigh(None, names["jnp"].asarray(origin), 2)
    assert rows.weights.tolist() == [0.25, 0.25, 0.5, 0.5, 1, 1, 0, 0]
