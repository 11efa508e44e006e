"""A generator and a student in one model: who is trained when, and on which rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.models.language.architecture import NetworkConfig, Size
from collapse.models.language.documents import Format
from collapse.models.language.model import Blocks
from collapse.models.language.network import network
from collapse.models.language.teaching import (
    RECIPES,
    Learner,
    Material,
    teaching_model,
)
from collapse.models.language.training import TrainConfig

END, MARK, BLOCK, N = 0, 1, 8, 12
FORM = Format(MARK, END)
CONFIG = NetworkConfig(6, BLOCK, Size(1, 8, 1))
pytestmark = pytest.mark.usefixtures("as_they_run")


@pytest.fixture
def as_they_run():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


def rows(seed, num=N):
    """Documents: two letters, the mark, one or two letters, and ends."""
    draw = np.random.default_rng(seed)
    found = np.zeros((num, BLOCK), np.int32)
    found[:, :2] = draw.integers(2, 6, (num, 2))
    found[:, 2] = MARK
    found[:, 3] = draw.integers(2, 6, num)
    found[: num // 2, 4] = draw.integers(2, 6, num // 2)
    return jnp.asarray(found)


def model(recipe="answer", real=False, steps=3):
    training = TrainConfig(steps=steps, batch_size=4, microbatch_size=4)
    learner = Learner(CONFIG, training)
    base = network(CONFIG).init(jax.random.key(7))
    place = jnp.int32(RECIPES.index(recipe))
    material = Material(rows(1, 30), rows(2), rows(3), place, jnp.float32(1))
    made = teaching_model(None if real else learner, learner, FORM, base, material)
    return made, base, material


def fitted(made, times, batch):
    key, ones = jax.random.key(0), jnp.ones(N)
    params, infos = made.init(key, Blocks(batch), ones), []
    for k in range(times):
        own = (jax.random.key(k), params, Blocks(batch), ones)
        params, info = jax.jit(made.fit)(*own)
        infos.append(info)
    return params, infos


def in_order(rows):
    return sorted(tuple(row) for row in np.asarray(rows).tolist())


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_first_the_generator_is_trained_and_then_the_student():
    made, base, _ = model()
    begun, _ = fitted(made, 0, rows(4))
    first, infos = fitted(made, 1, rows(4))
    assert same(first.student, base) and not same(first.generator, begun.generator)
    assert bool(first.trained) and int(infos[0]["steps"]) == 3
    second, _ = fitted(made, 2, rows(4))
    assert same(second.generator, first.generator)
    assert not same(second.student, base)


def test_the_generator_sees_the_corpus_and_the_student_the_rows():
    made, _, _ = model()
    one, other = (fitted(made, 2, rows(seed))[0] for seed in (4, 5))
    assert same(one.generator, other.generator)
    assert not same(one.student, other.student)


def test_a_student_begins_at_the_base_each_time():
    made, _, _ = model()
    params, _ = fitted(made, 2, rows(4))
    own = (jax.random.key(1), params, Blocks(rows(4)), jnp.ones(N))
    again, _ = jax.jit(made.fit)(*own)
    assert same(again.student, params.student)


@pytest.mark.parametrize("recipe", RECIPES)
def test_rows_are_those_of_the_method(recipe):
    made, _, material = model(recipe)
    params, _ = fitted(made, 1, rows(4))
    found = np.asarray(made.sample(jax.random.key(3), params, N).tokens)
    assert found.shape == (N, BLOCK)
    given, poor = (in_order(x) for x in (material.given, material.poor))
    prompts = in_order(found[:, :3])
    if recipe == "answer":
        assert prompts == [row[:3] for row in given]
    elif recipe == "new":
        assert prompts != [row[:3] for row in given]
    else:
        assert prompts == [row[:3] for row in poor]
        kept = set(map(tuple, found)) & set(poor)
        assert kept and kept != set(map(tuple, found))
    ends = np.cumsum(found == END, 1) > 0
    assert (found[ends] == END).all()  # nothing stands behind an end


def test_what_the_generator_finds_likelier_is_kept():
    """One that has learned the poor documents by heart keeps them all."""
    made, _, material = model("improve", steps=400)
    made = teaching_model(
        Learner(CONFIG, TrainConfig(steps=400, batch_size=6, microbatch_size=6)),
        Learner(CONFIG, TrainConfig(steps=1)),
        FORM,
        network(CONFIG).init(jax.random.key(7)),
        material._replace(
            corpus=jnp.tile(material.poor[:2], (6, 1)),
            poor=jnp.tile(material.poor[:2], (6, 1)),
        ),
    )
    params, _ = fitted(made, 1, rows(4))
    found = np.asarray(made.sample(jax.random.key(3), params, N).tokens)
    assert in_order(found) == in_order(jnp.tile(material.poor[:2], (6, 1)))


def test_real_data_are_a_generator():
    made, _, material = model(real=True)
    params, infos = fitted(made, 1, rows(4))
    assert params.generator == {} and int(infos[0]["steps"]) == 0
    found = np.asarray(made.sample(jax.random.key(3), params, N).tokens)
    assert in_order(found) == in_order(material.given)
