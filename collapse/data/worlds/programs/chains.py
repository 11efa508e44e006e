"""Formulas that operate on one number again and again, and programs for them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Chain(NamedTuple):
    """A formula such as `(a+3)*b`: a start, to which operations are applied in order.

    Attributes:
      start: a variable, or a number if there are no operations.
      steps: the sign and the operand of each: a number, the start in the first one, or
        the other variable.
    """

    start: str
    steps: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The formula, with no more brackets than it needs."""
        text, is_sum = self.start, False
        for sign, operand in self.steps:
            if is_sum and sign not in "+-":
                text = f"({text})"
            text, is_sum = f"{text}{sign}{operand}", sign in "+-"
        return text

    def words(self, keep: bool = False) -> list[str]:
        """The program, for a stack with the start on top and the other variable below.

        Args:
          keep: whether the other variable stays below the result.
        """
        found = list[str]()
        uses = [k for k, (_, x) in enumerate(self.steps) if x.isalpha()]
        for k, (sign, operand) in enumerate(self.steps):
            if not operand.isalpha():
                found += [operand, sign]
            elif operand == self.start:
                found += ["dup", sign]
            elif keep or k != uses[-1]:
                found += ["over", sign]
            else:
                found += ["swap", sign] if sign == "-" else [sign]
        return found

    def program(self, stack: Sequence[str]) -> list[str]:
        """The program, for a stack with these variables, the topmost last.

        It leaves nothing but the result.
        """
        if not self.start.isalpha():
            return ["drop"] * len(stack) + [self.start]
        if len(stack) == 1:
            return self.words()
        uses_other = any(x.isalpha() and x != self.start for _, x in self.steps)
        words = self.words()
        if stack[-1] == self.start:
            return words if uses_other else ["swap", "drop", *words]
        if words and words[0] == "swap":
            return words[1:]  # two of them change nothing
        return ["swap" if uses_other else "drop", *words]


def draw_chain(
    generator: np.random.Generator,
    depth: int,
    start: str,
    other: str = "",
    must: bool = True,
    again: bool = False,
) -> Chain:
    """A random chain.

    Args:
      generator: of random numbers.
      depth: number of operations.
      start: the variable that it starts with.
      other: another variable that it may use; "" if there is none.
      must: whether the other variable is used at least once.
      again: whether the chain is applied to its own value. Then it has one product at
        most, so that numbers stay small, and no division.
    """
    steps = list[tuple[str, str]]()
    for k in range(depth):
        chance = generator.random()
        signs = [sign for sign, _ in steps]
        grows = "*" in signs or any(operand == start for _, operand in steps)
        product = "" if again and grows else "*"
        # a second division would hide what the first one gave
        division = "" if again or {"/", "%"} & {*signs} else "/%"
        used = any(operand == other for _, operand in steps)
        if other and (chance < 0.4 or (must and not used and k == depth - 1)):
            steps.append((_drawn(generator, f"+-{product}"), other))
        elif not k and chance > 0.8:
            steps.append((_drawn(generator, "+" if again else "+*"), start))
        else:
            sign = _drawn(generator, f"+-{product}{division}")
            low, high = (1, 100) if sign in "+-" else (2, 10)
            steps.append((sign, str(generator.integers(low, high))))
    return Chain(start, tuple(steps))


def _drawn(generator: np.random.Generator, letters: str) -> str:
    return letters[generator.integers(len(letters))]
