"""Tasks: what a prompt asks for, as calls whose results are known."""

import hashlib
from typing import NamedTuple

import numpy as np

SEPARATOR = "|"


class Call(NamedTuple):
    """A call in a test.

    Attributes:
      method: name of it; "" is the main part of a program.
      inputs: on the stack, the topmost last.
      outputs: what has to be on the stack afterwards.
    """

    method: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Exercise(NamedTuple):
    """What a prompt asks for.

    Attributes:
      family: of its template.
      depth: how large it is: operations of a function, methods of a class.
      methods: names of the methods of a class; none for a function.
      tests: each a sequence of calls that share a memory.
    """

    family: str
    depth: int
    methods: tuple[str, ...]
    tests: tuple[tuple[Call, ...], ...]

    @property
    def skill(self) -> str:
        """Family and depth."""
        return f"{self.family} {self.depth}"


def inputs_of(text: str) -> np.random.Generator:
    """A generator of the inputs of tests, always the same for a prompt."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return np.random.default_rng(list(digest[:16]))
