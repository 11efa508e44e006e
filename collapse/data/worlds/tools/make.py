"""Documents about tools, drawn by the shares of functions, wordings and arguments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from collapse.data.worlds.tools.requests import Asked, Toolbox, prompt
from collapse.data.worlds.tools.schema import num_values, value_at
from collapse.data.worlds.tools.table import NONE, Tool
from collapse.data.worlds.world import Document, zipf

_GIVEN = 0.5  # chance that an optional argument is given
_CHOICES = 4  # of a document: whether a function fits, which one, kind, wording


def make(
    box: Toolbox, exponent: float, generator: np.random.Generator, num: int
) -> list[Document]:
    """`num` documents without fault."""
    most = max(len(tool.schema["properties"]) for tool in box.tools.values())
    uniform = generator.random((num, _CHOICES + 2 * most))
    ranks = _chosen(np.asarray(box.shares), uniform[:, 1])
    tools = list(box.tools.values())
    laws = {
        tool.name: zipf(len(tool.wordings), 0 if tool.name == NONE else exponent)
        for tool in tools
    }
    found = []
    for rank, row in zip(ranks, uniform, strict=True):
        tool = tools[rank]
        kind = "answer" if row[2] < box.answers.get(tool.name, 0) else "call"
        if row[0] < box.irrelevant:
            tool, kind = box.tools[NONE], "none"
        wording = int(_chosen(laws[tool.name], row[3:4])[0])
        found.append(_document(tool, kind, wording, row[_CHOICES:]))
    return found


def _chosen(shares: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Which of the shares each number between 0 and 1 falls into."""
    inner = np.cumsum(shares)[:-1]  # the last ends at 1, whatever the rounding
    return np.searchsorted(inner, uniform, side="right")


def _document(
    tool: Tool, kind: str, place: int, uniform: Sequence[float] | np.ndarray
) -> Document:
    wording = tool.wordings[place]
    arguments = dict(wording.fixed) or drawn(tool, uniform)
    asked = Asked(kind, tool, arguments)
    truth = {
        "skill": skill(asked),
        "kind": kind,
        "function": tool.name,
        "arguments": arguments,
        "wording": place,
        "right": asked.right,
    }
    return Document(prompt(asked, wording), asked.right, truth)


def drawn(tool: Tool, uniform: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """Arguments of a function: from two numbers between 0 and 1 for each."""
    found, required = {}, tool.schema["required"]
    for k, (name, rule) in enumerate(tool.schema["properties"].items()):
        if name in required or uniform[2 * k] < _GIVEN:
            found[name] = value_at(rule, int(uniform[2 * k + 1] * num_values(rule)))
    return found


def skill(asked: Asked) -> str:
    """The skill that a prompt asks for: `call add_cup`, `answer add_cup` or `none`."""
    return "none" if asked.kind == "none" else f"{asked.kind} {asked.tool.name}"
