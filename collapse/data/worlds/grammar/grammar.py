"""Beginnings of sentences, completed by whatever the grammar allows.

`the dog near the cats|` is completed by `barks.`, `the girl near no boys hurts|` by
`herself.` and `no king agrees|` by `either.`. Any completion is right that makes a
sentence of the language.
"""

import functools
import re
from collections.abc import Collection, Mapping

import numpy as np

from collapse.data.errors import DataError
from collapse.data.worlds.grammar.lexicon import LEXICON
from collapse.data.worlds.grammar.make import longest_sentence
from collapse.data.worlds.grammar.pairs import contests
from collapse.data.worlds.grammar.parser import Reading, read_words
from collapse.data.worlds.grammar.sentences import SEPARATOR, sentences, skill_shares
from collapse.data.worlds.grammar.spoil import spoil
from collapse.data.worlds.world import Document, Verdict, World

MOST_DISTRACTORS = 6
# name -> whether a response with it still makes something like a sentence; in the order
# in which they are looked for, but of the last three the first in the sentence counts
FAULTS = {
    "form": False,
    "word": False,
    "incomplete": False,
    "agreement": True,
    "anaphora": True,
    "licensing": True,
}
_LONGEST = 500  # characters that are read at all
_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*", re.ASCII)


def grammar(largest: int = 2, exponent: float = 1.0) -> World:
    """The world of sentences.

    Args:
      largest: nouns between a subject and what must agree with it, at most.
      exponent: of the laws of rules, of the number of such nouns, and of the words of
        each class: share of rank k ~ k^-exponent.

    Raises:
      DataError: for a number of nouns that cannot be had.
    """
    if not 0 <= largest <= MOST_DISTRACTORS:
        raise DataError(
            f"largest: {largest}; sentences have 0 to {MOST_DISTRACTORS} nouns between "
            "subject and verb"
        )
    skills = skill_shares(largest, exponent)
    return World(
        name=f"grammar {largest} {exponent:g}",
        letters="".join(sorted({*"".join(LEXICON), *" .|"})),
        separator=SEPARATOR,
        longest=longest_sentence(largest),
        faults=FAULTS,
        make=functools.partial(_make, skills, largest, exponent),
        verify=functools.partial(verify, skills),
        skill_of=functools.partial(skill_of, skills),
        skills=skills,
        spoil=functools.partial(spoil, functools.partial(verify, skills), FAULTS),
        contest="pairs",
        contests=functools.partial(contests, largest, exponent),
    )


def _make(
    skills: Mapping[str, float],
    largest: int,
    exponent: float,
    generator: np.random.Generator,
    num: int,
) -> list[Document]:
    """`num` documents without fault."""
    names, shares = list(skills), list(skills.values())
    drawn = [names[k] for k in generator.choice(len(names), num, p=shares)]
    return sentences(drawn, largest, exponent, generator)


def skill_of(skills: Collection[str], prompt: str) -> str:
    """The rule that decides how a prompt goes on; "" if the text is no prompt."""
    reading = _reading(prompt)
    return reading.skill if reading is not None and reading.skill in skills else ""


def verify(skills: Collection[str], prompt: str, response: str) -> Verdict:
    """The verdict on a response; of a text that is no prompt nothing is right."""
    reading = _reading(prompt) if skill_of(skills, prompt) else None
    words = _words(response.removesuffix(".")) if response != "." else []
    if reading is None or words is None or not response.endswith("."):
        return Verdict("form", False)
    reading, broken = read_words(words, reading)
    fault = broken if broken == "word" or reading.complete else "incomplete"
    return Verdict(fault, FAULTS[fault] if fault else True)


def _reading(prompt: str) -> Reading | None:
    """How the parser has read a prompt; None if it is no beginning of a sentence."""
    words = _words(prompt[:-1]) if prompt[-1:] == SEPARATOR else None
    if words is None:
        return None
    reading, broken = read_words(words)
    return None if broken else reading


def _words(text: str) -> list[str] | None:
    """The words of a text; None if it has anything else."""
    if len(text) > _LONGEST or not _WORDS.fullmatch(text):
        return None
    words = text.split(" ")
    return words if all(word in LEXICON for word in words) else None
