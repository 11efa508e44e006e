"""The task of a language model: its training, its losses, and a biased sampler."""

import dataclasses
import functools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import loop, streams
from collapse.experiment import workflows
from collapse.experiment.condition import Condition
from collapse.models.language import decoding
from collapse.models.language.architecture import SIZES, Size
from collapse.models.language.model import Blocks, LanguageParams
from collapse.sims.charlm import Charlm
from collapse.sims.charlm import measures as charlm_measures
from collapse.sims.charlm.fields import EDGES
from collapse.sims.charlm.task import design_of, task

N = 16
SMALL = Charlm(
    data="text.txt",
    block=16,
    samples_per_generation=(N,),
    measured_rows=8,
    steps=(3,),
    learning_rate=0.1,
)
CELL = {"samples_per_generation": N, "temperature": 1.0, "repetition_penalty": 1.0}
CELL |= {"size": "nano"}


@pytest.fixture(autouse=True)
def _small(tmp_path, monkeypatch):
    """Run in a folder that holds a text, in float32, with what compiles quickly."""
    monkeypatch.chdir(tmp_path)
    pick = random.Random(0)
    words = "a we see the sun and moon go by far away".split()
    text = " ".join(pick.choice(words) for _ in range(1000))
    (tmp_path / "text.txt").write_text(text)
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    monkeypatch.setattr(decoding, "_STAGES", 1)
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


def condition_of(experiment=SMALL, workflow="replace", **cell):
    length = {"epochs": experiment.epochs[0], "steps": experiment.steps[0]}
    return Condition(experiment, workflows.read(workflow), CELL | length | cell)


def test_training_has_room_for_all_rows_a_workflow_trains_on():
    experiment = dataclasses.replace(
        SMALL, num_generations=4, steps=(0,), epochs=(2.0,)
    )
    data = experiment.load()
    most = {"replace": 16, "fixed_budget": 16, "mix 0.1 fresh": 16}
    most |= {"accumulate": 80, "replace_multiple": 80, "window 3": 48}
    for label, rows in most.items():
        training = design_of(condition_of(experiment, label), data).training
        assert (training.most_rows, training.epochs) == (rows, 2.0), label
    longer = condition_of(experiment, "accumulate", epochs=3.0, size="micro")
    design = design_of(longer, data)
    assert (design.training.epochs, design.network.size) == (3.0, SIZES["micro"])
    fixed = condition_of(dataclasses.replace(experiment, steps=(7,)), "accumulate")
    assert design_of(fixed, data).training.epochs == 0


def test_a_biased_sampler_generates_at_a_multiple_of_the_temperature():
    """Text of a fit at bias 1 is that of the model; the lower, the less various."""
    own = task(condition_of(), SMALL.load())
    root = streams.seeds(0, 1)[0]
    key = jax.random.key(1)

    def problem(bias):
        if bias is None:
            return own.make_problem(root, *own.values)
        return own.biased(root, jnp.float32(bias), None, *own.values)

    def fitted():
        plain = problem(None)
        rows, ones = plain.draw(key, N), jnp.ones(N)
        return plain.model.fit(key, plain.model.init(key, rows, ones), rows, ones)[0]

    params = jax.jit(fitted)()

    @jax.jit
    def text(bias):
        return problem(bias).model.sample(key, params, 8).tokens

    plain = jax.jit(lambda: problem(None).model.sample(key, params, 8).tokens)()
    np.testing.assert_array_equal(text(1.0), plain)
    certain = np.asarray(text(0.0))
    assert (certain == certain[0]).all()  # the most likely text, from one beginning
    assert len(np.unique(text(0.3))) < len(np.unique(text(3.0)))
    assert (np.asarray(text(3.0)) != plain).any()


def test_a_biased_problem_depends_on_no_number_of_rows():
    """Conditions of other sizes share its program, even where epochs count."""
    experiment = dataclasses.replace(SMALL, steps=(0,), epochs=(2.0,))
    root, data, key = streams.seeds(0, 1)[0], experiment.load(), jax.random.key(1)

    def fit(n, rows=32):
        condition = condition_of(experiment, samples_per_generation=n)
        own = task(condition, data)
        problem = own.biased(root, jnp.float32(0.5), None, *own.values)
        batch, ones = problem.draw(key, rows), jnp.ones(rows)
        start = problem.model.init(key, batch, ones)
        params, info = problem.model.fit(key, start, batch, ones)
        return params.weights, info["steps"], batch

    few, many = (jax.jit(fit, static_argnums=0)(n) for n in (4, 32))
    jax.tree.map(np.testing.assert_array_equal, few, many)
    assert few[1] == 8 and isinstance(few[2], Blocks)  # two passes, eight rows a step


@pytest.mark.parametrize(
    ("fields", "cell"),
    [
        ({"prompts": True, "beams": 2}, {}),
        ({"prompts": True, "temperature": (0.0,)}, {"temperature": 0.0}),
        ({"prompts": True, "temperature": (1e-38,)}, {"temperature": 1e-38}),
    ],
)
def test_what_has_no_temperature_has_no_biased_sampler(fields, cell):
    experiment = dataclasses.replace(SMALL, **fields)
    assert task(condition_of(experiment, **cell), experiment.load()).biased is None


def test_a_run_remembers_the_weights_of_generation_zero():
    """And only these: parameters hold one network."""
    own = task(condition_of(), SMALL.load())
    roots = streams.seeds(0, 1)

    def problem(root):
        return own.make_problem(root, *own.values)

    def last(num):
        workflow = workflows.read("replace").make(num)
        return loop.run_seeds(roots, problem, workflow, N, num)[0]

    zero, two = last(0), last(2)
    same = functools.partial(jax.tree.map, np.testing.assert_array_equal)
    same(zero.memory, zero.params.weights)
    same(two.memory, zero.memory)
    moved = jax.tree.map(
        lambda a, b: jnp.abs(a - b).max(), two.params.weights, two.memory
    )
    assert max(jax.tree.leaves(moved)) > 0.01
    sizes = jax.tree.map(jnp.shape, two.params)
    assert sizes == jax.tree.map(jnp.shape, LanguageParams(two.memory))


def test_losses_by_hand():
    """Two seeds, three rows of two characters; one position is rare."""
    losses = np.log(2) * np.arange(12.0).reshape(2, 3, 2)
    rare = np.array([[False, False], [False, True], [False, False]])
    seen = {"test": losses, "own": losses / 2, "first": losses / 10}
    ones = np.ones((3, 2), int)
    found = charlm_measures._losses(seen, rare, ones)
    close = np.testing.assert_allclose
    close(found["bits_per_character"], [2.5, 8.5])
    close(found["perplexity"], [2**2.5, 2**8.5])
    close(found["rare_bits_per_character"], [3, 9])
    close(found["rare_perplexity"], [8, 512])
    close(found["self_perplexity"], [2**1.25, 2**4.25])
    of_rows = 2 ** (np.array([[0.5, 2.5, 4.5], [6.5, 8.5, 10.5]]) / 10)
    close(found["first_perplexity_q50"], of_rows[:, 1])
    close(found["first_perplexity_q05"], of_rows[:, 0] * 0.9 + of_rows[:, 1] * 0.1)
    histogram = found["first_histogram"]
    for shares, values in zip(histogram, of_rows, strict=True):
        places = np.searchsorted(EDGES, values, side="right") - 1
        assert set(np.flatnonzero(shares)) == set(places)
    close(histogram.sum(1), 1)
    nothing = charlm_measures._losses(seen, np.zeros((3, 2), bool), ones)
    assert np.isnan(nothing["rare_perplexity"]).all()
