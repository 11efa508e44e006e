"""The mixture of worlds: shares, names, and prompts that are told apart."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.worlds import WORLDS, quality
from collapse.data.worlds.facts.people import made_people
from collapse.data.worlds.facts.sentences import questions_of
from collapse.data.worlds.mixed import INGREDIENTS
from collapse.data.worlds.tools.table import NOUNS, STRANGE, VERBS, none_tool
from collapse.data.worlds.world import zipf

DEFAULT = ("arithmetic", "tools", "grammar", "facts", "programs")
NUM = 4000
_WORLD = quality()
# what tells the prompts of a world from all others
MARKS = {
    "arithmetic": re.compile(r"[0-9+]+"),
    "programs": re.compile(r"[fg]\(.*"),
    "grammar": re.compile(r"(the|no) [a-z ]+"),
    "facts": re.compile(r"(?!the |no )[a-z]+( [a-z]+){3,}"),
    "tools": re.compile(
        r"(?!the |no |[fg]\()([a-z ]+[:,|].+|.+: .+|[a-z]+( [a-z]+){1,2})"
    ),
}


def world_that_is_marked(prompt):
    return [name for name, mark in MARKS.items() if mark.fullmatch(prompt[:-1])]


@pytest.mark.parametrize("largest", [0, 1, 5, 50, 500])
def test_prompts_of_two_worlds_are_never_the_same(largest):
    world = quality(largest, exponent=0)
    for d in world.make(np.random.default_rng(largest), NUM):
        assert world_that_is_marked(d.prompt) == [d.truth["world"]], d
        assert world.skill_of(d.prompt) == d.truth["skill"]


@pytest.mark.parametrize("largest", [0, 7])
def test_a_prompt_is_one_of_its_own_world_alone(largest):
    alone = {name: quality(largest, 0, worlds=[name]) for name in DEFAULT}
    for d in quality(largest, exponent=0).make(np.random.default_rng(5), NUM):
        own = [name for name, world in alone.items() if world.skill_of(d.prompt)]
        assert own == [d.truth["world"]], d


def test_every_question_and_every_odd_request_is_told_apart():
    questions = questions_of(made_people(500, 8, 0))
    assert len(questions) > 10_000
    for prompt in questions:
        assert world_that_is_marked(prompt) == ["facts"]
    assert not {*NOUNS, *STRANGE} & {"born", "who"}
    for wording in none_tool(()).wordings:
        now = "now " * (wording.frame == "now")
        assert world_that_is_marked(f"{now}{wording.phrase}>") == ["tools"]
    assert not {"the", "no", "now"} & {*VERBS, *(w for x in VERBS.values() for w in x)}


@pytest.mark.parametrize("worlds", [DEFAULT, ("programs", "facts"), ("grammar",)])
def test_worlds_are_as_frequent_as_their_order_says(worlds):
    world = quality(exponent=1.5, worlds=worlds)
    drawn = [d.truth["world"] for d in world.make(np.random.default_rng(3), NUM)]
    counts = np.array([drawn.count(name) for name in worlds])
    shares = zipf(len(worlds), 1.5)
    errors = np.sqrt(NUM * shares * (1 - shares)) + 1e-9
    assert (abs(counts - NUM * shares) <= 5 * errors).all()
    if len(worlds) > 1:  # and this sees that they are not equally frequent
        assert (abs(counts - NUM / len(worlds)) > 5 * errors).any()
    for name, share in zip(worlds, shares, strict=True):
        own = [x for skill, x in world.skills.items() if skill.startswith(f"{name}: ")]
        assert sum(own) == pytest.approx(share)


def test_documents_are_those_of_the_worlds_but_for_their_separator():
    world = quality(exponent=1.0)
    made = world.make(np.random.default_rng(6), 500)
    for name in DEFAULT:
        alone = WORLDS[name]()
        own = [d for d in made if d.truth["world"] == name]
        assert own
        for prompt, response, truth in own:
            prompt = f"{prompt[:-1]}{alone.separator}"
            assert alone.verify(prompt, response).correct
            assert truth["skill"] == f"{name}: {alone.skill_of(prompt)}"
            assert not world.verify(prompt, response).valid  # the common one is needed


def test_faults_bear_the_name_of_their_world_only_where_forms_differ():
    world = quality()
    assert {"carry", "form", "value", "group", "agreement", "limit"} <= {*world.faults}
    assert "name" not in world.faults
    assert world.faults["tools: name"] is False
    assert world.faults["programs: name"] is True
    alone = quality(worlds=["tools"])
    assert dict(alone.faults) == dict(WORLDS["tools"]().faults)


def test_faults_of_other_worlds_cannot_be_planted():
    world, generator = quality(), np.random.default_rng(0)
    for d in world.make(generator, 200):
        fault = "agreement" if d.truth["world"] != "grammar" else "carry"
        with pytest.raises(ValueError, match=f"'{fault}' cannot be planted"):
            world.spoil(generator, d, fault)
    with pytest.raises(ValueError, match="cannot be planted"):
        world.spoil(generator, d._replace(prompt="what#"), "form")


def test_groups_are_those_of_the_people_in_it():
    facts = WORLDS["facts"]()
    assert dict(quality().groups) == pytest.approx(dict(facts.groups))
    assert not quality(worlds=["tools", "grammar"]).groups
    told = facts.make(np.random.default_rng(0), 1)[0]
    group = facts.group_of(*told[:2])
    assert group and quality().group_of("1+2#", told.response) == group
    assert quality().group_of("1+2#", "3") == ""


def test_contests_are_those_of_the_first_world_that_has_any():
    assert quality().contest == WORLDS["grammar"]().contest == "pairs"
    assert quality(worlds=["facts", "grammar"]).contest == "secrets"
    assert quality(worlds=["arithmetic"]).contest == ""
    own = WORLDS["grammar"]().contests(np.random.default_rng(1))
    mixed = quality().contests(np.random.default_rng(1))
    assert len(mixed) == len(own) > 50
    for a, b in zip(own, mixed, strict=True):
        assert a.right == b.right
        assert [(p[:-1] + "#", r) for p, r in a.documents] == [*b.documents]


def test_right_answers_of_another_world_are_wrong():
    world = quality(exponent=0)
    made = world.make(np.random.default_rng(4), 400)
    pairs = [
        (a, b) for a in made[:50] for b in made if a.truth["world"] != b.truth["world"]
    ]
    assert len(pairs) > 10_000
    assert not any(world.verify(a.prompt, b.response).correct for a, b in pairs)


@pytest.mark.parametrize("largest", [1, 3, 9, 40, 10**6])
def test_a_size_that_a_world_does_not_allow_is_the_nearest_that_it_allows(largest):
    world = quality(largest)
    parts = {
        name: WORLDS[name](largest=min(max(largest, part.fewest), part.most))
        for name, part in INGREDIENTS.items()
    }
    assert world.longest == max(part.longest for part in parts.values())
    assert {*world.skills} == {
        f"{k}: {x}" for k, part in parts.items() for x in part.skills
    }
    assert {"digits", "call"} <= {x for k in world.skills for x in k.split()}


@pytest.mark.parametrize("name", INGREDIENTS)
def test_the_limits_are_those_of_the_worlds(name):
    make, fewest, most = INGREDIENTS[name]
    make(largest=fewest), make(largest=most)
    for outside in (fewest - 1, most + 1):
        with pytest.raises(DataError, match="largest"):
            make(largest=outside)


def test_every_other_world_is_an_ingredient_and_none_has_the_separator():
    assert {*INGREDIENTS} == {*WORLDS} - {"quality"}
    for name in INGREDIENTS:
        assert quality().separator not in WORLDS[name]().letters
    assert set("=?") & {*quality(worlds=["facts", "arithmetic"]).letters} == set()


@given(prompt=st.text(st.sampled_from("#=>?|12+ thedogf(a)"), max_size=12))
def test_a_text_is_a_prompt_only_with_its_separator_at_the_end(prompt):
    world = _WORLD
    if prompt.find("#") != len(prompt) - 1 or not prompt:
        assert world.skill_of(prompt) == ""
        assert not world.verify(prompt, "3").valid


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"worlds": ["arithmetics"]}, "worlds: unknown 'arithmetics'; .* arithmetic"),
        ({"worlds": ["quality"]}, "worlds: unknown 'quality'"),
        ({"worlds": "tools"}, "worlds: unknown 't'"),
        ({"worlds": ["facts", "tools", "facts"]}, "worlds: facts is named twice"),
        ({"worlds": []}, "worlds: none; give one or more of arithmetic, tools"),
        ({"largest": -1}, "largest: -1; give a number above 0"),
        ({"exponent": float("nan")}, "exponent: nan; give a number from 0 to 10"),
        ({"exponent": -1.0}, "exponent: -1.0; give a number from 0 to 10"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fields, said):
    with pytest.raises(DataError, match=said) as found:
        quality(**fields)
    assert "\n" not in str(found.value)
