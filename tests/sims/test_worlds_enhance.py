"""The operator enhance: what a teacher of known accuracy makes of wrong answers."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.core import streams
from collapse.data.worlds import WORLDS, arithmetic
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import with_defects, world_rows
from collapse.experiment.text.documents import read as read_row
from collapse.models.language.model import Blocks
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.judges import host_curator, judge_of
from collapse.sims.worlds.judges.enhance import known_answers
from collapse.sims.worlds.operators import read

SEED = 3


def corpus(world, num=400, seed=SEED):
    clean = world_rows(world, world.longest, num, 20, seed)
    return with_defects(clean, Defects(faults=0.4, noise=0.1), seed)


def enhanced(data, operator="enhance", **fields):
    """Documents before and after, as read, and what is told; all of one seed."""
    e = Worlds(operator=(operator,), seed=SEED, **fields)
    curator = host_curator(judge_of(read(operator), data, e), data, e)
    rows, root = jnp.asarray(data.train[None]), streams.seeds(SEED, 1)
    states = SimpleNamespace(generation=np.int32(0))
    found = curator.weigh(root, states, Blocks(rows), np.array([[0, len(data.train)]]))
    assert (found.weights == 1).all()
    after = rows if found.batch is None else found.batch.tokens
    both = [[read_row(data, row) for row in part] for part in (data.train, after[0])]
    return *both, {name: float(values[0]) for name, values in found.told.items()}


def right(documents):
    return np.array([one.verdict.correct for one in documents])


@pytest.mark.parametrize("name", WORLDS)
def test_a_teacher_without_mistake_leaves_no_wrong_answer_in_any_world(name):
    before, after, told = enhanced(corpus(WORLDS[name]()))
    wrong = ~right(before)
    assert wrong.mean() >= 0.4 and right(after).all()
    assert [a.prompt for a in after] == [b.prompt for b in before]
    for one, other, bad in zip(before, after, wrong, strict=True):
        assert (one.text != other.text) == bad  # right ones are left as they are
    assert told["rewritten_share"] == wrong.mean() and told["operator_auc"] == 1
    assert told["phi"] == 1 and told["psi"] == 0  # wrong ones are all rewritten
    assert told["judge_calls"] == pytest.approx(1 + wrong.mean())


def test_a_teacher_is_right_as_often_as_it_is_accurate():
    data = corpus(arithmetic(), 6000)
    before, after, _ = enhanced(data, judge_accuracy=0.7)
    wrong = ~right(before)
    made = right(after)[wrong].astype(float)
    assert_tells_apart(made, 0.7, 1.0)
    assert right(after)[~wrong].all()
    faults = {one.verdict.fault for one in after} - {""}
    assert faults == {*data.world.faults}  # of every kind
    never = enhanced(data, judge_accuracy=0.0)[1]
    np.testing.assert_array_equal(right(never), ~wrong)
    oracle = enhanced(data, "enhance oracle", judge_accuracy=0.0)[1]
    assert right(oracle).all()


def test_the_random_control_rewrites_as_many_whatever_they_are():
    data = corpus(arithmetic(), 2000)
    before, after, told = enhanced(data, "enhance random")
    own = enhanced(data)[2]
    assert told["rewritten_share"] == own["rewritten_share"]
    wrong = ~right(before)
    left = wrong.mean() * (1 - told["rewritten_share"])  # of wrong ones, on average
    assert_tells_apart((~right(after)).astype(float), left, wrong.mean())
    assert told["operator_auc"] < own["operator_auc"] == 1
    assert told["judge_calls"] == pytest.approx(told["rewritten_share"])


def test_nothing_is_rewritten_where_nothing_is_wrong_or_no_answer_is_known():
    world = arithmetic()
    clean = world_rows(world, world.longest, 200, 20, SEED)
    before, after, told = enhanced(clean)
    assert before == after and told["rewritten_share"] == 0
    data = corpus(world, 200)
    known = known_answers(data, SEED)
    assert {one.prompt for one in before} <= {*known_answers(clean, SEED)}
    asked = {data.text(row)[0] for row in data.train}
    assert asked <= {*known} and not {data.text(row)[0] for row in data.asked} & {
        *known
    }
    unknown = data._replace(train=clean.asked.copy())
    unknown.train[:, -1] = 0
    unknown.train[0] = _malformed(unknown, unknown.train[0])
    before, after, told = enhanced(unknown)
    assert not before[0].verdict.correct and before == after


def _malformed(data, row):
    """The row with a response that has not the form of an answer."""
    text = data.text(row)[0] + "+"
    new = np.zeros_like(row)
    new[: len(text)] = [data.vocabulary.index(letter) for letter in text]
    return new
