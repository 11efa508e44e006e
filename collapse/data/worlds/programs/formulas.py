"""Formulas such as `(a+3)*b`: read from text and computed, without the interpreter."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_TOKEN = re.compile(r"[0-9]{1,2}|[a-z]|[-+*/%<>=()]", re.ASCII)
_DIVISION = re.compile(r"[/%](?![1-9])", re.ASCII)  # by what may be 0
_LONGEST = 60  # characters of a formula
_MOST_NESTED = 8
TOO_LARGE = 10**8  # less than what programs can compute with
_RANKS = {"<": 0, ">": 0, "=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


class Formula(NamedTuple):
    """A formula as a tree.

    Attributes:
      head: an operator, the name of a variable or of a function, or a number.
      parts: that an operator joins, or the argument of a function.
    """

    head: str
    parts: tuple["Formula", ...] = ()

    @property
    def operations(self) -> int:
        """How many operators it has."""
        return (len(self.parts) == 2) + sum(part.operations for part in self.parts)

    def names(self) -> set[str]:
        """The variables that it uses, and the functions, these as `g()`."""
        own = set[str]()
        if self.head.isalpha():
            own.add(f"{self.head}()" if self.parts else self.head)
        return own.union(*(part.names() for part in self.parts))


def read_formula(text: str) -> Formula | None:
    """The formula that a text is; None if it is none."""
    tokens = _TOKEN.findall(text) if len(text) <= _LONGEST else []
    if not tokens or "".join(tokens) != text:
        return None
    if _DIVISION.search(text):
        return None
    reader = _Reader(tokens)
    try:
        found = reader.joined(0, 0)
    except ValueError:
        return None
    return None if reader.left else found


class _Reader:
    """Tokens of a formula, read from the left."""

    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens[::-1]

    def next_is(self, *tokens: str) -> bool:
        return bool(self.left) and self.left[-1] in tokens

    def joined(self, rank: int, nested: int) -> Formula:
        """What operators of this rank and of higher ones join, from the left.

        Raises:
          ValueError: if it is no formula.
        """
        if rank > max(_RANKS.values()):
            return self.single(nested)
        found = self.joined(rank + 1, nested)
        while self.next_is(*(sign for sign, own in _RANKS.items() if own == rank)):
            sign = self.left.pop()
            found = Formula(sign, (found, self.joined(rank + 1, nested)))
        return found

    def single(self, nested: int) -> Formula:
        """A number, a variable, a function of something, or what brackets hold."""
        if not self.left or nested > _MOST_NESTED:
            raise ValueError("no formula")
        head = self.left.pop()
        if head.isdigit() or (head.isalpha() and not self.next_is("(")):
            return Formula(head)
        if head.isalpha():
            self.left.pop()
        elif head != "(":
            raise ValueError("no formula")
        inside = self.joined(0, nested + 1)
        if not self.next_is(")"):
            raise ValueError("no formula")
        self.left.pop()
        return Formula(head, (inside,)) if head.isalpha() else inside


def computed(
    formula: Formula,
    values: Mapping[str, int],
    functions: Mapping[str, Callable[[int], int]] | None = None,
) -> int:
    """The value of a formula.

    Args:
      formula: with variables of `values` alone.
      values: of the variables.
      functions: that it may use.

    Raises:
      OverflowError: if a number gets as large as `TOO_LARGE`.
    """
    parts = [computed(part, values, functions) for part in formula.parts]
    head = formula.head
    if len(parts) == 2:
        found = _joined(head, *parts)
    elif parts:
        found = (functions or {})[head](parts[0])
    else:
        found = int(head) if head.isdigit() else values[head]
    if abs(found) >= TOO_LARGE:
        raise OverflowError(f"{found} is too large")
    return found


def _joined(sign: str, x: int, y: int) -> int:
    match sign:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case "/":
            return x // y
        case "%":
            return x % y
        case "<":
            return int(x < y)
        case ">":
            return int(x > y)
    return int(x == y)
