"""Sentences at random, each cut where a rule decides how it goes on."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from collapse.data.worlds.grammar.lexicon import (
    FORMS,
    LEXICON,
    NOUNS,
    PREPOSITIONS,
    REFLEXIVES,
)
from collapse.data.worlds.grammar.parser import read_words
from collapse.data.worlds.world import zipf

_NO = 0.4  # share of subjects of sentences with `no`
_NO_OTHER = 0.2  # of other noun phrases
_PLURAL = 0.45
_RELATIVE = 0.4  # of the subjects that have room for a relative clause
_NESTED = 0.25  # of agreement: the subject of a relative clause is asked about
_EVER = 0.5  # of the subjects that allow it
_AND = 0.1  # of verb phrases
_KINDS = {"alone": 0.55, "object": 0.15, "self": 0.15, "also": 0.15}


class Writer(NamedTuple):
    """A source of random sentences.

    Attributes:
      exponent: of the law of words.
      generator: of random numbers.
    """

    exponent: float
    generator: np.random.Generator

    def cut(self, skill: str, distractors: int, most: int) -> tuple[str, str]:
        """A sentence in two parts, of which the second tests a rule.

        Args:
          skill: the rule.
          distractors: nouns between the subject and what must agree with it.
          most: such nouns that a sentence may have.
        """
        if skill.startswith("agreement"):
            if distractors < most and self._chance(_NESTED):
                outer = [*self._noun_phrase(_NO), "that"]
                words = [*outer, *self.subject(distractors, _NO_OTHER)]
                return " ".join(words), " ".join(
                    [self.verb("object", words), *self._after(outer[:2])]
                )
            words = self.subject(distractors, _NO)
            before = ["ever"] if words[0] == "no" and self._chance(_EVER) else []
            rest = self._after(words)
            if before and self._chance(0.5):
                words, before = [*words, *before], []
            return " ".join(words), " ".join([*before, *rest])
        kind = "self" if skill == "anaphora" else "also"
        words = self.subject(distractors, _NO)
        phrase = self._phrase(kind, words)
        return " ".join([*words, phrase[0]]), " ".join(
            [*phrase[1:], *self._more(words)]
        )

    def licensed(self, distractors: int) -> tuple[str, str]:
        """A sentence in two parts, of which the second needs `no` in the first."""
        words = self.subject(distractors, 1)
        verb = self.verb("alone", words)
        return " ".join(words), " ".join(["ever", verb, *self._more(words)])

    def subject(self, distractors: int, no: float) -> list[str]:
        """A noun phrase with so many nouns after its own."""
        words, left = self._noun_phrase(no), distractors
        if left and self._chance(_RELATIVE):
            if self._chance(0.5):
                verb = self.verb("object", words)
                words += ["that", verb, *self._noun_phrase(_NO_OTHER)]
                left -= 1
            else:
                inside = int(self.generator.integers(left))
                clause = self.subject(inside, _NO_OTHER)
                words += ["that", *clause, self.verb("object", clause)]
                left -= 1 + inside
        for _ in range(left):
            words += [self._word(PREPOSITIONS), *self._noun_phrase(_NO_OTHER)]
        return words

    def verb(self, kind: str, subject: Sequence[str]) -> str:
        """A verb that agrees with a subject, which ends where its verb may come."""
        one, several = FORMS[kind][self._rank(len(FORMS[kind]))]
        reading, _ = read_words(list(subject))
        return several if reading.subjects[-1].plural else one

    def _after(self, subject: Sequence[str]) -> list[str]:
        """What a sentence needs after its subject, and perhaps more."""
        kinds = list(_KINDS)
        kind = kinds[self.generator.choice(len(kinds), p=list(_KINDS.values()))]
        return [*self._phrase(kind, subject), *self._more(subject)]

    def _phrase(self, kind: str, subject: Sequence[str]) -> list[str]:
        """A verb of this class, and what it needs."""
        words = [self.verb(kind, subject)]
        own = LEXICON[subject[1]]
        if kind == "object":
            words += self._noun_phrase(_NO_OTHER)
        elif kind == "self":
            words.append(REFLEXIVES["" if own.plural else own.gender])
        elif kind == "also":
            words.append("either" if subject[0] == "no" else "too")
        return words

    def _more(self, subject: Sequence[str]) -> list[str]:
        """Another verb, sometimes."""
        return ["and", self.verb("alone", subject)] if self._chance(_AND) else []

    def _noun_phrase(self, no: float) -> list[str]:
        noun = NOUNS[self._rank(len(NOUNS))][self._chance(_PLURAL)]
        return ["no" if self._chance(no) else "the", noun]

    def _word(self, words: Sequence[str]) -> str:
        return words[self._rank(len(words))]

    def _rank(self, num: int) -> int:
        upto = _upto(num, self.exponent)
        return int(np.searchsorted(upto, self.generator.random(), side="right"))

    def _chance(self, share: float) -> bool:
        return bool(self.generator.random() < share)


@functools.cache
def _upto(num: int, exponent: float) -> np.ndarray:
    """Shares of all ranks up to each but the last one."""
    return np.cumsum(zipf(num, exponent))[:-1]


def longest_sentence(distractors: int) -> int:
    """Characters of the longest document, its end and all marks included."""

    def most(words: Sequence[str]) -> int:
        return max(map(len, words))

    noun = 1 + len("the ") + most([word for own in NOUNS for word in own[:2]])
    verbs = {kind: 1 + most([one for one, _ in forms]) for kind, forms in FORMS.items()}
    phrase = max(
        verbs["object"] + noun,
        verbs["self"] + 1 + most(list(REFLEXIVES.values())),
        verbs["also"] + len(" either"),
    )
    phrase += len(" and") + verbs["alone"]
    clause = len(" that") + verbs["object"] + noun
    plain = noun + distractors * clause + len(" ever") + phrase
    nested = noun + distractors * clause + phrase  # a clause less, and its beginning
    return max(plain, nested) + len("|.\n") - 2  # no spaces at the start and at the |
