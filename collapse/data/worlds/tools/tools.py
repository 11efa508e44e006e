"""Calls of functions with JSON Schemas; functions are used by a Zipf law.

`add cup, num 7>` is answered by `{"add_cup":{"num":7}}`, and
`add cup, num 7|{"add_cup":{"num":7}}|3>`, where the function has returned 3, by
`add cup: three`. No function fits `find cow>`: `{"none":{"word":"cow"}}`, so that every
response to a request is a call, and may be wrong in the same ways.
"""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from collapse.data.errors import DataError
from collapse.data.worlds.tools import calls
from collapse.data.worlds.tools.given import given_table
from collapse.data.worlds.tools.make import make, skill
from collapse.data.worlds.tools.requests import (
    SEPARATOR,
    Asked,
    Toolbox,
    phrases_of,
    read,
    request,
)
from collapse.data.worlds.tools.schema import Schema
from collapse.data.worlds.tools.spoil import plantable, spoil
from collapse.data.worlds.tools.table import (
    MOST_FUNCTIONS,
    NONE,
    Tool,
    as_tool,
    made_table,
    none_tool,
)
from collapse.data.worlds.tools.verify import verify
from collapse.data.worlds.world import World, zipf

_ANSWERS = 0.4  # share of the requests for a function that go on to the final answer
_MOST_SHOWN = 2  # parameters of a made function with such: documents stay short
_MARKS = '{}":,>|0123456789 truefalsenownot' + "".join(calls.DIGITS + calls.STATES)


def tools(
    largest: int = 24,
    exponent: float = 1.0,
    answers: bool = True,
    irrelevant: float = 0.05,
    table: Sequence[Mapping[str, Any]] | None = None,
    table_seed: int = 0,
) -> World:
    """The world of tool calls.

    Args:
      largest: number of functions; of no meaning with a table.
      exponent: of the law of functions and of the wordings of requests for them: share
        of rank k ~ k^-exponent.
      answers: whether some prompts show what a function returned and ask for the final
        answer in words; of functions that are made, those of one or two parameters.
      irrelevant: share of requests that no function fulfils.
      table: functions of the user's own, the most frequent first: dicts of a `name` and
        `parameters`, a JSON Schema of properties that are strings of an enum, integers
        between a minimum and a maximum, or booleans.
      table_seed: of the functions, if there is no table, and of their wordings.

    Raises:
      DataError: for numbers that cannot be had, and a table that contradicts itself.
    """
    if not 2 <= largest <= MOST_FUNCTIONS:
        raise DataError(
            f"largest: {largest}; tools has 2 to {MOST_FUNCTIONS} functions"
        )
    if not 0 <= irrelevant <= 0.5:
        raise DataError(f"irrelevant: {irrelevant}; give a share from 0 to 0.5")
    made = table is None
    functions = made_table(largest, table_seed) if table is None else given_table(table)
    box = _toolbox(functions, exponent, answers, irrelevant, table_seed, not made)
    origin = f"seed {table_seed}" + (not made) * f" table {_digest(functions)}"
    faults = plantable(box)
    return World(
        name=f"tools {len(functions)} {exponent:g} {irrelevant:g} {origin}"
        + " no answers" * (not answers),
        letters=_letters(box),
        separator=SEPARATOR,
        longest=box.longest,
        faults=faults,
        make=functools.partial(make, box, exponent),
        verify=functools.partial(verify, box),
        skill_of=functools.partial(_skill_of, box),
        skills=_skills(box),
        spoil=functools.partial(spoil, box),
    )


def _toolbox(
    functions: Sequence[dict[str, Any]],
    exponent: float,
    answers: bool,
    irrelevant: float,
    seed: int,
    given: bool,
) -> Toolbox:
    """The functions with wordings, and `none` if there are requests for it."""
    own = [
        as_tool(np.random.default_rng([seed, place]), function)
        for place, function in enumerate(functions)
    ]
    taken = {wording.phrase for tool in own for wording in tool.wordings}
    every = [*own, none_tool(taken)] if irrelevant else own
    shares = [float(share) for share in zipf(len(own), exponent)]
    shown = [
        tool.name
        for tool in own
        if answers and (given or len(tool.schema["properties"]) <= _MOST_SHOWN)
    ]
    return Toolbox(
        tools={tool.name: tool for tool in every},
        shares=shares,
        answers=dict.fromkeys(shown, _ANSWERS),
        irrelevant=irrelevant,
        phrases=phrases_of(every),
        longest=max(_longest(tool, tool.name in shown) for tool in every),
    )


def _longest(tool: Tool, answers: bool) -> int:
    """Characters of the longest document about a function, its end included."""
    found = 0
    properties = tool.schema["properties"]
    for wording in tool.wordings:
        arguments = {name: _longest_of(rule) for name, rule in properties.items()}
        asked = Asked("call", tool, arguments | dict(wording.fixed))
        told = len(request(tool, wording, asked.arguments)) + len(asked.call) + 2
        after = 0
        if answers:
            after = 2 + max(
                len(x) + len(calls.answer(tool, x)) for x in calls.results(tool)
            )
        found = max(found, told + after)
    return found


def _longest_of(rule: Schema) -> Any:
    """The value that takes most characters."""
    if rule["type"] == "integer":
        return max(rule["minimum"], rule["maximum"], key=lambda x: len(str(x)))
    return max(rule["enum"], key=len) if "enum" in rule else False


def _letters(box: Toolbox) -> str:
    """Every character of documents and of planted faults."""
    found = {*_MARKS}
    for tool in box.tools.values():
        found |= {*tool.name}.union(*(wording.phrase for wording in tool.wordings))
        for name, rule in tool.schema["properties"].items():
            found |= {*name}.union(*rule.get("enum", ()))
            found |= {*str(rule.get("minimum", ""))}
    return "".join(sorted(found))


def _skill_of(box: Toolbox, prompt: str) -> str:
    """The skill that a prompt asks for; "" if the text is none."""
    asked = read(box, prompt)
    return "" if asked is None else skill(asked)


def _skills(box: Toolbox) -> dict[str, float]:
    """The share of each skill."""
    own = [name for name in box.tools if name != NONE]
    found = {}
    for name, share in zip(own, box.shares, strict=True):
        fits, part = (1 - box.irrelevant) * share, box.answers.get(name, 0)
        found[f"call {name}"] = fits * (1 - part)
        if part:
            found[f"answer {name}"] = fits * part
    return found | ({"none": box.irrelevant} if box.irrelevant else {})


def _digest(functions: Sequence[dict[str, Any]]) -> str:
    """Eight digits that tell tables apart."""
    return hashlib.sha256(json.dumps(functions).encode()).hexdigest()[:8]
