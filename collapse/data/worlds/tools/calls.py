"""Calls as JSON, what functions return, and final answers in words."""

import json
import zlib
from typing import Any

from collapse.data.worlds.tools.schema import Arguments, completed, place_of
from collapse.data.worlds.tools.table import Tool

_LONGEST = 10_000  # characters of a response that is read at all
_MOST_OPENINGS = 64  # brackets: nested ones could exhaust the stack of the reader
DIGITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)
STATES = ("ok", "full", "late", "lost", "new")


def call(name: str, arguments: Arguments) -> str:
    """A call as compact JSON: `{"add_cup":{"num":7}}`."""
    return json.dumps({name: dict(arguments)}, separators=(",", ":"))


def parsed_call(text: str) -> tuple[str, dict[str, Any]] | None:
    """Name and arguments of a call; None for any text that is not one.

    Whatever the text, neither much time nor a deep stack is needed.
    """
    if len(text) > _LONGEST or text.count("{") + text.count("[") > _MOST_OPENINGS:
        return None
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except ValueError:
        return None
    if not isinstance(found, dict) or len(found) != 1:
        return None
    name, arguments = next(iter(found.items()))
    return (name, arguments) if isinstance(arguments, dict) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("two members have the same name")
    return found


def _constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON, although Python reads it")


def result(tool: Tool, arguments: Arguments) -> str:
    """What a function returns: a digit, or the word of a state.

    It is found from the sum of the positions of the arguments among their values.
    """
    properties = tool.schema["properties"]
    full = completed(tool.schema, arguments)
    total = sum(place_of(properties[name], value) for name, value in full.items())
    return STATES[total % len(STATES)] if _is_state(tool) else str(total % 10)


def results(tool: Tool) -> list[str]:
    """Everything that a function can return."""
    return list(STATES) if _is_state(tool) else [str(digit) for digit in range(10)]


def _is_state(tool: Tool) -> bool:
    return zlib.crc32(tool.name.encode()) % 2 == 1


def answer(tool: Tool, returned: str) -> str:
    """The final answer in words: `add cup: seven`."""
    word = DIGITS[int(returned)] if returned.isdigit() else returned
    return f"{tool.words}: {word}"
