"""The grammar, as a parser that reads a sentence word by word.

* sentence: noun phrase, `ever` or not, verb phrase, `and` and verb phrases
* noun phrase: `the` or `no`, noun, perhaps a relative clause, then any `near the cats`
* relative clause: `that` and a verb, with an object or alone, of which the noun is the
  subject; or `that`, a noun phrase and its verb, of which the noun is the object
* verb phrase: a verb and what its class needs: nothing, an object, a reflexive pronoun,
  or `too` or `either`; then perhaps `too` or `either`

Three rules go beyond classes of words. A verb agrees with its subject in number
(agreement), and a reflexive pronoun with the subject in number and gender (anaphora).
`ever` and `either` need `no` before the noun of the subject of the sentence, and `too`
must not have it there (licensing).

Grammars read from files (`data.grammars`) have shares of rules that models learn, and
no features; their parser finds all derivations. Here a sentence has at most one.
"""

from typing import NamedTuple

from collapse.data.worlds.grammar.lexicon import LEXICON, VERBS, Lexeme


class Subject(NamedTuple):
    """A subject whose verb is still to come.

    Attributes:
      plural: its number.
      gender: of the noun.
      negative: whether its determiner is `no`.
      since: number of nouns after its own, which may distract from it.
    """

    plural: bool
    gender: str
    negative: bool
    since: int = 0


class Reading(NamedTuple):
    """How far a sentence has been read.

    Attributes:
      point: what was read last: `start`, `det`, `head` (the noun of a subject),
        `subject` (more than its noun), `that`, `before` (a word that must be followed
        by a verb), `prep`, `object`, `self`, `also` (verbs of these classes), `end` (a
        verb phrase), or `closed` (a verb phrase with `too` or `either`).
      subjects: that of the sentence first, then those of clauses that are open.
      purpose: of the noun phrase that is being read: `subject`, `clause` (part of a
        subject) or `predicate`.
      negative: whether the last determiner was `no`.
    """

    point: str = "start"
    subjects: tuple[Subject, ...] = ()
    purpose: str = "subject"
    negative: bool = False

    @property
    def complete(self) -> bool:
        """Whether the sentence may end here."""
        return self.point in ("end", "closed")

    @property
    def skill(self) -> str:
        """The rule that decides how the sentence can go on; "" if none does."""
        if self.point in ("head", "subject", "before"):
            return f"agreement {self.subjects[-1].since}"
        return {"self": "anaphora", "also": "licensing"}.get(self.point, "")


START = Reading()


def step(reading: Reading, word: str) -> tuple[Reading, str]:
    """The reading after one more word of the lexicon, and the rule that it breaks.

    The rule is "" if none is broken, and `word` if the class of the word cannot stand
    here; then the reading is the one of before.
    """
    lexeme = LEXICON[word]
    if lexeme.kind == "det":
        found = _determiner(reading, lexeme)
    elif lexeme.kind == "noun":
        found = _noun(reading, lexeme)
    elif lexeme.kind in VERBS:
        found = _verb(reading, lexeme)
    else:
        found = _other(reading, lexeme)
    if found is None:
        return reading, "word"
    return found, _broken(reading, lexeme)


def _broken(reading: Reading, lexeme: Lexeme) -> str:
    """The rule that a word breaks whose class is right; "" if none."""
    if lexeme.kind in VERBS and lexeme.plural != reading.subjects[-1].plural:
        return "agreement"
    if lexeme.kind == "refl":
        subject = reading.subjects[0]
        gender = "" if subject.plural else subject.gender
        return "" if lexeme.gender == gender else "anaphora"
    if lexeme.kind in ("ever", "polar"):
        right = lexeme.negative == reading.subjects[0].negative
        return "" if right else "licensing"
    return ""


def _determiner(reading: Reading, lexeme: Lexeme) -> Reading | None:
    if reading.point not in ("start", "that", "prep", "object"):
        return None
    purpose = "subject" if reading.point == "that" else reading.purpose
    return reading._replace(point="det", purpose=purpose, negative=lexeme.negative)


def _noun(reading: Reading, lexeme: Lexeme) -> Reading | None:
    if reading.point != "det":
        return None
    subjects = tuple(s._replace(since=s.since + 1) for s in reading.subjects)
    if reading.purpose == "subject":
        own = Subject(lexeme.plural, lexeme.gender, reading.negative)
        return reading._replace(point="head", subjects=(*subjects, own))
    point = "end" if reading.purpose == "predicate" else "subject"
    return reading._replace(point=point, subjects=subjects)


def _verb(reading: Reading, lexeme: Lexeme) -> Reading | None:
    """A verb of the sentence, or of a relative clause, where few classes can stand."""
    kind = lexeme.kind
    if reading.point == "that":
        if kind not in ("alone", "object"):
            return None
        point = "subject" if kind == "alone" else kind
        return reading._replace(point=point, purpose="clause")
    if reading.point not in ("head", "subject", "before"):
        return None
    if len(reading.subjects) == 1:
        point = "end" if kind == "alone" else kind
        return reading._replace(point=point, purpose="predicate")
    if kind != "object":
        return None
    return reading._replace(point="subject", subjects=reading.subjects[:-1])


def _other(reading: Reading, lexeme: Lexeme) -> Reading | None:
    point, kind = reading.point, lexeme.kind
    if kind == "prep" and point in ("head", "subject", "end"):
        purpose = "predicate" if point == "end" else "clause"
        return reading._replace(point="prep", purpose=purpose)
    if kind == "that" and point == "head":
        return reading._replace(point="that")
    is_subject = point in ("head", "subject") and len(reading.subjects) == 1
    if (kind == "ever" and is_subject) or (kind == "and" and reading.complete):
        return reading._replace(point="before")
    if kind == "refl" and point == "self":
        return reading._replace(point="end")
    if kind == "polar" and point in ("also", "end"):
        return reading._replace(point="closed")
    return None


def read_words(words: list[str], reading: Reading = START) -> tuple[Reading, str]:
    """The reading after several words of the lexicon, and the first rule broken.

    A word whose class cannot stand where it does, `word`, comes before all rules.
    """
    first = ""
    for word in words:
        reading, broken = step(reading, word)
        if broken == "word":
            return reading, broken
        first = first or broken
    return reading, first
