"""Every world: documents are right, planted faults are found, and no text raises.

One table, `CASES`: a new world adds a line and is held to all of it.
"""

import collections
import functools
import pickle

import numpy as np
import pytest
from calibrated import assert_cdf
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.worlds import WORLDS
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import encoded, parted, with_defects, world_rows
from collapse.data.worlds.world import END

NUM = 3000
OWN_TABLE = [
    {
        "name": "getWeather",
        "description": "of functions without required or bounded arguments, too",
        "parameters": {"type": "object", "properties": {"soon": {"type": "boolean"}}},
    },
    {
        "name": "set_alarm",
        "parameters": {
            "type": "object",
            "properties": {
                "hour": {"type": "integer", "minimum": -12, "maximum": 23},
                "tone": {"type": "string", "enum": ["Bell", "none"], "default": "none"},
            },
            "required": ["hour"],
        },
    },
]
CASES = {
    "arithmetic": {},
    "arithmetic, worked steps": {"steps": True},
    "arithmetic, long": {"largest": 9, "exponent": 0.5, "steps": True},
    "tools": {},
    "tools, calls alone": {"largest": 50, "answers": False, "irrelevant": 0.0},
    "tools, own table": {"table": OWN_TABLE, "exponent": 0.5},
    "facts": {},
    "facts, few people": {"largest": 12, "exponent": 0.5, "canaries": 2},
    "facts, no secrets": {"largest": 100, "canaries": 0, "table_seed": 1},
    "programs": {},
    "programs, classes": {"classes": True},
    "programs, long": {"largest": 6, "exponent": 0.5},
    "programs, long classes": {"largest": 6, "exponent": 0.5, "classes": True},
    "grammar": {},
    "grammar, neighbours alone": {"largest": 0, "exponent": 0.5},
    "grammar, long": {"largest": 5, "exponent": 0.5},
    "quality": {},
    "quality, long": {"largest": 9, "exponent": 0.5},
    "quality, two worlds": {"worlds": ["facts", "arithmetic"], "exponent": 2.0},
}


@functools.cache
def world_of(case):
    return WORLDS[case.partition(",")[0]](**CASES[case])


@functools.cache
def documents(case, num=NUM):
    return world_of(case).make(np.random.default_rng(7), num)


def faults_of(case, document):
    """Faults that the document can have: in a mixture those of its own world."""
    if not case.startswith("quality"):
        return world_of(case).faults
    own = document.truth["world"]
    named = {f"{own}: {fault}" for fault in world_of(own).faults}
    return named.union(world_of(own).faults)


def test_every_world_is_in_the_table():
    assert {case.partition(",")[0] for case in CASES} == set(WORLDS)


@pytest.mark.parametrize("case", CASES)
def test_its_documents_are_right(case):
    world = world_of(case)
    for d in documents(case):
        verdict = world.verify(d.prompt, d.response)
        assert verdict.correct and verdict.valid, (d, verdict)
        assert "fault" not in d.truth


@pytest.mark.parametrize("case", CASES)
def test_its_documents_can_be_told_apart_and_fit(case):
    world = world_of(case)
    lengths = set()
    for d in documents(case):
        assert set(d.prompt + d.response) <= set(world.letters)
        assert d.prompt.index(world.separator) == len(d.prompt) - 1
        assert parted(d.prompt + d.response + END + "=?", world.separator) == d[:2]
        lengths.add(len(d.prompt + d.response) + 1)
    assert max(lengths) <= world.longest


@pytest.mark.parametrize("case", CASES)
def test_planted_faults_of_every_kind_are_found(case):
    world, generator = world_of(case), np.random.default_rng(1)
    assert world.faults
    for fault, valid in world.faults.items():
        able = [d for d in documents(case)[:1000] if fault in faults_of(case, d)]
        for d in able:
            bad = world.spoil(generator, d, fault)
            verdict = world.verify(bad.prompt, bad.response)
            assert (verdict.fault, verdict.valid) == (fault, valid), (bad, verdict)
            assert bad.truth == {**d.truth, "fault": fault}
            assert bad.prompt == d.prompt
        assert len(able) == 1000 or (case.startswith("quality") and len(able) > 10)
    with pytest.raises(ValueError, match="cannot be planted"):
        world.spoil(generator, documents(case)[0], "no such fault")


@pytest.mark.parametrize("case", CASES)
def test_an_answer_to_another_prompt_is_wrong(case):
    world, found = world_of(case), documents(case)
    pairs = list(zip(found, found[1:], strict=False))
    wrong = [not world.verify(a.prompt, b.response).correct for a, b in pairs]
    assert np.mean(wrong) > 0.8  # some prompts share an answer


@pytest.mark.parametrize("case", CASES)
@given(prompt=st.text(max_size=40), response=st.text(max_size=80))
def test_no_text_raises_and_none_is_right_by_chance(case, prompt, response):
    world = world_of(case)
    document = documents(case)[0]
    assert isinstance(world.skill_of(prompt), str)
    for text in (prompt, document.prompt):
        verdict = world.verify(text, response)
        assert verdict.correct <= verdict.valid
        assert verdict.fault in {"", *world.faults}


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
def test_bytes_near_to_an_answer_never_raise(case, data):
    world = world_of(case)
    d = data.draw(st.sampled_from(documents(case)[:50]))
    place = data.draw(st.integers(0, len(d.response)))
    drawn = data.draw(st.text(st.sampled_from(sorted(world.letters)), max_size=3))
    text = d.response[:place] + drawn + d.response[place + len(drawn) :]
    verdict = world.verify(d.prompt, text)
    if text == d.response:
        assert verdict.correct


@pytest.mark.parametrize("case", CASES)
def test_skills_are_as_rare_as_it_says(case):
    world = world_of(case)
    assert sum(world.skills.values()) == pytest.approx(1)
    drawn = [d.truth["skill"] for d in documents(case)]
    assert drawn == [world.skill_of(d.prompt) for d in documents(case)]
    names = list(world.skills)
    numbers = np.array([names.index(skill) for skill in drawn], float)
    spread = numbers + np.random.default_rng(2).random(NUM)  # a law without steps
    edges = np.arange(len(names) + 1)
    upto = np.cumsum([0, *world.skills.values()])
    assert_cdf(spread, lambda x: np.interp(x, edges, upto))
    with pytest.raises(AssertionError):  # rare skills are rare
        assert_cdf(spread, lambda x: x / len(names))


@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_makes_the_same(case):
    world = world_of(case)
    again = world.make(np.random.default_rng(7), NUM)
    assert again == documents(case)
    assert world.make(np.random.default_rng(8), 5) != again[:5]


@pytest.mark.parametrize("case", CASES)
def test_rows_hold_its_text_and_unseen_prompts(case):
    world = world_of(case)
    data = world_rows(world, world.longest + 2, 500, 60)
    assert data.train.shape == (500, world.longest + 2)
    learned = {data.text(row)[0] for row in data.train}
    asked = [data.text(row)[0] for row in data.asked]
    assert learned.isdisjoint(asked)
    counts = collections.Counter(world.skill_of(prompt) for prompt in asked)
    assert len(counts) > 0 and len(set(counts.values())) == 1  # each skill as often
    for skill in counts:  # and its prompts as often as each other, up to one
        own = collections.Counter(p for p in asked if world.skill_of(p) == skill)
        assert max(own.values()) - min(own.values()) <= 1
    for row in data.asked:
        assert world.verify(*data.text(row)).correct
    np.testing.assert_array_equal(
        encoded(documents(case)[:5], world.longest, data.vocabulary)[:, -1], 0
    )


@pytest.mark.parametrize("case", CASES)
def test_its_rows_can_be_sent_to_other_processes(case):
    world = world_of(case)
    data = pickle.loads(pickle.dumps(world_rows(world, world.longest, 50, 10)))
    assert all(data.world.verify(*data.text(row)).correct for row in data.asked)
    assert data.world.make(np.random.default_rng(7), 5) == documents(case, 5)[:5]


@pytest.mark.parametrize("case", CASES)
def test_rows_with_faults_fit_and_have_a_digest_of_their_own(case):
    world = world_of(case)
    data = world_rows(world, world.longest, 400, 40)
    bad = with_defects(data, Defects(faults=0.5))
    assert bad.sha256 != data.sha256
    assert with_defects(data, Defects(faults=0.25)).sha256 != bad.sha256
    wrong = [not world.verify(*data.text(row)).correct for row in bad.train]
    assert sum(wrong) == 200


@pytest.mark.parametrize("case", CASES)
def test_groups_are_as_frequent_as_it_says(case):
    world, found = world_of(case), documents(case)
    told = [world.group_of(d.prompt, d.response) for d in found]
    assert set(told) <= {*world.groups, ""} and world.group_of("?", "~") == ""
    num = len(told) - told.count("")  # in a mixture some documents tell of nobody
    assert bool(num) == bool(world.groups)
    for group, share in world.groups.items():
        error = np.sqrt(share * (1 - share) / num)
        assert abs(told.count(group) / num - share) < 4.5 * error, group
    assert sum(world.groups.values()) == pytest.approx(1 if world.groups else 0)


@pytest.mark.parametrize("case", CASES)
def test_contests_have_one_right_document(case):
    world = world_of(case)
    contests = world.contests(np.random.default_rng(3))
    assert bool(contests) == bool(world.contest)
    for contest in contests[:100]:
        right = [world.verify(*both).correct for both in contest.documents]
        assert np.flatnonzero(right).tolist() == [contest.right]
    data = world_rows(world, world.longest, 100, 20)
    assert len(data.contests) == len(data.right) == len(contests)
    if contests:
        assert data.contests.shape[2] == world.longest
        rows = data.contests[np.arange(len(contests)), data.right]
        assert all(world.verify(*data.text(row)).correct for row in rows)
    if world.contest == "pairs":
        many = world_rows(world, world.longest, 5000, 20)
        seen = {many.text(row)[0] for row in many.train}
        assert seen.isdisjoint(
            many.text(row)[0]
            for row in many.contests.reshape(-1, many.contests.shape[2])
        )


def test_a_block_that_is_too_short_is_refused():
    world = world_of("arithmetic")
    with pytest.raises(DataError, match="block: 5, but documents"):
        world_rows(world, 5, 10, 10)
