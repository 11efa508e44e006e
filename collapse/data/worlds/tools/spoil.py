"""Planted faults: what a model that errs would respond."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from collapse.data.worlds.tools import calls
from collapse.data.worlds.tools.make import drawn
from collapse.data.worlds.tools.requests import Asked, Toolbox, read
from collapse.data.worlds.tools.schema import (
    Schema,
    completed,
    num_values,
    place_of,
    value_at,
)
from collapse.data.worlds.tools.table import Tool
from collapse.data.worlds.tools.verify import FAULTS
from collapse.data.worlds.world import Document

_Of = Callable[[Tool], bool]


def plantable(box: Toolbox) -> dict[str, bool]:
    """The faults that can be planted into documents about these functions."""
    tools = box.tools.values()
    absent = set[str]() if box.answers else {"answer"}
    for fault, able in _ABLE.items():
        if not any(able(tool) for tool in tools):
            absent.add(fault)
    return {fault: valid for fault, valid in FAULTS.items() if fault not in absent}


def spoil(
    box: Toolbox, generator: np.random.Generator, document: Document, fault: str
) -> Document:
    """The document with a fault.

    A fault that arguments of the function that is asked for cannot have is planted as
    a call of another one that can.

    Raises:
      ValueError: for a fault that is not one of this world.
    """
    asked = read(box, document.prompt)
    if asked is None or fault not in plantable(box):
        raise ValueError(f"fault {fault!r} cannot be planted in {document.prompt!r}")
    truth = {**document.truth, "fault": fault}
    return document._replace(response=_wrong(box, generator, asked, fault), truth=truth)


def _wrong(
    box: Toolbox, generator: np.random.Generator, asked: Asked, fault: str
) -> str:
    """A response with this fault."""
    if fault == "form":
        return _broken(generator, asked.right)
    if fault == "answer":
        return _wrong_answer(generator, asked)
    tool, arguments = asked.tool, dict(asked.arguments)
    if fault == "name":
        return calls.call(_misspelt(generator, tool.name, box.tools), arguments)
    able = _ABLE.get(fault, lambda _: True)
    if fault == "other" or not able(tool):
        fit = [x for x in box.tools.values() if able(x) and x.name != tool.name]
        tool = fit[generator.integers(len(fit))]
        arguments = drawn(tool, generator.random(2 * len(tool.schema["properties"])))
    if fault in _CHANGES:
        arguments |= _CHANGES[fault](generator, tool, arguments)
    if fault == "missing":
        del arguments[str(generator.choice(tool.schema["required"]))]
    order = [*tool.schema["properties"], *arguments]
    return calls.call(tool.name, {k: arguments[k] for k in order if k in arguments})


def _broken(generator: np.random.Generator, text: str) -> str:
    """The text without one of its marks; no JSON and no answer is left."""
    positions = [k for k, letter in enumerate(text) if letter in '{}":']
    k = positions[generator.integers(len(positions))]
    return text[:k] + text[k + 1 :]


def _wrong_answer(generator: np.random.Generator, asked: Asked) -> str:
    """Another final answer, or one where a call was asked for."""
    every = [calls.answer(asked.tool, x) for x in calls.results(asked.tool)]
    wrong = [text for text in every if text != asked.right]
    return wrong[generator.integers(len(wrong))]


def _misspelt(generator: np.random.Generator, word: str, known: Collection[str]) -> str:
    """The word with letters doubled until it is not known."""
    while word in known:
        k = int(generator.integers(len(word)))
        if word[k] != "_":
            word = word[:k] + word[k] + word[k:]
    return word


def _unknown(
    generator: np.random.Generator, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    """An argument that the schema lacks."""
    properties = tool.schema["properties"]
    name = str(generator.choice(list(properties)))
    value = arguments.get(name, value_at(properties[name], 0))
    return {_misspelt(generator, name, properties): value}


def _of_other_type(
    generator: np.random.Generator, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    """An argument with a value of another type."""
    properties = tool.schema["properties"]
    name = str(generator.choice(list(arguments or properties)))
    rule = properties[name]
    value = arguments.get(name, value_at(rule, 0))
    if rule["type"] == "string":
        return {name: place_of(rule, value)}
    return {name: str(value).lower()}


def _out_of_range(
    generator: np.random.Generator, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    """An argument of the right type, outside bounds or enum."""
    del arguments
    properties = tool.schema["properties"]
    name = str(generator.choice([k for k in properties if _is_bounded(properties[k])]))
    rule = properties[name]
    if rule["type"] == "integer":
        return {name: int(rule["maximum"] + generator.integers(1, 10))}
    word = str(generator.choice(rule["enum"]))
    return {name: _misspelt(generator, word, rule["enum"])}


def _other_value(
    generator: np.random.Generator, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    """An argument with another value than was asked for."""
    properties = tool.schema["properties"]
    names = [name for name, rule in properties.items() if num_values(rule) > 1]
    name = str(generator.choice(names))
    rule, full = properties[name], completed(tool.schema, arguments)
    num = num_values(rule)
    if name not in full:
        return {name: value_at(rule, int(generator.integers(num)))}
    place = place_of(rule, full[name]) + int(generator.integers(1, num))
    return {name: value_at(rule, place % num)}


def _is_bounded(rule: Schema) -> bool:
    return rule["type"] != "boolean"


_CHANGES = {
    "unknown": _unknown,
    "type": _of_other_type,
    "range": _out_of_range,
    "value": _other_value,
}
# fault -> whether a call of a function can have it, where not all can
_ABLE: dict[str, _Of] = {
    "missing": lambda tool: bool(tool.schema["required"]),
    "range": lambda tool: any(map(_is_bounded, tool.schema["properties"].values())),
}
