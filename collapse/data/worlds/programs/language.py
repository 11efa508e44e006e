"""The stack language: text read into instructions.

A program is words with spaces between them, after definitions that end with `;`:
`g:2 * 1 +;swap g +` defines `g` and then uses it. Words work on a stack of integers.

* integers: push themselves; `+ - * / %`: of the two topmost (`/` rounds down)
* `dup swap over drop`: copy the topmost, exchange the two topmost, copy the second, and
  remove the topmost
* `< > =`: push 1 if it holds for the two topmost, and 0 if not
* `if A else B end`, `if A end`: take the topmost, and run A unless it is 0
* `times A end`: takes the topmost, and runs A so often
* `@` and `!`: push the cell of the memory, and set it to the topmost
* `put take size`: move the topmost onto the list of the memory, move the last of the
  list back (0 if there is none), and push the length of the list
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

LONGEST = 2000  # characters of a program that is read at all
ARITHMETIC = ("+", "-", "*", "/", "%")
COMPARISONS = ("<", ">", "=")
STACK = ("dup", "swap", "over", "drop")
MEMORY = ("@", "!", "put", "take", "size")
CONTROL = ("if", "else", "times", "end")
RESERVED = frozenset((*ARITHMETIC, *COMPARISONS, *STACK, *MEMORY, *CONTROL))
_MOST_NESTED = 16
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_NAME = re.compile(r"[a-z]{1,8}", re.ASCII)


class Instruction(NamedTuple):
    """One step of a program.

    Attributes:
      word: what to do: a word of the language, or `push`, `call`, `return`, `jump`
        (after the first part of a conditional) or `again` (at the end of a loop).
      number: to push, or of the instruction to go on with.
      name: that is called.
    """

    word: str
    number: int = 0
    name: str = ""


class Code(NamedTuple):
    """A program that was read.

    Attributes:
      instructions: of all definitions, each of which ends with `return`.
      entries: name of each definition -> its first instruction; "" is the main part.
      empty: whether there is no main part.
      unknown: names that are called but defined nowhere.
    """

    instructions: tuple[Instruction, ...]
    entries: Mapping[str, int]
    empty: bool
    unknown: tuple[str, ...]


def read(text: str) -> Code | None:
    """The program that a text is; None if it is none."""
    if len(text) > LONGEST or not text:
        return None
    *definitions, main = text.split(";")
    parts = [definition.partition(":") for definition in definitions]
    if not all(colon and _is_new_name(name) for name, colon, _ in parts):
        return None
    found, entries = list[Instruction](), dict[str, int]()
    for name, _, words in (*parts, ("", "", main)):
        body = _body([w for w in words.split(" ") if w], len(found))
        if body is None or name in entries:
            return None
        entries[name] = len(found)
        found += body
    called = {one.name for one in found if one.word == "call"}
    unknown = tuple(sorted(called - {*entries}))
    return Code(tuple(found), entries, not main.strip(" "), unknown)


def _is_new_name(text: str) -> bool:
    return text not in RESERVED and _NAME.fullmatch(text) is not None


def _body(words: list[str], start: int) -> list[Instruction] | None:
    """The instructions of a definition, of which the first has the number `start`."""
    found = list[Instruction]()
    opened = list[int]()  # positions of an if, else or times that has no end yet
    for word in words:
        here = len(found)
        if word in ("if", "times"):
            opened.append(here)
            found.append(Instruction(word))
        elif word == "else":
            if not opened or found[opened[-1]].word != "if":
                return None
            found.append(Instruction("jump"))
            found[opened[-1]] = Instruction("if", start + here + 1)
            opened[-1] = here
        elif word == "end":
            if not opened:
                return None
            begin = opened.pop()
            if found[begin].word == "times":
                found.append(Instruction("again", start + begin + 1))
            found[begin] = found[begin]._replace(number=start + len(found))
        elif word in RESERVED:
            found.append(Instruction(word))
        elif _NUMBER.fullmatch(word):
            found.append(Instruction("push", int(word)))
        elif _NAME.fullmatch(word):
            found.append(Instruction("call", name=word))
        else:
            return None
        if len(opened) > _MOST_NESTED:
            return None
    return None if opened else [*found, Instruction("return")]
