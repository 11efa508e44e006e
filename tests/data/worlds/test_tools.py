"""The world of tool calls: what counts as the same call, and what is no prompt."""

import json
import time

import numpy as np
import pytest
from calibrated import assert_cdf
from tool_tables import PAIR

from collapse.data.errors import DataError
from collapse.data.worlds import tools
from collapse.data.worlds.rows import world_rows
from collapse.data.worlds.world import zipf

WORLD = tools()
SMALL = tools(table=PAIR)


def documents(world, num, seed=3):
    return world.make(np.random.default_rng(seed), num)


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ('{"add_tea":{"num":7}}', ""),
        ('{"add_tea":{"num":7,"hue":"tan"}}', ""),  # a default that is written out
        (' {"add_tea" : {"hue": "tan",\n"num": 7.0}} ', ""),
        ('{"add_tea":{"num":7,"hue":"red"}}', "value"),
        ('{"add_tea":{"num":7,"big":false}}', "value"),  # it has no default
        ('{"add_tea":{"num":8}}', "value"),
        ('{"add_tea":{"num":0}}', "range"),
        ('{"add_tea":{"num":10}}', "range"),
        ('{"add_tea":{"num":7,"hue":"blue"}}', "range"),
        ('{"add_tea":{"num":"7"}}', "type"),
        ('{"add_tea":{"num":7.5}}', "type"),
        ('{"add_tea":{"num":true}}', "type"),
        ('{"add_tea":{"num":7,"big":1}}', "type"),
        ('{"add_tea":{"num":7,"big":null}}', "type"),
        ('{"add_tea":{"num":7,"size":1}}', "unknown"),
        ('{"add_tea":{"size":1}}', "missing"),
        ('{"add_tea":{}}', "missing"),
        ('{"cut_tea":{"hue":"red"}}', "other"),
        ('{"cut_tea":{"num":7}}', "missing"),
        ('{"none":{"word":"cow"}}', "other"),
        ('{"add_teas":{"num":7}}', "name"),
        ("add tea: seven", "answer"),
        ("add tea: eleven", "form"),
        ("", "form"),
        ("{}", "form"),
        ("7", "form"),
        ("[]", "form"),
        ('{"add_tea":7}', "form"),
        ('{"add_tea":{"num":7},"cut_tea":{"hue":"red"}}', "form"),
        ('{"add_tea":{"num":7,"num":7}}', "form"),  # JSON leaves open what that means
        ('{"add_tea":{"num":NaN}}', "form"),
        ('{"add_tea":{"num":7}', "form"),
        ('{"add_tea":{"num":7}}}', "form"),
        ("{'add_tea':{'num':7}}", "form"),
        ('{"add_tea":{"num":7}}' + " " * 10**4, "form"),  # not read to its end
    ],
)
def test_what_is_wrong_with_a_call(response, fault):
    verdict = SMALL.verify("add tea, num 7>", response)
    assert verdict.fault == fault
    assert verdict.valid == (fault in ("", "value", "other", "answer"))


def test_what_is_wrong_with_a_final_answer():
    # places 6 of num and 1 of hue
    prompt = 'num 7: add tea|{"add_tea":{"num":7}}|'
    shown = [f"{prompt}{x}>" for x in (*range(10), "ok", "full", "late")]
    asked = [text for text in shown if SMALL.skill_of(text)]
    assert len(asked) == 1, "one result is right"
    returned = asked[0].removeprefix(prompt)[:-1]
    right = {"7": "add tea: seven", "late": "add tea: late"}[returned]
    assert SMALL.verify(asked[0], right).correct
    for response, fault in [
        (right.replace("add", "cut"), "answer"),
        ('{"add_tea":{"num":7}}', "answer"),
        ('{"add_tea":{"num":8}}', "value"),
        ('{"cut_tea":{"hue":"red"}}', "other"),
        (right + "x", "form"),
    ]:
        assert SMALL.verify(asked[0], response).fault == fault, response


@pytest.mark.parametrize(
    "prompt",
    [
        "add tea, num 7",  # without its separator
        "add tea>",  # without what is required
        "add tea, num 07>",
        "add tea, num 10>",
        "add tea, hue red, num 7>",  # in another order
        "add tea, num 7, num 7>",
        "add tea,num 7>",
        "Add tea, num 7>",
        "add tea, num 7, not hue>",
        "add tea, num 7, big true>",
        'add tea, num 7|{"add_tea":{"num":8}}|7>',
        'add tea, num 7|{"add_tea":{"num":7}}>',
        'find cow|{"none":{"word":"cow"}}|0>',
        'find cow|{"none":{"word":"cow"}}|ok>',
        ": add tea>",
        ">",
    ],
)
def test_what_is_no_prompt(prompt):
    assert SMALL.skill_of(prompt) == ""
    assert SMALL.verify(prompt, '{"add_tea":{"num":7}}').fault == "form"


HOSTILE = [
    "[" * 10**6,
    '{"a":' * 2000,
    '{"a":' * 10**5 + "1" + "}" * 10**5,
    '{"add_tea":{"num":' + "9" * 9000 + "}}",
    '{"add_tea":{"num":' + "9" * 10**6 + "}}",
    '{"add_tea":{"num":1e999}}',
    '{"add_tea":{"num":-1e999}}',
    '{"add_tea":{"num":"' + "\\ud800" * 1000 + '"}}',
    "\x00\ud800\udfff" * 10**5,
    " " * 10**7,
    ", " * 10**6 + ">",
    "add tea" + ", num 7" * 10**5 + ">",
]


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_hostile_text_is_wrong_at_once(place):
    text = HOSTILE[place]
    start = time.process_time()
    for prompt, response in (("add tea, num 7>", text), (text, "{}"), (text, text)):
        verdict = SMALL.verify(prompt, response)
        assert not verdict.correct
    assert SMALL.skill_of(text) == ""
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"largest": 1}, "largest"),
        ({"largest": 51}, "largest"),
        ({"irrelevant": 0.6}, "irrelevant"),
        ({"irrelevant": float("nan")}, "irrelevant"),
    ],
)
def test_numbers_that_cannot_be_had_are_refused(options, field):
    with pytest.raises(DataError, match=f"{field}: "):
        tools(**options)


def test_the_truth_says_what_is_right():
    for d in documents(WORLD, 500):
        assert d.response == d.truth["right"]
        call = {d.truth["function"]: d.truth["arguments"]}
        if d.truth["kind"] == "answer":
            assert json.loads(d.prompt.split("|")[1]) == call
        else:
            assert json.loads(d.response) == call


def test_wordings_and_kinds_are_as_rare_as_it_says():
    found = [d.truth for d in documents(WORLD, 4000) if d.truth["kind"] != "none"]
    wordings = np.array([truth["wording"] for truth in found], float)
    spread = wordings + np.random.default_rng(1).random(len(wordings))
    edges, upto = np.arange(5), np.cumsum([0, *zipf(4, 1.0)])
    assert_cdf(spread, lambda x: np.interp(x, edges, upto))
    with pytest.raises(AssertionError):
        assert_cdf(spread, lambda x: x / 4)
    assert {truth["kind"] for truth in found} == {"call", "answer"}


def test_a_function_may_be_named_like_a_request_of_no_function():
    world = tools(table=[PAIR[0], {**PAIR[1], "name": "get_cow"}])
    assert world.verify("get cow, hue red>", '{"get_cow":{"hue":"red"}}').correct
    assert world.skill_of("get cow>") == ""
    assert world.skill_of("get sun>") == "none"


def test_the_longest_document_occurs():
    world = tools(2)
    lengths = [len(d.prompt + d.response) + 1 for d in documents(world, 5000)]
    assert max(lengths) == world.longest


def test_every_skill_is_asked_of_unseen_prompts():
    data = world_rows(WORLD, WORLD.longest, 5000, 512)
    asked = {WORLD.skill_of(data.text(row)[0]) for row in data.asked}
    assert asked == set(WORLD.skills)


def test_settings_give_names_and_letters_of_their_own():
    worlds = [
        WORLD,
        SMALL,
        tools(answers=False),
        tools(irrelevant=0.1),
        tools(table_seed=1),
        tools(table=PAIR[::-1]),
        tools(table=PAIR, table_seed=1),
    ]
    assert len({world.name for world in worlds}) == len(worlds)
    generator = np.random.default_rng(2)
    for world in worlds:
        for d in documents(world, 200):
            for fault in world.faults:
                bad = world.spoil(generator, d, fault)
                assert set(bad.prompt + bad.response) <= set(world.letters)
