"""The world of programs: the language, its interpreter, tasks and what tests find."""

import ast
import inspect
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.worlds.programs import (
    Memory,
    execute,
    formulas,
    functions,
    programs,
    tasks,
)
from collapse.data.worlds.programs import classes as class_tasks
from collapse.data.worlds.programs.formulas import computed, read_formula
from collapse.data.worlds.programs.interpreter import DEPTH, SIZE
from collapse.data.worlds.programs.language import RESERVED, read
from collapse.data.worlds.programs.verify import exercise

FUNCTIONS, CLASSES = programs(largest=4), programs(largest=4, classes=True)
ERRORS = {"", "form", "name", "stack", "limit", "zero"}


@pytest.mark.parametrize(
    ("text", "inputs", "values"),
    [
        ("1 2", (), (1, 2)),
        ("-7 2 /", (), (-4,)),  # rounds down
        ("-7 2 %", (), (1,)),
        ("3 5 -", (), (-2,)),
        ("dup *", (3,), (9,)),
        ("swap", (1, 2), (2, 1)),
        ("over", (1, 2), (1, 2, 1)),
        ("drop", (1, 2), (1,)),
        ("<", (1, 2), (1,)),
        (">", (1, 2), (0,)),
        ("=", (2, 2), (1,)),
        ("if 7 else 8 end", (1,), (7,)),
        ("if 7 else 8 end", (0,), (8,)),
        ("if 7 end", (0,), ()),
        ("if 7 end 9", (-1,), (7, 9)),
        ("dup if if 1 else 2 end else drop 3 end", (5,), (1,)),
        ("if if 1 else 2 end else drop 3 end", (0, 5), (2,)),
        ("if if 1 else 2 end else drop 3 end", (6, 0), (3,)),
        ("3 times 2 * end", (1,), (8,)),
        ("0 times 2 * end", (1,), (1,)),
        ("-3 times 2 * end", (1,), (1,)),
        ("2 times 3 times 1 + end end", (0,), (6,)),
        ("2 times dup if 1 - else 9 end end", (1,), (0, 9)),
        ("g:2 *;g g", (3,), (12,)),
        ("g:h 1 +;h:2 *;3 times g end", (1,), (15,)),  # defined after its use
        ("f:dup if 1 - f end;f", (9,), (0,)),  # calls itself
        ("5 ! @ @", (), (5, 5)),
        ("1 put 2 put size take take take size", (), (2, 2, 1, 0, 0)),
        ("  1   2 ", (), (1, 2)),
        ("+", (1,), "stack"),
        ("drop", (), "stack"),
        ("!", (), "stack"),
        ("if end", (), "stack"),
        ("1 0 /", (), "zero"),
        ("1 0 %", (), "zero"),
        ("rot", (), "name"),
        ("999999999", (), (999999999,)),
        ("999999999 1 +", (), "limit"),
        ("-999999999 1 -", (), "limit"),
        ("9999 times end", (), "limit"),
        ("65 times 1 end", (), "limit"),
        ("60 times 1 end 60 times drop end", (), ()),
        ("65 times 1 put end", (), "limit"),
        ("g:g;g", (), "limit"),
        ("g:g 1;g", (), "limit"),
        ("", (), "form"),
        ("if", (), "form"),
        ("end", (), "form"),
        ("else", (), "form"),
        ("times else end", (), "form"),
        ("if else else end", (), "form"),
        ("g:1;g:2;g", (), "form"),
        ("dup:1;dup", (), "form"),
        (":1;2", (), "form"),
        ("g 1;2", (), "form"),
        ("g:if;end", (), "form"),
        ("1\n2", (), "form"),
        ("1234567890", (), "form"),
        ("Dup", (), "form"),
        ("__import__", (), "form"),
    ],
)
def test_what_programs_give(text, inputs, values):
    outcome = execute(text, inputs)
    if isinstance(values, str):
        assert (outcome.error, outcome.values) == (values, ())
    else:
        assert (outcome.error, outcome.values) == ("", values)


def test_runs_share_memory_unless_they_fail():
    first = execute("7 ! 1 put 2 put")
    assert first.memory == Memory(7, (1, 2))
    assert execute("@ take", (), first.memory) == ("", (7, 2), Memory(7, (1,)))
    assert execute("8 ! take drop drop", (), first.memory).memory == first.memory


WORDS = st.sampled_from(
    [*sorted(RESERVED), "g", "h", ";g:", ";h:", "g:", "0", "2", "99", "999999999"]
)


@given(st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=60))
def test_every_text_has_a_bounded_outcome(text):
    text = text.replace(" ;", ";").replace(": ", ":")
    outcome = execute(text, (3, -4))
    assert outcome.error in ERRORS
    assert (outcome.error == "form") == (read(text) is None)
    assert len(outcome.values) <= DEPTH and len(outcome.memory.kept) <= DEPTH
    numbers = (*outcome.values, *outcome.memory.kept, outcome.memory.cell)
    assert all(type(x) is int and abs(x) < SIZE for x in numbers)
    assert outcome == execute(text, (3, -4))


@pytest.mark.parametrize(
    "text",
    [
        "if " * 10**6,
        "9 " * 10**6,
        "(" * 10**6 + "|",
        "f(a)=" + "(" * 390 + "|",
        "f(a)=" + "a*" * 190 + "a|",
        "up:" + "up " * 120 + "|",
        "a" * 10**7,
        "\ud800\x00" * 10**6,
        "g:9 times 9 times 9 times 9 times g g g end end end end;g",
        ",".join(["up:s=s*9"] * 40) + "|",
    ],
)
def test_hostile_text_takes_no_time(text):
    start = time.process_time()
    for world in (FUNCTIONS, CLASSES):
        prompt = world.make(np.random.default_rng(0), 1)[0].prompt
        for asked in (prompt, text):
            assert not world.verify(asked, text).correct
            assert not world.verify(text, "dup").correct
    assert FUNCTIONS.skill_of(text) == ""
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "f(a)=a|",  # nothing to do
        "f(a)=a+b|",
        "f(a)=g|",
        "f(a)=a(3)|",
        "f(a)=g(a)+1|",
        "f(a)=a/0|",
        "f(a,b)=a%b|",  # b may be 0
        "f(a)=a*a*a,9 times|",  # too large
        "g(a)=a*a*a*a,f(a)=g(g(a))|",
        "f(a)=a<3|",
        "f(a)=a+1?a:3|",
        "f(a)=a<3?a<4:3|",
        "f(a)=(a+1|",
        "f(a)=a+1)|",
        "f(a)=a+|",
        "f(a)=a+1",
        "f(a)=a+1||",
        "f(a)=a+1 |",
        "f(a)=a+1+1+1+1+1|",  # deeper than the world
        "g(a)=b,f(a)=g(a)+1|",
        "g(a)=a*2,f(a)=a+1|",
        "g(a)=a*2,f(a)=g(a)+1,3 times|",
        "up:s=s+2|",  # nothing to be seen
        "up:s=s+a,get:s|",
        "up:s=s+2,two:up off,get:s|",
        "up:s=s+2,two:up two,get:s|",
        "up(a):s=s+a,two:up up,get:s|",
        "up:s=s+2,up:s=s+3,get:s|",
        "in(a):put max 3,get:s|",
        "in:put max 3,len:size|",
        "in(a):put max 3,new:clear|",
        "up:s=s/0,get:s|",
        "len:n|",
        "",
        "|",
    ],
)
def test_what_is_no_prompt(text):
    for world in (FUNCTIONS, CLASSES):
        assert world.skill_of(text) == ""
        assert world.verify(text, "dup") == ("form", False)


@pytest.mark.parametrize(
    ("prompt", "program", "fault"),
    [
        ("f(a,b)=a-b|", "-", ""),
        ("f(a,b)=a-b|", "0 swap - +", ""),
        ("f(a,b)=a-b|", "g:-;g", ""),
        ("f(a,b)=a-b|", "swap -", "value"),
        ("f(a,b)=a-b|", "over over -", "stack"),
        ("f(a,b)=a-b|", "- -", "stack"),
        ("f(a,b)=a-b|", "sub", "name"),
        ("f(a,b)=a-b|", "- 1 if else sub end", "name"),  # also where it never runs
        ("f(a,b)=a-b|", "g:-;", "form"),
        ("f(a,b)=a-b|", "", "form"),
        ("f(a,b)=a-b|", "- 999999999 dup * drop", "limit"),
        ("f(a,b)=a-b|", "- 0 0 / drop", "zero"),
        ("f(a)=a<5?a+1:0|", "dup 5 < if 1 + else drop 0 end", ""),
        ("f(a)=a<5?a+1:0|", "dup 5 < swap 1 + *", ""),
        ("f(a)=a<5?a+1:0|", "dup 4 < if 1 + else drop 0 end", "value"),
        ("f(a)=a<5?a+1:0|", "dup 6 < if 1 + else drop 0 end", "value"),
        ("f(a)=a<5?a+1:0|", "dup 5 < if 1 + else 0 end", "stack"),
        ("f(a,b)=a=b?1:0|", "=", ""),
        ("f(a,b)=a=b?1:0|", "drop drop 0", "value"),
        ("f(a,b)=a<b?1:0|", "> 1 swap -", "value"),  # differs where they are equal
        ("f(a)=a*2+1,3 times|", "3 times 2 * 1 + end", ""),
        ("f(a)=a*2+1,3 times|", "8 * 7 +", ""),
        ("f(a)=a*2+1,3 times|", "2 times 2 * 1 + end", "value"),
        ("f(a,b)=a+b,3 times|", "3 * +", ""),
        ("g(a)=a*a,f(a,b)=g(a)+g(b)|", "g:dup *;g swap g +", ""),
        ("g(a)=a*a,f(a,b)=g(a)+g(b)|", "dup * swap dup * +", ""),
        ("g(a)=a*a,f(a,b)=g(a)+g(b)|", "g swap g +", "name"),
    ],
)
def test_what_is_wrong_with_a_function(prompt, program, fault):
    verdict = FUNCTIONS.verify(prompt, program)
    assert verdict == (fault, fault != "form")


COUNTER = "up:s=s+2,two:up up,get:s|"
LIST = "in(a):put max 3,out:take,len:size|"
PUT = "size 3 < if put else drop end"


@pytest.mark.parametrize(
    ("prompt", "program", "fault"),
    [
        (COUNTER, "up:@ 2 + !;two:up up;get:@;", ""),
        (COUNTER, "get:@;two:@ 4 + !;up:@ 2 + !;", ""),
        (COUNTER, "up:@ 2 + !;two:up up;get:@;more:1;", ""),
        (COUNTER, "up:size 1 + put;two:up up;get:size;", "value"),
        (COUNTER, "up:@ 2 + !;get:@;", "missing"),
        (COUNTER, "up:@ 2 + !;off:up up;get:@;", "missing"),
        (COUNTER, "up:@ 2 + !;two:up add;get:@;", "name"),
        (COUNTER, "up:@ 2 + !;two:up;get:@;", "value"),
        (COUNTER, "up:@ 2 +;two:up up;get:@;", "stack"),
        (COUNTER, "up:@ 2 + !;two:up up;get:@ drop;", "stack"),
        (COUNTER, "up:@ 2 + !;two:two;get:@;", "limit"),
        (COUNTER, "up:@ 2 + !;two:up up;get:@ 0 /;", "zero"),
        (COUNTER, "up:@ 2 + !;two:up up;get:@", "form"),
        (COUNTER, "up:@ 2 + !;two:up up;get:@;get", "form"),
        (LIST, f"in:{PUT};out:take;len:size;", ""),
        (LIST, "in:put;out:take;len:size;", "value"),
        (LIST, f"in:{PUT.replace('3', '2')};out:take;len:size;", "value"),
        (LIST, f"in:{PUT.replace('3', '4')};out:take;len:size;", "value"),
        (LIST, "in:put size 3 > if take drop end;out:take;len:size;", ""),
        (LIST, f"in:{PUT};out:take drop 0;len:size;", "value"),
    ],
)
def test_what_is_wrong_with_a_class(prompt, program, fault):
    verdict = CLASSES.verify(prompt, program)
    assert verdict == (fault, fault != "form")


@pytest.mark.parametrize("world", [FUNCTIONS, CLASSES])
def test_tests_tell_another_number_apart(world):
    """Programs in which one number is larger by one; few of them do the same."""
    seen, same = 0, 0
    for d in world.make(np.random.default_rng(5), 1500):
        for found in re.finditer(r"[0-9]+", d.response):
            other = str(int(found[0]) + 1)
            text = d.response[: found.start()] + other + d.response[found.end() :]
            seen, same = seen + 1, same + world.verify(d.prompt, text).correct
    assert seen > 1000 and same / seen < 0.03  # 0.1 with too few inputs


def test_formulas_are_computed_as_python_does():
    worlds = FUNCTIONS.make(np.random.default_rng(6), 2000)
    texts = {d.prompt[:-1].split("=")[-1] for d in worlds if ")=" in d.prompt}
    plain = [t for t in texts if re.fullmatch(r"[ab0-9+\-*/%()]+", t)]
    assert len(plain) > 300
    for text in plain:
        for a, b in ((7, -3), (-10, 9), (0, 1)):
            expected = eval(text.replace("/", "//"), {"a": a, "b": b})
            assert computed(read_formula(text), {"a": a, "b": b}) == expected, text


def test_expected_results_do_not_come_from_the_interpreter():
    for module in (class_tasks, formulas, functions, tasks):
        tree = ast.parse(inspect.getsource(module))
        names = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert not any("language" in name or "interpreter" in name for name in names)


def test_each_method_is_called_and_what_can_be_seen_is_seen_last():
    for d in CLASSES.make(np.random.default_rng(3), 200):
        task = exercise(d.prompt)
        for test in task.tests:
            assert {call.method for call in test} == {*task.methods}
            assert test[-1].outputs
        assert len(task.tests) == 4


def test_levels_have_the_same_letters_and_skills_of_their_own():
    assert FUNCTIONS.letters == CLASSES.letters
    assert {*FUNCTIONS.skills}.isdisjoint(CLASSES.skills)
    assert {*CLASSES.faults} - {*FUNCTIONS.faults} == {"missing"}
    assert FUNCTIONS.skills["chain 1"] > FUNCTIONS.skills["call 1"]


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("largest", range(1, 7))
def test_the_longest_is_hardly_longer_than_needed(classes, largest):
    world = programs(largest=largest, exponent=0, classes=classes)
    made = world.make(np.random.default_rng(1), 2000)
    longest = max(len(d.prompt + d.response) + 1 for d in made)
    assert 0.75 * world.longest < longest <= world.longest


@pytest.mark.parametrize("largest", [0, 7])
def test_a_depth_that_cannot_be_had_is_refused(largest):
    with pytest.raises(DataError, match=f"^largest: {largest}; "):
        programs(largest=largest)
