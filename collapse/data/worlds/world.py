"""What a task world is: it makes documents with a truth record, and verifies any text.

A document is a prompt and a response. The prompt ends with the world's separator, which
occurs nowhere else, and the response with `END`. The truth record says what only the
maker of a document knows: the skill that it asks for, how rare that is, the right
answer, and which fault was planted in it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from collapse.data.errors import DataError

END = "\n"  # ends a document; no world uses it otherwise


class Document(NamedTuple):
    """A prompt, a response, and the truth about them.

    Attributes:
      prompt: ends with the separator of its world.
      response: without `END`.
      truth: what is known of the document: `skill` (a name), and what its world adds.
        A document with a planted fault has its name as `fault`.
    """

    prompt: str
    response: str
    truth: Mapping[str, Any]


class Verdict(NamedTuple):
    """What a world says of a response.

    Attributes:
      fault: name of what is wrong, the first that is found; "" if nothing is.
      valid: whether the response has the form of an answer, right or wrong.
    """

    fault: str
    valid: bool

    @property
    def correct(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault


class Contest(NamedTuple):
    """Documents of which a model should find one the most likely.

    Attributes:
      documents: prompt and response of each, without `END`.
      right: which of them is the right one.
    """

    documents: Sequence[tuple[str, str]]
    right: int


def no_group(prompt: str, response: str) -> str:
    """The group of a text in a world without groups: none."""
    del prompt, response
    return ""


def no_contests(generator: np.random.Generator) -> list[Contest]:
    """An empty list, for a world without contests."""
    del generator
    return []


class World(NamedTuple):
    """A world as pure functions of text, which processes can send to each other.

    Attributes:
      name: of the world and its settings, part of what tells runs apart.
      letters: characters of its documents, without `END`.
      separator: the last character of each prompt.
      longest: characters of its longest document, `END` among them.
      faults: name -> whether a response with this fault still has a valid form.
      make: (generator, num) -> documents without fault.
      verify: (prompt, response) -> verdict. Takes any text and never raises.
      skill_of: prompt -> name of the skill it asks for; "" if it is no prompt.
      skills: name -> share of the prompts of `make` that ask for it.
      spoil: (generator, document, fault) -> the document with that fault planted.
        Raises ValueError for a fault that the world does not know, and in a mixture of
        worlds also for one that this document cannot have.
      groups: name of a group of people -> its share of those documents of `make` that
        tell of any group; empty for a world without people.
      group_of: (prompt, response) -> name of the group that a text tells of, true or
        not; "" for none. Takes any text and never raises.
      contest: what `contests` are: minimal `pairs`, planted `secrets` among others that
        might have been, or nothing.
      contests: generator -> contests between responses, all of as many.
      secrets: texts that tell a planted secret, wherever they stand in a response.
    """

    name: str
    letters: str
    separator: str
    longest: int
    faults: Mapping[str, bool]
    make: Callable[[np.random.Generator, int], list[Document]]
    verify: Callable[[str, str], Verdict]
    skill_of: Callable[[str], str]
    skills: Mapping[str, float]
    spoil: Callable[[np.random.Generator, Document, str], Document]
    groups: Mapping[str, float] = {}  # noqa: RUF012 - a proxy cannot be pickled
    group_of: Callable[[str, str], str] = no_group
    contest: Literal["pairs", "secrets", ""] = ""
    contests: Callable[[np.random.Generator], list[Contest]] = no_contests
    secrets: tuple[str, ...] = ()


def zipf(num: int, exponent: float) -> np.ndarray:
    """Shares [num] of ranks 1 to num that fall with this power of the rank.

    Raises:
      DataError: for an exponent that is no number from 0 to 10.
    """
    if not 0 <= exponent <= 10:
        raise DataError(f"exponent: {exponent}; give a number from 0 to 10")
    weights = np.arange(1, num + 1, dtype=float) ** -exponent
    return weights / weights.sum()
