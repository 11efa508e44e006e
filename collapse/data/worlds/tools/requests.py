"""Prompts: a request in words, or a request with its call and what that returned.

Each is written from a wording and read back: a text is a prompt only if what was read
from it is written as the same text.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from collapse.data.errors import DataError
from collapse.data.worlds.tools import calls
from collapse.data.worlds.tools.schema import Arguments, Schema
from collapse.data.worlds.tools.table import Tool, Wording

SEPARATOR = ">"
_BETWEEN = "|"  # request, call and result
_NOW = "now "
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,9}", re.ASCII)


class Asked(NamedTuple):
    """What a prompt asks for.

    Attributes:
      kind: call or answer; none for a call that says that no function fits.
      tool: that is to be called, or was called.
      arguments: of the call, in the order of the schema, without those left out.
    """

    kind: str
    tool: Tool
    arguments: Arguments

    @property
    def call(self) -> str:
        """The call as compact JSON."""
        return calls.call(self.tool.name, self.arguments)

    @property
    def right(self) -> str:
        """The right response."""
        if self.kind != "answer":
            return self.call
        return calls.answer(self.tool, calls.result(self.tool, self.arguments))


class Toolbox(NamedTuple):
    """The functions of a world, and what is asked of them how often.

    Attributes:
      tools: name -> function, the most frequent first; the last may be `none`.
      shares: of the functions, without `none`.
      answers: function -> share of the requests for it that go on to the final answer.
      irrelevant: share of the requests that no function fulfils.
      phrases: of requests, with what stands around them -> function and wording.
      longest: characters of the longest document, its end included.
    """

    tools: Mapping[str, Tool]
    shares: Sequence[float]
    answers: Mapping[str, float]
    irrelevant: float
    phrases: Mapping[str, tuple[Tool, Wording]]
    longest: int


def phrases_of(tools: Sequence[Tool]) -> dict[str, tuple[Tool, Wording]]:
    """Phrase of a request, as it is marked in it -> function and wording.

    Raises:
      DataError: if requests for two functions would read the same.
    """
    found: dict[str, tuple[Tool, Wording]] = {}
    for tool in tools:
        for wording in tool.wordings:
            other, _ = found.setdefault(_marked(wording), (tool, wording))
            if other.name != tool.name:
                raise DataError(
                    f"functions: requests for {other.name} and {tool.name} read the "
                    f"same, {wording.phrase!r}; rename one of them"
                )
    return found


def _marked(wording: Wording) -> str:
    """The phrase as it stands in a request; ": " tells those that come last."""
    mark = {"plain": "", "now": _NOW, "last": ": "}[wording.frame]
    return f"{mark}{wording.phrase}"


def request(tool: Tool, wording: Wording, arguments: Arguments) -> str:
    """A request in words: `add cup, num 7`, `now put cup, num 7`, `num 7: add cup`."""
    properties = tool.schema["properties"]
    told = [
        _mention(name, properties[name], value)
        for name, value in arguments.items()
        if name not in wording.fixed
    ]
    if wording.frame == "last":
        return f"{', '.join(told)}{_marked(wording)}"
    return ", ".join([_marked(wording), *told])


def _mention(name: str, rule: Schema, value: Any) -> str:
    """How a request tells an argument: `num 7`, `hue red`, `big` or `not big`."""
    if rule["type"] == "boolean":
        return name if value else f"not {name}"
    return f"{name} {value}"


def prompt(asked: Asked, wording: Wording) -> str:
    """The prompt for what is asked."""
    words = request(asked.tool, wording, asked.arguments)
    if asked.kind == "answer":
        returned = calls.result(asked.tool, asked.arguments)
        words = _BETWEEN.join([words, asked.call, returned])
    return f"{words}{SEPARATOR}"


def read(box: Toolbox, text: str) -> Asked | None:
    """What a prompt asks for; None if the text is no prompt of the world."""
    if len(text) > box.longest or not text.endswith(SEPARATOR):
        return None
    words, between, _ = text[: -len(SEPARATOR)].partition(_BETWEEN)
    told, last, end = words.partition(": ")
    head, *mentions = told.split(", ")
    if last:
        mentions = [head, *mentions] if told else []
    found = box.phrases.get(f": {end}" if last else head)
    if found is None or (between and found[0].name not in box.answers):
        return None
    tool, wording = found
    given = dict(wording.fixed)
    for mention in mentions:
        if (pair := _mentioned(tool.schema["properties"], mention)) is None:
            return None
        given[pair[0]] = pair[1]
    if any(name not in given for name in tool.schema["required"]):
        return None
    ordered = {name: given[name] for name in tool.schema["properties"] if name in given}
    kind = "answer" if between else "none" if wording.fixed else "call"
    asked = Asked(kind, tool, ordered)
    return asked if prompt(asked, wording) == text else None


def _mentioned(properties: Mapping[str, Schema], text: str) -> tuple[str, Any] | None:
    """Name and value of an argument that a request tells; None if it tells none."""
    first, space, word = text.partition(" ")
    if first == "not" or not space:
        name = word if space else first
        switch = properties.get(name, {"type": ""})["type"] == "boolean"
        return (name, not space) if switch else None
    rule = properties.get(first, {"type": ""})
    if rule["type"] == "string":
        return (first, word) if word in rule["enum"] else None
    if rule["type"] == "integer" and _INTEGER.fullmatch(word):
        number = int(word)
        return (first, number) if rule["minimum"] <= number <= rule["maximum"] else None
    return None
