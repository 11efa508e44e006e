"""The interpreter of the stack language: bounded, whatever the program."""

from collections.abc import Sequence
from typing import NamedTuple

from collapse.data.worlds.programs.language import (
    ARITHMETIC,
    COMPARISONS,
    Code,
    Instruction,
    read,
)

STEPS = 1000  # instructions of a run
DEPTH = 64  # values on the stack, or in the list; loops and calls within each other
SIZE = 10**9  # numbers are smaller than that, without their sign


class Memory(NamedTuple):
    """What runs of the same program share.

    Attributes:
      cell: a number.
      kept: the list.
    """

    cell: int = 0
    kept: tuple[int, ...] = ()


class Outcome(NamedTuple):
    """What a run gave.

    Attributes:
      error: "" if the run came to its end; otherwise `form` (no program), `name` (an
        unknown word), `stack` (underflow), `limit` (too many steps or values, or too
        large ones) or `zero` (division by zero).
      values: left on the stack, the topmost last; none after an error.
      memory: after the run; that of before after an error.
    """

    error: str
    values: tuple[int, ...]
    memory: Memory


_EMPTY = Memory()


class _Stopped(Exception):
    """A run cannot go on; its argument says why."""


def execute(text: str, inputs: Sequence[int] = (), memory: Memory = _EMPTY) -> Outcome:
    """The outcome of the main part of any text that may be a program.

    Args:
      text: the program.
      inputs: on the stack at the start, the topmost last.
      memory: at the start.
    """
    code = read(text)
    return (
        Outcome("form", (), memory) if code is None else run(code, "", inputs, memory)
    )


def run(code: Code, name: str, inputs: Sequence[int], memory: Memory) -> Outcome:
    """The outcome of one definition of a program; `execute` takes text.

    Args:
      code: the program.
      name: of the definition; "" is the main part.
      inputs: on the stack at the start.
      memory: at the start.
    """
    machine = _Machine(list(inputs), memory)
    try:
        machine.run(code, name)
    except _Stopped as stopped:
        return Outcome(str(stopped), (), memory)
    return Outcome("", tuple(machine.stack), Memory(machine.cell, tuple(machine.kept)))


class _Machine:
    """The state of a run: the stack, the memory, and where calls and loops are."""

    def __init__(self, stack: list[int], memory: Memory) -> None:
        self.stack = stack
        self.cell, self.kept = memory.cell, list(memory.kept)
        self.control = list[int]()  # where calls return to, how often loops still run

    def run(self, code: Code, name: str) -> None:
        """Run a definition to its end.

        Raises:
          _Stopped: with the kind of the error.
        """
        if name not in code.entries:
            raise _Stopped("name")
        place = code.entries[name]
        for _ in range(STEPS):
            one = code.instructions[place]
            place += 1
            if one.word == "return":
                if not self.control:
                    return
                place = self.control.pop()
            elif one.word == "call":
                if one.name not in code.entries:
                    raise _Stopped("name")
                self.enter(place)
                place = code.entries[one.name]
            elif one.word in ("if", "times", "again", "jump"):
                place = self.branched(one, place)
            else:
                self.do(one)
        raise _Stopped("limit")

    def branched(self, one: Instruction, place: int) -> int:
        """Where a conditional or a loop goes on."""
        if one.word == "jump" or (one.word == "if" and not self.pop()):
            return one.number
        if one.word == "times":
            count = self.pop()
            if count <= 0:
                return one.number
            self.enter(count)
        elif one.word == "again":
            self.control[-1] -= 1
            if self.control[-1]:
                return one.number
            self.control.pop()
        return place

    def enter(self, number: int) -> None:
        """Begin a call or a loop."""
        if len(self.control) >= DEPTH:
            raise _Stopped("limit")
        self.control.append(number)

    def pop(self) -> int:
        """The topmost value, taken from the stack."""
        if not self.stack:
            raise _Stopped("stack")
        return self.stack.pop()

    def push(self, *values: int) -> None:
        """Put values on the stack."""
        self.stack += values
        if len(self.stack) > DEPTH or any(abs(x) >= SIZE for x in values):
            raise _Stopped("limit")

    def do(self, one: Instruction) -> None:
        """Do what a word says that neither calls nor branches."""
        word = one.word
        if word == "push":
            self.push(one.number)
        elif word in ARITHMETIC or word in COMPARISONS:
            right, left = self.pop(), self.pop()
            self.push(_computed(word, left, right))
        elif word in ("@", "!", "put", "take", "size"):
            self.remember(word)
        else:
            top = self.pop()
            if word == "dup":
                self.push(top, top)
            elif word != "drop":  # swap, over
                second = self.pop()
                self.push(*((top, second) if word == "swap" else (second, top, second)))

    def remember(self, word: str) -> None:
        """Read or change the memory."""
        if word == "@":
            self.push(self.cell)
        elif word == "!":
            self.cell = self.pop()
        elif word == "size":
            self.push(len(self.kept))
        elif word == "take":
            self.push(self.kept.pop() if self.kept else 0)
        else:
            if len(self.kept) >= DEPTH:
                raise _Stopped("limit")
            self.kept.append(self.pop())


def _computed(word: str, left: int, right: int) -> int:
    if word in COMPARISONS:
        return int({"<": left < right, ">": left > right, "=": left == right}[word])
    if word in "/%":
        if not right:
            raise _Stopped("zero")
        return left // right if word == "/" else left % right
    return {"+": left + right, "-": left - right, "*": left * right}[word]
